"""Where a buyer cancels: an order that is not paid yet, or was free. Where money has moved, a person decides."""

import asyncio
from uuid import UUID

from gatepass.domain.errors import Conflict, GatepassError, Unavailable
from gatepass.domain.payment import PaymentState
from gatepass.domain.purchase import Status
from gatepass.services import audit, finalize
from gatepass.services.checkout import PATIENCE_S, Desk
from gatepass.services.purchases import release
from gatepass.store import ReadTx, WriteTx, payments, purchases
from gatepass.store.purchases import Purchase

ACTOR = "buyer"
_MOVED = frozenset({PaymentState.PROCESSING, PaymentState.SUCCEEDED})


def may_cancel(tx: ReadTx, purchase: Purchase) -> bool:
    """True when no money has moved, and none is under way."""
    if purchase.status is Status.COMPLETED:
        return not purchase.total.minor
    attempts = payments.of_purchase(tx, purchase.id)
    doubtful = any(row.state in _MOVED or row.reason_code == "mismatch" for row in attempts)
    return purchase.status is Status.AWAITING_PAYMENT and not doubtful


async def cancel(desk: Desk, purchase_id: UUID) -> None:
    """Free the seats, once the provider says that nothing can be paid for them any more.

    Raises Conflict when money has moved meanwhile, Unavailable when the provider does not answer; the order then stands.
    """
    await end_payments(desk, purchase_id)
    outcome = await desk.store.write(lambda tx: _cancel(tx, purchase_id))
    if isinstance(outcome, GatepassError):
        raise outcome


async def end_payments(desk: Desk, purchase_id: UUID) -> None:
    """End what can still be paid. What the provider says to it is recorded, money that was faster as well. Raises Unavailable."""
    attempts = await desk.store.read(lambda tx: payments.of_purchase(tx, purchase_id))
    try:
        async with asyncio.timeout(PATIENCE_S):
            for one in attempts:
                if one.state is PaymentState.CREATED:
                    await desk.ledger.end(desk.connected(one.provider), one)
    except TimeoutError:
        raise Unavailable("ProviderSilent", "The payment provider does not answer.") from None


def _cancel(tx: WriteTx, purchase_id: UUID) -> object:
    purchase = purchases.lock(tx, [purchase_id]).get(purchase_id)
    if purchase is None or not may_cancel(tx, purchase):
        return Conflict("CancelByOrganizer", "Only the organizer can cancel this order: money has moved for it.")
    if any(row.open for row in payments.of_purchase(tx, purchase_id)):
        return Unavailable("PaymentOpened", "A payment page of this order was opened just now. Cancel again.")
    if purchase.status is Status.COMPLETED:
        release(tx, {purchase_id: None})
        before, after = {"registrations": "held"}, {"registrations": "ended", "source": "page"}
        audit.write(tx, ACTOR, "cancel", f"purchase:{purchase_id}", before=before, after=after)
        return None
    return finalize.finalize_in(tx, finalize.Finalize(purchase_id, finalize.Word.CANCELLED, ACTOR, "page"))
