"""Where the provider's books, our ledger and the registrations are laid side by side. Reads only.

The provider's lists are read page by page and compared batch by batch; what stands here and was not listed is asked for one
by one. So a long period takes longer, but no more memory than a piece of it.
"""

from collections.abc import AsyncIterator, Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Protocol, TypeVar
from uuid import UUID

from gatepass.domain.difference import (
    Difference,
    Kind,
    here_only,
    of_dispute,
    of_payment,
    of_refund,
    of_stray,
)
from gatepass.domain.dispute import Dispute, DisputeReport
from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.payment import Payment, PaymentState, Report
from gatepass.domain.refund import COUNTS, Refund, RefundReport
from gatepass.providers.base import PaymentProvider
from gatepass.services.books import Books, Period
from gatepass.services.payments import first_attempt
from gatepass.services.standings import Standings
from gatepass.store import ReadTx, Store, disputes, payments, refunds

BATCH = 200
"""Reports, or rows, compared at a time."""


class _Row(Protocol):
    @property
    def id(self) -> UUID: ...


T = TypeVar("T")
R = TypeVar("R", bound=_Row)
_Disputed = tuple[Payment, Dispute | None, DisputeReport]
Paged = Callable[[ReadTx, str, datetime, datetime, UUID | None, int], list[R]]


