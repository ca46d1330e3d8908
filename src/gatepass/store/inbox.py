"""Notifications of providers: each kept once, raw, by the provider's own event id."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, notification


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
    object_ref: str | None
    payment_hint: str | None
    live: bool
    state: NotificationState


_known = sa.select(notification.c.event_ref).where(
    notification.c.provider == sa.bindparam("provider"),
    notification.c.event_ref.in_(sa.bindparam("refs", expanding=True)),
)
_by_id = sa.select(*(notification.c[name] for name in Notification.__slots__)).where(
    notification.c.id == sa.bindparam("id")
)


def known(tx: ReadTx, provider: str, refs: Sequence[str]) -> set[str]:
    """Which of these event ids are kept already."""
    return set(tx.execute(_known, {"provider": provider, "refs": refs}).scalars())


def add(tx: WriteTx, rows: Sequence[Row]) -> None:
    """Keep notifications (rows of `tables.notification`) that are not known. Raises IntegrityError when one is."""
    tx.insert_many(notification, rows)


def get(tx: ReadTx, notification_id: UUID) -> Notification | None:
    """One notification without its body."""
    row = tx.row(_by_id, {"id": notification_id})
    if row is None:
        return None
    values: dict[str, Any] = {**row, "state": NotificationState(row["state"])}
    return Notification(**values)


def set_state(tx: WriteTx, changes: Sequence[tuple[UUID, NotificationState, str | None]]) -> None:
    """Write (notification, state, reason)."""
    rows = [{"state": to.value, "reason": why, "handled": tx.now, "id": at} for at, to, why in changes]
    tx.change_many(notification, rows)
