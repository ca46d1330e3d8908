"""What the provider says of refunds: the only place where one changes, and where one that was made at its dashboard arrives."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from gatepass.domain.errors import Conflict
from gatepass.domain.keys import with_next_key
from gatepass.domain.payment import Payment
from gatepass.domain.refund import Cause, Refund, RefundReport, RefundState
from gatepass.services import attention
from gatepass.services.management import EventManagement
from gatepass.services.refunds import entry, gone, left_of, left_of_all, let_know, succeeded
from gatepass.store import Store, WriteTx, inbox, jobs, payments, purchases, records, refunds, timeline
from gatepass.store.inbox import NotificationState
from gatepass.store.jobs import Job
from gatepass.store.tables import new_id

LOOK_AGAIN = timedelta(minutes=1)
"""After the first answer of the provider; then ever more rarely."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything the provider says about the refunds of one payment, and what made us ask."""

    payment: Payment
    reports: Sequence[RefundReport]
    claim: Job | None = None
    notification_id: UUID | None = None


async def record(store: Store, management: EventManagement, told: Told) -> None:
    """Bring our refunds to what the provider says; one that was made there becomes a row of ours, and has its effect."""
    await store.write(lambda tx: _record(tx, management, told))


def tell(tx: WriteTx, management: EventManagement, one: Refund, report: RefundReport) -> Refund:
    """The provider's answer about one refund of ours; the row as it stands then."""
    management.lock(tx, [one.purchase_id])
    payments.lock_of_purchases(tx, [one.purchase_id])
    return _changed(tx, refunds.get(tx, one.id) or one, report)


def next_opening(tx: WriteTx, one: Refund) -> Refund:
    """Use a fresh key from now on."""
    payments.lock_of_purchases(tx, [one.purchase_id])
    fresh = with_next_key(refunds.get(tx, one.id) or one, one)
    refunds.save(tx, [fresh])
    return fresh


def _record(tx: WriteTx, management: EventManagement, told: Told) -> None:
    if told.claim and not jobs.held(tx, [told.claim]):
        raise Conflict("JobTaken", "Another node has taken this work over.")
    management.lock(tx, [told.payment.purchase_id])
    paid = succeeded(payments.lock_of_purchases(tx, [told.payment.purchase_id]))
    known = refunds.of_purchases(tx, [told.payment.purchase_id])
    made_there = False
    # Money that we do not count as paid, such as one of a wrong amount, is looked at by a person; so are its refunds.
    counted = told.payment.id in {row.id for row in paid}
    for report in told.reports if counted else ():
        mine = _mine(known, told.payment, report)
        if mine:
            _changed(tx, mine, report)
        else:
            made_there |= _adopt(tx, told.payment, report)
    if made_there:
        _follow(tx, management, told.payment.purchase_id, paid)
    if told.notification_id:
        inbox.set_state(tx, [(told.notification_id, NotificationState.APPLIED, None, told.payment)])
    if told.claim and told.claim.kind == "apply_notification":
        jobs.finish(tx, [told.claim.id])


def _mine(known: Sequence[Refund], payment: Payment, report: RefundReport) -> Refund | None:
    """The row that a report is about, by the provider's id or by ours, which only counts for the same payment."""
    for one in known:
        if one.payment_id == payment.id and (one.refund_ref == report.refund_ref or str(one.id) == report.refund_id):
            return one
    return None


def _changed(tx: WriteTx, before: Refund, report: RefundReport) -> Refund:
    now = before.told(report)
    if not report.refund_ref:
        now = replace(now, refund_ref=before.refund_ref)
    if now == before:
        return before
    refunds.save(tx, [now])
    if now.state is not before.state:
        timeline.add(tx, [entry(now)])
        _follow_state(tx, now)
    return now


def _follow_state(tx: WriteTx, now: Refund) -> None:
    if now.state is RefundState.SUCCEEDED:
        _answer_failed(tx, now)
    if now.counts:
        let_know(tx, now)
        return
    why = (now.reason_text or now.state.value).rstrip(".")
    reason = f"The refund of {now.amount} failed: {why}. Look at the payment at the provider"
    records.call_attention(
        tx, "refund_failed", f"{reason}, then try again or pay it back another way.", dedupe=_failed(now),
        purchase_id=now.purchase_id, payment_id=now.payment_id,
    )  # fmt: skip


def _answer_failed(tx: WriteTx, arrived: Refund) -> None:
    """One that failed is no question any more once as much of its payment went back after it, or nothing is left."""
    known = [one for one in refunds.of_purchases(tx, [arrived.purchase_id]) if one.payment_id == arrived.payment_id]
    paid = payments.get(tx, arrived.payment_id)
    all_gone = paid is not None and not left_of(paid, known)
    for one in known:
        as_much = one.requested < arrived.requested and one.amount.minor <= arrived.amount.minor
        if not one.counts and (as_much or all_gone):
            attention.close_by_key(tx, _failed(one), f"{arrived.amount} has gone back since", "policy")


def _failed(one: Refund) -> str:
    return f"refund_failed:{one.id}"


def _adopt(tx: WriteTx, payment: Payment, report: RefundReport) -> bool:
    """A refund that was not asked for here: its row. True when it moves money."""
    if report.amount is None or report.amount.currency != payment.amount.currency or not report.amount.minor:
        reason = f"The provider reports refund {report.refund_ref} in an amount that does not fit. Look at it there."
        records.call_attention(
            tx, "refund_elsewhere", reason, dedupe=f"refund_elsewhere:{report.refund_ref}",
            purchase_id=payment.purchase_id, payment_id=payment.id,
        )  # fmt: skip
        return False
    found = Refund(
        id=new_id(),
        purchase_id=payment.purchase_id,
        payment_id=payment.id,
        provider=payment.provider,
        state=report.state,
        amount=report.amount,
        cause=Cause.PROVIDER,
        reason="Refunded at the payment provider.",
        actor=payment.provider,
        money_ref=report.money_ref,
        requested=report.made,
        refund_ref=report.refund_ref,
        reason_code=report.reason_code,
        reason_text=report.reason_text,
    )
    refunds.add(tx, [found])
    timeline.add(tx, [entry(found)])
    if found.on_its_way:
        jobs.add(tx, "send_refund", {"refund_id": str(found.id)}, dedupe=f"refund:{found.id}", due=tx.now + LOOK_AGAIN)
    _follow_state(tx, found)
    return found.counts


def _follow(tx: WriteTx, management: EventManagement, purchase_id: UUID, paid: Sequence[Payment]) -> None:
    """Somebody gave money back at the provider. All of it: the seats go too. A part of it: a person says whose."""
    kept = left_of_all(paid, gone(tx, [purchase_id]))
    if kept <= 0:
        management.release(tx, {purchase_id: None})
        attention.close_all_of(tx, purchase_id, "refunded in whole at the provider", "policy")
        return
    due = sum(person.price_minor for person in purchases.registered(tx, [purchase_id]))
    if kept < due:
        reason = (
            "A part was refunded at the provider. Say whose registration ends, or close this to leave all as they are."
        )
        records.call_attention(
            tx, "refund_elsewhere", reason, dedupe=f"refund_elsewhere:{purchase_id}:{kept}", purchase_id=purchase_id
        )
