"""What a comparison has found so far: the sums of both sides, and the differences."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from gatepass.domain.difference import Balance, Difference
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState, Report

CHUNK = timedelta(hours=1)
MOST_CHUNKS = 100
"""A period is compared in pieces of an hour, or in so many: what is remembered as seen is that of one."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to before `until`, UTC."""

    since: datetime
    until: datetime

    def chunks(self) -> Sequence["Period"]:
        """The same in pieces."""
        piece = max(CHUNK, (self.until - self.since) / MOST_CHUNKS)
        count = -((self.since - self.until) // piece)
        edges = [*(self.since + piece * at for at in range(count)), self.until]
        return [Period(one, other) for one, other in pairwise(edges)]


@dataclass(slots=True)
class Books:
    """What a comparison has found so far."""

    balances: dict[str, Balance] = field(default_factory=dict[str, Balance])
    differences: dict[str, Difference] = field(default_factory=dict[str, Difference])
    """By their keys."""
    priced: list[tuple[Payment, Report]] = field(default_factory=list[tuple[Payment, Report]])
    """Payments whose fee the provider tells and we do not hold. Whoever stores them takes them out."""
    mended: Sequence[Difference] = ()
    """What differed, and does not any more."""
    payments: int = 0
    foreign: int = 0
    """Payments, refunds and disputes at the provider that name no purchase of ours."""
    fees_unknown: int = 0
    not_asked: str | None = None
    """Why the place where purchases live was not asked, where it did not answer: what it says is not compared then."""

    def note(self, found: Difference | None) -> None:
        """Keep what differs."""
        if found:
            self.differences[found.key] = found

    def count_theirs(self, report: Report) -> None:
        """A payment, as the provider tells of it."""
        if report.state is PaymentState.SUCCEEDED and report.amount:
            sums = self.of(report.amount.currency).theirs
            sums.charged += report.amount.minor
            sums.fees += report.fee.minor if report.fee else 0
            self.payments += 1

    def count_ours(self, row: Payment) -> None:
        """The same, as it stands here."""
        sums = self.of(row.amount.currency).ours
        sums.charged += row.amount.minor
        sums.fees += row.fee.minor if row.fee else 0
        self.fees_unknown += row.fee is None

    def fee_told(self, row: Payment, report: Report) -> None:
        """What the provider kept of a payment that stands here."""
        if report.fee and report.fee != row.fee and report.state is PaymentState.SUCCEEDED:
            self.priced.append((row, report))
            self.of(report.fee.currency).fees_to_store += _more(row.fee, report.fee)

    def fee_stored(self, before: Payment, now: Payment) -> None:
        """A fee that we hold since."""
        if now.fee and now.fee != before.fee:
            balance, more = self.of(now.fee.currency), _more(before.fee, now.fee)
            balance.ours.fees += more
            balance.fees_to_store -= more
            self.fees_unknown -= before.fee is None

    def of(self, currency: str) -> Balance:
        """Both sides of one currency."""
        return self.balances.setdefault(currency, Balance())


def _more(before: Money | None, now: Money) -> int:
    return now.minor - (before.minor if before else 0)
