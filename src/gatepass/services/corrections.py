"""Where a buyer comes back to the form of an order that is not paid: the corrected order takes its place, and its seats.

Both happen in one transaction, and never while money may come for the earlier one: its payment is ended at the provider
first, and where that is too late the earlier order stays as it is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from gatepass.domain.errors import GatepassError, Unavailable
from gatepass.domain.payment import MONEY, Payment, PaymentState
from gatepass.domain.purchase import PAID, Status
from gatepass.domain.registration import Register, checked_attendees
from gatepass.services import registrations
from gatepass.services.checkout import PATIENCE_S, Desk
from gatepass.services.finalize import Finalize, Word, finalize_in
from gatepass.services.registrations import Registered, wish_of
from gatepass.services.withdrawals import ACTOR
from gatepass.store import ReadTx, WriteTx, payments, purchases
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
        await _end_payments(desk, before.id)
    return await desk.store.write(partial(_correct, checked))


async def _end_payments(desk: Desk, purchase_id: UUID) -> None:
    """What the provider says to it is recorded, money that was faster as well."""
    attempts = await desk.store.read(lambda tx: payments.of_purchase(tx, purchase_id))
    try:
        async with asyncio.timeout(PATIENCE_S):
            for one in attempts:
                if one.state is PaymentState.CREATED:
                    await desk.ledger.end(desk.provider(one.provider), one)
    except TimeoutError:
        raise Unavailable("ProviderSilent", "The payment provider does not answer.") from None


def _correct(command: Register, tx: WriteTx) -> Registered:
    before = _locked(tx, command)
    if before is None or (before.wish == wish_of(command) and before.status not in _ENDED):
        return registrations.register_in(tx, command)
    attempts = payments.lock_of_purchases(tx, [before.id])
    if _stands(before, attempts) or any(one.open for one in attempts):
        return Registered(before.id, before.status, None, before.return_url, before.created)
    seats = _seats(tx, before)
    _give_back(tx, before)
    return registrations.register_in(tx, replace(command, own_seats=seats))


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
