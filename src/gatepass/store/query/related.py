"""What hangs on the rows of an answer: one statement per relationship and level, for all rows together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gatepass.model.columns import Constant
from gatepass.model.query import Expand, Linked, Navigation, Page, Query, Record, ToMany, ToOne
from gatepass.store.engine import ReadTx
from gatepass.store.query.conditions import link_columns, target_of
from gatepass.store.query.order import order_by
from gatepass.store.query.scope import Scope, Sql, is_currency, selected
from gatepass.store.query.statement import Statement, conditions, goes_on, joined, limit_of, statement
from gatepass.store.values import StoredRow, needs

PARENT, NUMBER = "parent", "number"
"""Columns of our own: what a related row hangs on, and which of the rows that hang there it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record, and the stored row it was made of."""

    record: Record
    row: StoredRow


def read(tx: ReadTx, of: Statement, sql: sa.Select[Any], parameters: Mapping[str, Any] | None = None) -> list[Found]:
    """The rows of a statement as records."""
    result = tx.execute(sql, parameters)
    names = list(result.keys())
    rows = [dict(zip(names, row, strict=True)) for row in result]
    return [Found(of.shape.record(row), row) for row in rows]


def expand(tx: ReadTx, found: Sequence[Found], wanted: Sequence[Expand]) -> None:
    """Put the related rows into each record."""
    for one in wanted if found else ():
        if isinstance(one.navigation, ToOne):
            _expand_one(tx, found, one, one.navigation)
        else:
            _expand_many(tx, found, one, one.navigation)


def _expand_one(tx: ReadTx, found: Sequence[Found], wanted: Expand, navigation: ToOne) -> None:
    keys = [_pointed(navigation, each.row) for each in found]
    query = replace(wanted.query, table=navigation.target, order=(), after=(), top=None, page_size=None, skip=0)
    of = statement(query)
    target = of.scope.root.stored("iso_code") if is_currency(navigation.lookup) else of.scope.root.id
    distinct = list(dict.fromkeys(key for key in keys if key is not None))
    sql = of.sql.add_columns(target.label(PARENT)).where(target.in_(distinct))
    related = read(tx, of, sql) if distinct else []
    expand(tx, related, wanted.query.expand)
    by_key = {each.row[PARENT]: each.record for each in related}
    for each, key in zip(found, keys, strict=True):
        each.record.related[navigation.name] = by_key.get(key)


def _pointed(navigation: ToOne, row: StoredRow) -> Any:
    if is_currency(navigation.lookup):
        return row["currency"]
    if isinstance(navigation.lookup.source, Constant):
        return navigation.lookup.source.value
    return row[needs(navigation.lookup)[0]]


def _expand_many(tx: ReadTx, found: Sequence[Found], wanted: Expand, navigation: ToMany | Linked) -> None:
    foot = "iso_code" if isinstance(navigation, ToMany) and is_currency(navigation.lookup) else "id"
    keys = list(dict.fromkeys(each.row[foot] for each in found))
    query = replace(wanted.query, table=target_of(navigation))
    of = statement(query)
    limit = limit_of(query)
    related = read(tx, of, _first_of_each(of, navigation, keys, query.skip, limit + 1))
    groups: dict[Any, list[Found]] = {key: [] for key in keys}
    for each in related:
        groups[each.row[PARENT]].append(each)
    counts = _counts(tx, query, navigation, keys) if query.count else None
    kept = [each for group in groups.values() for each in group[:limit]]
    expand(tx, kept, wanted.query.expand)
    for each in found:
        group = groups[each.row[foot]]
        after = of.after(group[limit - 1].row) if goes_on(query, len(group)) else ()
        count = None if counts is None else counts.get(each.row[foot], 0)
        each.record.related[navigation.name] = Page([one.record for one in group[:limit]], count, after)


def _first_of_each(
    of: Statement, navigation: ToMany | Linked, keys: Sequence[Any], skip: int, limit: int
) -> sa.Select[Any]:
    sql, parent = hanging(of.scope, of.sql, navigation, keys)
    numbered = sa.func.row_number().over(partition_by=parent, order_by=order_by(of.order))
    rows = sql.add_columns(parent.label(PARENT), numbered.label(NUMBER)).subquery()
    return sa.select(rows).where(rows.c[NUMBER] > skip, rows.c[NUMBER] <= skip + limit).order_by(rows.c[NUMBER])


def hanging(
    scope: Scope, sql: sa.Select[Any], navigation: Navigation, keys: Sequence[Any]
) -> tuple[sa.Select[Any], Sql]:
    """The rows that hang on these, and the column that says on which."""
    if isinstance(navigation, Linked):
        pairs, here, there = link_columns(navigation)
        parent: Sql = pairs.c[here]
        return sql.join(pairs, pairs.c[there] == scope.root.id).where(parent.in_(keys)), parent
    assert isinstance(navigation, ToMany)
    parent = scope.root.held(navigation.lookup)
    return sql.where(parent.in_(keys)), parent


def _counts(tx: ReadTx, query: Query, navigation: ToMany | Linked, keys: Sequence[Any]) -> Mapping[Any, int]:
    scope = Scope(query.table)
    source = joined(scope, query)
    sql = selected([sa.func.count().label("count")]).select_from(source).where(sa.true(), *conditions(scope, query))
    sql, parent = hanging(scope, sql, navigation, keys)
    rows = tx.execute(sql.add_columns(parent.label(PARENT)).group_by(parent)).mappings()
    return {row[PARENT]: row["count"] for row in rows}
