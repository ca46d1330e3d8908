"""What happened to a purchase, and when: written in the transaction of the change."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, new_id, timeline_entry

_insert = sa.insert(timeline_entry)

Entry = tuple[UUID, str, Mapping[str, Any]]
"""Purchase, kind, detail. No personal datum: the detail is shown to whoever may see the purchase, and to support."""


def add(tx: WriteTx, entries: Sequence[Entry]) -> None:
    """Write down what has just happened."""
    rows = [
        {"id": new_id(), "purchase_id": at, "at": tx.now, "kind": kind, "detail": detail}
        for at, kind, detail in entries
    ]
    if rows:
        tx.execute(_insert, rows)


def of_purchase(tx: ReadTx, purchase_id: UUID) -> list[Row]:
    """The entries of one purchase, the first one first."""
    own = sa.select(timeline_entry).where(timeline_entry.c.purchase_id == purchase_id)
    return tx.rows(own.order_by(timeline_entry.c.at, timeline_entry.c.id))
