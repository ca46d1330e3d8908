"""Notifications of providers: each kept once, raw, by the provider's own event id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.notification import About
from gatepass.domain.payment import Payment
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, attention, notification


class NotificationState(StrEnum):
    """What became of it. None is ever deleted while it matters."""

    NEW = "new"
    APPLIED = "applied"
    IGNORED = "ignored"
    """Of a kind, or in a mode, that says nothing to us."""
    QUARANTINED = "quarantined"
    """Does not fit what we know; a person sees why."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One kept notification; `payment_hint` is our payment's id as the provider repeated it, unchecked."""

    id: UUID
    provider: str
    event_ref: str
    kind: str
    about: About
    object_ref: str | None
    money_ref: str | None
    payment_hint: str | None
    live: bool
    state: NotificationState


@dataclass(frozen=True, slots=True)
class Span:
    """Which notifications are meant: received from `since` on, before `until`, of one kind, or only quarantined ones."""

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    quarantined: bool = False

    def described(self) -> dict[str, str]:
        """For the audit: what was asked for."""
        return {name: str(getattr(self, name)) for name in Span.__slots__ if getattr(self, name)}


_known = sa.select(notification.c.event_ref).where(
    notification.c.provider == sa.bindparam("provider"),
    notification.c.event_ref.in_(sa.bindparam("refs", expanding=True)),
)
_by_id = sa.select(*(notification.c[name] for name in Notification.__slots__)).where(
    notification.c.id.in_(sa.bindparam("ids", expanding=True))
)


def known(tx: ReadTx, provider: str, refs: Sequence[str]) -> set[str]:
    """Which of these event ids are kept already."""
    return set(tx.execute(_known, {"provider": provider, "refs": refs}).scalars())


def add(tx: WriteTx, rows: Sequence[Row]) -> None:
    """Keep notifications (rows of `tables.notification`) that are not known. Raises IntegrityError when one is."""
    tx.insert_many(notification, rows)


def get_many(tx: ReadTx, ids: Sequence[UUID]) -> list[Notification]:
    """Notifications without their bodies, in no order."""
    return [_notification(row) for row in tx.rows(_by_id, {"ids": ids})] if ids else []


def _notification(row: Row) -> Notification:
    values: dict[str, Any] = {**row, "about": About(row["about"]), "state": NotificationState(row["state"])}
    return Notification(**values)


def set_state(tx: WriteTx, changes: Sequence[tuple[UUID, NotificationState, str | None, Payment | None]]) -> None:
    """Write (notification, state, reason, the payment that it turned out to be about)."""
    rows = [
        {
            "state": to.value, "reason": why, "handled": tx.now,
            "payment_id": about and about.id, "purchase_id": about and about.purchase_id, "id": at,
        }
        for at, to, why, about in changes
    ]  # fmt: skip
    tx.change_many(notification, rows)


def count(tx: ReadTx, purchase_id: UUID, kind: str) -> int:
    """How many of a kind are about one purchase."""
    own = (notification.c.purchase_id == purchase_id, notification.c.kind == kind)
    return tx.execute(sa.select(sa.func.count()).where(*own)).scalar_one()


def named(tx: ReadTx, name: str) -> list[UUID]:
    """What says something to us, by our id, or by the provider's, which two providers might share."""
    speaking = sa.select(notification.c.id).where(notification.c.about != "other")
    try:
        by_name = notification.c.id == UUID(name)
    except ValueError:
        by_name = notification.c.event_ref == name
    return list(tx.execute(speaking.where(by_name)).scalars())


def within(tx: ReadTx, span: Span, after: UUID | None, limit: int) -> list[UUID]:
    """Notifications that say something to us, by id, which is by age; `after` is the last one of the page before."""
    column = notification.c
    wanted = sa.select(column.id).where(column.about != "other").order_by(column.id).limit(limit)
    if after:
        wanted = wanted.where(column.id > after)
    if span.since:
        wanted = wanted.where(column.received >= span.since)
    if span.until:
        wanted = wanted.where(column.received < span.until)
    if span.kind:
        wanted = wanted.where(column.kind == span.kind)
    if span.quarantined:
        wanted = wanted.where(column.state == NotificationState.QUARANTINED.value, ~_decided())
    return list(tx.execute(wanted).scalars())


def renew(tx: WriteTx, ids: Sequence[UUID]) -> None:
    """As if they had just come; what became of them is open again."""
    if not ids:
        return
    changed = sa.update(notification).where(notification.c.id.in_(ids))
    tx.execute(changed.values(state=NotificationState.NEW.value, reason=None, handled=None))


def empty_bodies(tx: WriteTx, before: datetime, limit: int) -> int:
    """Let the raw bodies of what came before a moment go, but never of what is open; how many."""
    column = notification.c
    old = sa.select(column.id).where(
        column.body.is_not(None), column.received < before, column.state != NotificationState.NEW.value
    )
    closed = (column.state != NotificationState.QUARANTINED.value) | ~_open_question()
    emptied = sa.update(notification).where(column.id.in_(old.where(closed).limit(limit)))
    return int(tx.execute(emptied.values(body=None)).rowcount)


def _open_question() -> sa.ColumnElement[bool]:
    """Somebody is still to decide about it, its payment or its purchase."""
    asked = sa.select(attention.c.id).where(
        attention.c.closed.is_(None),
        (attention.c.notification_id == notification.c.id)
        | (attention.c.payment_id == notification.c.payment_id)
        | (attention.c.purchase_id == notification.c.purchase_id),
    )
    return asked.exists()


def _decided() -> sa.ColumnElement[bool]:
    """Somebody has looked at it and closed it, and nothing about it is open."""
    entry = sa.select(attention.c.id).where(attention.c.notification_id == notification.c.id)
    still_open = entry.where(attention.c.closed.is_(None))
    return entry.where(attention.c.closed.is_not(None)).exists() & ~still_open.exists()


def any_of(tx: ReadTx, provider: str) -> bool:
    """True when this provider has ever told us something."""
    found = sa.select(notification.c.id).where(notification.c.provider == provider).limit(1)
    return tx.execute(found).first() is not None
