"""The record of payments: one row per attempt, at most one of them open per purchase (a unique index says so)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState, Way
from gatepass.domain.refund import COUNTS
from gatepass.store import disputes
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, dispute, first_id_of, payment, purchase, refund

_of_purchase = sa.select(payment).where(payment.c.purchase_id == sa.bindparam("purchase_id")).order_by(payment.c.number)
_of_purchases = (
    sa.select(payment)
    .where(payment.c.purchase_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(payment.c.id)
    .with_for_update()
)
_by_id = sa.select(payment).where(payment.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(payment.c.id)
_CHANGING = (
    "state",
    "opening",
    "page_url",
    "session_ref",
    "intent_ref",
    "charge_ref",
    "reason_code",
    "reason_text",
    "fee_minor",
)


@dataclass(frozen=True, slots=True)
class OpenPage:
    """The provider's page of an open payment."""

    url: str
    provider: str
    amount: Money
    expires_at: datetime
    way: Way


def of_purchase(tx: ReadTx, purchase_id: UUID) -> list[Payment]:
    """Every attempt, the first one first."""
    return [_payment(row) for row in tx.rows(_of_purchase, {"purchase_id": purchase_id})]


def get(tx: ReadTx, payment_id: UUID) -> Payment | None:
    """One payment, or None."""
    return next(iter(_payments(tx, _by_id, [payment_id])), None)


def get_many(tx: ReadTx, ids: Sequence[UUID]) -> dict[UUID, Payment]:
    """Payments by id; unknown ids are left out."""
    return {one.id: one for one in _payments(tx, _by_id, ids)}


def lock_of_purchases(tx: WriteTx, purchase_ids: Iterable[UUID]) -> list[Payment]:
    """Every attempt of these purchases, locked. Lock the purchases first."""
    return _payments(tx, _of_purchases, list(purchase_ids))


def by_ref(tx: ReadTx, provider: str, ref: str) -> Payment | None:
    """The payment that a provider knows by this session or intent."""
    named = sa.or_(payment.c.session_ref == ref, payment.c.intent_ref == ref)
    row = tx.row(sa.select(payment).where(payment.c.provider == provider, named).limit(1))
    return _payment(row) if row else None


def first_opened(tx: ReadTx, provider: str) -> datetime | None:
    """When this provider was first asked for anything; ids are sorted by time."""
    first = sa.select(payment.c.opened).where(payment.c.provider == provider).order_by(payment.c.id).limit(1)
    return tx.execute(first).scalar_one_or_none()


def by_refs(tx: ReadTx, provider: str, refs: Collection[str]) -> list[Payment]:
    """Every payment that a provider knows by one of these sessions or intents."""
    found = {
        row["id"]: row
        for column in (payment.c.session_ref, payment.c.intent_ref)
        for row in tx.rows(sa.select(payment).where(payment.c.provider == provider, column.in_(refs)))
    }
    return [_payment(row) for row in found.values()]


def of_purchases(tx: ReadTx, purchase_ids: Collection[UUID]) -> list[Payment]:
    """Every attempt of these purchases."""
    wanted = sa.select(payment).where(payment.c.purchase_id.in_(purchase_ids)).order_by(payment.c.id)
    return [_payment(row) for row in tx.rows(wanted)]


def made_between(
    tx: ReadTx, provider: str, since: datetime, until: datetime, after: UUID | None, limit: int
) -> list[Payment]:  # fmt: skip
    """Attempts with money whose rows were made in this time, by id, from `after` on."""
    span = (payment.c.id >= first_id_of(since), payment.c.id < first_id_of(until))
    more = (payment.c.id > after,) if after else ()
    money = (payment.c.provider == provider, payment.c.state == PaymentState.SUCCEEDED.value)
    wanted = sa.select(payment).where(*span, *more, *money).order_by(payment.c.id).limit(limit)
    return [_payment(row) for row in tx.rows(wanted)]


def disputed_of_event(tx: ReadTx, event_id: UUID) -> list[Row]:
    """Payments of an event that a bank holds money of: `currency`, `amount_minor`, `back_minor` refunded, `disputed_minor`.

    Found by their disputes, which are few.
    """
    held = (
        sa.select(dispute.c.payment_id, sa.func.sum(dispute.c.amount_minor).label("disputed_minor"))
        .join(purchase, purchase.c.id == dispute.c.purchase_id)
        .where(purchase.c.event_id == event_id, disputes.COUNTING)
        .group_by(dispute.c.payment_id)
        .subquery()
    )
    back = _away(refund, refund.c.state.in_([state.value for state in COUNTS])).label("back_minor")
    wanted = sa.select(payment.c.currency, payment.c.amount_minor, back, held.c.disputed_minor)
    paid = payment.c.state == PaymentState.SUCCEEDED.value
    return tx.rows(wanted.join(held, held.c.payment_id == payment.c.id).where(paid))


def _away(table: sa.Table, counts: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """How much of a payment is gone by rows of this table; found by its purchase, for which there is an index."""
    same = (table.c.purchase_id == payment.c.purchase_id, table.c.payment_id == payment.c.id)
    total = sa.select(sa.func.sum(table.c.amount_minor)).where(*same, counts)
    return sa.func.coalesce(total.correlate(payment).scalar_subquery(), 0)


def add(tx: WriteTx, new: Payment) -> None:
    """Store the intent. Raises IntegrityError when another payment of the purchase is open."""
    tx.execute(sa.insert(payment), [{"changed": tx.now, **_row(new)}])


def save(tx: WriteTx, changed: Sequence[Payment]) -> None:
    """Write state, references and reasons of payments that are locked."""
    rows = [_row(one) for one in changed]
    tx.change_many(
        payment, [{name: row[name] for name in _CHANGING} | {"changed": tx.now, "id": row["id"]} for row in rows]
    )


def prolong(tx: WriteTx, purchase_id: UUID, until: datetime) -> None:
    """A payment on our own page may be paid until then. A page of the provider's ends when it was said to."""
    open_here = (payment.c.purchase_id == purchase_id, payment.c.state == PaymentState.CREATED.value)
    shorter = (payment.c.way == Way.PAGE.value, payment.c.expires_at < until)
    tx.execute(sa.update(payment).where(*open_here, *shorter).values(expires_at=until))


def _payments(tx: ReadTx, statement: Any, ids: Sequence[UUID]) -> list[Payment]:
    return [_payment(row) for row in tx.rows(statement, {"ids": ids})] if ids else []


def _row(one: Payment) -> dict[str, Any]:
    return {
        "id": one.id,
        "purchase_id": one.purchase_id,
        "number": one.number,
        "opening": one.opening,
        "way": one.way.value,
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
        "fee_minor": one.fee and one.fee.minor,
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
        fee=None if row["fee_minor"] is None else Money(row["fee_minor"], row["currency"]),
        way=Way(row["way"]),
    )
