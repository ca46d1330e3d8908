"""Option sets (event-management.md, choices). Where the source names no values, ours begin at 1 or 700000000."""

from collections.abc import Mapping
from types import MappingProxyType

from gatepass.model.columns import Choice, Option

_BASE = 100000000
ACTIVE = Choice("statecode", (Option(0, "Active"), Option(1, "Inactive")))


def _from(name: str, first: int, *labels: str) -> Choice:
    return Choice(name, tuple(Option(first + at, label) for at, label in enumerate(labels)))


def _words(name: str, first: int, **labels: str) -> Choice:
    return Choice(name, tuple(Option(first + at, label, word) for at, (word, label) in enumerate(labels.items())))


PUBLISH_STATUS = _words(
    "msevtmgt_publishstatus", _BASE, draft="Draft", ready_to_go_live="Ready to go live", in_progress="In progress",
    live="Live", cancelled="Cancelled", going_live="Going live",
)  # fmt: skip
PUBLISH_NUMBERS = _from(
    "msevtmgt_publishstatus", _BASE, "Draft", "Ready to go live", "In progress", "Live", "Cancelled", "Going live"
)
"""The same where the number itself is stored."""
PAYMENT_STATUS = Choice("msevtmgt_paymentstatus", (Option(_BASE, "Cancelled"), Option(_BASE + 1, "Completed")))
PAYMENT_STATUS_OF: Mapping[str, object] = MappingProxyType(
    {"completed": _BASE + 1, "cancelled": _BASE, "expired": _BASE}
)
"""Finer states have no number on the wire: pending is null."""
PURCHASE_STATUS = _words(
    "gatepass_purchasestatus", 700000000, awaiting_payment="Awaiting payment", completed="Completed",
    cancelled="Cancelled", expired="Expired", paid_late="Paid late", waitlisted="Waitlisted",
)  # fmt: skip
LATE_POLICY = _words(
    "gatepass_latepaymentpolicy", 700000000, seat_else_refund="Seat again, else refund",
    seat_else_waitlist="Seat again, else waitlist", seat_else_attention="Seat again, else needs attention",
    refund="Refund", attention="Needs attention",
)  # fmt: skip
REGISTRATION_REASON = Choice(
    "msevtmgt_eventregistration_statuscode",
    (
        Option(1, "Registered", "registered", 0),
        Option(2, "Canceled", "cancelled", 1),
        Option(_BASE + 1, "Waitlisted", "waitlisted", 0),
        Option(_BASE + 2, "Checked in", "checked_in", 0),
    ),
)
SESSION_REGISTRATION_REASON = Choice(
    "msevtmgt_sessionregistration_statuscode",
    (
        Option(1, "Registered", state=0),
        Option(2, "Canceled", state=1),
        Option(_BASE + 1, "Waitlisted", state=0),
        Option(_BASE + 2, "Checked in", state=0),
        Option(_BASE + 3, "On hold", state=0),
    ),
)
PAYMENT_STATE = _words(
    "gatepass_paymentstate", 700000000, created="Created", processing="Processing", succeeded="Succeeded",
    failed="Failed", cancelled="Cancelled", expired="Expired",
)  # fmt: skip
PAYMENT_WAY = _words(
    "gatepass_paymentway", 700000000, redirect="On the provider's page", page="On the registration page",
)  # fmt: skip
REFUND_STATE = _words(
    "gatepass_refundstate", 700000000, requested="Requested", processing="Processing", succeeded="Succeeded",
    failed="Failed", cancelled="Cancelled",
)  # fmt: skip
NOTIFICATION_STATE = _words(
    "gatepass_notificationstate", 700000000, new="New", applied="Applied", ignored="Ignored", quarantined="Quarantined"
)
NO_YES = _from("msevtmgt_noyes", _BASE + 1, "No", "Yes")
YES = _BASE + 2
"""Of that one."""
YES_THEN_NO = _from("msevtmgt_yesno", _BASE + 1, "Yes", "No")
FORMAT = _from("msevtmgt_eventformat", _BASE + 1, "On site", "Webinar", "Hybrid")
EVENT_TYPE = _from(
    "msevtmgt_eventtype", _BASE + 1, "Executive briefing", "Conference", "Demonstration", "Training", "Webcast"
)
SESSION_TYPE = _from(
    "msevtmgt_sessiontype", _BASE, "Hands-on/lab", "Keynote", "General", "Brainstorming", "Breakout", "Training"
)
AUDIENCE = _from("msevtmgt_audiencetype", _BASE, "General", "Introductory", "Intermediate", "Advanced")
LANGUAGE = _from(
    "msevtmgt_language", _BASE, "English", "French", "German", "Spanish", "Italian", "Russian", "Dutch", "Turkish",
    "Portuguese", "Chinese (Simplified)", "Japanese", "Korean", "Hebrew", "Chinese (Traditional)",
)  # fmt: skip
SYNC_STATUS = _from(
    "msevtmgt_descriptorsyncstatus", _BASE, "Synced", "Going live", "Going live failed", "Modifying capacity",
    "Modifying capacity failed", "Not Synced",
)  # fmt: skip
SOURCE_SYSTEM = _from("msevtmgt_sourcesystem", _BASE + 1, "Outbound marketing", "Real-time Journeys")
WEBSITE = _from("msevtmgt_websitepreference", 192350001, "Standalone registration page", "Own website", "No website")
INTERNAL_STATUS = _from("msevtmgt_internalregistrationstatus", _BASE, "New", "Ready")
PUBLISHING = _from(
    "msevtmgt_publishingstate", _BASE, "Pending", "Published", "Parent webinar failed", "Failed to publish",
    "Webinar provider error",
)  # fmt: skip
PRIMARY_ROLE = _from("msevtmgt_primaryrole", _BASE, "Attendee", "Journalist", "Other")
CHECK_IN = _from("msevtmgt_checkintype", _BASE, "Session check-in", "Event check-in")
FIELD_TYPE = _from(
    "msevtmgt_customregistrationfieldtype", _BASE, "Simple text", "Boolean (yes/no)", "Multiple choice", "Single choice"
)
MATCHING = _from(
    "msevtmgt_contactmatchingstrategy", _BASE, "Email", "First and last name", "Email, first and last name",
    "Email and event owner",
)  # fmt: skip
INTERNAL_EXTERNAL = _from("msevtmgt_internalexternal", _BASE, "Internal", "External")
SPONSORSHIP_TYPE = _from("msevtmgt_sponsorshiptype", _BASE, "Monetary", "Services", "Equipment")
SPONSORSHIP_CATEGORY = _from("msevtmgt_sponsorshipcategory", _BASE, "Platinum", "Gold", "Silver", "Bronze")
USER_AUTHENTICATION = _from("msevtmgt_userauthenticationtype", _BASE, "None", "Azure Active Directory B2C")
