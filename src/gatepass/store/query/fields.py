"""Answers that are tables of named fields: of each row, or of groups of rows.

Texts that differ in case only are one group, under the first of them. An average of whole numbers has four decimals.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import sqlalchemy as sa

from gatepass.domain.errors import Refused
from gatepass.model.columns import Kind
from gatepass.model.query import (
    ROOT,
    Aggregation,
    At,
    Field,
    Function,
    Literal,
    Operand,
    Order,
    Page,
    Query,
    Record,
    Value,
)
from gatepass.store.engine import ReadTx
from gatepass.store.query import numbers
from gatepass.store.query.conditions import condition
from gatepass.store.query.operands import Form, Typed, typed
from gatepass.store.query.order import Term, behind, meant, order_by, primary_key
from gatepass.store.query.scope import Scope, Sql, selected
from gatepass.store.query.statement import conditions, goes_on, joined, limit_of
from gatepass.store.words import ByBytes, Exact, Folded, Quotient

AVERAGE_DECIMALS = 4
_ORDERED = {Form.NUMBER, Form.TEXT, Form.MOMENT, Form.LOCAL, Form.DATE}
_EXTREMES: Mapping[Aggregation, Callable[..., Any]] = {Aggregation.MIN: sa.func.min, Aggregation.MAX: sa.func.max}
_ID, _VERSION, _CURRENCY = "row.id", "row.version", "row.currency"


@dataclass(slots=True)
class _Answer:
    """A statement, its fields by name, and its order."""

    sql: sa.Select[Any]
    fields: Mapping[str, Typed]
    order: Sequence[Term]
    whole: bool
    """Each row of the answer is one of the table."""
    currencies: Mapping[str, str] = field(default_factory=dict[str, str])
    """Money of joined rows: name of the field -> SQL name of the row's ISO code."""

    def limited(self, query: Query) -> sa.Select[Any]:
        sql = self.sql.where(behind(self.order, query.after)) if query.after else self.sql
        keys = (term.value.sql.label(f"o{at}") for at, term in enumerate(self.order))
        sql = sql.add_columns(*keys).order_by(*order_by(self.order)).limit(limit_of(query) + 1)
        return sql.offset(query.skip) if query.skip else sql

    def record(self, query: Query, row: Mapping[str, Any]) -> Record:
        values = {name: meant(one, row[f"f{at}"]) for at, (name, one) in enumerate(self.fields.items())}
        if not self.whole:
            return Record(query.table, values)
        values = {query.table.id_name: row[_ID]} | values
        currencies = {name: row[label] for name, label in self.currencies.items()}
        return Record(query.table, values, row[_VERSION], row[_CURRENCY], currencies)

    def after(self, row: Mapping[str, Any]) -> Sequence[Value]:
        return tuple(meant(term.value, row[f"o{at}"]) for at, term in enumerate(self.order))


def select_fields(tx: ReadTx, query: Query) -> Page:
    """One page of such an answer."""
    answer = _answer(query)
    result = tx.execute(answer.limited(query))
    names = list(result.keys())
    rows = [dict(zip(names, row, strict=True)) for row in result]
    more, page = goes_on(query, len(rows)), rows[: limit_of(query)]
    after = answer.after(page[-1]) if more and page else ()
    return Page([answer.record(query, row) for row in page], after=after)


def every_row(query: Query) -> sa.Select[Any]:
    """All rows of such an answer, to count them."""
    return _answer(query).sql


def _answer(query: Query) -> _Answer:
    grouped = query.group or query.distinct or any(one.aggregation for one in query.fields)
    return _of_groups(query) if grouped else _of_rows(query)


def _of_rows(query: Query) -> _Answer:
    scope = Scope(query.table)
    source = joined(scope, query)
    fields = {one.name: _listed(scope, _operand(one)) for one in query.fields}
    columns = _labelled(fields)
    columns += [scope.root.id.label(_ID), scope.root.stored("version").label(_VERSION)]
    columns.append(scope.root.currency.label(_CURRENCY))
    money = {one.name: at for one in query.fields if _is_joined_money(at := one.operand)}
    currencies = {name: f"c{at}" for at, name in enumerate(money)}
    columns += [scope[at.alias].currency.label(currencies[name]) for name, at in money.items()]
    order = [Term(_ordered(scope, fields, one), one.descending) for one in query.order]
    order = _sortable([*order, primary_key(scope, order)])
    sql = selected(columns).select_from(source)
    wanted = conditions(scope, query)
    return _Answer(sql.where(*wanted) if wanted else sql, fields, order, whole=True, currencies=currencies)


def _is_joined_money(operand: Operand | None) -> TypeGuard[At]:
    return isinstance(operand, At) and operand.alias != ROOT and operand.column.kind is Kind.MONEY


def _listed(scope: Scope, operand: Operand) -> Typed:
    """A list can be shown, though nothing else can be done with it."""
    if isinstance(operand, At) and operand.column.kind is Kind.LIST:
        return Typed(scope[operand.alias].held(operand.column), Form.TEXT)
    return _typed(scope, operand)


def _typed(scope: Scope, operand: Operand) -> Typed:
    return typed(scope, operand).counted


def _ordered(scope: Scope, fields: Mapping[str, Typed], order: Order) -> Typed:
    return fields[order.by] if isinstance(order.by, str) else _typed(scope, order.by)


def _operand(field: Field) -> Operand:
    if field.operand is None:
        raise Refused("QuerySyntax", f"'{field.name}' needs a column.")
    return field.operand


def _labelled(fields: Mapping[str, Typed]) -> list[Any]:
    return [one.sql.label(f"f{at}") for at, one in enumerate(fields.values())]


def _sortable(order: Sequence[Term]) -> list[Term]:
    return [one for one in order if one.value.literal is None and one.value.form is not Form.NULL]


