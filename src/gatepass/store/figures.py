"""Figures of a span of time: sums that are kept, by hours which become days of a zone elsewhere.

Triggers of migration 0011 write each change of an order, a payment or a refund into `figure_change`; `sum_up` adds them to
`figure`. Both together are the truth at any moment, however many orders there are.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, attention, figure, figure_change, first_id_of, notification, purchase

NEWEST_NOTIFICATIONS = 500
"""The delay is that of these at most."""
ALL_EVENTS = UUID(int=0)
"""The scope of sums over all events, kept by the day."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: from `since` on, of one event or of all."""

    since: datetime
    event_id: UUID | None = None


def counted(tx: ReadTx, scope: Scope) -> list[Row]:
    """`at` (the beginning of an hour or a day, UTC), `what`, `currency`, `count`, `total_minor`; one key may come twice.

    Two statements that belong together: run it in a snapshot.
    """
    kept, new = figure.c, figure_change.c
    of_scope = kept.scope == (scope.event_id or ALL_EVENTS)
    sums = sa.select(kept.at, kept.what, kept.currency, kept.count, kept.total_minor)
    key = (new.at, new.what, new.currency)
    since = sa.select(*key, *(sa.func.sum(new[name]).label(name) for name in ("count", "total_minor")))
    since = since.where(new.at >= scope.since, *([new.event_id == scope.event_id] if scope.event_id else []))
    return tx.rows(sums.where(of_scope, kept.at >= scope.since)) + tx.rows(since.group_by(*key))


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
        wanted = wanted.where(at.purchase_id.in_(sa.select(purchase.c.id).where(purchase.c.event_id == scope.event_id)))
    return int(tx.execute(wanted).scalar_one())
