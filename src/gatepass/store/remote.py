"""Purchases that live in a remote Dataverse: our record of each, by its id there."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.money import Money
from gatepass.domain.purchase import Status
from gatepass.domain.remote import RemotePurchase, Word
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, remote_purchase

_table = remote_purchase
_by_ids = sa.select(_table).where(_table.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(_table.c.id)
_locked = _by_ids.with_for_update()
_one = sa.select(_table).where(_table.c.id == sa.bindparam("at"))


def get(tx: ReadTx, purchase_id: UUID) -> RemotePurchase | None:
    """As it is now."""
    row = tx.row(_one, {"at": purchase_id})
    return _read(row) if row else None


def get_many(tx: ReadTx, ids: Collection[UUID]) -> dict[UUID, RemotePurchase]:
    """Those of them that we know."""
    return {row["id"]: _read(row) for row in tx.rows(_by_ids, {"ids": sorted(ids)})} if ids else {}


def changed_between(tx: ReadTx, since: datetime, until: datetime, after: UUID | None, limit: int) -> list[UUID]:
    """Purchases of which we wrote down something in this time, by id, from `after` on."""
    more = (_table.c.id > after,) if after else ()
    found = sa.select(_table.c.id).where(_table.c.changed >= since, _table.c.changed < until, *more)
    return list(tx.execute(found.order_by(_table.c.id).limit(limit)).scalars())


def lock(tx: WriteTx, ids: Iterable[UUID]) -> dict[UUID, RemotePurchase]:
    """Keep these still until the end of the transaction; unknown ones are left out."""
    wanted = sorted(set(ids))
    return {row["id"]: _read(row) for row in tx.rows(_locked, {"ids": wanted})} if wanted else {}


def add(tx: WriteTx, one: RemotePurchase) -> None:
    """Keep a purchase that was read for the first time; nothing when another was faster."""
    tx.insert_many(_table, [_row(tx, one)], unless="id")


def save(tx: WriteTx, changed: Sequence[RemotePurchase]) -> None:
    """Write rows that are locked."""
    tx.change_many(_table, [_row(tx, one) for one in sorted(changed, key=lambda one: one.id)])


def ending(tx: ReadTx, now: datetime, limit: int) -> list[UUID]:
    """Purchases whose hold is over, the longest first."""
    over = _table.c.status == Status.AWAITING_PAYMENT.value
    found = sa.select(_table.c.id).where(over, _table.c.hold_until <= now).order_by(_table.c.hold_until).limit(limit)
    return list(tx.execute(found).scalars())


def waiting(tx: ReadTx) -> int:
    """How many purchases Dataverse has yet to hear of."""
    counted = sa.select(sa.func.count()).select_from(_table).where(_table.c.wanted.is_not(None))
    return int(tx.execute(counted).scalar_one())


def _row(tx: WriteTx, one: RemotePurchase) -> Row:
    return {
        "name": one.name[:300],
        "total_minor": one.total.minor,
        "currency": one.total.currency,
        "status": one.status.value,
        "created": one.created,
        "hold_until": one.hold_until,
        "said": one.said.value,
        "read": one.read,
        "wanted": one.wanted.value if one.wanted else None,
        "sent": one.sent,
        "told": one.told.value if one.told else None,
        "told_at": one.told_at,
        "error": one.error and one.error[:1000],
        "changed": tx.now,
        "id": one.id,
    }


def _read(row: Row) -> RemotePurchase:
    return RemotePurchase(
        id=row["id"],
        name=row["name"],
        total=Money(row["total_minor"], row["currency"]),
        status=Status(row["status"]),
        created=row["created"],
        hold_until=row["hold_until"],
        said=Word(row["said"]),
        read=row["read"],
        wanted=Word(row["wanted"]) if row["wanted"] else None,
        sent=row["sent"],
        told=Word(row["told"]) if row["told"] else None,
        told_at=row["told_at"],
        error=row["error"],
    )
