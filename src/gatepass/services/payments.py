"""The ledger: what a provider says of a payment becomes our record, and the purchase moves with it, in one transaction.

record() is the only place where a payment changes its state. It gets the provider's own word, never a notification's.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gatepass.domain.errors import Conflict, GatepassError, NotFound
from gatepass.domain.money import Money
from gatepass.domain.payment import MONEY, Payment, PaymentState, Report, mismatch
from gatepass.domain.purchase import Move
from gatepass.domain.refund import Cause
from gatepass.domain.webhook import Kind
from gatepass.providers.base import PaymentProvider
from gatepass.services import refunds
from gatepass.services.management import EventManagement
from gatepass.services.purchases import Settlement
from gatepass.services.refunds import Return
from gatepass.services.webhooks import Subject, announce
from gatepass.store import ReadTx, Store, WriteTx, inbox, jobs, payments, purchases, records, timeline
from gatepass.store.inbox import NotificationState
from gatepass.store.jobs import Job
from gatepass.store.tables import new_id

FRESH = timedelta(minutes=15)
"""While a payment is this young it is looked up once a minute."""
LOOK_UP_EVERY = timedelta(seconds=60)
LOOK_UP_AT_MOST_EVERY = timedelta(hours=6)
MOST_DECLINES = 10
"""Of one purchase, unless an installation says otherwise."""
DECLINED, TRIED_TOO_OFTEN = "payment.declined", "order.tried_too_often"

# (what the payment was, what it is) -> what the purchase does. Other changes leave the purchase alone.
_MOVES = {
    **{(old, PaymentState.SUCCEEDED): Move.PAY for old in PaymentState if old is not PaymentState.SUCCEEDED},
    (PaymentState.CREATED, PaymentState.PROCESSING): Move.WAIT,
    (PaymentState.PROCESSING, PaymentState.FAILED): Move.REOPEN,
    (PaymentState.PROCESSING, PaymentState.EXPIRED): Move.REOPEN,
    (PaymentState.PROCESSING, PaymentState.CANCELLED): Move.REOPEN,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A provider's word about one payment, and the job or notification that made us ask."""

    payment: Payment
    report: Report
    claim: Job | None = None
    notification_id: UUID | None = None
    decline: str | None = None
    """The kind of the notification, where it tells of a declined card."""