# Groups


def _of_groups(query: Query) -> _Answer:
    """Three selects, one in the other: what is grouped, the groups, and which of them in what order."""
    base = _Base(query)
    fields = {one.name: base.field(one) for one in query.fields}
    keys = [key.label(f"g{at}") for at, key in enumerate(base.keys)]
    sql = selected([*_labelled(fields), *keys]).select_from(base.sql)
    groups = sql.group_by(*base.keys).subquery("groups")
    outside = {name: _outside(one, groups.c[f"f{at}"]) for at, (name, one) in enumerate(fields.items())}
    rows = selected(_labelled(outside)).select_from(groups)
    if query.having is not None:
        rows = rows.where(condition(_Groups(query, outside), query.having))
    tie_breakers = [Term(_outside(one, groups.c[f"g{at}"]), descending=False) for at, one in enumerate(base.plain)]
    order = [Term(_shown(query, outside, one), one.descending) for one in query.order]
    return _Answer(rows, outside, _sortable([*order, *tie_breakers]), whole=False)


class _Base:
    """The rows that are grouped: the operands of the groups, and those that something is made of."""

    def __init__(self, query: Query) -> None:
        scope = Scope(query.table)
        source = joined(scope, query)
        self._operands = _distinct([*query.group, *(_operand(one) for one in query.fields if one.aggregation is None)])
        plain = [_typed(scope, one) for one in self._operands]
        made = {one.name: _typed(scope, one.operand) for one in query.fields if one.aggregation and one.operand}
        labels = {name: f"v{at}" for at, name in enumerate(made)}
        columns = [one.sql.label(f"p{at}") for at, one in enumerate(plain)]
        columns += [one.sql.label(labels[name]) for name, one in made.items()]
        wanted = conditions(scope, query)
        sql = selected(columns).select_from(source)
        self.sql = (sql.where(*wanted) if wanted else sql).subquery("base")
        self.plain = [_outside(one, self.sql.c[f"p{at}"]) for at, one in enumerate(plain)]
        self._made = {name: _outside(one, self.sql.c[labels[name]]) for name, one in made.items()}

    @property
    def keys(self) -> list[Sql]:
        """What the rows of one group have in common."""
        return [Folded(one.sql) if one.form is Form.TEXT else one.sql for one in self.plain]

    def field(self, field: Field) -> Typed:
        """One field of the groups."""
        if field.aggregation is not None:
            return _aggregated(field, field.aggregation, self._made.get(field.name))
        of = self.plain[self._operands.index(_operand(field))]
        return _with(of, sa.func.min(ByBytes(of.sql), type_=sa.String)) if of.form is Form.TEXT else of


def _distinct(operands: Sequence[Operand]) -> list[Operand]:
    # Operands are no keys of a set: a column may hold a mapping.
    return [one for at, one in enumerate(operands) if one not in operands[:at]]


def _aggregated(field: Field, how: Aggregation, of: Typed | None) -> Typed:
    if of is None:
        if how is not Aggregation.COUNT:
            raise Refused("QuerySyntax", f"'{field.name}' needs a column.")
        return Typed(sa.func.count(), Form.NUMBER, nullable=False)
    values = sa.distinct(of.sql) if field.distinct else of.sql
    if how is Aggregation.COUNT:
        return Typed(sa.func.count(values), Form.NUMBER, nullable=False)
    if of.form not in (_ORDERED if how in _EXTREMES else {Form.NUMBER}):
        raise Refused("QueryUnsupported", f"'{field.name}': there is no {how} of a {of.form.value}.")
    if how in _EXTREMES:
        extreme = ByBytes(of.sql) if of.form is Form.TEXT else of.sql
        return _with(of, _EXTREMES[how](extreme, type_=of.sql.type))
    total = sa.func.sum(values, type_=sa.BigInteger)
    return Typed(total, Form.NUMBER, of.scale) if how is Aggregation.SUM else _average(of, total, sa.func.count(values))


def _average(of: Typed, total: Sql, count: Sql) -> Typed:
    """Divided before it is multiplied: an average fits where a sum with more decimals would not."""
    more = max(0, AVERAGE_DECIMALS - of.scale)
    unit, whole = numbers.whole(10**more), Quotient(total, count)
    rest = Exact(total) - whole * count
    return Typed(
        sa.type_coerce(whole * unit + Quotient(rest * unit, count), sa.BigInteger), Form.NUMBER, of.scale + more
    )


def _with(of: Typed, sql: Any) -> Typed:
    return Typed(sql, of.form, of.scale)


def _outside(of: Typed, column: Sql) -> Typed:
    """The same, seen from the select around it. A literal is one no more."""
    return Typed(column, of.form, of.scale, nullable=of.nullable)


def _shown(query: Query, fields: Mapping[str, Typed], order: Order) -> Typed:
    if isinstance(order.by, str):
        return fields[order.by]
    return _field_of(query, fields, order.by)


def _field_of(query: Query, fields: Mapping[str, Typed], operand: Operand) -> Typed:
    for one in query.fields:
        if one.operand == operand and one.aggregation is None:
            return fields[one.name]
    raise Refused("QueryUnsupported", "Groups are filtered and sorted by what they show.")


class _Groups(Scope):
    """For a condition on groups: a field goes by its name, `field(name)`, or by the operand that it shows."""

    def __init__(self, query: Query, fields: Mapping[str, Typed]) -> None:
        super().__init__(query.table)
        self._query, self._fields = query, fields

    def known(self, operand: Operand) -> Typed | None:
        match operand:
            case Function("field", (Literal(str() as name),)):
                return self._fields[name]
            case At():
                return _field_of(self._query, self._fields, operand)
            case _:
                return None
