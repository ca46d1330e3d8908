"""Where a buyer comes back to the form of an order that is not paid: the corrected order takes its place, and its seats.

Both happen in one transaction, and never while money may come for the earlier one: its payment is ended at the provider
first, and where that is too late the earlier order stays as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from gatepass.domain.errors import GatepassError
from gatepass.domain.payment import MONEY, Payment
from gatepass.domain.purchase import PAID, Status
from gatepass.domain.registration import Register, checked_attendees
from gatepass.services import holds, registrations
from gatepass.services.checkout import Desk
from gatepass.services.finalize import Finalize, Word, finalize_in
from gatepass.services.registrations import Registered, wish_of
from gatepass.services.withdrawals import ACTOR, end_payments
from gatepass.store import ReadTx, WriteTx, payments, purchases, timeline
from gatepass.store.purchases import Purchase

SOURCE = "correction"
_ENDED = frozenset({Status.CANCELLED, Status.EXPIRED})


@dataclass(frozen=True, slots=True)
class Earlier:
    """The order that a form has made."""

    purchase: Purchase
    stands: bool
    """Money has come for it, or may be under way: nothing takes its place."""
    seats: Sequence[UUID | None]
    """The passes of the seats that it holds, and would give back."""


def earlier(tx: ReadTx, key: str) -> Earlier | None:
    """The order that was made with this idempotency key, if it still has it."""
    found = purchases.by_idempotency_key(tx, [key]).get(key)
    if found is None:
        return None
    return Earlier(found, _stands(found, payments.of_purchase(tx, found.id)), _seats(tx, found))


async def correct(desk: Desk, command: Register) -> Registered:
    """Register in place of the order that has the same idempotency key; the same wish again is the same order.

    Returns the earlier order where it stays as it is. Raises as `registrations.register` does, and Unavailable when the
    provider does not answer; the earlier order then still holds its seats.
    """
    checked = replace(command, attendees=checked_attendees(command.attendees))
    before = await desk.store.read(lambda tx: _current(tx, checked))
    if before and before.status is Status.AWAITING_PAYMENT and before.wish != wish_of(checked):
        await end_payments(desk, before.id)
    return await desk.store.write(partial(_correct, checked))


def _correct(command: Register, tx: WriteTx) -> Registered:
    before = _locked(tx, command)
    if before is None or (before.wish == wish_of(command) and before.status not in _ENDED):
        return registrations.register_in(tx, command)
    attempts = payments.lock_of_purchases(tx, [before.id])
    if _stands(before, attempts) or any(one.open for one in attempts):
        return Registered(before.id, before.status, None, before.return_url, before.created)
    seats = _seats(tx, before)
    _give_back(tx, before)
    made = registrations.register_in(tx, replace(command, own_seats=seats))
    if seats and before.hold_until and before.hold_until > tx.now and made.status is Status.AWAITING_PAYMENT:
        _keep_time(tx, before.id, made, before.hold_until)
    return made


def _keep_time(tx: WriteTx, before_id: UUID, made: Registered, until: datetime) -> None:
    """The seats are held as long as they were: to correct an order gives nobody more time, and takes none away."""
    purchases.set_status(tx, [(made.purchase_id, made.status, until)], {})
    if timeline.count(tx, before_id, holds.EXTENDED):
        timeline.add(tx, [(made.purchase_id, holds.EXTENDED, {"until": until.isoformat()})])


def _locked(tx: WriteTx, command: Register) -> Purchase | None:
    """The earlier order, locked. Another correction may have been faster: then its order is the earlier one."""
    while before := _current(tx, command):
        purchases.lock(tx, [before.id])
        now = _current(tx, command)
        if now and now.id == before.id:
            return now
    return None


def _current(tx: ReadTx, command: Register) -> Purchase | None:
    key = command.idempotency_key or ""
    return purchases.by_idempotency_key(tx, [key]).get(key)


def _stands(purchase: Purchase, attempts: Sequence[Payment]) -> bool:
    moved = any(one.state in MONEY or one.reason_code == "mismatch" for one in attempts)
    return moved or purchase.status in PAID


def _seats(tx: ReadTx, purchase: Purchase) -> Sequence[UUID | None]:
    holds = purchase.status is Status.AWAITING_PAYMENT
    return [person.pass_id for person in purchases.attendees(tx, [purchase.id])] if holds else ()


def _give_back(tx: WriteTx, before: Purchase) -> None:
    if before.status is Status.AWAITING_PAYMENT:
        outcome = finalize_in(tx, Finalize(before.id, Word.CANCELLED, ACTOR, SOURCE))
        if isinstance(outcome, GatepassError):
            raise outcome
    purchases.free_key(tx, before.id)
