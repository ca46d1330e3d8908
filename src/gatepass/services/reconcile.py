"""Where our ledger is held against the provider's books and the registrations, and differences are mended.

compare() reads. Remedies go through the services that record any word of the provider: there is no second way to change
money. reconcile() applies them and compares again; what is left then needs a person.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import structlog

from gatepass.domain.difference import Difference, Kind, Remedy
from gatepass.domain.errors import Conflict, GatepassError, NotFound, Unavailable
from gatepass.domain.payment import Payment
from gatepass.providers.base import PaymentProvider
from gatepass.services import disputes, drift, refund_reports
from gatepass.services.books import Books, Period
from gatepass.services.checkout import Desk
from gatepass.services.comparison import Comparison
from gatepass.services.payments import Finding, adopt
from gatepass.store import ReadTx, WriteTx, jobs, records
from gatepass.store.jobs import Job

SPAN = timedelta(hours=24)
OVERLAP = timedelta(hours=1)
"""What the job looks at again, and how far after its last run it begins at the latest."""
AHEAD = timedelta(minutes=15)
"""The provider's clock may be ahead of ours."""
PAUSE_S = 2.0
"""Before a difference is looked at again: what the worker is just recording is none."""
LEASE = timedelta(minutes=5)
"""Of the job, anew with every hour that is compared."""
FEES_TOGETHER = 50

