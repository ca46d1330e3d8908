"""From the tree of a query (model/query.py) to SQL and back to records.

Both databases answer alike: texts compare and sort in lower case by code point, nulls come first and match only `eq null`,
money is exact. Answers of `select` are pages; ask for the next one with `after`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.model.columns import Column
from gatepass.model.query import COUNT_LIMIT, Expand, Page, Query, Record, Value
from gatepass.model.table import Table
from gatepass.store.engine import ReadTx
from gatepass.store.query.fields import every_row, select_fields
from gatepass.store.query.operands import storable
from gatepass.store.query.related import expand as expand_related
from gatepass.store.query.related import read
from gatepass.store.query.scope import Scope, Source, Sql, selected
from gatepass.store.query.statement import (
    Statement,
    conditions,
    goes_on,
    in_order,
    joined,
    limit_of,
    statement,
)
from gatepass.store.values import to_stored

POINT_READS_KEPT = 256
WANTED = "wanted"

__all__ = ["count", "find", "select"]


def select(tx: ReadTx, query: Query) -> Page:
    """One page of a query. Raises Refused for what cannot be asked."""
    if query.fields:
        page = select_fields(tx, query)
        return replace(page, count=count(tx, query)) if query.count else page
    of = statement(query)
    limit = limit_of(query)
    sql = in_order(of).limit(limit + 1)
    found = read(tx, of, sql.offset(query.skip) if query.skip else sql)
    more = goes_on(query, len(found))
    page = found[:limit]
    expand_related(tx, page, query.expand)
    after = of.after(page[-1].row) if more and page else ()
    return Page([each.record for each in page], count(tx, query) if query.count else None, after)


def find(
    tx: ReadTx, table: Table, id_or_key: UUID | Mapping[str, Value], columns: Sequence[Column] = (),
    expand: Sequence[Expand] = (),
) -> Record | None:  # fmt: skip
    """One row by its primary key, or by logical names and values of an alternate key; None when there is none."""
    if not isinstance(id_or_key, UUID):
        of = statement(Query(table, columns, expand=expand))
        found = read(tx, of, of.sql.where(*_key(of.scope.root, id_or_key)))
    else:
        kept = None if expand else tuple(column.logical or "" for column in columns)
        of, sql = _by_id(table, kept) if kept is not None else _point(table, columns, expand)
        found = read(tx, of, sql, {WANTED: id_or_key})
    expand_related(tx, found, expand)
    return found[0].record if found else None


def _key(source: Source, key: Mapping[str, Value]) -> Iterator[Sql]:
    """As it is stored, letter by letter: so the key's own index finds the row, the same that a write would find."""
    for name, value in key.items():
        column = source.table.by_logical[name]
        stored = storable(value) if isinstance(value, str) else to_stored(column, value)
        yield source.held(column) == stored


@lru_cache(maxsize=POINT_READS_KEPT)
def _by_id(table: Table, names: tuple[str, ...]) -> tuple[Statement, sa.Select[Any]]:
    return _point(table, [table.by_logical[name] for name in names], ())


def _point(table: Table, columns: Sequence[Column], expand: Sequence[Expand]) -> tuple[Statement, sa.Select[Any]]:
    of = statement(Query(table, columns, expand=expand))
    return of, of.sql.where(of.scope.root.id == sa.bindparam(WANTED, type_=sa.Uuid()))


def count(tx: ReadTx, query: Query) -> int:
    """How many rows match, but at most COUNT_LIMIT; pages, order and `top` do not matter."""
    if query.fields:
        rows = every_row(query).limit(COUNT_LIMIT).subquery()
        return int(tx.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one())
    scope = Scope(query.table)
    source = joined(scope, query)
    one = selected([scope.root.id] if query.distinct else [])
    sql = one.select_from(source).where(sa.true(), *conditions(scope, query)).limit(COUNT_LIMIT)
    rows = (sql.distinct() if query.distinct else sql).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one())
