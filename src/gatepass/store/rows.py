"""One row at a time of any declared table, in stored values by column name. What may be written is for services/records to say.

A request may write a thousand rows: so the statements are made once for each table, not once for each row.
"""

from collections.abc import Mapping, Set
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass import model
from gatepass.model.build import NOW
from gatepass.model.columns import Column, Kind
from gatepass.model.table import ManyToMany, Table
from gatepass.store import figures
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, LINKS, Row, purchase


def find(tx: ReadTx, table: Table, record_id: UUID) -> Row | None:
    """The row of this id, as it is."""
    return tx.row(_by_id(_at(table)), {"id": record_id})


def lock(tx: WriteTx, table: Table, record_id: UUID, *, to_remove: bool = False) -> Row | None:
    """The row of this id, and nobody else changes it until the end of the transaction.

    Others may begin to point to it meanwhile, unless it is `to_remove`.
    """
    return tx.row(_locked(_at(table), to_remove=to_remove), {"id": record_id})


def id_by(tx: ReadTx, table: Table, wanted: Mapping[str, Any]) -> UUID | None:
    """The id of the row with these stored values, none of them null; the first one when there are more."""
    return tx.execute(_first_with(_at(table), tuple(wanted)), wanted).scalar_one_or_none()


def stay(tx: WriteTx, table: Table, record_id: UUID) -> Row | None:
    """The row of this id, which is there until the end of the transaction: so another may point to it."""
    return tx.row(_staying(_at(table)), {"id": record_id})


def add(tx: WriteTx, table: Table, row: Mapping[str, Any]) -> None:
    """A new row, with when it was made; other columns that it does not name get the defaults that SQL has."""
    missing = [name for name in _moments(table) if name not in row]
    made = {**row, **dict.fromkeys(missing, tx.now)}
    tx.insert_many(_at(table), [made])
    if _at(table) is purchase:
        figures.count_orders(tx, [made])


def change(tx: WriteTx, table: Table, record_id: UUID, changes: Mapping[str, Any]) -> None:
    """Write these columns of a locked row. Its version counts one up, even for the same values again."""
    changed = {"changed": tx.now} if "changed" in _moments(table) else {}
    tx.change_many(_at(table), [{**changed, **changes, "id": record_id}])


def count_up(tx: WriteTx, table: Table, record_id: UUID, column: str, by: int) -> None:
    """Add to a number of a row; counting is no change of its version."""
    at = _at(table)
    counted = sa.func.coalesce(at.c[column], 0) + by
    tx.execute(sa.update(at).where(at.c.id == record_id).values({column: counted, "version": at.c.version}))


def remove(tx: WriteTx, table: Table, record_id: UUID) -> None:
    """The row goes, with its many-to-many links."""
    at = _at(table)
    tx.execute(sa.delete(at).where(at.c.id == record_id))


def those_pointing(tx: ReadTx, source: Table, lookup: Column, value: object, limit: int) -> list[UUID]:
    """Ids of rows of `source` whose lookup holds this value."""
    at = _at(source)
    return list(tx.execute(sa.select(at.c.id).where(at.c[lookup.name] == value).limit(limit)).scalars())


def unpoint(tx: WriteTx, source: Table, lookup: Column, value: object) -> None:
    """Rows of `source` no longer point there."""
    at = _at(source)
    tx.execute(sa.update(at).where(at.c[lookup.name] == value).values({lookup.name: None}))


def matching(tx: ReadTx, table: Table, wanted: Mapping[str, Any]) -> list[Row]:
    """All rows with these stored values: for the few that hang on one record."""
    at = _at(table)
    return tx.rows(sa.select(at).where(*(at.c[name] == value for name, value in wanted.items())).order_by(at.c.id))


def link(tx: WriteTx, relationship: ManyToMany, first: UUID, second: UUID) -> None:
    """Tie two records; again changes nothing."""
    pair = {relationship.first_column: first, relationship.second_column: second}
    tx.execute(tx.insert(LINKS[relationship.intersect]).on_conflict_do_nothing(), [pair])


def unlink(tx: WriteTx, relationship: ManyToMany, first: UUID, second: UUID) -> None:
    """Untie them; without a tie it changes nothing."""
    at = LINKS[relationship.intersect]
    pair = (at.c[relationship.first_column] == first, at.c[relationship.second_column] == second)
    tx.execute(sa.delete(at).where(*pair))


def pointing_at(table: Table) -> list[tuple[Table, Column]]:
    """Every stored lookup that may point to a row of this table, ours alone included."""
    return [
        (source, column)
        for source in model.TABLES
        for column in source.columns
        if not source.face_of and column.stored and column.kind is Kind.LOOKUP and table.logical in column.targets
    ]


def _at(table: Table) -> sa.Table:
    return DECLARED[table.sql]


@cache
def _moments(table: Table) -> Set[str]:
    """Columns that say when a row was written."""
    return {column.name for column in table.columns if column.default == NOW}


@cache
def _by_id(at: sa.Table) -> sa.Select[Any]:
    return sa.select(at).where(at.c.id == sa.bindparam("id"))


@cache
def _locked(at: sa.Table, *, to_remove: bool) -> sa.Select[Any]:
    return _by_id(at).with_for_update(key_share=not to_remove)


@cache
def _staying(at: sa.Table) -> sa.Select[Any]:
    return _by_id(at).with_for_update(read=True, key_share=True)


@cache
def _first_with(at: sa.Table, names: tuple[str, ...]) -> sa.Select[Any]:
    return sa.select(at.c.id).where(*(at.c[name] == sa.bindparam(name) for name in names)).limit(1)
