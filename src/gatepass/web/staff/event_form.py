"""What staff say of an event, a pass and a question: which columns of the declarations the pages ask for, and in which words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gatepass import model
from gatepass.domain.event import time_zones
from gatepass.services.planning import PASS, QUESTION
from gatepass.store import ReadTx, rows
from gatepass.store.tables import Row
from gatepass.web.staff.fields import Form, Options

EVENT, _CURRENCY, _PROVIDER = (model.BY_NAME[name] for name in ("event", "transactioncurrency", "payment_provider"))

EVENT_PARTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "What it is": ("name", "place", "description", "image_url", "color", "contact_email"),
        "When": ("starts", "ends", "time_zone", "registration_opens", "registration_closes"),
        "Selling": (
            "currency", "capacity", "waitlistthisevent", "payment_enabled", "payment_provider_id", "late_policy", "refund_terms",
            "websitepreference",
        ),
    }
)  # fmt: skip
"""The parts of the form, each with our names of its columns."""
_EVENT_LABELS = {
    "payment_provider_id": "Payment provider",
    "image_url": "Image (address)",
    "registration_closes": "Registration closes",
    "late_policy": "Money that comes too late",
    "capacity": "Places in all",
    "waitlistthisevent": "Waiting list",
    "websitepreference": "Where do you want attendees to register for this event?",
}
_EVENT_HINTS = {
    "description": "The story on the registration page. **bold**, *italic*, lines that begin with - for a list.",
    "image_url": "An https address: we fetch it once and show our own copy. Or give a file on the event’s page.",
    "starts": "On the clock of the event’s own place.",
    "time_zone": "Such as Europe/Berlin.",
    "color": "Such as #0a7f6f. Empty: the standard one.",
    "contact_email": "Whom attendees ask.",
    "registration_opens": "In the event’s time zone. Empty: as soon as it is live.",
    "registration_closes": "In the event’s time zone. Empty: open until the end.",
    "capacity": "Empty: as many as the passes allow.",
    "waitlistthisevent": "Yes: when all seats are taken, people can leave their name; the next free seat is held for them.",
    "payment_enabled": "Off: nobody can buy a pass that has a price.",
    "late_policy": "A payment may arrive when its hold has ended. This says what becomes of it.",
    "refund_terms": "Staff see them before they give money back; say the same to attendees.",
    "currency": "Cannot change once there are orders.",
}
EVENT_NAMES = [name for names in EVENT_PARTS.values() for name in names]
PASS_NAMES = ("name", "description", "price_minor", "allocation")
QUESTION_NAMES = ("text", "type", "choices", "isrequired")
_PASS_LABELS = {"price_minor": "Price", "allocation": "Places"}
_QUESTION_LABELS = {"text": "Question", "isrequired": "Must be answered", "choices": "Answers to choose from"}
_QUESTION_HINTS = {
    "choices": "One in each line; for multiple and single choice.",
    "text": "As attendees read it.",
}


def event_form(tx: ReadTx, zone: str = "UTC") -> Form:
    """The form of an event, with the currencies and providers that there are."""
    return Form(
        EVENT,
        EVENT_NAMES,
        _EVENT_LABELS,
        _EVENT_HINTS,
        {"currency": currencies(tx), "payment_provider_id": named(rows.matching(tx, _PROVIDER, {}))},
        {"time_zone": sorted(time_zones())},
        zone=zone,
    )


def pass_form(currency: str) -> Form:
    """The form of a pass; its price is in the event's currency."""
    hints = {
        "price_minor": f"In {currency}. 0 is free. A new price counts for new orders only.",
        "allocation": "How many there are in all, sold ones included.",
    }
    return Form(PASS, PASS_NAMES, _PASS_LABELS, hints, currency=currency)


def question_form() -> Form:
    """The form of a question to attendees: text, yes or no, several choices, one choice."""
    return Form(QUESTION, QUESTION_NAMES, _QUESTION_LABELS, _QUESTION_HINTS)


def currencies(tx: ReadTx) -> Options:
    """What can be charged, by ISO code."""
    return sorted(
        ((str(row["id"]), str(row["iso_code"])) for row in rows.matching(tx, _CURRENCY, {}) if row["iso_code"]),
        key=lambda option: option[1],
    )


def named(found: Sequence[Row]) -> Options:
    """Records by their names."""
    return sorted(((str(row["id"]), str(row["name"])) for row in found), key=lambda option: option[1])
