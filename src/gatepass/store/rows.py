"""Rows of the data model, one by one, as the Web API writes them. Values are those of the wire, by logical name.

What may be written, and by whom, is for services/records to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import sqlalchemy as sa

from gatepass import model
from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Kind
from gatepass.model.query import Linked, Value
from gatepass.model.table import Table
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, LINKS, Row
from gatepass.store.values import to_stored


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows that point to another one: how they do it, and which they are."""

    table: Table
    lookup: Column
    ids: Sequence[UUID]


def stored(tx: ReadTx, table: Table, values: Mapping[str, Value], currency: str | None = None) -> dict[str, object]:
    """Values by logical name as SQL holds them. `currency` is the row's, unless the values name one.

    Raises Refused for an amount that the currency has no coin for, and for a currency that there is not.
    """
    own = table.currency
    if own and own.logical and own.logical in values:
        currency = currency_code(tx, values[own.logical])
    found: dict[str, object] = {}
    for logical, value in values.items():
        column = table.by_logical[logical]
        assert column.stored, f"{logical} is computed"
        found[column.name] = currency if column is own else to_stored(column, value, currency)
    return found


def currency_code(tx: ReadTx, currency_id: Value) -> str | None:
    """The ISO code of a transactioncurrency; raises Refused when there is none of this id."""
    if currency_id is None:
        return None
    currencies = DECLARED["transactioncurrency"]
    code = tx.execute(sa.select(currencies.c.iso_code).where(currencies.c.id == currency_id)).scalar_one_or_none()
    if code is None:
        raise Refused("ValueInvalid", f"transactioncurrency With Id = {currency_id} Does Not Exist")
    return str(code)


def insert(tx: WriteTx, table: Table, values: Mapping[str, object]) -> None:
    """A new row of stored values, by SQL names, `id` among them. What it does not say gets the column's default."""
    tx.execute(sa.insert(DECLARED[table.sql]), [dict(values)])


def update(tx: WriteTx, table: Table, row_id: UUID, values: Mapping[str, object], expected: int | None = None) -> bool:
    """Change stored values; the row's version counts it. False when there is no such row, or not of this version.

    Whether the version is `expected` and the change are one statement: of those who race with one etag, one wins.
    """
    rows = DECLARED[table.sql]
    changed = {**values, "version": rows.c.version + 1} if "version" in rows.c else dict(values)
    return tx.execute(sa.update(rows).where(*_this(table, row_id, expected)).values(changed)).rowcount == 1


def delete(tx: WriteTx, table: Table, row_id: UUID, expected: int | None = None) -> bool:
    """Take a row away, under the same condition. Who points to it must have been asked before."""
    return tx.execute(sa.delete(DECLARED[table.sql]).where(*_this(table, row_id, expected))).rowcount == 1


def _this(table: Table, row_id: UUID, expected: int | None) -> list[sa.ColumnElement[bool]]:
    rows = DECLARED[table.sql]
    parts = [rows.c.id == row_id]
    if expected is not None:
        parts.append(rows.c.version == expected)
    if table.only_with:
        parts.append(rows.c[table.only_with].is_not(None))
    return parts


def lock(tx: WriteTx, table: Table, row_id: UUID) -> Row | None:
    """The stored row, by SQL names, kept from others until the transaction ends."""
    rows = DECLARED[table.sql]
    return tx.row(sa.select(rows).where(*_this(table, row_id, None)).with_for_update())


# Pairs


def link(tx: WriteTx, navigation: Linked, here: UUID, there: UUID) -> bool:
    """Link two rows; False when they are linked already. Both must exist."""
    pairs, values = _pair(navigation, here, there)
    new = tx.insert(pairs).values(values).on_conflict_do_nothing().returning(*pairs.primary_key)
    return tx.row(new) is not None


def unlink(tx: WriteTx, navigation: Linked, here: UUID, there: UUID) -> bool:
    """End a link; False when there was none."""
    pairs, values = _pair(navigation, here, there)
    wanted = (pairs.c[name] == value for name, value in values.items())
    return tx.execute(sa.delete(pairs).where(*wanted)).rowcount == 1


def _pair(navigation: Linked, here: UUID, there: UUID) -> tuple[sa.Table, dict[str, UUID]]:
    relationship = navigation.relationship
    first, second = (here, there) if navigation.first else (there, here)
    return LINKS[relationship.intersect], {relationship.first_column: first, relationship.second_column: second}


# Who points here


def references_to(tx: ReadTx, table: Table, row_id: UUID, limit: int = 1) -> list[Reference]:
    """Which rows point to this one, by the declared lookups; at most `limit` of each. Pairs are not among them."""
    found: list[Reference] = []
    for source, lookup in pointing(table):
        rows = DECLARED[source.sql]
        # A currency is pointed to by its ISO code.
        wanted: object = row_id
        if lookup.target_column != "id":
            targets = DECLARED[table.sql]
            wanted = sa.select(targets.c[lookup.target_column]).where(targets.c.id == row_id).scalar_subquery()
        ids = tx.execute(sa.select(rows.c.id).where(rows.c[lookup.name] == wanted).limit(limit)).scalars().all()
        if ids:
            found.append(Reference(source, lookup, ids))
    return found


@cache
def pointing(table: Table) -> Sequence[tuple[Table, Column]]:
    """The lookups of all tables that may point to this one; each SQL column once, whatever faces show it."""
    faces = {one.logical for one in model.TABLES if one.sql == table.sql}
    found: dict[tuple[str, str], tuple[Table, Column]] = {}
    for source, lookup in _lookups():
        if faces & set(lookup.targets):
            found.setdefault((source.sql, lookup.name), (source, lookup))
    return list(found.values())


def _lookups() -> Iterator[tuple[Table, Column]]:
    for source in model.TABLES:
        for lookup in source.columns:
            if lookup.kind is Kind.LOOKUP and lookup.stored:
                yield source, lookup
