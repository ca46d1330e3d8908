"""The record of refunds: one row each, whoever asked for it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.money import Money
from gatepass.domain.refund import Cause, Refund, RefundState
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, first_id_of, refund

_of_purchases = (
    sa.select(refund).where(refund.c.purchase_id.in_(sa.bindparam("ids", expanding=True))).order_by(refund.c.id)
)
_save = (
    sa.update(refund)
    .where(refund.c.id == sa.bindparam("at"))
    .values(
        state=sa.bindparam("to_state"),
        opening=sa.bindparam("to_opening"),
        refund_ref=sa.bindparam("to_ref"),
        reason_code=sa.bindparam("to_code"),
        reason_text=sa.bindparam("to_text"),
        changed=sa.bindparam("now"),
    )
)


def get(tx: ReadTx, refund_id: UUID) -> Refund | None:
    """One refund, or None."""
    row = tx.row(sa.select(refund).where(refund.c.id == refund_id))
    return _refund(row) if row else None


def of_purchases(tx: ReadTx, purchase_ids: Iterable[UUID]) -> list[Refund]:
    """Every refund of these purchases, the first one first. To change one, lock the purchase's payments first."""
    ids = list(purchase_ids)
    return [_refund(row) for row in tx.rows(_of_purchases, {"ids": ids})] if ids else []


def made_between(
    tx: ReadTx, provider: str, since: datetime, until: datetime, after: UUID | None, limit: int
) -> list[Refund]:  # fmt: skip
    """Refunds that the provider has heard of and whose rows were made in this time, by id, from `after` on."""
    span = (refund.c.id >= first_id_of(since), refund.c.id < first_id_of(until), refund.c.provider == provider)
    more = (refund.c.id > after,) if after else ()
    heard = (refund.c.refund_ref.is_not(None), refund.c.state.in_(("processing", "succeeded")))
    wanted = sa.select(refund).where(*span, *more, *heard).order_by(refund.c.id).limit(limit)
    return [_refund(row) for row in tx.rows(wanted)]


def add(tx: WriteTx, new: Sequence[Refund]) -> None:
    """Store intents."""
    if new:
        tx.execute(sa.insert(refund), [{"changed": tx.now, **_row(one)} for one in new])


def save(tx: WriteTx, changed: Sequence[Refund]) -> None:
    """Write state, reference and reasons of refunds whose payments are locked."""
    if changed:
        tx.execute(_save, [_changes(one) | {"now": tx.now} for one in changed])


def _changes(one: Refund) -> dict[str, Any]:
    return {
        "at": one.id,
        "to_state": one.state.value,
        "to_opening": one.opening,
        "to_ref": one.refund_ref,
        "to_code": one.reason_code,
        "to_text": one.reason_text,
    }


def _row(one: Refund) -> dict[str, Any]:
    return {
        "id": one.id,
        "purchase_id": one.purchase_id,
        "payment_id": one.payment_id,
        "provider": one.provider,
        "opening": one.opening,
        "state": one.state.value,
        "amount_minor": one.amount.minor,
        "currency": one.amount.currency,
        "cause": one.cause.value,
        "reason": one.reason,
        "actor": one.actor,
        "money_ref": one.money_ref,
        "refund_ref": one.refund_ref,
        "attendees": [str(at) for at in one.attendees],
        "reason_code": one.reason_code,
        "reason_text": one.reason_text,
        "requested": one.requested,
    }


def _refund(row: Row) -> Refund:
    return Refund(
        id=row["id"],
        purchase_id=row["purchase_id"],
        payment_id=row["payment_id"],
        provider=row["provider"],
        state=RefundState(row["state"]),
        amount=Money(row["amount_minor"], row["currency"]),
        cause=Cause(row["cause"]),
        reason=row["reason"],
        actor=row["actor"],
        money_ref=row["money_ref"],
        requested=row["requested"],
        attendees=[UUID(at) for at in row["attendees"]],
        refund_ref=row["refund_ref"],
        reason_code=row["reason_code"],
        reason_text=row["reason_text"],
        opening=row["opening"],
    )
