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
from gatepass.store import ReadTx, figures
from gatepass.store.figures import HOUR, QUARTER, Scope
from gatepass.store.tables import Row

PERIODS: Mapping[str, int] = {"7": 7, "30": 30, "90": 90}
"""Days, as an address names them."""
DEFAULT_PERIOD = "30"
PAID = "completed"
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
    scope = Scope(begin[0], event_id, HOUR if not any(one.minute for one in begin) else QUARTER)
    orders, told = figures.orders(tx, scope), figures.notifications(tx, scope)
    return Figures(
        since=first,
        until=today,
        zone=zone,
        registrations=Series("Registrations", _by_day(days, zone, ((row, row["count"]) for row in orders))),
        revenue=_revenue(days, zone, orders),
        steps=_steps(tx, scope, orders),
        refunds=_back(figures.money_back(tx, scope)),
        delay_s=_delay(told),
        last_notification=told[0]["received"] if told else None,
        attention=figures.waiting(tx, scope),
    )


def _by_day(days: Sequence[date], zone: str, counted: Iterable[tuple[Row, int]]) -> list[tuple[date, int]]:
    sums = Counter[date]()
    for row, value in counted:
        began = datetime.fromisoformat(row["began"]).replace(tzinfo=UTC)
        sums[began.astimezone(ZoneInfo(zone)).date()] += int(value)
    return [(day, sums[day]) for day in days]


def _revenue(days: Sequence[date], zone: str, orders: Sequence[Row]) -> list[Series]:
    """Of completed orders, by the day of the order, before refunds; one series for each currency."""
    by_currency = defaultdict[str, list[Row]](list)
    for row in orders:
        if row["status"] == PAID and row["total_minor"]:
            by_currency[row["currency"]].append(row)
    return [
        Series(f"Revenue, {code}", _by_day(days, zone, ((row, row["total_minor"]) for row in rows)), code)
        for code, rows in sorted(by_currency.items())
    ]


def _steps(tx: ReadTx, scope: Scope, orders: Sequence[Row]) -> list[Step]:
    by_status = Counter[str]()
    for row in orders:
        by_status[row["status"]] += row["count"]
    registered = sum(by_status.values())
    failed = [row for row in figures.attempts(tx, scope) if row["state"] == "failed"]
    steps = [
        Step("Registered", registered),
        Step("Sent to payment", figures.sent_to_payment(tx, scope)),
        Step("Completed", by_status[PAID]),
        Step("Awaiting payment", by_status["awaiting_payment"], "awaiting"),
        Step("Hold ran out", by_status["expired"], "expired"),
        Step("Cancelled", by_status["cancelled"], "cancelled"),
        *(Step(f"Declined: {_words(row['reason'])}", row["orders"], "failed") for row in failed),
    ]
    return [
        Step(one.label, one.count, one.state, round(100 * one.count / registered, 1) if registered else 0.0)
        for one in steps
    ]


def _words(reason: str) -> str:
    return reason.replace("_", " ") or "no reason given"


def _back(rows: Sequence[Row]) -> list[tuple[str, int, Money]]:
    return [
        (
            f"{row['what'].capitalize()} {row['state'].replace('_', ' ')}",
            row["count"],
            Money(int(row["total_minor"]), row["currency"]),
        )
        for row in sorted(rows, key=lambda row: (row["what"], row["state"], row["currency"]))
    ]


def _delay(told: Sequence[Row]) -> float | None:
    """Seconds from the arrival of a notification to its effect, that 95 of 100 do not exceed."""
    delays = sorted((row["handled"] - row["received"]).total_seconds() for row in told)
    return delays[min(int(len(delays) * P95), len(delays) - 1)] if delays else None
