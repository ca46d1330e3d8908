"""Encrypted values by their place; services/secrets.py encrypts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, metadata, secret

Place = tuple[str, UUID, str]
"""Table, row, column."""
_at = secret.c

SEALED: Sequence[tuple[str, str]] = (("webhook_endpoint", "secret"), ("webhook_endpoint", "old_secret"))
"""Columns of other tables that hold an encrypted value: (table, column). A test finds those that are missing here."""


def get(tx: ReadTx, place: Place) -> Row | None:
    """`sealed`, `last_four` and `changed`."""
    return tx.row(sa.select(secret).where(_is(place)))


def put(tx: WriteTx, place: Place, sealed: bytes, last_four: str | None) -> None:
    """Store it, in the place of what was there."""
    values = {"sealed": sealed, "last_four": last_four, "changed": tx.now}
    key = dict(zip(("table_name", "row_id", "column_name"), place, strict=True))
    insert = tx.insert(secret).values(**key, **values)
    tx.execute(insert.on_conflict_do_update(index_elements=list(key), set_=values))


def remove(tx: WriteTx, place: Place) -> bool:
    """False: there was none."""
    return tx.execute(sa.delete(secret).where(_is(place))).rowcount > 0


def everything(tx: WriteTx) -> list[tuple[Place, bytes]]:
    """Every encrypted value of the installation with its place, wherever it is stored, kept still."""
    own = sa.select(secret).with_for_update()
    found = [((row["table_name"], row["row_id"], row["column_name"]), row["sealed"]) for row in tx.rows(own)]
    for table, column in SEALED:
        held = metadata.tables[table].c
        wanted = sa.select(held.id, held[column].label("sealed")).with_for_update()
        found += [((table, row["id"], column), row["sealed"]) for row in tx.rows(wanted) if row["sealed"]]
    return found


def put_back(tx: WriteTx, place: Place, sealed: bytes) -> None:
    """The same value, encrypted anew."""
    table, row_id, column = place
    if (table, column) in SEALED:
        held = metadata.tables[table]
        tx.execute(sa.update(held).where(held.c.id == row_id).values({column: sealed}))
    else:
        tx.execute(sa.update(secret).where(_is(place)).values(sealed=sealed))


def _is(place: Place) -> sa.ColumnElement[bool]:
    table, row_id, column = place
    return sa.and_(_at.table_name == table, _at.row_id == row_id, _at.column_name == column)


def newest_of(tx: ReadTx, table: str, column: str) -> Row | None:
    """The value of this column that was given last, in whatever row."""
    wanted = sa.select(secret).where(_at.table_name == table, _at.column_name == column)
    return tx.row(wanted.order_by(_at.changed.desc()).limit(1))


def stamp(tx: ReadTx, table: str) -> tuple[int, datetime | None]:
    """How many values of a table there are, and when one was last given: whether anything has changed."""
    found = sa.select(sa.func.count().label("given"), sa.func.max(_at.changed).label("changed")).where(
        _at.table_name == table
    )
    row = tx.row(sa.select(found.subquery()))
    assert row is not None
    return int(row["given"]), row["changed"]
