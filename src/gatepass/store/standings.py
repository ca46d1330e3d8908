"""Orders beside their money: what was paid, what of it is gone, and how many hold a registration."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.difference import Standing
from gatepass.domain.money import Money
from gatepass.domain.payment import PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import COUNTS
from gatepass.store import disputes
from gatepass.store.engine import ReadTx
from gatepass.store.tables import dispute, first_id_of, payment, purchase, refund, registration


def of(tx: ReadTx, ids: Collection[UUID]) -> list[Standing]:
    """How these purchases stand."""
    paid, gone = paid_minor(tx, ids), _gone_minor(tx, ids)
    kept = _summed(tx, registration, sa.literal(1), ids, registration.c.status == "registered")
    return [
        Standing(
            id=row["id"],
            status=Status(row["status"]),
            total=Money(row["total_minor"], row["currency"]),
            live=row["live"],
            paid_minor=paid.get(row["id"], 0),
            gone_minor=gone[row["id"]],
            registered=kept.get(row["id"], 0),
        )
        for row in tx.rows(sa.select(purchase).where(purchase.c.id.in_(ids)).order_by(purchase.c.id))
    ]


def paid_minor(tx: ReadTx, ids: Collection[UUID]) -> dict[UUID, int]:
    """What was paid for these, whatever became of it; those without any money are left out."""
    return _summed(tx, payment, payment.c.amount_minor, ids, payment.c.state == PaymentState.SUCCEEDED.value)


def kept_minor(tx: ReadTx, ids: Collection[UUID]) -> dict[UUID, int]:
    """What was paid for these and has not gone back, or to the buyer's bank; those without any money are left out."""
    gone = _gone_minor(tx, ids)
    return {at: minor - gone[at] for at, minor in paid_minor(tx, ids).items()}


def _gone_minor(tx: ReadTx, ids: Collection[UUID]) -> Counter[UUID]:
    back = _summed(tx, refund, refund.c.amount_minor, ids, refund.c.state.in_([state.value for state in COUNTS]))
    return Counter(back) + Counter(_summed(tx, dispute, dispute.c.amount_minor, ids, disputes.COUNTING))


def between(
    tx: ReadTx, since: datetime, until: datetime, after: UUID | None, limit: int
) -> list[Standing]:  # fmt: skip
    """How the purchases stand that were made in this time, by id, from `after` on."""
    span = (purchase.c.id >= first_id_of(since), purchase.c.id < first_id_of(until))
    more = (purchase.c.id > after,) if after else ()
    ids = sa.select(purchase.c.id).where(*span, *more).order_by(purchase.c.id).limit(limit)
    return of(tx, list(tx.execute(ids).scalars()))


def _summed(
    tx: ReadTx, table: sa.Table, what: sa.ColumnElement[int], ids: Collection[UUID], *which: sa.ColumnElement[bool]
) -> dict[UUID, int]:
    at = table.c.purchase_id
    wanted = sa.select(at.label("at"), sa.func.sum(what).label("total")).where(at.in_(ids), *which)
    return {row["at"]: int(row["total"]) for row in tx.rows(wanted.group_by(at))}
