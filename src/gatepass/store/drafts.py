"""Forms of the registration page on their way to an order, as they were typed, for a few hours."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import draft


def keep(tx: WriteTx, draft_id: UUID, typed: Mapping[str, str], ends: datetime) -> None:
    """Keep the fields of a form until `ends`, in place of what was kept of it before."""
    row = {"id": draft_id, "typed": dict(typed), "ends": ends}
    if not tx.insert_new(draft, [row], unless="id"):
        tx.execute(sa.update(draft).where(draft.c.id == draft_id).values(typed=row["typed"], ends=ends))


def get(tx: ReadTx, draft_id: UUID, now: datetime) -> dict[str, str] | None:
    """The fields; None when they are not kept any more."""
    kept: dict[str, str] | None = tx.execute(
        sa.select(draft.c.typed).where(draft.c.id == draft_id, draft.c.ends > now)
    ).scalar_one_or_none()
    return kept


def forget_ended(tx: WriteTx, now: datetime, limit: int) -> None:
    """Delete those that are over."""
    over = sa.select(draft.c.id).where(draft.c.ends <= now).limit(limit)
    tx.execute(sa.delete(draft).where(draft.c.id.in_(over)))
