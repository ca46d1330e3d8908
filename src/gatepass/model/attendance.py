"""What surrounds a registration: sessions, waitlist, check-in, and the answers to an event's own questions."""

from gatepass.model import choices
from gatepass.model.build import choice, flag, integer, key, lookup, memo, moment, standard, text
from gatepass.model.columns import Set
from gatepass.model.table import Table

SESSION_REGISTRATION = Table(
    "session_registration",
    "msevtmgt_sessionregistration",
    "msevtmgt_sessionregistrations",
    "msevtmgt_SessionRegistration",
    "Session registration",
    "Session registrations",
    "msevtmgt_name",
    (
        key("msevtmgt_sessionregistrationid"),
        text("msevtmgt_name", 100, "Name"),
        lookup("msevtmgt_sessionid", "msevtmgt_session", "Session", navigation="msevtmgt_SessionId", relationship="msevtmgt_session_sessionregistration", required=True),
        lookup("msevtmgt_contactid", "contact", "Contact", navigation="msevtmgt_ContactId", relationship="msevtmgt_contact_sessionregistration", required=True),
        lookup("msevtmgt_event", "msevtmgt_event", "Event", navigation="msevtmgt_Event"),
        lookup("msevtmgt_registrationid", "msevtmgt_eventregistration", "Registration", navigation="msevtmgt_RegistrationID"),
        flag("msevtmgt_iscanceled", "Is canceled"),
        choice("msevtmgt_publishingstate", choices.PUBLISHING, "Publishing state"),
        flag("msevtmgt_createdfromapi", "Created from API"),
        *standard(reasons=choices.SESSION_REGISTRATION_REASON),
    ),
    code=10030,
)  # fmt: skip

WAITLIST_ITEM = Table(
    "waitlist_item",
    "msevtmgt_waitlistitem",
    "msevtmgt_waitlistitems",
    "msevtmgt_WaitlistItem",
    "Waitlist item",
    "Waitlist items",
    "msevtmgt_name",
    (
        key("msevtmgt_waitlistitemid"),
        text("msevtmgt_name", 100, "Name"),
        lookup("msevtmgt_contact", "contact", "Contact", required=True),
        lookup("msevtmgt_event", "msevtmgt_event", "Event"),
        lookup("msevtmgt_session", "msevtmgt_session", "Session"),
        lookup("msevtmgt_addedby", "contact", "Added by", index=False),
        flag("msevtmgt_autoregister", "Automatically register"),
        flag("msevtmgt_invited", "Invited"),
        flag("msevtmgt_reserved", "Reserved"),
        text("msevtmgt_pregeneratedregistrationid", 100, "Pre-generated registration ID"),
        lookup("gatepass_passid", "msevtmgt_pass", "Pass", navigation="gatepass_PassId", index=False),
        lookup(
            "gatepass_purchaseid",
            "msevtmgt_eventpurchase",
            "Purchase",
            navigation="gatepass_PurchaseId",
            index=False,
            settable=Set.NEVER,
        ),
        text("gatepass_locale", 20, "Language", sql="locale"),
        *standard(),
    ),
    code=10031,
)

CHECK_IN = Table(
    "check_in",
    "msevtmgt_checkin",
    "msevtmgt_checkins",
    "msevtmgt_CheckIn",
    "Check-in",
    "Check-ins",
    "msevtmgt_name",
    (
        key("msevtmgt_checkinid"),
        text("msevtmgt_name", 100, "Name"),
        lookup("msevtmgt_registrationid", "msevtmgt_eventregistration", "Registration", navigation="msevtmgt_RegistrationId", relationship="msevtmgt_eventregistration_checkin", required=True),
        lookup("msevtmgt_contact", "contact", "Contact", navigation="msevtmgt_Contact"),
        lookup("msevtmgt_event", "msevtmgt_event", "Event", navigation="msevtmgt_Event"),
        lookup("msevtmgt_sessionattended", "msevtmgt_session", "Session attended", navigation="msevtmgt_SessionAttended"),
        lookup("msevtmgt_sessionregistration", "msevtmgt_sessionregistration", "Session registration", navigation="msevtmgt_SessionRegistration"),
        lookup("msevtmgt_purchasedpassesid", "msevtmgt_attendeepass", "Purchased pass", navigation="msevtmgt_PurchasedPassesId"),
        choice("msevtmgt_checkintype", choices.CHECK_IN, "Check-in type", required=True, default=100000001),
        moment("msevtmgt_checkintime", "Check-in time"),
        moment("msevtmgt_checkouttime", "Check-out time"),
        text("msevtmgt_registrationidfromqr", 100, "Registration ID from QR"),
        integer("msevtmgt_viewingdurationinmins", "Viewing duration in minutes", minimum=0),
        *standard(),
    ),
    code=10032,
)  # fmt: skip

CUSTOM_FIELD = Table(
    "custom_field",
    "msevtmgt_customregistrationfield",
    "msevtmgt_customregistrationfields",
    "msevtmgt_CustomRegistrationField",
    "Custom registration field",
    "Custom registration fields",
    "msevtmgt_text",
    (
        key("msevtmgt_customregistrationfieldid"),
        text("msevtmgt_text", 450, "Text", required=True),
        choice("msevtmgt_type", choices.FIELD_TYPE, "Type", required=True, default=100000000),
        flag("msevtmgt_isrequired", "Is required"),
        memo("msevtmgt_choices", 8000, "Choices"),
        *standard(),
    ),
    code=10033,
)

EVENT_FIELD = Table(
    "event_field",
    "msevtmgt_eventcustomregistrationfield",
    "msevtmgt_eventcustomregistrationfields",
    "msevtmgt_EventCustomRegistrationField",
    "Event custom registration field",
    "Event custom registration fields",
    "msevtmgt_name",
    (
        key("msevtmgt_eventcustomregistrationfieldid"),
        text("msevtmgt_name", 100, "Name"),
        lookup("msevtmgt_customregistrationfield", "msevtmgt_customregistrationfield", "Custom registration field", relationship="msevtmgt_customregistrationfield_event", required=True),
        lookup("msevtmgt_event", "msevtmgt_event", "Event", relationship="msevtmgt_event_customregistrationfield", required=True, cascade=True),
        integer("msevtmgt_order", "Order", sql="position"),
        *standard(),
    ),
    code=10034,
)  # fmt: skip

RESPONSE = Table(
    "registration_response",
    "msevtmgt_registrationresponse",
    "msevtmgt_registrationresponses",
    "msevtmgt_RegistrationResponse",
    "Registration response",
    "Registration responses",
    "msevtmgt_response",
    (
        key("msevtmgt_registrationresponseid"),
        memo("msevtmgt_response", 4000, "Response"),
        lookup("msevtmgt_customregistrationfield", "msevtmgt_customregistrationfield", "Custom registration field", required=True),
        lookup("msevtmgt_eventregistration", "msevtmgt_eventregistration", "Event registration", relationship="msevtmgt_eventregistration_response"),
        lookup("msevtmgt_eventpurchaseattendee", "msevtmgt_eventpurchaseattendee", "Event purchase attendee", sql="attendee_id", relationship="msevtmgt_eventpurchaseattendee_response"),
        lookup("msevtmgt_waitlistitem", "msevtmgt_waitlistitem", "Waitlist item"),
        flag("msevtmgt_createdfromapi", "Created from API"),
        *standard(),
    ),
    code=10035,
)  # fmt: skip

TABLES = (SESSION_REGISTRATION, WAITLIST_ITEM, CHECK_IN, CUSTOM_FIELD, EVENT_FIELD, RESPONSE)
