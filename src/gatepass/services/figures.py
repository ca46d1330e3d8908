"""How an event, or everything, goes: registrations and revenue by day, the way from registered to paid, and what went wrong.

Amounts of different currencies are never added.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from gatepass.domain.money import Money
from gatepass.store import ReadTx, Store, WriteTx, figures, jobs
from gatepass.store.figures import COMPLETED, ORDER, REFUND, Scope
from gatepass.store.jobs import Job
from gatepass.store.tables import Row

PERIODS: Mapping[str, int] = {"7": 7, "30": 30, "90": 90}
"""Days, as an address names them."""
DEFAULT_PERIOD = "30"
DECLINED = "declined."
"""What a count is of; see `tables.figure`."""
SUM_UP_EVERY = timedelta(seconds=10)
P95 = 0.95


@dataclass(frozen=True, slots=True)
class Series:
    """One number a day."""

    label: str
    points: Sequence[tuple[date, int]]
    currency: str | None = None
    """The numbers are its minor units; None: they count."""

    @property
    def highest(self) -> tuple[date, int]:
        """The day with most, the latest of them."""
        return max(self.points, key=lambda point: (point[1], point[0]))

    @property
    def total(self) -> int:
        """Of all days."""
        return sum(value for _, value in self.points)


@dataclass(frozen=True, slots=True)
class Step:
    """One bar on the way from registered to paid."""

    label: str
    count: int
    state: str = ""
    share: float = 0.0
    """Percent of those registered."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All of one scope."""

    since: date
    until: date
    zone: str
    registrations: Series
    revenue: Sequence[Series]
    steps: Sequence[Step]
    refunds: Sequence[tuple[str, int, Money]]
    """Word, count, sum: by state and currency."""
    delay_s: float | None
    last_notification: datetime | None
    attention: int


def period_of(text: str) -> str:
    """A period that there is."""
    return text if text in PERIODS else DEFAULT_PERIOD


def look(tx: ReadTx, period: str, zone: str, event_id: UUID | None = None) -> Figures:
    """Count. Several statements: run it in a snapshot. Days are those of `zone`."""
    today = datetime.now(ZoneInfo(zone)).date()
    first = today - timedelta(days=PERIODS[period] - 1)
    days = [first + timedelta(days=number) for number in range(PERIODS[period])]
    begin = [datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC) for day in days]
    scope = Scope(begin, event_id)
    orders, totals, told = figures.orders(tx, scope), figures.totals(tx, scope), figures.notifications(tx, scope.since)
    return Figures(
        since=first,
        until=today,
        zone=zone,
        registrations=Series("Registrations", _by_day(days, zone, ((row["at"], row["count"]) for row in orders))),
        revenue=_revenue(days, zone, orders),
        steps=_steps(totals),
        refunds=_back(totals),
        delay_s=_delay(told),
        last_notification=told[0]["received"] if told else None,
        attention=figures.waiting(tx, scope),
    )


async def sum_up(store: Store, claim: Job) -> None:
    """Add what has happened to the sums that figures are read from; they are right before it too."""
    await store.write(lambda tx: _sum_up(tx, claim))


def _sum_up(tx: WriteTx, claim: Job) -> None:
    if jobs.held(tx, [claim]):
        figures.sum_up(tx)
        jobs.again(tx, claim, tx.now + SUM_UP_EVERY)


def _by_day(days: Sequence[date], zone: str, counted: Iterable[tuple[datetime, int]]) -> list[tuple[date, int]]:
    sums, at_home = Counter[date](), ZoneInfo(zone)
    for at, value in counted:
        sums[at.astimezone(at_home).date()] += int(value)
    return [(day, sums[day]) for day in days]


def _revenue(days: Sequence[date], zone: str, orders: Sequence[Row]) -> list[Series]:
    """Of completed orders, by the day of the order, before refunds; one series for each currency."""
    by_currency = defaultdict[str, list[Row]](list)
    for row in orders:
        if row["paid_minor"]:
            by_currency[row["currency"]].append(row)
    return [
        Series(f"Revenue, {code}", _by_day(days, zone, ((row["at"], row["paid_minor"]) for row in rows)), code)
        for code, rows in sorted(by_currency.items())
    ]


def _steps(totals: Sequence[Row]) -> list[Step]:
    """Of the orders of the span, whenever they moved on."""
    sums = Counter[str]()
    for row in totals:
        sums[row["what"]] += int(row["count"])
    registered = sum(count for what, count in sums.items() if what.startswith(ORDER))
    declined = {what: count for what, count in sorted(sums.items()) if what.startswith(DECLINED) and count}
    steps = [
        Step("Registered", registered),
        Step("Sent to payment", sums["sent"]),
        Step("Completed", sums[COMPLETED]),
        Step("Awaiting payment", sums["order.awaiting_payment"], "awaiting"),
        Step("Hold ran out", sums["order.expired"], "expired"),
        Step("Cancelled", sums["order.cancelled"], "cancelled"),
        *(Step(f"Declined: {_words(what)}", count, "failed") for what, count in declined.items()),
    ]
    return [
        Step(one.label, one.count, one.state, round(100 * one.count / registered, 1) if registered else 0.0)
        for one in steps
    ]


def _words(what: str) -> str:
    return what.removeprefix(DECLINED).replace("_", " ") or "no reason given"


def _back(totals: Sequence[Row]) -> list[tuple[str, int, Money]]:
    """Refunds and disputes of the span, by what became of them and currency."""
    return [
        (
            row["what"].replace(".", " ").replace("_", " ").capitalize(),
            int(row["count"]),
            Money(int(row["total_minor"]), row["currency"]),
        )
        for row in sorted(totals, key=lambda row: (row["what"], row["currency"]))
        if row["what"].startswith((REFUND, "dispute.")) and row["count"]
    ]


def _delay(told: Sequence[Row]) -> float | None:
    """Seconds from the arrival of a notification to its effect, that 95 of 100 do not exceed."""
    delays = sorted((row["handled"] - row["received"]).total_seconds() for row in told)
    return delays[min(int(len(delays) * P95), len(delays) - 1)] if delays else None
