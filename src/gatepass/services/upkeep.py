"""What must happen though nobody asks: holds end, forgotten payments are looked up, old jobs are cleared.

Each is a job like any other, so any node takes it over, and none runs twice at a time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Move
from gatepass.domain.refund import Cause
from gatepass.services import pictures, refunds, waitlist
from gatepass.services.checkout import Desk, checkout_of
from gatepass.services.management import EventManagement
from gatepass.services.payments import ask_to_end, next_look_up_after
from gatepass.services.purchases import Settlement, seat_those_who_wait, settle
from gatepass.services.remote.standings import begin
from gatepass.store import Store, WriteTx, drafts, jobs, payments, purchases, webhooks
from gatepass.store.jobs import Job

SWEEP_EVERY = timedelta(seconds=2)
SWEEP_LIMIT = 500
"""Holds ended in one transaction."""
SEAT_WAITING_EVERY = timedelta(seconds=5)
WAITING_LIMIT = 200
"""Waiting purchases looked at in one transaction."""
FORGET_EVERY = timedelta(hours=1)
KEEP_DONE_JOBS = timedelta(days=7)
KEEP_WEBHOOKS = timedelta(days=90)
"""From their end: so long a message can be looked at, and sent again."""
LONGEST_LEASE = timedelta(seconds=60)
"""A job that is due sooner may be under way somewhere."""
REPEATING = frozenset({"pull_events", "reconcile"})
"""Beside those without a payload: never parked, since they come again by plan, whatever happened."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an installation has set about its upkeep. None: never."""

    pull_every: timedelta | None = timedelta(seconds=30)
    keep_bodies: timedelta = timedelta(days=400)
    reconcile_every: timedelta | None = timedelta(hours=1)
    report_to: Sequence[str] = ()
    """Mail addresses that hear of what reconciliation finds."""
    remote: bool = False
    """Purchases live in a remote Dataverse, and so do their seats."""


def schedule(tx: WriteTx, plan: Plan, providers: Iterable[str]) -> None:
    """Make sure that the repeating jobs stand in the table; harmless when they do."""
    if plan.remote:
        begin(tx)
    ours = ("sweep_remote_holds",) if plan.remote else ("sweep_holds", "seat_waiting", pictures.JOB, waitlist.JOB)
    for kind in (*ours, "forget_done_jobs", "forget_bodies", "sum_up_figures"):
        jobs.add(tx, kind, {}, dedupe=kind)
    if plan.pull_every:
        _schedule_pulls(tx, plan.pull_every, providers)
    if plan.reconcile_every:
        _schedule_reconciliations(tx, plan.reconcile_every, providers)


def _schedule_reconciliations(tx: WriteTx, every: timedelta, providers: Iterable[str]) -> None:
    for provider in providers:
        name = f"reconcile:{provider}"
        jobs.add(tx, "reconcile", {"provider": provider}, dedupe=name, due=tx.now + every)


def _schedule_pulls(tx: WriteTx, every: timedelta, providers: Iterable[str]) -> None:
    for provider in providers:
        name = f"pull_events:{provider}"
        jobs.add(tx, "pull_events", {"provider": provider}, dedupe=name)
        # It may have been planned at a slower pace than today's.
        jobs.hasten(tx, name, tx.now + max(every, LONGEST_LEASE))


async def sweep_holds(store: Store, claim: Job) -> None:
    """Free the seats of holds that are over. A payment that is open is ended at its provider first."""
    full = await store.write(lambda tx: _sweep(tx, claim))
    if full:
        await sweep_holds(store, claim)


def _sweep(tx: WriteTx, claim: Job) -> bool:
    if not jobs.held(tx, [claim]):
        return False
    over = purchases.ending(tx, tx.now, SWEEP_LIMIT)
    still_over = _lock_over(tx, over)
    attempts = {row.purchase_id: row for row in payments.lock_of_purchases(tx, still_over) if row.open}
    for attempt in attempts.values():
        ask_to_end(tx, attempt)
    free = [Settlement(at, Move.EXPIRE) for at in still_over if at not in attempts]
    settle(tx, free)
    jobs.again(tx, claim, tx.now + SWEEP_EVERY)
    return len(free) == SWEEP_LIMIT


def _lock_over(tx: WriteTx, ids: list[UUID]) -> list[UUID]:
    """Purchases may have moved between the look and the lock."""
    locked = purchases.lock(tx, ids)
    return [at for at, one in locked.items() if one.hold_until and one.hold_until <= tx.now]