log = structlog.get_logger("gatepass.reconcile")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be compared, and on whose behalf. `claim`: the job, when nobody asked."""

    period: Period
    actor: str
    apply: bool = False
    claim: Job | None = None
    pause_s: float = PAUSE_S


def period_of(since: datetime | None = None, until: datetime | None = None) -> Period:
    """The last day, where nothing else is said."""
    now = datetime.now(UTC)
    return Period(since or now - SPAN - OVERLAP, until or now + AHEAD)


async def reconcile(desk: Desk, provider: PaymentProvider, order: Order) -> Books:
    """Compare, mend when asked to, and compare again. Raises Unavailable when the provider does not answer."""
    books = await compare(desk, provider, order)
    if not order.apply:
        return books
    if healing := [one for one in books.differences.values() if one.remedy is not Remedy.ATTENTION]:
        await _mend(desk, provider, order, healing)
        books = await compare(desk, provider, order)
        books.mended = [one for one in healing if one.key not in books.differences and not _unknown(one, books)]
    await _mend(desk, provider, order, [one for one in books.differences.values() if one.remedy is Remedy.ATTENTION])
    return books


def _unknown(one: Difference, books: Books) -> bool:
    """Where purchases live nobody answered: whether it is mended there is not known."""
    return one.remedy is Remedy.SETTLE and books.not_asked is not None


async def compare(desk: Desk, provider: PaymentProvider, order: Order) -> Books:
    """All differences that still stand after a second look, without those that a person has closed."""
    comparison = Comparison(desk.store, provider, desk.management.standings)
    for chunk in order.period.chunks():
        await _hold(desk, order)
        await comparison.chunk(chunk)
        await _store_fees(desk, order, comparison.books)
    await comparison.disputes(order.period)
    books = comparison.books
    if books.differences:
        await asyncio.sleep(order.pause_s)
        await _look_again(desk, provider, books)
    return books


async def _look_again(desk: Desk, provider: PaymentProvider, books: Books) -> None:
    fresh = Comparison(desk.store, provider, desk.management.standings)
    fresh.books.not_asked = books.not_asked
    for one in books.differences.values():
        try:
            await fresh.again(one)
        except NotFound:
            fresh.books.note(one)
    closed = await desk.store.read(lambda tx: _closed(tx, fresh.books))
    books.differences = {key: one for key, one in fresh.books.differences.items() if key not in closed}
    books.not_asked = fresh.books.not_asked


def _closed(tx: ReadTx, books: Books) -> set[str]:
    """What a person has dealt with is no difference any more."""
    asked = [key for key, one in books.differences.items() if one.remedy is Remedy.ATTENTION]
    return {key for key, closed in records.dealt_with(tx, asked).items() if closed}


async def _hold(desk: Desk, order: Order) -> None:
    claim = order.claim
    if claim and not await desk.store.write(lambda tx: jobs.keep(tx, claim, LEASE)):
        raise Conflict("JobTaken", "Another node has taken this work over.")


async def _store_fees(desk: Desk, order: Order, books: Books) -> None:
    """What the provider kept of each payment, through the ledger like any word of the provider."""
    priced, books.priced = books.priced, []
    for at in range(0, len(priced) if order.apply else 0, FEES_TOGETHER):
        some = priced[at : at + FEES_TOGETHER]
        told = await asyncio.gather(*(desk.ledger.record(Finding(row, report, order.claim)) for row, report in some))
        for before, now in zip((row for row, _ in some), told, strict=True):
            books.fee_stored(before, now)


# Remedies


async def _mend(desk: Desk, provider: PaymentProvider, order: Order, found: Sequence[Difference]) -> None:
    for one in found:
        await _mended(desk, provider, order, one)


async def _mended(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    """Apply one remedy and write down that it was; what is refused stays a difference."""
    await _hold(desk, order)
    try:
        await _REMEDIES[one.remedy](desk, provider, order, one)
        await desk.store.write(lambda tx: _audit(tx, order, one))
    except GatepassError as error:
        if error.code in {"JobTaken", "ProviderDown", "DatabaseUnavailable"}:
            raise
        log.warning("reconcile.refused", kind=one.kind.value, remedy=one.remedy.value, code=error.code)


def _audit(tx: WriteTx, order: Order, one: Difference) -> None:
    if one.remedy is not Remedy.ATTENTION:
        detail = {"kind": one.kind.value, "reference": one.ref, "ours": one.ours, "theirs": one.theirs}
        records.add_audit(tx, order.actor, f"reconcile.{one.remedy.value}", f"purchase:{one.purchase_id}", detail)


async def _look_up(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    if one.payment:
        await desk.ledger.look_up(provider, one.payment, order.claim)


async def _adopt(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    row = await _row_for(desk, one)
    if row and one.report:
        await desk.ledger.record(Finding(row, one.report, order.claim))


async def _end_page(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    row = await _row_for(desk, one)
    if row:
        await desk.ledger.end(provider, row, order.claim)


async def _row_for(desk: Desk, one: Difference) -> Payment | None:
    """The attempt that holds the page; where there is none, a new one."""
    if one.payment is None or one.report is None:
        return None
    if one.payment.session_ref == one.report.session_ref:
        return one.payment
    return await adopt(desk.store, one.payment, one.report)


async def _record_refund(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    if one.payment and one.refund:
        told = refund_reports.Told(one.payment, [one.refund], order.claim)
        await refund_reports.record(desk.store, desk.management, told)


async def _record_dispute(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    if one.payment and one.dispute:
        await disputes.record(desk.store, disputes.Told(one.payment, [one.dispute], order.claim))


async def _settle(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    await desk.management.standings.put_right(one)


async def _call_attention(desk: Desk, provider: PaymentProvider, order: Order, one: Difference) -> None:
    if one.kind is Kind.MISMATCH and one.payment and one.report and one.key.startswith("mismatch:"):
        # The ledger puts it in sight itself, and closes the attempt.
        await desk.ledger.record(Finding(one.payment, one.report, order.claim))
        return
    reason = f"{one.kind.value}: here {one.ours}; {provider.name}: {one.theirs} {one.ref}".rstrip()

    def unit(tx: WriteTx) -> None:
        # How a purchase stands follows from what is already asked about it: the same money is asked about once.
        if not one.ref and records.asked_about(tx, [one.purchase_id]):
            return
        told = f"{reason}. Look at both; refund, or settle by hand."
        records.call_attention(tx, "reconcile", told, dedupe=one.key, purchase_id=one.purchase_id)

    await desk.store.write(unit)


_Apply = Callable[[Desk, PaymentProvider, Order, Difference], Awaitable[None]]
_REMEDIES: Mapping[Remedy, _Apply] = MappingProxyType(
    {
        Remedy.LOOK_UP: _look_up,
        Remedy.ADOPT: _adopt,
        Remedy.END_PAGE: _end_page,
        Remedy.RECORD_REFUND: _record_refund,
        Remedy.RECORD_DISPUTE: _record_dispute,
        Remedy.SETTLE: _settle,
        Remedy.ATTENTION: _call_attention,
    }
)


# By itself


async def by_itself(desk: Desk, every: timedelta | None, report_to: Sequence[str], claim: Job) -> None:
    """The hourly job: since its last run, or the last day when that is longer. What it finds is told by mail."""
    provider, name = desk.connected(claim.payload["provider"]), str(claim.payload["provider"])
    if every is None:
        await desk.store.write(lambda tx: _done(tx, claim, SPAN))
        return
    last = await desk.store.read(lambda tx: records.get_setting(tx, _mark(name)))
    period = period_of()
    if last:
        period = replace(period, since=min(period.since, datetime.fromisoformat(last) - OVERLAP))
    books = await reconcile(desk, provider, Order(period, "reconciliation", apply=True, claim=claim))
    log.info("reconcile.done", provider=name, payments=books.payments, left=len(books.differences))
    began = period.until - AHEAD

    def unit(tx: WriteTx) -> None:
        drift.report(tx, name, books, began, report_to)
        if books.not_asked is None:
            _done(tx, claim, every)
            records.put_setting(tx, _mark(name), began.isoformat())

    await desk.store.write(unit)
    if books.not_asked:
        # The same hours once more, when it answers again.
        raise Unavailable("DataverseDown", books.not_asked)


def _done(tx: WriteTx, claim: Job, every: timedelta) -> None:
    if not jobs.held(tx, [claim]):
        raise Conflict("JobTaken", "Another node has taken this work over.")
    jobs.again(tx, claim, tx.now + every)


def _mark(provider: str) -> str:
    return f"reconciled:{provider}"
