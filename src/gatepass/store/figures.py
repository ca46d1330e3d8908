"""Figures of a span of time, counted in the database by hours, or quarters of them, that become days of a zone elsewhere.

Spans of payments, refunds, disputes and notifications are spans of ids: UUIDv7 sort by time, so the primary key is the index.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx
from gatepass.store.tables import Row, attention, dispute, first_id_of, notification, payment, purchase, refund

HOUR, QUARTER = 60, 15
"""Minutes. No zone of today is off by less than a quarter."""
NEWEST_NOTIFICATIONS = 500
"""The delay is that of these at most."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: from `since` on, of one event or of all."""

    since: datetime
    event_id: UUID | None = None
    step_minutes: int = HOUR
    """How fine orders are counted: by hours, or by quarters where a day of the zone begins within an hour (Asia/Kolkata)."""


def orders(tx: ReadTx, scope: Scope) -> list[Row]:
    """`began` (such as 2026-11-21 14:30, UTC), `status`, `currency`, `count`, `total_minor`: one look at every order of the span."""
    at = purchase.c
    began = _begun(tx, at.created, scope.step_minutes).label("began")
    wanted = sa.select(
        began, at.status, at.currency, sa.func.count().label("count"), sa.func.sum(at.total_minor).label("total_minor")
    )
    return tx.rows(wanted.where(at.created >= scope.since, *_of_event(scope)).group_by(began, at.status, at.currency))


def attempts(tx: ReadTx, scope: Scope) -> list[Row]:
    """`state`, `reason` and `count` of payments, and `orders`: of how many orders."""
    at = payment.c
    reason = sa.func.coalesce(at.reason_code, "").label("reason")
    counts = (sa.func.count().label("count"), sa.func.count(sa.distinct(at.purchase_id)).label("orders"))
    return tx.rows(sa.select(at.state, reason, *counts).where(*_span(at, scope)).group_by(at.state, reason))


def sent_to_payment(tx: ReadTx, scope: Scope) -> int:
    """Orders with a payment, whatever became of it."""
    wanted = sa.select(sa.func.count(sa.distinct(payment.c.purchase_id))).where(*_span(payment.c, scope))
    return int(tx.execute(wanted).scalar_one())


def money_back(tx: ReadTx, scope: Scope) -> list[Row]:
    """Refunds and disputes: `what`, `state`, `currency`, `count`, `total_minor`."""
    found: list[Row] = []
    for name, table in (("refund", refund), ("dispute", dispute)):
        at = table.c
        counts = (sa.func.count().label("count"), sa.func.sum(at.amount_minor).label("total_minor"))
        wanted = sa.select(sa.literal(name).label("what"), at.state, at.currency, *counts)
        found += tx.rows(wanted.where(*_span(at, scope)).group_by(at.state, at.currency))
    return found


def notifications(tx: ReadTx, scope: Scope) -> list[Row]:
    """`received` and `handled` of the newest that had an effect."""
    at = notification.c
    wanted = sa.select(at.received, at.handled).where(at.id >= first_id_of(scope.since), at.handled.is_not(None))
    if scope.event_id:
        wanted = wanted.where(at.purchase_id.in_(_own(scope)))
    return tx.rows(wanted.order_by(at.id.desc()).limit(NEWEST_NOTIFICATIONS))


def waiting(tx: ReadTx, scope: Scope) -> int:
    """Entries that need a person."""
    at = attention.c
    wanted = sa.select(sa.func.count()).where(at.closed.is_(None))
    if scope.event_id:
        wanted = wanted.where(at.purchase_id.in_(sa.select(purchase.c.id).where(purchase.c.event_id == scope.event_id)))
    return int(tx.execute(wanted).scalar_one())


def _span(at: Any, scope: Scope) -> list[sa.ColumnElement[bool]]:
    own = [at.purchase_id.in_(_own(scope))] if scope.event_id else []
    return [at.id >= first_id_of(scope.since), *own]


def _own(scope: Scope) -> sa.Select[tuple[UUID]]:
    return sa.select(purchase.c.id).where(purchase.c.event_id == scope.event_id)


def _of_event(scope: Scope) -> list[sa.ColumnElement[bool]]:
    return [purchase.c.event_id == scope.event_id] if scope.event_id else []


def _begun(tx: ReadTx, at: sa.ColumnElement[datetime], step_minutes: int) -> sa.ColumnElement[str]:
    """The beginning of the hour, or of the quarter, in UTC."""
    if tx.postgresql:
        # Literals: a parameter in GROUP BY is another expression than the same one in SELECT.
        step: sa.ColumnElement[Any] = sa.literal_column(f"interval '{step_minutes} minutes'")
        begun = sa.func.date_bin(step, sa.func.timezone("UTC", at), sa.literal_column("timestamp '2000-01-01'"))
        return sa.func.to_char(begun, sa.literal_column("'YYYY-MM-DD HH24:MI'"))
    text = sa.cast(at, sa.String)
    if step_minutes == HOUR:
        return sa.func.substr(text, 1, 13).concat(sa.literal_column("':00'"))
    minute = sa.cast(sa.func.substr(text, 15, 2), sa.Integer)
    quarter = sa.func.printf(sa.literal_column("'%02d'"), minute - minute % sa.literal_column(str(step_minutes)))
    return sa.func.substr(text, 1, 14).concat(quarter)
