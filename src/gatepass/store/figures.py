"""Figures of a span of time: sums that are kept, by quarters of an hour which become days of a zone elsewhere.

Triggers of migrations 0014 and 0016 write each change of an order, a payment or a refund into `figure_change`; `sum_up` adds them to
`figure`. Both together are the truth at any moment, however many orders there are.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, attention, figure, figure_change, first_id_of, notification, purchase
from gatepass.store.types import Utc

QUARTER_MINUTES = 15
NEWEST_NOTIFICATIONS = 500
"""The delay is that of these at most."""
ALL_EVENTS = UUID(int=0)
"""The scope of sums over all events, kept by the day."""


NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Of money that was paid and of fees, which no chart shows by the day; and earlier than every order."""
ORDER, REFUND, COMPLETED, MONEY, FEE = "order.", "refund.", "order.completed", "paid", "fee"
"""What a figure is of; see `tables.figure`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: from the first of these days on, of one event or of all."""

    days: Sequence[datetime]
    """When each begins, in order; at least one."""
    event_id: UUID | None = None

    @property
    def since(self) -> datetime:
        """The beginning of it all."""
        return self.days[0]


def orders(tx: ReadTx, scope: Scope) -> list[Row]:
    """By a moment of each day, `at`, and `currency`: `count` of orders, and `paid_minor` of those that are completed.

    A day may come in parts.
    """
    both = _both(scope)
    part = _part_of_day(tx, scope, both.c.at)
    paid = sa.case((both.c.what == COMPLETED, both.c.total_minor), else_=0)
    sums = (sa.func.sum(both.c["count"]).label("count"), sa.func.sum(paid).label("paid_minor"))
    wanted = sa.select(part.label("at"), both.c.currency, *sums).where(both.c.what.startswith(ORDER))
    rows = tx.rows(wanted.group_by(part, both.c.currency))
    return [dict(row) | {"at": scope.days[row["at"] - 1]} for row in rows] if tx.postgresql else rows


def _part_of_day(tx: ReadTx, scope: Scope, at: sa.ColumnElement[datetime]) -> sa.ColumnElement[Any]:
    """PostgreSQL counts the days from 1. SQLite tells when the hour begins, or the quarter of one where days begin within an hour
    (Asia/Kolkata).
    """
    if tx.postgresql:
        return sa.func.width_bucket(at, sa.literal(list(scope.days), sa.ARRAY(Utc)))
    if any(day.minute for day in scope.days):
        return at
    rest = sa.literal_column("':00:00.000000Z'", sa.String)
    return sa.type_coerce(sa.func.substr(at, sa.literal_column("1"), sa.literal_column("13")).concat(rest), Utc)


def totals(tx: ReadTx, scope: Scope, whats: Collection[str] = ()) -> list[Row]:
    """Of the whole span: `what`, `currency`, `count`, `total_minor`. `whats`: only these; none: all."""
    both = _both(scope)
    sums = (sa.func.sum(both.c[name]).label(name) for name in ("count", "total_minor"))
    wanted = sa.select(both.c.what, both.c.currency, *sums).group_by(both.c.what, both.c.currency)
    return tx.rows(wanted.where(both.c.what.in_(whats)) if whats else wanted)


def _both(scope: Scope) -> sa.Subquery:
    """What is summed up already, and what is not."""
    kept, new = figure.c, figure_change.c
    names = ("at", "what", "currency", "count", "total_minor")
    of_event = [new.event_id == scope.event_id] if scope.event_id else []
    sums = sa.select(*(kept[name] for name in names)).where(kept.scope == (scope.event_id or ALL_EVENTS))
    since = sa.select(*(new[name] for name in names)).where(new.at >= scope.since, *of_event)
    return sa.union_all(sums.where(kept.at >= scope.since), since).subquery()


def count_orders(tx: WriteTx, orders: Sequence[Row]) -> None:
    """These rows of `tables.purchase` are new. PostgreSQL has a trigger for it; on SQLite one makes an insert thrice as dear."""
    if tx.postgresql:
        return
    lines = [
        {
            "event_id": one["event_id"], "at": _quarter_of(one["created"]), "what": f"order.{one['status']}",
            "currency": one["currency"], "count": 1, "total_minor": one["total_minor"],
        }
        for one in orders
    ]  # fmt: skip
    tx.insert_many(figure_change, lines)


def _quarter_of(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute - moment.minute % QUARTER_MINUTES, second=0, microsecond=0)


def sum_up(tx: WriteTx) -> None:
    """Add what has changed to the sums. One of a kind: two at once would wait for each other."""
    for statement in _ON_POSTGRESQL if tx.postgresql else _ON_SQLITE:
        tx.execute(sa.text(statement))


_SUMS = """select event_id, at, what, currency, sum(count) as count, sum(total_minor) as total_minor
    from gone group by event_id, at, what, currency
    union all select {all}, {day}, what, currency, sum(count), sum(total_minor) from gone group by {day}, what, currency"""
_ADDED = """insert into figure (scope, at, what, currency, count, total_minor) select * from sums where true
    on conflict (scope, at, what, currency) do update
    set count = figure.count + excluded.count, total_minor = figure.total_minor + excluded.total_minor"""
_DAY = {
    "postgresql": _SUMS.format(all=f"'{ALL_EVENTS}'::uuid", day="date_trunc('day', at, 'UTC')"),
    "sqlite": _SUMS.format(all=f"'{ALL_EVENTS.hex}'", day="substr(at, 1, 10) || 'T00:00:00.000000Z'"),
}
# In one statement: what others write meanwhile is neither summed up nor taken away.
_ON_POSTGRESQL = (f"with gone as (delete from figure_change returning *), sums as ({_DAY['postgresql']}) {_ADDED}",)
_ON_SQLITE = (
    f"with gone as (select * from figure_change), sums as ({_DAY['sqlite']}) {_ADDED}",
    "delete from figure_change",
)


def notifications(tx: ReadTx, since: datetime) -> list[Row]:
    """`received` and `handled` of the newest that had an effect, of all events."""
    at = notification.c
    wanted = sa.select(at.received, at.handled).where(at.id >= first_id_of(since), at.handled.is_not(None))
    return tx.rows(wanted.order_by(at.id.desc()).limit(NEWEST_NOTIFICATIONS))


def waiting(tx: ReadTx, scope: Scope) -> int:
    """Entries that need a person."""
    at = attention.c
    wanted = sa.select(sa.func.count()).where(at.closed.is_(None))
    if scope.event_id:
        # Few entries are open: each asks whose it is, so that nobody lists the orders of the event.
        wanted = wanted.where(sa.exists().where(purchase.c.id == at.purchase_id, purchase.c.event_id == scope.event_id))
    return int(tx.execute(wanted).scalar_one())