class Ledger:
    """Writes findings down; `management` moves the purchases."""

    def __init__(self, store: Store, management: EventManagement, most_declines: int = MOST_DECLINES) -> None:
        self._store, self._management, self._most_declines = store, management, most_declines

    async def record(self, finding: Finding) -> Payment:
        """The payment as it stands after the finding. Raises Conflict when another node has taken the job meanwhile."""
        return await self._store.write_together(self._record, finding)

    async def look_up(self, provider: PaymentProvider, payment: Payment, claim: Job | None = None) -> Payment:
        """Ask the provider how an open payment stands, and record the answer."""
        if payment.session_ref is None:
            return payment
        return await self.record(Finding(payment, await provider.fetch(payment.session_ref), claim))

    async def end(self, provider: PaymentProvider, payment: Payment, claim: Job | None = None) -> Payment:
        """End a payment at the provider. Money that was faster is recorded as what it is."""
        if payment.session_ref is None:
            return payment
        return await self.record(Finding(payment, await provider.end(payment.session_ref), claim))

    def tried_too_often(self, tx: ReadTx, purchase_id: UUID) -> bool:
        """So many cards were declined for one purchase that no buyer tries another: somebody tests stolen ones."""
        return timeline.count(tx, purchase_id, TRIED_TOO_OFTEN) > 0

    def _count_declines(self, tx: WriteTx, book: "_Book", findings: Sequence[Finding]) -> None:
        """Each decline is one notification. Where none comes, those that were seen at a look are counted."""
        for one in {one.payment.purchase_id: one for one in findings if one.decline or book.declined(one)}.values():
            at, now = one.payment.purchase_id, book.now(one)
            told = inbox.count(tx, at, one.decline) if one.decline else 0
            enough = max(told, timeline.count(tx, at, DECLINED)) >= self._most_declines > 0
            if enough and now.open and not self.tried_too_often(tx, at):
                timeline.add(tx, [(at, TRIED_TOO_OFTEN, {})])
                ask_to_end(tx, now)

    def _record(self, tx: WriteTx, findings: Sequence[Finding]) -> Sequence[Payment | GatepassError]:
        standing = jobs.held(tx, [one.claim for one in findings if one.claim])
        counted = [one for one in findings if one.claim is None or one.claim.id in standing]
        purchase_ids = {one.payment.purchase_id for one in counted}
        self._management.lock(tx, purchase_ids)
        book = _Book(payments.lock_of_purchases(tx, purchase_ids))
        answers = {id(one): book.note(tx, one) for one in counted}
        self._write(tx, book, counted)
        taken = Conflict("JobTaken", "Another node has taken this work over.")
        return [answers.get(id(one), taken) for one in findings]

    def _write(self, tx: WriteTx, book: "_Book", findings: Sequence[Finding]) -> None:
        if changed := book.changed():
            moved = [row for row in changed if row.state is not book.state_before(row)]
            with tx.one_trip():
                payments.save(tx, changed)
                timeline.add(tx, [_entry(row) for row in moved])
            jobs.finish_named(tx, [look_up_key(row.id) for row in moved if not row.open])
            failed = [Subject(row.purchase_id, [row.id]) for row in moved if row.state is PaymentState.FAILED]
            announce(tx, Kind.PAYMENT_FAILED, failed)
        late = self._settle(tx, book.moves) if book.moves else set[UUID]()
        if returns := [*book.returns, *_too_late(tx, book.succeeded(), late)]:
            refunds.order(tx, returns)
        noted = [(one.notification_id, *book.verdict(one), one.payment) for one in findings if one.notification_id]
        if noted:
            inbox.set_state(tx, noted)
        self._count_declines(tx, book, findings)
        jobs.finish(tx, [one.claim.id for one in findings if one.claim and one.claim.kind == "apply_notification"])

    def _settle(self, tx: WriteTx, moves: Sequence[Settlement]) -> set[UUID]:
        """Move the purchases; returns those whose money came too late for a seat."""
        answers = self._management.settle(tx, moves)
        for move, answer in zip(moves, answers, strict=True):
            if isinstance(answer, GatepassError):
                _call_for_help(tx, move, answer)
        return {
            move.purchase_id
            for move, answer in zip(moves, answers, strict=True)
            if not isinstance(answer, GatepassError) and answer.give_back
        }


