"""Where staff makes a test payment: an order of its own, with a real hold, a real notification, and no real money."""

from typing import Any
from uuid import UUID

from gatepass.domain.errors import Conflict, Refused
from gatepass.domain.registration import Attendee, Register
from gatepass.services import registrations
from gatepass.services.access import Caller
from gatepass.services.links import Links
from gatepass.store import ReadTx, Store, events

LAST_NAME = "Test payment"
EVENTS_TO_TRY = 20
"""The next ones are enough to choose from."""


def passes_to_try(tx: ReadTx, provider_id: UUID) -> list[dict[str, Any]]:
    """Passes on sale whose money this provider takes, the cheapest first: `id`, `name`, `event`, `price`."""
    found = [
        {"id": each.id, "name": each.name, "event": one.name, "price": each.price}
        for one in events.published(tx, EVENTS_TO_TRY, provider_id) for each in one.passes if each.price.minor and each.left > 0
    ]  # fmt: skip
    return sorted(found, key=lambda one: one["price"].amount)


async def test_payment(store: Store, links: Links, caller: Caller, pass_id: UUID | None, *, live: bool) -> str:
    """Register the caller for this pass; the address of the payment. Raises Refused (live money, no pass), Conflict."""
    if live:
        raise Refused(
            "TestPaymentLive", "This installation takes live money. Buy a cheap pass and give the money back."
        )
    event = await store.read(lambda tx: _event_of(tx, pass_id))
    if event is None:
        raise Refused("PassMissing", "Choose a pass of a live event to pay for.", field="pass")
    person = Attendee(caller.name[:50] or "Staff", LAST_NAME, _address(caller), pass_id)
    made = await registrations.register(store, Register(event, [person], None, None, None))
    if made.payment_page_url is None:
        raise Conflict("NothingToPay", "This pass cannot be paid for: see the checklist of its event.")
    return links.pay(made.payment_page_url, made.purchase_id, links.order(made.purchase_id, made.created))


def _event_of(tx: ReadTx, pass_id: UUID | None) -> str | None:
    found = (one.readable_id for one in events.published(tx) if any(each.id == pass_id for each in one.passes))
    return next(found, None)


def _address(caller: Caller) -> str:
    return caller.name if "@" in caller.name else "test@example.org"
