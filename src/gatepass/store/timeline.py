"""What happened to a purchase, and when: written in the transaction of the change, and read with all that stands around."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.dispute import Dispute
from gatepass.store import disputes
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.jobs import DONE
from gatepass.store.tables import (
    Row,
    attention,
    audit,
    job,
    mail,
    new_id,
    notification,
    payment,
    purchase,
    refund,
    registration,
    timeline_entry,
)  # fmt: skip

Entry = tuple[UUID, str, Mapping[str, Any]]
"""Purchase, kind, detail. No personal datum: the detail is shown to whoever may see the purchase, and to support."""


def add(tx: WriteTx, entries: Sequence[Entry]) -> None:
    """Write down what has just happened."""
    rows = [
        {"id": new_id(), "purchase_id": at, "at": tx.now, "kind": kind, "detail": detail}
        for at, kind, detail in entries
    ]
    tx.insert_many(timeline_entry, rows)


def of_purchase(tx: ReadTx, purchase_id: UUID) -> list[Row]:
    """The entries of one purchase, the first one first."""
    own = sa.select(timeline_entry).where(timeline_entry.c.purchase_id == purchase_id)
    return tx.rows(own.order_by(timeline_entry.c.at, timeline_entry.c.id))


def count(tx: ReadTx, purchase_id: UUID, kind: str) -> int:
    """How often something happened to a purchase."""
    own = (timeline_entry.c.purchase_id == purchase_id, timeline_entry.c.kind == kind)
    return tx.execute(sa.select(sa.func.count()).where(*own)).scalar_one()


@dataclass(frozen=True, slots=True)
class Around:
    """Rows of one purchase that tell when something happened to it."""

    changed: Mapping[UUID, datetime]
    """When purchase, payments and refunds were last written, by id."""
    disputes: Sequence[Dispute]
    notifications: Sequence[Row]
    """Without their bodies."""
    mails: Sequence[Row]
    registrations: Sequence[Row]
    jobs: Sequence[Row]
    """Work on it that is not done."""
    audit: Sequence[Row]
    attention: Sequence[Row]


def around(tx: ReadTx, purchase_id: UUID, payment_ids: Iterable[UUID], refund_ids: Iterable[UUID]) -> Around:
    """All of it. Several statements: run it in a snapshot."""
    paid, refunded = list(payment_ids), list(refund_ids)
    notifications = _own(tx, notification, purchase_id, "received")
    disputed = disputes.of_purchase(tx, purchase_id)
    keys = _job_keys(purchase_id, paid, refunded, [row["id"] for row in notifications])
    things = [("purchase", purchase_id), *(("payment", at) for at in paid), *(("refund", at) for at in refunded)]
    return Around(
        changed=_changed(tx, purchase_id),
        disputes=disputed,
        notifications=notifications,
        mails=_own(tx, mail, purchase_id, "created"),
        registrations=_own(tx, registration, purchase_id, "created"),
        jobs=tx.rows(sa.select(job).where(job.c.dedupe.in_(keys), job.c.state != DONE).order_by(job.c.due)),
        audit=_audit(tx, [*things, *(("dispute", one.id) for one in disputed)]),
        attention=_own(tx, attention, purchase_id, "opened"),
    )


def _own(tx: ReadTx, table: sa.Table, purchase_id: UUID, order: str) -> list[Row]:
    columns = [column for column in table.c if column.name != "body"]
    own = sa.select(*columns).where(table.c.purchase_id == purchase_id)
    return tx.rows(own.order_by(table.c[order], table.c.id))


def _changed(tx: ReadTx, purchase_id: UUID) -> dict[UUID, datetime]:
    own = (
        sa.select(purchase.c.id, purchase.c.changed).where(purchase.c.id == purchase_id),
        *(sa.select(one.c.id, one.c.changed).where(one.c.purchase_id == purchase_id) for one in (payment, refund)),
    )
    return {row["id"]: row["changed"] for statement in own for row in tx.rows(statement)}


def _job_keys(
    purchase_id: UUID, payment_ids: Sequence[UUID], refund_ids: Sequence[UUID], notification_ids: Sequence[UUID]
) -> list[str]:
    """The dedupe keys by which work belongs to a purchase."""
    return [
        f"confirm:{purchase_id}",
        f"cancellation:{purchase_id}",
        f"finalize:{purchase_id}",
        *(f"{what}:{at}" for at in payment_ids for what in ("look_up", "end")),
        *(f"{what}:{at}" for at in refund_ids for what in ("refund", "refund_mail")),
        *(f"apply:{at}" for at in notification_ids),
    ]


def _audit(tx: ReadTx, things: Sequence[tuple[str, UUID]]) -> list[Row]:
    subjects = [f"{what}:{at}" for what, at in things]
    return tx.rows(sa.select(audit).where(audit.c.subject.in_(subjects)).order_by(audit.c.at, audit.c.id))
