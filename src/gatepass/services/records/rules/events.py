"""Rules of events and their parts: seats, prices, times, and what may be published."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gatepass import model
from gatepass.domain.event import EventStatus, is_color, time_zones
from gatepass.domain.text import is_public_email
from gatepass.services import pictures
from gatepass.services.records import money, refusals
from gatepass.services.records.change import Change
from gatepass.services.records.rules import addresses
from gatepass.services.setup import readable_id
from gatepass.store import WriteTx, purchases, rows
from gatepass.store.tables import Row

_EVENT, _PASS, _SESSION = (model.BY_NAME[name] for name in ("event", "pass", "session"))


def event(change: Change) -> None:
    """An event keeps its promises to those who hold seats."""
    if change.new:
        _complete(change)
    _check_times(change, "event", "starts", "ends")
    _check_times(change, "registration", "registration_opens", "registration_closes")
    _check_zone(change)
    _check_color(change)
    _check_contact(change)
    _check_capacity(change)
    _check_payments(change)
    _check_status(change)
    _check_active(change)
    addresses.check(change, *({"image_url", "publiceventurl"} & change.after.keys()))
    if change.changes("image_url"):
        pictures.hasten(change.tx)
    if not change.new and change.changes("currency"):
        _change_currency(change)


def _complete(change: Change) -> None:
    after = change.after
    after["readable_id"] = after["readable_id"] or readable_id(after["name"] or "")
    if "payment_enabled" not in change.given:
        after["payment_enabled"] = after["payment_provider_id"] is not None


def _check_times(change: Change, what: str, starts: str, ends: str) -> None:
    first: datetime | None = change.after[starts]
    last: datetime | None = change.after[ends]
    if first and last and last <= first and change.changes(starts, ends):
        raise change.broken(ends, f"The {what} ends before it has started: it must end after {first.isoformat()}.")


def _check_zone(change: Change) -> None:
    name = change.after["time_zone"]
    if name is not None and change.changes("time_zone") and name not in time_zones():
        raise change.broken("time_zone", f"There is no time zone '{name}'. Use an IANA name such as Europe/Berlin.")


def _check_contact(change: Change) -> None:
    address = change.after["contact_email"]
    if address and change.changes("contact_email") and not is_public_email(address):
        raise change.broken(
            "contact_email",
            "The contact email is written like events@contoso.com: one address, without a name or a subject.",
        )


def _check_color(change: Change) -> None:
    color = change.after["color"]
    if color is not None and change.changes("color") and not is_color(color):
        raise change.broken(
            "color", "The colour is written as # and six of the digits 0 to 9 and a to f, such as #0a7f6f."
        )


def _check_capacity(change: Change) -> None:
    capacity = change.after["capacity"]
    if capacity is None or not change.changes("capacity"):
        return
    taken = change.after["held"] + change.after["sold"]
    if capacity < taken:
        raise change.broken("capacity", f"The capacity cannot go below the {taken} seats that are held or sold.")
    sessions = [] if change.new else rows.matching(change.tx, _SESSION, {"event_id": change.id})
    largest = max((one["capacity"] or 0 for one in sessions), default=0)
    if capacity < largest:
        raise change.broken(
            "capacity", f"A session of this event takes {largest} people. Lower the capacity of the session first."
        )


def _check_payments(change: Change) -> None:
    asked = change.changes("payment_enabled", "payment_provider_id")
    if asked and change.after["payment_enabled"] and change.after["payment_provider_id"] is None:
        raise change.broken(
            "payment_provider_id",
            "Enabling the payment gateway needs a payment provider: set msevtmgt_PaymentProviderId, or set "
            "msevtmgt_enablepaymentgateway to false.",
        )


def _check_status(change: Change) -> None:
    cancelled = EventStatus.CANCELLED.value
    if change.new or not change.changes("status"):
        return
    if change.was("status") == cancelled:
        raise change.broken("status", "This event is called off, and stays so. Make a new event instead.")
    if change.after["status"] == cancelled and purchases.count_by_status(change.tx, change.id):
        raise change.broken(
            "status",
            "Orders of this event hold seats or money. Call it off with `gatepass call-off`: then everybody gets their "
            "money back.",
        )


def _check_active(change: Change) -> None:
    if change.after["state"] and change.after["status"] == EventStatus.LIVE.value and change.changes("state", "status"):
        raise change.broken(
            "status", "An inactive event cannot be live. Set msevtmgt_publishstatus to draft: that takes it off sale."
        )


def _change_currency(change: Change) -> None:
    """Prices of passes stay the same amounts. What somebody has ordered keeps its currency, so there must be no order."""
    if rows.id_by(change.tx, model.BY_NAME["purchase"], {"event_id": change.id}):
        raise change.broken(
            "currency", "The currency of an event cannot change once there are orders. Make a new event instead."
        )
    currency = change.after["currency"]
    for row in rows.matching(change.tx, _PASS, {"event_id": change.id}):
        rows.change(change.tx, _PASS, row["id"], money.repriced(_PASS, row, change.was("currency"), currency))


def event_goes(tx: WriteTx, before: Row) -> None:
    """An event stays while it is on sale, for somebody may be filling in its form; and for ever, once there are orders."""
    if rows.id_by(tx, model.BY_NAME["purchase"], {"event_id": before["id"]}):
        raise refusals.in_use(_EVENT, before["id"], model.BY_NAME["purchase"])
    if before["status"] == EventStatus.LIVE.value:
        raise refusals.broken("This event is live. Take it off sale first: set msevtmgt_publishstatus to draft.")


def event_pass(change: Change) -> None:
    """A pass never has fewer places than are held or sold. A new price counts for new orders only."""
    after = change.after
    owner = change.target("event_id", "event")
    if owner is not None:
        after["currency"] = owner["currency"]
    price, allocation = after["price_minor"], after["allocation"]
    if price is not None and price < 0:
        raise change.broken("price_minor", "The price of a pass cannot be below zero.")
    taken = after["held"] + after["sold"]
    if allocation is not None and allocation < taken:
        raise change.broken("allocation", f"{taken} of these passes are held or sold: no fewer can be allocated.")
    if after["state"] and change.changes("state"):
        raise change.broken(
            "state",
            f"A pass is taken off sale by its number: set msevtmgt_noofpassesallocated to the {taken} that are held or sold.",
        )


def pass_goes(_tx: WriteTx, before: Row) -> None:
    """A pass with seats stays."""
    if taken := before["held"] + before["sold"]:
        raise refusals.broken(
            f"{taken} seats of this pass are held or sold. Refund those orders first, or set the number of passes "
            f"allocated to {taken}: then no more are sold."
        )


def session(change: Change) -> None:
    """A session never takes more people than its event, nor fewer than are registered."""
    after = change.after
    _check_times(change, "session", "starttime", "endtime")
    owner = change.target("event_id", "event")
    registered = 0 if change.new else attending(change.tx, change.id)
    if registered and change.changes("event_id"):
        raise change.broken("event_id", "People are registered for this session: it stays with its event.")
    capacity = after["capacity"]
    if capacity is None or not change.changes("capacity", "event_id"):
        return
    most = owner["capacity"] if owner else None
    if most is not None and capacity > most:
        raise change.broken(
            "capacity", f"The event takes {most} people, so a session cannot take {capacity}. Raise the event's first."
        )
    if capacity < registered:
        raise change.broken(
            "capacity", f"{registered} people are registered for this session: its capacity cannot go below that."
        )


def attending(tx: WriteTx, session_id: UUID, but: UUID | None = None) -> int:
    """How many are registered for a session, leaving one of the registrations out."""
    registrations = rows.matching(tx, model.BY_NAME["session_registration"], {"session_id": session_id})
    return sum(takes_a_place(one) for one in registrations if one["id"] != but)


WAITLISTED = 100000001
"""Status reason of a session registration."""


def takes_a_place(row: Mapping[str, Any]) -> bool:
    """True for a session registration that is neither cancelled nor waits."""
    return row["state"] == 0 and not row["iscanceled"] and row["reason"] != WAITLISTED


def session_track(change: Change) -> None:
    """A track stays with its event while sessions are on it."""
    if not change.new and change.changes("event_id"):
        raise change.broken("event_id", "A session track cannot move to another event. Make a new one there.")


def speaker_engagement(change: Change) -> None:
    """A speaker speaks in a session of the same event."""
    _check_times(change, "engagement", "starttime", "endtime")
    spoken_in = change.target("session_id", "session")
    if spoken_in is not None and spoken_in["event_id"] != change.after["event_id"]:
        raise change.broken("session_id", "The session belongs to another event. Choose one of this event.")
