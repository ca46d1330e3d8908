"""The record of disputes: one row each, by the provider's id."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.dispute import OPEN, Dispute, DisputeState
from gatepass.domain.money import Money
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, dispute

COUNTING = sa.and_(dispute.c.inquiry.is_(False), dispute.c.state != DisputeState.WON.value)
"""`Dispute.counts`, in SQL."""


def get(tx: ReadTx, dispute_id: UUID) -> Dispute | None:
    """One dispute, or None."""
    row = tx.row(sa.select(dispute).where(dispute.c.id == dispute_id))
    return _dispute(row) if row else None


def of_purchase(tx: ReadTx, purchase_id: UUID) -> list[Dispute]:
    """Every dispute about a purchase, the first one first. To change one, lock the purchase's payments first."""
    statement = sa.select(dispute).where(dispute.c.purchase_id == purchase_id).order_by(dispute.c.id)
    return [_dispute(row) for row in tx.rows(statement)]


def by_refs(tx: ReadTx, provider: str, refs: Collection[str]) -> list[Dispute]:
    """The disputes that a provider knows by these ids."""
    wanted = sa.select(dispute).where(dispute.c.provider == provider, dispute.c.dispute_ref.in_(refs))
    return [_dispute(row) for row in tx.rows(wanted)]


def to_compare(tx: ReadTx, provider: str, since: datetime, until: datetime) -> list[Dispute]:
    """Disputes that were opened in this time, and all older ones that are open: a bank takes months."""
    still = dispute.c.state.in_([state.value for state in OPEN])
    span = sa.and_(dispute.c.opened >= since, dispute.c.opened < until)
    wanted = sa.select(dispute).where(dispute.c.provider == provider, span | still).order_by(dispute.c.id)
    return [_dispute(row) for row in tx.rows(wanted)]


def of_purchases(tx: ReadTx, purchase_ids: Collection[UUID]) -> list[Dispute]:
    """The same of several purchases."""
    wanted = sa.select(dispute).where(dispute.c.purchase_id.in_(purchase_ids)).order_by(dispute.c.id)
    return [_dispute(row) for row in tx.rows(wanted)] if purchase_ids else []


def add(tx: WriteTx, new: Dispute) -> None:
    """One that was not known."""
    values = {"id": new.id, "purchase_id": new.purchase_id, "payment_id": new.payment_id, "provider": new.provider}
    values |= {"dispute_ref": new.dispute_ref, "opened": new.opened}
    tx.execute(sa.insert(dispute), [values | _changes(tx, new)])


def save(tx: WriteTx, changed: Dispute) -> None:
    """Write what may change of a dispute whose payment is locked."""
    tx.execute(sa.update(dispute).where(dispute.c.id == changed.id).values(_changes(tx, changed)))


def evidence(tx: ReadTx, dispute_id: UUID) -> Any:
    """The bundle that was collected, or None."""
    return tx.execute(sa.select(dispute.c.evidence).where(dispute.c.id == dispute_id)).scalar_one_or_none()


def put_evidence(tx: WriteTx, dispute_id: UUID, bundle: Any) -> None:
    """Keep what was collected."""
    tx.execute(sa.update(dispute).where(dispute.c.id == dispute_id).values(evidence=bundle))


def _changes(tx: WriteTx, one: Dispute) -> dict[str, Any]:
    return {
        "state": one.state.value,
        "amount_minor": one.amount.minor,
        "currency": one.amount.currency,
        "reason": one.reason,
        "inquiry": one.inquiry,
        "due": one.due,
        "changed": tx.now,
        "closed": one.closed,
    }


def _dispute(row: Row) -> Dispute:
    return Dispute(
        id=row["id"],
        purchase_id=row["purchase_id"],
        payment_id=row["payment_id"],
        provider=row["provider"],
        dispute_ref=row["dispute_ref"],
        state=DisputeState(row["state"]),
        amount=Money(row["amount_minor"], row["currency"]),
        reason=row["reason"],
        inquiry=row["inquiry"],
        due=row["due"],
        opened=row["opened"],
        closed=row["closed"],
    )
