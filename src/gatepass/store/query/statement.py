"""The statement of a query for whole rows, and what its answer holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from gatepass.model.columns import Column, Kind
from gatepass.model.query import PAGE_LIMIT, At, Expand, Join, Query, Record, ToMany, ToOne, Value
from gatepass.model.table import Table
from gatepass.store.query.conditions import condition
from gatepass.store.query.order import Term, behind, meant, order_by, terms
from gatepass.store.query.scope import Scope, Source, Sql, currencies, is_currency, linked
from gatepass.store.tables import LINKS
from gatepass.store.values import CURRENCY_ID, Reader, StoredRow, from_stored, needs, reader

_EVERY_ROW = ("id", "version")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which SQL columns a query needs of its table, and how they become a record."""

    table: Table
    names: Sequence[str]
    readers: Sequence[tuple[str, Reader]]
    currency: bool
    """The row's currency is wanted, beside money or for itself."""
    currency_id: bool

    def record(self, row: StoredRow) -> Record:
        """One row."""
        values = {logical: read(row) for logical, read in self.readers}
        return Record(self.table, values, row["version"], row.get("currency"))


def shape_of(table: Table, columns: Sequence[Column], expand: Sequence[Expand] = ()) -> Shape:
    """The columns asked for, or all; with primary key and version, and with the currency beside money."""
    asked = _with_currency(table, columns or table.shown)
    names: dict[str, None] = dict.fromkeys(_EVERY_ROW)
    for column in asked:
        names.update(dict.fromkeys(needs(column)))
    for one in expand:
        names.update(dict.fromkeys(_foot(table, one)))
    names.pop("currency", None)
    readers = [(column.logical or column.name, reader(column)) for column in asked]
    wanted = [column for column in asked if is_currency(column)]
    has_currency = table.currency is not None
    return Shape(table, list(names), readers, has_currency, bool(wanted) and has_currency)


def _with_currency(table: Table, columns: Sequence[Column]) -> list[Column]:
    more = [table.primary_key]
    if table.currency and any(column.kind is Kind.MONEY for column in columns):
        more.append(table.currency)
    return list({column.logical: column for column in (*more, *columns)}.values())


def _foot(table: Table, expand: Expand) -> Sequence[str]:
    """The SQL columns that related rows are found by."""
    match expand.navigation:
        case ToOne(_, lookup, _):
            return needs(lookup)
        case ToMany(_, lookup, _) if is_currency(lookup) and table.sql == "transactioncurrency":
            return ("iso_code",)
        case _:
            return ()


@dataclass(slots=True)
class Statement:
    """SQL for whole rows, before it is limited."""

    shape: Shape
    scope: Scope
    sql: sa.Select[Any]
    order: Sequence[Term]
    hidden: dict[int, str] = field(default_factory=dict[int, str])
    """Names of the order's terms that are not among the row's columns."""

    def after(self, row: StoredRow) -> Sequence[Value]:
        """Where the page behind this row begins."""
        return tuple(
            meant(term.value, row[self.hidden[at]] if at in self.hidden else row[_plain(term) or "id"])
            for at, term in enumerate(self.order)
        )


def statement(query: Query) -> Statement:
    """The rows of a query in their order, from where its page begins."""
    scope = Scope(query.table)
    shape = shape_of(query.table, query.columns, query.expand)
    source = joined(scope, query)
    columns = [scope.root.stored(name) for name in shape.names]
    if shape.currency:
        columns.append(scope.root.currency.label("currency"))
    if shape.currency_id:
        source, one = _with_currency_id(scope.root, source)
        columns.append(one)
    order = terms(scope, query.order)
    hidden = {at: f"o{at}" for at, term in enumerate(order) if _plain(term) not in shape.names}
    columns += [order[at].value.sql.label(name) for at, name in hidden.items()]
    sql = sa.select(*columns).select_from(source)
    wanted = [*conditions(scope, query), *([behind(order, query.after)] if query.after else [])]
    sql = sql.where(*wanted) if wanted else sql
    return Statement(shape, scope, sql.distinct() if query.distinct else sql, order, hidden)


def in_order(of: Statement) -> sa.Select[Any]:
    """The statement with its ORDER BY."""
    return of.sql.order_by(*order_by(of.order))


def conditions(scope: Scope, query: Query) -> list[Sql]:
    """What holds for the rows of a query."""
    parts = [scope.root.rows, condition(scope, query.where) if query.where is not None else None]
    return [part for part in parts if part is not None]


def limit_of(query: Query) -> int:
    """Rows of one answer."""
    return min(PAGE_LIMIT if one is None else one for one in (query.page_size, query.top, PAGE_LIMIT))


def goes_on(query: Query, found: int) -> bool:
    """There is another page when more were found than the page takes, and `top` is not what ended it."""
    return found > limit_of(query) and (query.top is None or query.top > limit_of(query))


def joined(scope: Scope, query: Query) -> sa.FromClause:
    """The root with the tables beside it."""
    source = scope.root.sql
    for join in query.joins:
        source = _join(scope, source, join)
    return source


def _join(scope: Scope, source: sa.FromClause, join: Join) -> sa.FromClause:
    parent, other = scope[join.parent], scope.add(join.alias, join.table)
    parts = [other.rows, condition(scope, join.where) if join.where is not None else None]
    more = [part for part in parts if part is not None]
    if join.link is None:
        meeting = linked(parent, join.parent_column, other, join.column)
        return source.join(other.sql, sa.and_(meeting, *more), isouter=join.outer)
    pairs = LINKS[join.link.intersect].alias()
    first = parent.table.logical == join.link.first
    names = (join.link.first_column, join.link.second_column)
    here, there = names if first else names[::-1]
    both = pairs.join(other.sql, sa.and_(pairs.c[there] == other.id, *more))
    return source.join(both, pairs.c[here] == parent.id, isouter=join.outer)


def _with_currency_id(root: Source, source: sa.FromClause) -> tuple[sa.FromClause, Any]:
    of = currencies()
    return source.outerjoin(of, of.c.iso_code == root.currency), of.c.id.label(CURRENCY_ID)


def _plain(term: Term) -> str | None:
    """The SQL column of the root that has just the term's value."""
    operand = term.operand
    if not isinstance(operand, At) or operand.alias or operand.column.kind is Kind.MONEY:
        return None
    column = operand.column
    simple = column.stored and not is_currency(column) and from_stored(column) is None
    return column.name if simple else None
