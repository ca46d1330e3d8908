"""The record of payments: one row per attempt, at most one of them open per purchase (a unique index says so)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, payment

_of_purchase = sa.select(payment).where(payment.c.purchase_id == sa.bindparam("purchase_id")).order_by(payment.c.number)
_of_purchases = (
    sa.select(payment)
    .where(payment.c.purchase_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(payment.c.id)
    .with_for_update()
)
_by_id = sa.select(payment).where(payment.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(payment.c.id)
_CHANGING = ("state", "opening", "page_url", "session_ref", "intent_ref", "charge_ref", "reason_code", "reason_text")


@dataclass(frozen=True, slots=True)
class OpenPage:
    """The provider's page of an open payment."""

    url: str
    provider: str
    amount: Money
    expires_at: datetime


def of_purchase(tx: ReadTx, purchase_id: UUID) -> list[Payment]:
    """Every attempt, the first one first."""
    return [_payment(row) for row in tx.rows(_of_purchase, {"purchase_id": purchase_id})]


def get(tx: ReadTx, payment_id: UUID) -> Payment | None:
    """One payment, or None."""
    return next(iter(_payments(tx, _by_id, [payment_id])), None)


def lock_of_purchases(tx: WriteTx, purchase_ids: Iterable[UUID]) -> list[Payment]:
    """Every attempt of these purchases, locked. Lock the purchases first."""
    return _payments(tx, _of_purchases, list(purchase_ids))


def by_ref(tx: ReadTx, provider: str, ref: str) -> Payment | None:
    """The payment that a provider knows by this session or intent."""
    named = sa.or_(payment.c.session_ref == ref, payment.c.intent_ref == ref)
    row = tx.row(sa.select(payment).where(payment.c.provider == provider, named).limit(1))
    return _payment(row) if row else None


def add(tx: WriteTx, new: Payment) -> None:
    """Store the intent. Raises IntegrityError when another payment of the purchase is open."""
    tx.execute(sa.insert(payment), [{"changed": tx.now, **_row(new)}])


def save(tx: WriteTx, changed: Sequence[Payment]) -> None:
    """Write state, references and reasons of payments that are locked."""
    rows = [_row(one) for one in changed]
    tx.change_many(
        payment, [{name: row[name] for name in _CHANGING} | {"changed": tx.now, "id": row["id"]} for row in rows]
    )


def _payments(tx: ReadTx, statement: Any, ids: Sequence[UUID]) -> list[Payment]:
    return [_payment(row) for row in tx.rows(statement, {"ids": ids})] if ids else []


def _row(one: Payment) -> dict[str, Any]:
    return {
        "id": one.id,
        "purchase_id": one.purchase_id,
        "number": one.number,
        "opening": one.opening,
        "provider": one.provider,
        "state": one.state.value,
        "amount_minor": one.amount.minor,
        "currency": one.amount.currency,
        "live": one.live,
        "page_url": one.page_url,
        "session_ref": one.session_ref,
        "intent_ref": one.intent_ref,
        "charge_ref": one.charge_ref,
        "reason_code": one.reason_code,
        "reason_text": one.reason_text,
        "return_url": one.return_url,
        "opened": one.opened,
        "expires_at": one.expires_at,
    }


def _payment(row: Row) -> Payment:
    return Payment(
        id=row["id"],
        purchase_id=row["purchase_id"],
        number=row["number"],
        provider=row["provider"],
        state=PaymentState(row["state"]),
        amount=Money(row["amount_minor"], row["currency"]),
        live=row["live"],
        opened=row["opened"],
        expires_at=row["expires_at"],
        page_url=row["page_url"],
        session_ref=row["session_ref"],
        intent_ref=row["intent_ref"],
        charge_ref=row["charge_ref"],
        reason_code=row["reason_code"],
        reason_text=row["reason_text"],
        return_url=row["return_url"],
        opening=row["opening"],
    )