class _Book:
    """The locked payments of some purchases, before and after a group of findings."""

    def __init__(self, rows: Sequence[Payment]) -> None:
        self._before = {row.id: row for row in rows}
        self._now = dict(self._before)
        self._wrong: dict[int, str] = {}
        self._declined: set[UUID] = set()
        self.moves: list[Settlement] = []
        self.returns: list[Return] = []
        """Money that came on top of other money, and goes back."""

    def note(self, tx: WriteTx, finding: Finding) -> Payment | GatepassError:
        """Take one finding in; a report that does not fit is put in sight and changes no purchase."""
        row = self._now.get(finding.payment.id)
        if row is None:
            return NotFound("PaymentUnknown", f"There is no payment {finding.payment.id}.")
        if why := mismatch(row, finding.report):
            self._wrong[id(finding)] = why
            self._now[row.id] = _quarantined(tx, row, finding, why)
        else:
            self._take(tx, row, finding.report)
        for report in finding.report.also:
            self._take_more(tx, self._now[row.id], report)
        return self._now[row.id]

    def _take(self, tx: WriteTx, row: Payment, report: Report) -> None:
        self._now[row.id] = row.told(report)
        if _declined(row, self._now[row.id]):
            self._declined.add(row.id)
            timeline.add(tx, [_entry(self._now[row.id], "declined")])
        self._follow(tx, row, self._now[row.id])
        _see_to_the_page(tx, row, self._now[row.id], report)

    def _take_more(self, tx: WriteTx, first: Payment, report: Report) -> None:
        """Money that came on top by the same page gets a row of its own, and is then money like any other."""
        if why := mismatch(first, report):
            _put_in_sight(tx, first, report, why)
            return
        known = next((row for row in self._now.values() if row.session_ref == report.session_ref), None)
        if known is None:
            number = max(row.number for row in self._now.values() if row.purchase_id == first.purchase_id) + 1
            known = adopted(first, report, number)
            payments.add(tx, known)
            self._before[known.id] = known
        self._take(tx, known, report)

    def now(self, finding: Finding) -> Payment:
        """A payment after all findings."""
        return self._now.get(finding.payment.id, finding.payment)

    def declined(self, finding: Finding) -> bool:
        """A card was declined, and its page is still open."""
        return finding.payment.id in self._declined

    def changed(self) -> list[Payment]:
        """Rows to write, in the order of their ids."""
        return [row for at, row in sorted(self._now.items()) if row != self._before[at]]

    def state_before(self, row: Payment) -> PaymentState:
        """Where it stood before this group of findings."""
        return self._before[row.id].state

    def succeeded(self) -> list[Payment]:
        """Payments that took money."""
        return [row for row in self._now.values() if row.state is PaymentState.SUCCEEDED]

    def verdict(self, finding: Finding) -> tuple[NotificationState, str | None]:
        """What becomes of the notification behind a finding."""
        why = self._wrong.get(id(finding))
        return (NotificationState.QUARANTINED, why) if why else (NotificationState.APPLIED, None)

    def _follow(self, tx: WriteTx, before: Payment, now: Payment) -> None:
        if move := _MOVES.get((before.state, now.state)):
            self.moves.append(Settlement(now.purchase_id, move))
            if move is Move.PAY:
                self._see_to_second_money(tx, now)

    def _see_to_second_money(self, tx: WriteTx, paid: Payment) -> None:
        others = [row for row in self._now.values() if row.purchase_id == paid.purchase_id and row.id != paid.id]
        if any(row.state is PaymentState.SUCCEEDED for row in others):
            reason = f"Paid twice: attempt {paid.number} came on top."
            self.returns.append(Return(paid, Cause.PAID_TWICE, reason))
        for other in others:
            if other.open:
                ask_to_end(tx, other)


def _too_late(tx: WriteTx, paid: Sequence[Payment], late: Collection[UUID]) -> list[Return]:
    off = purchases.of_called_off(tx, late)
    return [_called_off(row) if row.purchase_id in off else _late(row) for row in paid if row.purchase_id in late]


def _called_off(payment: Payment) -> Return:
    return Return(payment, Cause.EVENT_CANCELLED, "It arrived after the event was called off.")


def _late(payment: Payment) -> Return:
    return Return(payment, Cause.PAID_LATE, "It arrived after the seats were released.")


def _declined(before: Payment, now: Payment) -> bool:
    """A try that failed on a page that is still open: another charge than before, or the same for another reason.

    No state changes by it, and the reason is gone after the next.
    """
    another = now.charge_ref != before.charge_ref or now.reason_code != before.reason_code
    return now.open and now.state is before.state and now.reason_code is not None and another


def _entry(row: Payment, what: str | None = None) -> timeline.Entry:
    detail = {
        "payment_id": str(row.id), "number": row.number, "provider": row.provider,
        "amount_minor": row.amount.minor, "currency": row.amount.currency,
        "reason_code": row.reason_code, "reason_text": row.reason_text,
    }  # fmt: skip
    return row.purchase_id, f"payment.{what or row.state.value}", detail


def _see_to_the_page(tx: WriteTx, before: Payment, now: Payment, report: Report) -> None:
    """A page that can be paid more than once is ended by the first money; one that outlives its payment, with it."""
    paid_again = now.state is PaymentState.SUCCEEDED and report.takes_more
    outlives = before.open and not now.open and report.state is PaymentState.CREATED
    if paid_again or outlives:
        ask_to_end(tx, now)


