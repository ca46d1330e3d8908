"""What a SELECT means: names become columns of the data model, its predicates conditions of the tree.

Columns go by their logical names (a lookup without _value). Null is as in SQL: nothing compares with it.
Each row of the answer begins with the primary key of the first table, unless the rows are distinct or made of many.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gatepass import model
from gatepass.domain.errors import Refused
from gatepass.model.columns import Kind
from gatepass.model.query import PAGE_LIMIT, ROOT, Aggregation, At, Field, Join, Order, Query
from gatepass.model.table import Table
from gatepass.web.dataverse.joining import MAX_FIELDS, require_few, require_joinable, told_apart
from gatepass.web.dataverse.literals import EXACT, MOMENTS, TEXTS
from gatepass.web.dataverse.nesting import check_query
from gatepass.web.dataverse.sql import tree
from gatepass.web.dataverse.sql.parser import parse
from gatepass.web.dataverse.sql.predicates import condition


def sql_query(table: Table, text: str, page_size: int | None = None) -> Query:
    """The query of a statement that is asked of the entity set of `table`. Raises Refused."""
    return _Resolver(table, parse(text)).query(page_size)


@dataclass(slots=True)
class _Resolver:
    table: Table
    select: tree.Select
    sources: dict[str, tuple[str, Table]] = field(default_factory=dict[str, tuple[str, Table]])
    """What a table is called in the statement -> its alias in the tree, and the table."""

    def query(self, page_size: int | None) -> Query:
        """Tables first: everything else names their columns."""
        self._root()
        joins = tuple(self._join(one) for one in self.select.joins)
        where = condition(self.select.where, self.at) if self.select.where else None
        shown = self._shown()
        order = require_few([Order(self._by(one.by, shown), one.descending) for one in self.select.order])
        limited = min(page_size or PAGE_LIMIT, PAGE_LIMIT)
        query = check_query(
            Query(self.table, joins=joins, where=where, order=order, top=self.select.top, page_size=limited)
        )
        if self._aggregates(shown):
            group = tuple(self.at(name) for name in self.select.group)
            return replace(query, fields=tuple(shown.values()), group=group, distinct=self.select.distinct)
        if self.select.distinct:
            return replace(query, fields=tuple(shown.values()), distinct=True)
        key = Field(self.table.id_name, At(self.table.primary_key))
        _add(shown, key)
        return told_apart(replace(query, fields=(key, *(one for one in shown.values() if one.name != key.name))))

    # Tables and columns

    def _root(self) -> None:
        source = self.select.source
        if source.table != self.table.logical:
            raise Refused(
                "QuerySyntax",
                f"SQL: the statement selects from '{source.table[:100]}', but '{self.table.set_name}' holds rows of "
                f"'{self.table.logical}'.",
            )
        self._name(source, ROOT, self.table)

    def _name(self, source: tree.From, alias: str, table: Table) -> None:
        name = source.alias or source.table
        if name in self.sources:
            raise Refused("QuerySyntax", f"SQL: two tables are called '{name[:100]}'; give one an alias.")
        self.sources[name] = (alias, table)

    def _join(self, join: tree.Joined) -> Join:
        table = model.BY_LOGICAL.get(join.source.table)
        if table is None:
            raise Refused("PropertyUnknown", f"SQL: there is no table '{join.source.table[:100]}'.")
        alias = join.source.alias or join.source.table
        self._name(join.source, alias, table)
        here, there = self.at(join.left), self.at(join.right)
        if here.alias != alias:
            here, there = there, here
        if here.alias != alias or there.alias == alias:
            raise Refused("QuerySyntax", f"SQL: ON compares a column of '{alias[:100]}' with one of a table before it.")
        require_joinable(here.column, there.column)
        return Join(alias, table, here.column, there.alias, there.column, join.outer)

    def at(self, name: tree.Name) -> At:
        """A column by its name. Raises Refused (PropertyUnknown) when there is none, or more than one."""
        if name.table and name.table not in self.sources:
            raise Refused("PropertyUnknown", f"SQL: there is no table '{name.table[:100]}' in the statement.")
        tables = [self.sources[name.table]] if name.table else self.sources.values()
        found = [At(column, alias) for alias, table in tables if (column := table.by_logical.get(name.column))]
        if not found:
            raise Refused("PropertyUnknown", f"SQL: there is no column '{name.column[:100]}'.")
        if len(found) > 1:
            raise Refused("PropertyUnknown", f"SQL: the column '{name.column}' is in several tables; say in which.")
        return found[0]

    # What is shown, and in which order

    def _shown(self) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for item in self.select.items:
            _add(found, self._field(item))
        return found

    def _field(self, item: tree.Item) -> Field:
        if isinstance(item.shown, tree.Name):
            at = self.at(item.shown)
            return Field(item.alias or item.shown.column, at)
        return self._aggregate(item.alias, item.shown)

    def _aggregate(self, alias: str, of: tree.Aggregate) -> Field:
        how = Aggregation(of.function)
        if of.argument is None:
            return Field(alias or "count", None, how)
        at, name = self.at(of.argument), alias or f"{of.function}_{of.argument.column}"
        if how is not Aggregation.COUNT and at.column.kind not in _numbers(how):
            raise Refused("QuerySyntax", f"SQL: there is no {of.function.upper()} of '{at.column.logical}'.")
        if of.distinct and how is not Aggregation.COUNT:
            raise tree.unsupported(f"{of.function.upper()}(DISTINCT) is")
        return Field(name, at, how, of.distinct)

    def _aggregates(self, shown: Mapping[str, Field]) -> bool:
        if not self.select.group and not any(one.aggregation for one in shown.values()):
            return False
        group = {self.at(name) for name in self.select.group}
        for one in shown.values():
            if one.aggregation is None and one.operand not in group:
                raise Refused("QuerySyntax", f"SQL: '{one.name}' has to be in GROUP BY, or inside an aggregate.")
        return True

    def _by(self, name: tree.Name, shown: Mapping[str, Field]) -> At | str:
        if not name.table and name.column in shown:
            one = shown[name.column]
            at = one.operand if one.aggregation is None else None
        else:
            at = self.at(name)
        if isinstance(at, At) and at.column.kind is Kind.LIST:
            raise Refused("QueryUnsupported", f"SQL: '{at.column.logical}' holds a list, and cannot be sorted by.")
        return at if isinstance(at, At) else name.column


def _numbers(how: Aggregation) -> frozenset[Kind]:
    numbers = EXACT | {Kind.INTEGER, Kind.BIGINT}
    return numbers | MOMENTS | TEXTS if how in {Aggregation.MIN, Aggregation.MAX} else numbers


def _add(shown: dict[str, Field], one: Field) -> None:
    if shown.setdefault(one.name, one) != one:
        raise Refused("QuerySyntax", f"SQL: two columns are called '{one.name[:100]}'; give one an alias.")
    if len(shown) > MAX_FIELDS:
        raise Refused("QuerySyntax", f"SQL: a statement selects at most {MAX_FIELDS} columns.")
