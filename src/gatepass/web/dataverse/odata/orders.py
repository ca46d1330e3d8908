"""$select and $orderby: names of columns, with commas."""

from collections.abc import Mapping

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Kind
from gatepass.model.navigation import navigations
from gatepass.model.query import At, Order, ToOne
from gatepass.model.table import Table
from gatepass.web.dataverse.joining import MAX_ORDERS
from gatepass.web.dataverse.odata import operands
from gatepass.web.dataverse.odata.parser import NO_ALIASES, Reader
from gatepass.web.dataverse.odata.scope import Scope, column_of
from gatepass.web.dataverse.odata.tree import Expression, Path


def select(table: Table, text: str) -> tuple[Column, ...]:
    """The columns of a $select, each once; none named, or `*`: all (an empty tuple). Raises Refused (PropertyUnknown)."""
    names = [name.strip() for name in text.split(",")]
    if "*" in names or names == [""]:
        return ()
    return tuple({name: _selected(table, name) for name in names}.values())


def parse_orderby(text: str, aliases: Mapping[str, str] = NO_ALIASES) -> list[tuple[Expression, bool]]:
    """Expressions, and whether the order descends. Raises Refused (QuerySyntax)."""
    reader, found = Reader(text, aliases), list[tuple[Expression, bool]]()
    while not found or reader.at(","):
        if found:
            reader.expect(",")
        expression = reader.expression()
        descending = reader.at_word("desc")
        if reader.at_word("asc", "desc"):
            reader.take()
        found.append((expression, descending))
    reader.expect_end()
    if len(found) > MAX_ORDERS:
        raise Refused("QueryUnsupported", f"At most {MAX_ORDERS} columns can be ordered by.")
    return found


def orderby(scope: Scope, text: str, aliases: Mapping[str, str] = NO_ALIASES) -> tuple[Order, ...]:
    """Rows ordered by columns, each once. Raises Refused (QuerySyntax, PropertyUnknown, QueryUnsupported)."""
    found = list[Order]()
    for expression, descending in parse_orderby(text, aliases):
        by = _by(scope, expression)
        if all(by != one.by for one in found):
            found.append(Order(by, descending))
    return tuple(found)


def _by(scope: Scope, expression: Expression) -> At:
    if not isinstance(expression, Path):
        raise Refused("QueryUnsupported", "$orderby takes columns, also of related tables, but no functions.")
    operands.operand(scope, expression)
    found = scope.column(expression)
    return _by_name(scope, expression, found) if found.column.kind is Kind.LOOKUP else found


def _by_name(scope: Scope, path: Path, at: At) -> At:
    """A lookup is ordered by the name that people know its target by, as in Dataverse."""
    lookup = at.column
    if not lookup.navigation or path.segments[-1] != lookup.wire:
        return at
    navigation = navigations(scope.table if len(path.segments) == 1 else _owner(scope, path)).get(lookup.navigation)
    if not isinstance(navigation, ToOne):
        return at
    name = navigation.target.by_logical[navigation.target.primary_name].wire
    return scope.column(Path((*path.segments[:-1], lookup.navigation, name), path.at))


def _owner(scope: Scope, path: Path) -> Table:
    table = scope.table
    for step in path.segments[:-1]:
        found = navigations(table).get(step)
        table = found.target if isinstance(found, ToOne) else table
    return table


def _selected(table: Table, name: str) -> Column:
    """A column by its property; also a lookup by its navigation property, which names it as well."""
    found = navigations(table).get(name)
    if isinstance(found, ToOne) and name not in table.by_wire:
        return found.lookup
    return column_of(table, name)