class Comparison:
    """One provider beside our tables."""

    def __init__(self, store: Store, provider: PaymentProvider, standings: Standings) -> None:
        self._store, self._provider, self._purchases = store, provider, standings
        self.books = Books()

    async def chunk(self, period: Period) -> None:
        """Payments, refunds, and the purchases they are about. Raises Unavailable when the provider does not answer."""
        seen: set[UUID] = set()
        async for reports in _batched(self._provider.payments_between(period.since, period.until)):
            seen |= await self._payments(reports)
        await self._unlisted_payments(period, seen)
        seen.clear()
        async for reports in _batched(self._provider.refunds_between(period.since, period.until)):
            seen |= await self._refunds(reports)
        await self._unlisted_refunds(period, seen)
        with self._asking() as may_ask:
            if may_ask:
                async for one in self._purchases.differences_in(period):
                    self.books.note(one)

    async def disputes(self, period: Period) -> None:
        """Disputes of the period, and every older one that is open here."""
        seen: set[str] = set()
        async for reports in _batched(self._provider.disputes_between(period.since, period.until)):
            seen |= {report.dispute_ref for report in reports}
            for payment, row, report in await self._disputes(reports):
                self._count_dispute(payment, row, report)
        mine = await self._store.read(
            lambda tx: disputes.to_compare(tx, self._provider.name, period.since, period.until)
        )
        for row in mine:
            if row.dispute_ref not in seen:
                await self._unlisted_dispute(row)

    async def again(self, one: Difference) -> None:
        """The same subject once more: what was on its way meanwhile differs no longer."""
        if one.report:
            report = await self._provider.fetch(one.report.session_ref)
            await self._payments([report, *report.also])
        elif one.refund:
            reports = await self._provider.refunds(one.refund.money_ref)
            await self._refunds([report for report in reports if report.refund_ref == one.ref])
        elif one.dispute:
            reports = await self._provider.disputes(one.dispute.money_ref)
            await self._disputes([report for report in reports if report.dispute_ref == one.ref])
        elif one.ref:
            # It was asked for by its name already.
            self.books.note(one)
        else:
            await self._standings([one.purchase_id])

    # Payments

    async def _payments(self, reports: Sequence[Report]) -> set[UUID]:
        """Compare some; returns the attempts that they are about."""
        rows, like = await self._known(reports)
        seen: set[UUID] = set()
        for report in reports:
            row = _row_of(rows, report)
            stray = None if row else like.get(report.purchase_id or "")
            if row:
                seen.add(row.id)
                self.books.note(of_payment(row, report))
                self.books.count_theirs(report)
                if row.state is PaymentState.SUCCEEDED:
                    self.books.count_ours(row)
                    self.books.fee_told(row, report)
            elif stray:
                self.books.note(of_stray(stray, report))
                self.books.count_theirs(report)
            else:
                self.books.foreign += 1
        await self._standings({row.purchase_id for row in rows})
        return seen

    async def _known(self, reports: Sequence[Report]) -> tuple[list[Payment], dict[str, Payment]]:
        """Our attempts that reports may be about; and per purchase what an attempt of it looks like."""
        named = {at for report in reports for at in [_id(report.purchase_id)] if at}
        by_ref, of_named = await self._store.read(lambda tx: self._attempts(tx, reports, named))
        rows = {row.id: row for row in by_ref}
        rows |= {row.id: row for row in of_named if row.provider == self._provider.name}
        like = {str(row.purchase_id): replace(row, provider=self._provider.name) for row in of_named}
        with self._asking() as may_ask:
            unpaid = await self._purchases.of(named - {row.purchase_id for row in of_named}) if may_ask else []
            for one in unpaid:
                like[str(one.id)] = first_attempt(self._provider.name, one.id, one.total, live=one.live)
        return list(rows.values()), like

    def _attempts(
        self, tx: ReadTx, reports: Sequence[Report], named: Collection[UUID]
    ) -> tuple[list[Payment], list[Payment]]:
        refs = {ref for report in reports for ref in (report.session_ref, report.intent_ref) if ref}
        return payments.by_refs(tx, self._provider.name, refs), payments.of_purchases(tx, named)

    async def _unlisted_payments(self, period: Period, seen: Collection[UUID]) -> None:
        async for row in self._pages(payments.made_between, period):
            if row.id not in seen and row.session_ref:
                await self._unlisted_payment(row)

    async def _unlisted_payment(self, row: Payment) -> None:
        """The provider may have opened it a moment before or after: ask for it by its name."""
        try:
            report = await self._provider.fetch(row.session_ref or "")
        except NotFound:
            self._note_unlisted(row, _not_there(row))
            return
        visits = (report, *report.also)
        paid = next((one for one in visits if row.intent_ref in {None, one.intent_ref}), None)
        self._note_unlisted(row, of_payment(row, paid) if paid else _not_there(row))

    def _note_unlisted(self, row: Payment, found: Difference | None) -> None:
        """Equal, it is counted where it is listed; different, it may be listed nowhere."""
        if found and found.key not in self.books.differences:
            self.books.count_ours(row)
        self.books.note(found)

    # Refunds

    async def _refunds(self, reports: Sequence[RefundReport]) -> set[UUID]:
        """Compare some; returns the refunds of ours that they are about."""
        paid, mine = await self._store.read(lambda tx: self._refunded(tx, reports))
        seen: set[UUID] = set()
        for report in reports:
            payment = paid.get(report.money_ref)
            if payment is None:
                self.books.foreign += 1
                continue
            named = (one for one in mine if one.payment_id == payment.id)
            row = next(
                (one for one in named if report.refund_ref == one.refund_ref or report.refund_id == str(one.id)), None
            )
            self.books.note(of_refund(payment, row, report))
            if report.amount and report.state in COUNTS:
                self.books.of(report.amount.currency).theirs.refunded += report.amount.minor
            if row:
                seen.add(row.id)
                self.books.of(row.amount.currency).ours.refunded += row.amount.minor if row.counts else 0
        await self._standings({one.purchase_id for one in paid.values()})
        return seen

    def _refunded(self, tx: ReadTx, reports: Sequence[RefundReport]) -> tuple[dict[str, Payment], list[Refund]]:
        rows = payments.by_refs(tx, self._provider.name, {report.money_ref for report in reports})
        return (
            {row.intent_ref: row for row in rows if row.intent_ref},
            refunds.of_purchases(tx, {row.purchase_id for row in rows}),
        )

    async def _unlisted_refunds(self, period: Period, seen: Collection[UUID]) -> None:
        async for row in self._pages(refunds.made_between, period):
            if row.id in seen:
                continue
            told = await self._provider.refunds(row.money_ref)
            if row.refund_ref not in {report.refund_ref for report in told}:
                ours = f"{row.state}, {row.amount}"
                self.books.note(here_only(Kind.REFUND_HERE_ONLY, row.purchase_id, row.refund_ref or "", ours))
                self.books.of(row.amount.currency).ours.refunded += row.amount.minor

    # Disputes

    async def _disputes(self, reports: Sequence[DisputeReport]) -> list[_Disputed]:
        """Compare some; returns those about payments of ours, each with both sides."""
        name, money = self._provider.name, {report.money_ref for report in reports}
        rows, mine = await self._store.read(
            lambda tx: (
                payments.by_refs(tx, name, money),
                disputes.by_refs(tx, name, {report.dispute_ref for report in reports}),
            )
        )
        paid = {row.intent_ref: row for row in rows}
        known = {one.dispute_ref: one for one in mine}
        ours = [
            (paid[report.money_ref], known.get(report.dispute_ref), report)
            for report in reports if report.money_ref in paid
        ]  # fmt: skip
        self.books.foreign += len(reports) - len(ours)
        for payment, row, report in ours:
            self.books.note(of_dispute(payment, row, report))
        return ours

    def _count_dispute(self, payment: Payment, row: Dispute | None, report: DisputeReport) -> None:
        amount = report.amount or payment.amount
        if report.counts:
            self.books.of(amount.currency).theirs.disputed += amount.minor
        if row and row.counts:
            self.books.of(row.amount.currency).ours.disputed += row.amount.minor

    async def _unlisted_dispute(self, row: Dispute) -> None:
        payment = await self._store.read(lambda tx: payments.get(tx, row.payment_id))
        if payment is None or payment.intent_ref is None:
            return
        told = [one for one in await self._provider.disputes(payment.intent_ref) if one.dispute_ref == row.dispute_ref]
        await self._disputes(told)
        if not told:
            ours = f"{row.state}, {row.amount}"
            self.books.note(here_only(Kind.DISPUTE_HERE_ONLY, payment.purchase_id, row.dispute_ref, ours))
            self.books.of(row.amount.currency).ours.disputed += row.amount.minor if row.counts else 0

    # Registrations

    async def _standings(self, ids: Collection[UUID]) -> None:
        with self._asking() as may_ask:
            for found in await self._purchases.differences(ids) if may_ask else ():
                self.books.note(found)

    @contextmanager
    def _asking(self) -> Generator[bool]:
        """Around a question to the place where purchases live; False once it has not answered: the two others are compared."""
        try:
            yield self.books.not_asked is None
        except GatepassError as error:
            if not error.code.startswith("Dataverse"):
                raise
            self.books.not_asked = error.message

    async def _pages(self, made_between: Paged[R], period: Period) -> AsyncIterator[R]:
        after: UUID | None = None
        while True:
            rows = await self._store.read(partial(_page, made_between, self._provider.name, period, after))
            for row in rows:
                yield row
                after = row.id
            if len(rows) < BATCH:
                return


def _page(
    made_between: Paged[R], provider: str, period: Period, after: UUID | None, tx: ReadTx
) -> list[R]:  # fmt: skip
    return made_between(tx, provider, period.since, period.until, after, BATCH)


def _row_of(rows: Sequence[Payment], report: Report) -> Payment | None:
    """The attempt that a report is about: by its money, by its page, or the one whose page we have not heard of yet."""
    by_money = (row for row in rows if report.intent_ref and row.intent_ref == report.intent_ref)
    by_page = (row for row in rows if row.session_ref == report.session_ref)
    opening = (
        replace(row, session_ref=report.session_ref)
        for row in rows
        if row.open and row.session_ref is None and str(row.purchase_id) == report.purchase_id
    )
    return next(chain(by_money, by_page, opening), None)


def _not_there(row: Payment) -> Difference:
    ours = f"attempt {row.number} {row.state}, {row.amount}"
    return here_only(Kind.PAID_HERE_ONLY, row.purchase_id, row.session_ref or "", ours)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


async def _batched(listed: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for one in listed:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