def ask_to_end(tx: WriteTx, payment: Payment) -> None:
    """Leave the job that ends an open payment at its provider."""
    jobs.add(tx, "end_payment", {"payment_id": str(payment.id)}, dedupe=f"end:{payment.id}")


def ask_to_look_up(tx: WriteTx, payment: Payment) -> None:
    """Leave the job that asks about a payment until it has ended, whether or not a notification comes."""
    due = tx.now + LOOK_UP_EVERY
    jobs.add(tx, "look_up_payment", {"payment_id": str(payment.id)}, dedupe=look_up_key(payment.id), due=due)


def look_up_key(payment_id: UUID) -> str:
    """The dedupe key of that job."""
    return f"look_up:{payment_id}"


def next_look_up_after(age: timedelta) -> timedelta:
    """Once a minute while the payment is fresh, then ever more rarely."""
    return LOOK_UP_EVERY if age < FRESH else min(age / 10 + LOOK_UP_EVERY, LOOK_UP_AT_MOST_EVERY)


async def adopt(store: Store, payment: Payment, report: Report) -> Payment:
    """Money on a page that our record does not hold, such as one opened by a call whose answer was lost: its own attempt.

    The row begins closed, since another may be open; the ledger then records the money like any other.
    """

    def unit(tx: WriteTx) -> Payment:
        rows = payments.lock_of_purchases(tx, [payment.purchase_id])
        known = next((row for row in rows if row.session_ref == report.session_ref), None)
        if known:
            return known
        found = adopted(payment, report, max((row.number for row in rows), default=0) + 1)
        payments.add(tx, found)
        return found

    return await store.write(unit)


def adopted(payment: Payment, report: Report, number: int) -> Payment:
    """The row for money on a page that no row of ours holds, before it is told of the money."""
    return replace(
        payment,
        id=new_id(),
        number=number,
        state=PaymentState.EXPIRED,
        page_url=None,
        session_ref=report.session_ref,
        intent_ref=None,
        charge_ref=None,
        reason_code=None,
        reason_text=None,
        fee=None,
    )


def first_attempt(provider: str, purchase_id: UUID, total: Money, *, live: bool) -> Payment:
    """What an attempt of a purchase without any looks like."""
    now = datetime.now(UTC)
    return Payment(
        id=new_id(),
        purchase_id=purchase_id,
        number=0,
        provider=provider,
        state=PaymentState.EXPIRED,
        amount=total,
        live=live,
        opened=now,
        expires_at=now,
    )


async def look_up_briefly(ledger: Ledger, provider: PaymentProvider, payment: Payment, patience_s: float) -> Payment:
    """Ask the provider while a person waits; when it does not answer in time, what we know already."""
    try:
        async with asyncio.timeout(patience_s):
            return await ledger.look_up(provider, payment)
    except (TimeoutError, GatepassError):
        return payment


def _quarantined(tx: WriteTx, row: Payment, finding: Finding, why: str) -> Payment:
    _put_in_sight(tx, row, finding.report, why, finding.notification_id)
    if finding.report.state in MONEY and row.open and finding.report.purchase_id == str(row.purchase_id):
        return replace(row, state=PaymentState.FAILED, reason_code="mismatch", reason_text=why[:1000])
    return row


def _put_in_sight(
    tx: WriteTx, row: Payment, report: Report, why: str, notification_id: UUID | None = None
) -> None:  # fmt: skip
    records.call_attention(
        tx,
        "payment_mismatch",
        f"Attempt {row.number}: {why}. Nothing was completed; check it at the provider and refund or settle by hand.",
        dedupe=f"mismatch:{row.id}:{report.session_ref}",
        purchase_id=row.purchase_id,
        payment_id=row.id,
        notification_id=notification_id,
    )


def _call_for_help(tx: WriteTx, move: Settlement, refusal: GatepassError) -> None:
    records.call_attention(
        tx,
        "settle_refused",
        f"A payment wants the purchase to {move.move.value}, but: {refusal.message}",
        dedupe=f"settle_refused:{move.purchase_id}:{move.move.value}",
        purchase_id=move.purchase_id,
    )
