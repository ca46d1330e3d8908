"""Rules of orders and registrations: a program may make an order that is then paid as any other; money has an owner."""

from datetime import timedelta

from gatepass import model
from gatepass.domain.event import EventStatus
from gatepass.domain.purchase import Status, order_reference
from gatepass.services import switches
from gatepass.services.records import refusals
from gatepass.services.records.change import Change
from gatepass.services.registrations import DEFAULT_HOLD
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row

LOCALE = "en"
NO_REGISTRATION = (
    "A registration is made by a completed purchase, which counts its seat. POST the attendees to the events API at "
    "events/{readableEventId}/registrations; a free pass completes at once."
)
NO_ID = (
    "The id of an event purchase is made here. Leave it out: POST to msevtmgt_eventpurchases, and read the id from "
    "OData-EntityId."
)


def purchase(change: Change) -> None:
    """A new order has no attendees and holds no seats: it is a sum that somebody is to pay, until its hold ends."""
    if not change.new:
        _keep_number(change)
        return
    after = change.after
    event = change.target("event_id", "event")
    if event is None or after["total_minor"] is None:
        return
    if event["status"] == EventStatus.CANCELLED.value:
        raise refusals.broken(f"{event['name']} is called off: nothing more is sold.")
    if after["total_minor"] <= 0:
        raise refusals.broken(
            "An order without attendees needs a total price above zero. Free registrations go through the events API."
        )
    provider = _provider(change, event)
    hold = timedelta(minutes=provider["timeout_minutes"]) if provider else DEFAULT_HOLD
    after["name"] = after["name"] or order_reference(change.id)
    after |= {
        "status": Status.AWAITING_PAYMENT.value,
        "live": bool(provider and provider["live"]),
        "payment_provider_id": provider["id"] if provider else None,
        "items": after["name"],
        "locale": LOCALE,
        "hold_until": change.tx.now + hold,
    }


def _provider(change: Change, event: Row) -> Row | None:
    """By which the order can be paid; without one it waits for msevtmgt_finalizeregistrationpayment."""
    if not event["payment_enabled"] or not switches.on(change.tx, switches.PAYMENTS):
        return None
    at = event["payment_provider_id"]
    return rows.find(change.tx, model.BY_NAME["payment_provider"], at) if at else None


def _keep_number(change: Change) -> None:
    """A buyer was given it. Whoever makes orders over the Web API may give them names of his own."""
    if change.changes("name") and change.was("name") == order_reference(change.id):
        raise refusals.broken("The number of an order that was given here (msevtmgt_name) stays: its buyer has it.")


def purchase_goes(_tx: WriteTx, before: Row) -> None:
    """Money has an owner."""
    raise refusals.broken(
        f"Purchase {before['id']} cannot be deleted: it says who has paid what. Refund it with `gatepass refund`, or cancel "
        "it with the action msevtmgt_finalizeregistrationpayment while it is unpaid."
    )


def registration_goes(_tx: WriteTx, before: Row) -> None:
    """A registration ends, and stays on record."""
    raise refusals.broken(
        f"Registration {before['id']} cannot be deleted: money paid for it. Refund its purchase, or end it with "
        "`gatepass release`: then it is cancelled, and its seat is free."
    )
