"""Where the provider is told to give money back, and asked how far it is. Each call can be repeated."""

from datetime import timedelta
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.refund import Refund, RefundReport, RefundState
from gatepass.providers.base import AnswerKept, PaymentProvider, RefundOrder
from gatepass.services.checkout import Desk
from gatepass.services.refund_reports import LOOK_AGAIN, Told, next_opening, record, tell
from gatepass.store import WriteTx, jobs, refunds
from gatepass.store.jobs import Job

LOOK_AGAIN_AT_MOST = timedelta(hours=6)
"""A bank takes up to ten days over a refund."""


async def send(desk: Desk, claim: Job) -> None:
    """Have the provider give the money back, or ask how far it is. Raises Unavailable to be tried again."""
    refund_id = UUID(claim.payload["refund_id"])
    one = await desk.store.read(lambda tx: refunds.get(tx, refund_id))
    if one is None:
        raise NotFound("RefundUnknown", f"There is no refund {refund_id}.")
    if one.on_its_way:
        one = await _told(desk, one, await _sent(desk, desk.connected(one.provider), one, claim))
    await desk.store.write(lambda tx: _look_again_later(tx, claim, one))


async def _told(desk: Desk, one: Refund, report: RefundReport) -> Refund:
    return await desk.store.write(lambda tx: tell(tx, desk.management, one, report))


async def _sent(desk: Desk, provider: PaymentProvider, one: Refund, claim: Job) -> RefundReport:
    # A provider forgets a key after a day: never repeat a call whose effect can be seen in its list.
    if (one.refund_ref or claim.attempt > 1) and (known := await _known(provider, one)):
        return known
    try:
        return await provider.refund(_order(one))
    except AnswerKept:
        if known := await _known(provider, one):
            return known
        fresh = await desk.store.write(lambda tx: next_opening(tx, one))
        return await provider.refund(_order(fresh))
    except Refused as refusal:
        return await _known(provider, one) or _failed(one, refusal)


async def _known(provider: PaymentProvider, one: Refund) -> RefundReport | None:
    for report in await provider.refunds(one.money_ref):
        if report.refund_id == str(one.id) or report.refund_ref == one.refund_ref:
            return report
    return None


def _order(one: Refund) -> RefundOrder:
    return RefundOrder(one.key, one.id, one.purchase_id, one.money_ref, one.amount)


def _failed(one: Refund, refusal: Refused) -> RefundReport:
    return RefundReport(
        refund_ref=one.refund_ref or "",
        state=RefundState.FAILED,
        amount=one.amount,
        money_ref=one.money_ref,
        refund_id=str(one.id),
        made=one.requested,
        reason_code=refusal.code,
        reason_text=refusal.message[:1000],
    )


def _look_again_later(tx: WriteTx, claim: Job, one: Refund) -> None:
    if not jobs.held(tx, [claim]):
        raise Conflict("JobTaken", "Another node has taken this work over.")
    if one.on_its_way:
        age = tx.now - one.requested
        jobs.again(tx, claim, tx.now + min(age / 5 + LOOK_AGAIN, LOOK_AGAIN_AT_MOST))
    else:
        jobs.finish(tx, [claim.id])


async def look_up(desk: Desk, provider: PaymentProvider, payment: Payment, claim: Job, notification_id: UUID) -> None:
    """A notification hints at a refund of this payment: ask the provider for all of them, and record what it says."""
    if payment.state is not PaymentState.SUCCEEDED:
        # It may be told before the money itself.
        payment = await desk.ledger.look_up(provider, payment)
    reports = await provider.refunds(payment.intent_ref) if payment.intent_ref else ()
    await record(desk.store, desk.management, Told(payment, reports, claim, notification_id))