async def seat_waiting(desk: Desk, claim: Job) -> None:
    """Seats that came free go to those who paid late and wait; when it is too late for that, their money goes back."""
    await desk.store.write(lambda tx: _seat_waiting(tx, desk.management, claim))


def _seat_waiting(tx: WriteTx, management: EventManagement, claim: Job) -> None:
    if not jobs.held(tx, [claim]):
        return
    in_vain = seat_those_who_wait(tx, WAITING_LIMIT)
    refunds.give_up(tx, management, in_vain, Cause.PAID_LATE, "No seat became free in time.")
    jobs.again(tx, claim, tx.now + SEAT_WAITING_EVERY)


async def end_payment(desk: Desk, claim: Job) -> None:
    """End a payment at its provider: its hold is over, or another one took its place."""
    payment = await _payment_of(desk, claim)
    if payment.session_ref:
        await desk.ledger.end(desk.connected(payment.provider), payment)
        await desk.store.write(lambda tx: _done(tx, claim))
    else:
        await _end_unheard(desk, claim, payment)


async def _end_unheard(desk: Desk, claim: Job, payment: Payment) -> None:
    """The provider may have opened a page that we never heard of: find it, or be sure, before the seats are freed."""
    heard = await _find(desk, payment)
    if heard is None:
        await desk.store.write(lambda tx: _give_up(tx, claim, payment))
        return
    await desk.ledger.end(desk.connected(payment.provider), heard)
    await desk.store.write(lambda tx: _done(tx, claim))


async def look_up_payment(desk: Desk, claim: Job) -> None:
    """Ask about a payment whose notification may never come; again and again until it has ended."""
    payment = await _payment_of(desk, claim)
    if payment.open:
        payment = await _looked_up(desk, payment)
    await desk.store.write(lambda tx: _look_again_later(tx, claim, payment))


async def _looked_up(desk: Desk, payment: Payment) -> Payment:
    known = payment if payment.session_ref else await _find(desk, payment)
    if known is None:
        return payment
    provider = desk.connected(payment.provider)
    if payment.state is PaymentState.CREATED and payment.expires_at <= datetime.now(UTC):
        # Not every page ends by itself at the provider: ours does not.
        return await desk.ledger.end(provider, known)
    return await desk.ledger.look_up(provider, known)


def _look_again_later(tx: WriteTx, claim: Job, payment: Payment) -> None:
    if payment.open:
        jobs.again(tx, claim, tx.now + next_look_up_after(tx.now - payment.opened))
    else:
        _done(tx, claim)


async def _find(desk: Desk, payment: Payment) -> Payment | None:
    """A page that was opened at the provider though its answer never reached us."""
    payable = await desk.management.find(payment.purchase_id)
    if payable is None:
        return None
    report = await desk.connected(payment.provider).find(checkout_of(desk.links, payable, payment))
    return replace(payment, session_ref=report.session_ref) if report else None


async def _payment_of(desk: Desk, claim: Job) -> Payment:
    payment_id = UUID(claim.payload["payment_id"])
    payment = await desk.store.read(lambda tx: payments.get(tx, payment_id))
    if payment is None:
        raise NotFound("PaymentUnknown", f"There is no payment {payment_id}.")
    return payment


def _give_up(tx: WriteTx, claim: Job, payment: Payment) -> None:
    rows = payments.lock_of_purchases(tx, [payment.purchase_id])
    row = next(row for row in rows if row.id == payment.id)
    if row.session_ref is None and row.open:
        payments.save(tx, [replace(row, state=PaymentState.CANCELLED, reason_code="never_opened")])
    _done(tx, claim)


def _done(tx: WriteTx, claim: Job) -> None:
    if not jobs.held(tx, [claim]):
        raise Conflict("JobTaken", "Another node has taken this work over.")
    jobs.finish(tx, [claim.id])


async def forget_done_jobs(store: Store, claim: Job) -> None:
    """Delete jobs that are long done, webhooks that ended long ago, and forms that led to no order."""
    await store.write(lambda tx: _forget(tx, claim))


def _forget(tx: WriteTx, claim: Job) -> None:
    if jobs.held(tx, [claim]):
        jobs.forget_done(tx, tx.now - KEEP_DONE_JOBS, 5000)
        webhooks.forget_ended(tx, tx.now - KEEP_WEBHOOKS, 5000)
        drafts.forget_ended(tx, tx.now, 5000)
        jobs.again(tx, claim, tx.now + FORGET_EVERY)
