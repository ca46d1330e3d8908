"""Where a buyer's bank takes money back: the dispute in sight, the seat flagged, and what may prove the sale collected."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gatepass.domain.dispute import Dispute, DisputeReport, DisputeState
from gatepass.domain.errors import Conflict, NotFound
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import PAID, order_reference
from gatepass.domain.refund import Refund
from gatepass.providers.base import PaymentProvider
from gatepass.services import attention
from gatepass.services.checkout import Desk
from gatepass.store import (
    ReadTx,
    Store,
    WriteTx,
    disputes,
    events,
    inbox,
    jobs,
    payments,
    purchases,
    records,
    refunds,
    timeline,
)
from gatepass.store.inbox import NotificationState
from gatepass.store.jobs import Job
from gatepass.store.tables import new_id


@dataclass(frozen=True, slots=True)
class Told:
    """Everything the provider says about the disputes of one payment, and what made us ask."""

    payment: Payment
    reports: Sequence[DisputeReport]
    claim: Job | None = None
    notification_id: UUID | None = None


async def look_up(desk: Desk, provider: PaymentProvider, payment: Payment, claim: Job, notification_id: UUID) -> None:
    """A notification hints at a dispute about this payment: ask the provider for all of them, and record what it says."""
    if payment.state is not PaymentState.SUCCEEDED:
        # It may be told before the money itself.
        payment = await desk.ledger.look_up(provider, payment)
    reports = await provider.disputes(payment.intent_ref) if payment.intent_ref else ()
    await record(desk.store, Told(payment, reports, claim, notification_id))


async def record(store: Store, told: Told) -> None:
    """Bring our disputes to what the provider says."""
    await store.write(lambda tx: _record(tx, told))


def _record(tx: WriteTx, told: Told) -> None:
    if told.claim and not jobs.held(tx, [told.claim]):
        raise Conflict("JobTaken", "Another node has taken this work over.")
    purchase_id = told.payment.purchase_id
    payments.lock_of_purchases(tx, [purchase_id])
    known = {one.dispute_ref: one for one in disputes.of_purchase(tx, purchase_id)}
    for report in told.reports:
        known[report.dispute_ref] = _told(tx, told.payment, known.get(report.dispute_ref), report)
    purchases.flag_disputed(tx, purchase_id, disputed=any(one.open for one in known.values()))
    if told.notification_id:
        inbox.set_state(tx, [(told.notification_id, NotificationState.APPLIED, None, told.payment)])
    if told.claim and told.claim.kind == "apply_notification":
        jobs.finish(tx, [told.claim.id])


def _told(tx: WriteTx, payment: Payment, before: Dispute | None, report: DisputeReport) -> Dispute:
    now = _row(tx, payment, before, report)
    escalated = before is not None and before.inquiry and not now.inquiry
    if before is None:
        disputes.add(tx, now)
    elif now != before:
        disputes.save(tx, now)
    if before is None or escalated:
        jobs.add(tx, "collect_evidence", {"dispute_id": str(now.id)}, dedupe=f"evidence:{_key(now)}")
    if before is None or escalated or now.state is not before.state:
        timeline.add(tx, [_entry(now)])
        _put_in_sight(tx, payment, now)
    return now


def _row(tx: WriteTx, payment: Payment, before: Dispute | None, report: DisputeReport) -> Dispute:
    amount = report.amount or payment.amount
    over = report.state in {DisputeState.WON, DisputeState.LOST}
    if before:
        closed = (before.closed or tx.now) if over else None
        return replace(before, state=report.state, amount=amount, inquiry=report.inquiry, due=report.due, closed=closed)
    return Dispute(
        id=new_id(),
        purchase_id=payment.purchase_id,
        payment_id=payment.id,
        provider=payment.provider,
        dispute_ref=report.dispute_ref,
        state=report.state,
        amount=amount,
        reason=report.reason[:100],
        inquiry=report.inquiry,
        due=report.due,
        opened=report.opened,
        closed=tx.now if over else None,
    )


def _entry(one: Dispute) -> timeline.Entry:
    detail = {
        "dispute_id": str(one.id), "amount_minor": one.amount.minor, "currency": one.amount.currency,
        "reason": one.reason, "inquiry": one.inquiry,
    }  # fmt: skip
    return one.purchase_id, f"dispute.{one.state.value}", detail


def _key(one: Dispute) -> str:
    """Of what is done once for an inquiry, and once more when a dispute comes of it."""
    return f"{'inquiry' if one.inquiry else 'dispute'}:{one.dispute_ref}"


def _put_in_sight(tx: WriteTx, payment: Payment, one: Dispute) -> None:
    """A dispute wants an answer until its due date; a lost one, a word about the seats."""
    if not one.inquiry:
        attention.close_by_key(tx, f"inquiry:{one.dispute_ref}", "it became a dispute", "policy")
    if not one.open:
        attention.close_by_key(tx, _key(one), f"dispute {one.state.value}", "policy")
    if one.state is DisputeState.LOST:
        seats = "" if _ended(tx, one.purchase_id) else " Decide whether the seats stay (gatepass release ends them)."
        reason = f"The dispute about {one.amount} was lost: the money is gone.{seats}{_given_twice(tx, payment, one)}"
        _call(tx, one, "dispute_lost", reason)
    elif one.state is DisputeState.WON and not one.inquiry and _ended(tx, one.purchase_id):
        reason = (
            f"The dispute about {one.amount} was won, but the order has ended: give the money back (gatepass refund)."
        )
        _call(tx, one, "refund_due", reason)
    elif one.state is DisputeState.NEEDS_RESPONSE:
        until = f" until {one.due:%Y-%m-%d %H:%M} UTC" if one.due else ""
        kind = "asks about" if one.inquiry else "disputes"
        answer = f"The buyer's bank {kind} {one.amount} ({one.reason}). Answer at the provider{until}"
        reason = f"{answer}; the evidence: gatepass evidence {one.id}.{_refunded(tx, payment)}"
        _call(tx, one, "dispute", reason, dedupe=_key(one))


def _refunded(tx: ReadTx, payment: Payment) -> str:
    """The best answer that there is to a bank."""
    back = _back(tx, payment)
    return f" {back} of this payment was refunded: say so to the bank." if back.minor else ""


def _given_twice(tx: ReadTx, payment: Payment, one: Dispute) -> str:
    back = _back(tx, payment)
    over = back.minor + one.amount.minor - payment.amount.minor
    if over <= 0 or not back.minor:
        return ""
    return f" {back} had been refunded before: the buyer has got back {Money(over, back.currency)} more than was paid."


def _back(tx: ReadTx, payment: Payment) -> Money:
    own = [one for one in refunds.of_purchases(tx, [payment.purchase_id]) if one.payment_id == payment.id]
    return Money(sum(one.amount.minor for one in own if one.counts), payment.amount.currency)


def _ended(tx: ReadTx, purchase_id: UUID) -> bool:
    purchase = purchases.get(tx, purchase_id)
    return purchase is not None and purchase.status not in PAID


def _call(tx: WriteTx, one: Dispute, kind: str, reason: str, *, dedupe: str | None = None) -> None:
    records.call_attention(
        tx, kind, reason, dedupe=dedupe or f"{kind}:{one.dispute_ref}", purchase_id=one.purchase_id,
        payment_id=one.payment_id,
    )  # fmt: skip


# Evidence


async def collect(store: Store, claim: Job) -> None:
    """Keep what may prove the sale, as it stands when the dispute comes: later it may have been changed."""
    dispute_id = UUID(claim.payload["dispute_id"])
    bundle = await store.read(lambda tx: evidence(tx, dispute_id))

    def unit(tx: WriteTx) -> None:
        if jobs.held(tx, [claim]):
            disputes.put_evidence(tx, dispute_id, bundle)
            jobs.finish(tx, [claim.id])

    await store.write(unit)


def evidence(tx: ReadTx, dispute_id: UUID) -> dict[str, Any]:
    """What we know of a disputed sale: the form as it was filled in, every time, mails, tickets, payments, refunds."""
    one = disputes.get(tx, dispute_id)
    if one is None:
        raise NotFound("DisputeUnknown", f"There is no dispute {dispute_id}.")
    return {
        "dispute": _about(one),
        "sale": _sale(tx, one.purchase_id),
        "attendees": purchases.form_data(tx, one.purchase_id),
        "payments": [_attempt(row) for row in payments.of_purchase(tx, one.purchase_id)],
        "refunds": [_refund(row) for row in refunds.of_purchases(tx, [one.purchase_id])],
        "mails": records.mails_of(tx, one.purchase_id),
        "timeline": [
            {"at": _time(row["at"]), "what": row["kind"]} for row in timeline.of_purchase(tx, one.purchase_id)
        ],
    }


def _about(one: Dispute) -> dict[str, Any]:
    return {
        "reference": one.dispute_ref,
        "reason": one.reason,
        "amount": str(one.amount),
        "opened": _time(one.opened),
    }


def _sale(tx: ReadTx, purchase_id: UUID) -> dict[str, Any] | None:
    """None when the purchase lives elsewhere."""
    purchase = purchases.get(tx, purchase_id)
    event = purchase and events.get(tx, purchase.event_id)
    if not purchase or not event:
        return None
    return {
        "order": order_reference(purchase_id),
        "items": purchase.items,
        "total": str(purchase.total),
        "registered": _time(purchase.created),
        "status": purchase.status.value,
        "event": event.name,
        "place": event.place,
        "starts": event.starts.isoformat(),
        "time_zone": event.time_zone,
    }


def _attempt(row: Payment) -> dict[str, Any]:
    return {
        "attempt": row.number,
        "state": row.state.value,
        "amount": str(row.amount),
        "opened": _time(row.opened),
        "reference": row.intent_ref,
    }


def _refund(row: Refund) -> dict[str, Any]:
    return {
        "state": row.state.value,
        "amount": str(row.amount),
        "requested": _time(row.requested),
        "reference": row.refund_ref,
    }


def _time(moment: datetime) -> str:
    return moment.isoformat()
