"""Where staff finds purchases: by what somebody says on the phone, by filters, page by page. Every way has an index."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.purchase import reference_tail
from gatepass.store.engine import ReadTx
from gatepass.store.tables import (
    Row,
    attendee,
    attention,
    awaiting_payment,
    dispute,
    event,
    payment,
    purchase,
    rare_status,
    refund,
    tail_of_id,
)

PAGE = 25
MOST_NAMED = 1000
"""People of one name that are looked at: who has more of them adds an event or a first name."""
PROVIDERS = ("stripe",)
_REFERENCE = re.compile(r"(cs|pi|ch|py|plink|re|pyr|dp|du)_\w+")
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; empty: everything. `state` is a status, or `refunded`, `disputed`, `attention`."""

    text: str = ""
    event_id: UUID | None = None
    state: str = ""
    since: datetime | None = None
    before: UUID | None = None
    """The last one of the page before."""


ByText = Callable[[ReadTx, str], sa.Select[tuple[UUID]]]
"""Ids of the purchases that somebody means by a text."""


def found(tx: ReadTx, wanted: Wanted) -> tuple[list[Row], UUID | None]:
    """One page, the newest first, each with its event's name and its first person; and where the next page begins."""
    conditions = filters(tx, purchase, wanted, _by_text)
    if wanted.event_id:
        conditions.append(purchase.c.event_id == wanted.event_id)
    ids, more = page_of(tx, purchase, conditions, wanted)
    return lines(tx, ids), more


def page_of(
    tx: ReadTx, table: sa.Table, conditions: list[sa.ColumnElement[bool]], wanted: Wanted
) -> tuple[list[UUID], UUID | None]:
    """Ids of one page of `table`, which has `id` and `created`, the newest first; and where the next page begins."""
    at, before = table.c, wanted.before
    chosen = sa.select(at.id, at.created).where(*conditions)
    last = tx.row(sa.select(at.created).where(at.id == before)) if before else None
    if last:
        moment, own = sa.literal(last["created"], at.created.type), sa.literal(before, at.id.type)
        chosen = chosen.where(sa.tuple_(at.created, at.id) < sa.tuple_(moment, own))
    if wanted.text.strip() or (wanted.event_id and wanted.state == "refunded"):
        # Few are meant: they are found first and sorted then. To walk all from the newest until some are met takes longer.
        at = chosen.cte("meant").prefix_with("MATERIALIZED").c
        chosen = sa.select(at.id, at.created)
    rows = tx.rows(chosen.order_by(at.created.desc(), at.id.desc()).limit(PAGE + 1))
    ids = [row["id"] for row in rows[:PAGE]]
    return ids, (ids[-1] if len(rows) > PAGE else None)


def filters(tx: ReadTx, table: sa.Table, wanted: Wanted, by_text: ByText) -> list[sa.ColumnElement[bool]]:
    """What every purchase is looked for by, wherever it lives."""
    at, text = table.c, wanted.text.strip()
    named = by_text(tx, text).limit(MOST_NAMED).subquery() if text else None
    return [
        *([at.id.in_(sa.select(named.c[0]))] if named is not None else []),
        *([at.created >= wanted.since] if wanted.since else []),
        *([_state(table, wanted.state)] if wanted.state else []),
    ]


def _state(table: sa.Table, state: str) -> sa.ColumnElement[bool]:
    at = table.c.id
    match state:
        case "refunded":
            return sa.exists().where(refund.c.purchase_id == at)
        case "disputed":
            return at.in_(sa.select(dispute.c.purchase_id))
        case "attention":
            return at.in_(
                sa.select(attention.c.purchase_id).where(
                    attention.c.closed.is_(None), attention.c.purchase_id.is_not(None)
                )
            )
        case _ if table is not purchase or state == "completed":
            return table.c.status == state
        case "awaiting_payment":
            return awaiting_payment
        case _:
            return sa.and_(rare_status, purchase.c.status == state)


def _by_text(tx: ReadTx, text: str) -> sa.Select[tuple[UUID]]:
    """An address, a reference of the provider, an order or its id, or a name."""
    if "@" in text:
        return sa.select(attendee.c.purchase_id).where(sa.func.lower(attendee.c.email) == text.lower())
    if is_reference(text):
        return by_reference(text)
    try:
        return sa.select(purchase.c.id).where(purchase.c.id == UUID(text))
    except ValueError:
        tail = reference_tail(text)
    named = _by_name(tx, text)
    if tail is None:
        return named
    order = sa.select(purchase.c.id).where(tail_of_id(purchase.c.id) == tail)
    if text.upper().startswith("GP"):
        return order
    return sa.select(sa.union(order, sa.select(named.limit(MOST_NAMED).subquery())).subquery().c[0])


def is_reference(text: str) -> bool:
    """True for a name that a provider gives: of a page, a payment, a refund or a dispute."""
    return _REFERENCE.fullmatch(text) is not None


def by_reference(text: str) -> sa.Select[tuple[UUID]]:
    """The purchase of such a name, wherever it lives."""
    at = payment.c
    ways = (
        sa.select(at.purchase_id).where(at.provider.in_(PROVIDERS), at.session_ref == text),
        sa.select(at.purchase_id).where(at.intent_ref == text),
        sa.select(refund.c.purchase_id).where(refund.c.provider.in_(PROVIDERS), refund.c.refund_ref == text),
        sa.select(dispute.c.purchase_id).where(dispute.c.provider.in_(PROVIDERS), dispute.c.dispute_ref == text),
    )
    return sa.select(sa.union(*ways).subquery().c[0])


def _by_name(tx: ReadTx, text: str) -> sa.Select[tuple[UUID]]:
    """The beginning of a last name, with that of a first name before it."""
    *first, last = text.lower().split()
    chosen = sa.select(attendee.c.purchase_id).where(begins(tx, sa.func.lower(attendee.c.last_name), last))
    if first:
        chosen = chosen.where(begins(tx, sa.func.lower(attendee.c.first_name), first[0]))
    return chosen


def begins(tx: ReadTx, column: sa.ColumnElement[str], start: str) -> sa.ColumnElement[bool]:
    """As an index of each database can answer it."""
    if tx.postgresql:
        return column.startswith(start, autoescape=True)
    return sa.and_(column >= start, column < start + _LAST)


def lines(tx: ReadTx, ids: list[UUID]) -> list[Row]:
    """What a list shows of these purchases, in this order."""
    at = purchase.c
    people = tx.rows(
        sa.select(attendee.c.purchase_id, attendee.c.first_name, attendee.c.last_name).where(
            attendee.c.purchase_id.in_(ids), attendee.c.position == 0
        )
    )
    names = {row["purchase_id"]: f"{row['first_name']} {row['last_name']}" for row in people}
    found = tx.rows(
        sa.select(
            at.id,
            at.status,
            at.total_minor,
            at.currency,
            at.created,
            at["items"],
            event.c.name.label("title"),
            event.c.time_zone,
        )
        .join(event, event.c.id == at.event_id)
        .where(at.id.in_(ids))
    )
    by_id = {row["id"]: dict(row) | {"buyer": names.get(row["id"], "")} for row in found}
    return [by_id[one] for one in ids if one in by_id]
