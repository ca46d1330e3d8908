"""$apply: filter, groupby and aggregate, as a query with fields (learn.microsoft.com, Aggregate data using OData).

A column of a related table is answered under `<table>_<column>`, as Dataverse does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.model.query import Aggregation, And, Condition, Field, Operand, Order, Query
from gatepass.web.dataverse import nesting
from gatepass.web.dataverse.odata import operands, orders
from gatepass.web.dataverse.odata.conditions import filtered
from gatepass.web.dataverse.odata.functions import Asking
from gatepass.web.dataverse.odata.lexer import Sort
from gatepass.web.dataverse.odata.parser import Reader
from gatepass.web.dataverse.odata.scope import Scope
from gatepass.web.dataverse.odata.tree import Path, syntax_error
from gatepass.web.dataverse.odata.typed import Type

METHODS: Mapping[str, tuple[Aggregation, bool]] = MappingProxyType(
    {
        "sum": (Aggregation.SUM, False),
        "average": (Aggregation.AVG, False),
        "min": (Aggregation.MIN, False),
        "max": (Aggregation.MAX, False),
        "countdistinct": (Aggregation.COUNT, True),
    }
)
"""Word of OData -> aggregation, and whether each value counts once."""
MAX_FIELDS = 50
OPTIONS = frozenset({"$apply", "$orderby", "$top", "$format"})


@dataclass(slots=True)
class _Applied:
    """What the transformations have said so far."""

    scope: Scope
    asking: Asking
    filters: list[Condition] = field(default_factory=list[Condition])
    group: list[Operand] = field(default_factory=list[Operand])
    fields: list[Field] = field(default_factory=list[Field])


def applied(scope: Scope, asking: Asking, options: Mapping[str, str], top: int | None) -> Query:
    """The query of $apply. Raises Refused (QuerySyntax, PropertyUnknown, QueryUnsupported)."""
    for name in options:
        if name.startswith("$") and name not in OPTIONS:
            raise Refused(
                "QueryUnsupported",
                f"The query parameter {name} is not supported beside $apply. Use filter(...) inside it.",
            )
    found = _Applied(scope, asking)
    _read(Reader(options["$apply"], options), found)
    order = _order(found, options)
    return Query(
        scope.table,
        joins=tuple(scope.joins.values()),
        where=_all(found.filters),
        fields=tuple(found.fields),
        group=tuple(found.group),
        distinct=not any(one.aggregation for one in found.fields),
        order=order,
        top=top,
    )


def _read(reader: Reader, found: _Applied) -> None:
    """filter(...)/groupby((...),aggregate(...)) or filter(...)/aggregate(...)"""
    while reader.at_word("filter"):
        reader.take()
        reader.expect("(")
        found.filters.append(filtered(found.scope, found.asking, reader.expression()))
        reader.expect(")")
        reader.expect("/")
    if reader.at_word("groupby"):
        _groupby(reader, found)
    else:
        _aggregate(reader, found)
    if reader.at("/"):
        raise Refused("QueryUnsupported", "Nothing can follow groupby and aggregate in $apply.")
    reader.expect_end()


def _groupby(reader: Reader, found: _Applied) -> None:
    reader.expect_word("groupby")
    reader.expect("(")
    reader.expect("(")
    _by(reader, found)
    while reader.at(","):
        reader.take()
        _by(reader, found)
    reader.expect(")")
    if reader.at(","):
        reader.take()
        _aggregate(reader, found)
    reader.expect(")")


def _by(reader: Reader, found: _Applied) -> None:
    at = reader.peek().at
    path = reader.expression()
    if not isinstance(path, Path):
        raise syntax_error(reader.text, at)
    operand = operands.operand(found.scope, path).operand
    found.group.append(operand)
    _add(found, Field(_name(found.scope, path), operand))


def _name(scope: Scope, path: Path) -> str:
    if len(path.segments) == 1:
        return path.segments[0]
    return f"{scope.joins['/'.join(path.segments[:-1])].table.logical}_{path.segments[-1]}"


def _aggregate(reader: Reader, found: _Applied) -> None:
    reader.expect_word("aggregate")
    reader.expect("(")
    _one(reader, found)
    while reader.at(","):
        reader.take()
        _one(reader, found)
    reader.expect(")")


def _one(reader: Reader, found: _Applied) -> None:
    """`$count as n`, or `column with sum as total`"""
    if reader.at_word("$count"):
        reader.take()
        _add(found, Field(_alias(reader), None, Aggregation.COUNT))
        return
    value = operands.operand(found.scope, reader.expression())
    nesting.check_operand(value.operand)
    reader.expect_word("with")
    word = reader.expect_name()
    if word.text not in METHODS:
        raise syntax_error(reader.text, word.at)
    aggregation, distinct = METHODS[word.text]
    if aggregation in {Aggregation.SUM, Aggregation.AVG} and value.type not in {Type.INTEGER, Type.DECIMAL}:
        raise Refused("QuerySyntax", f"'{word.text}' needs numbers, and found '{value.type.edm}'.")
    _add(found, Field(_alias(reader), value.operand, aggregation, distinct))


def _alias(reader: Reader) -> str:
    reader.expect_word("as")
    token = reader.peek()
    if token.sort is not Sort.NAME or token.text.startswith(("$", "@")) or "." in token.text or len(token.text) > 128:
        raise syntax_error(reader.text, token.at)
    return reader.take().text


def _add(found: _Applied, one: Field) -> None:
    if len(found.fields) == MAX_FIELDS:
        raise Refused("QueryUnsupported", f"$apply can give at most {MAX_FIELDS} fields.")
    if any(one.name == other.name for other in found.fields):
        raise Refused("QuerySyntax", f"$apply gives two fields the name '{one.name}'.")
    found.fields.append(one)


def _order(found: _Applied, options: Mapping[str, str]) -> tuple[Order, ...]:
    """By fields of the answer; there are no others behind $apply."""
    names = {one.name for one in found.fields}
    ordered = list[Order]()
    for expression, descending in orders.parse_orderby(options["$orderby"]) if "$orderby" in options else ():
        name = "/".join(expression.segments) if isinstance(expression, Path) else ""
        if name not in names:
            raise Refused(
                "PropertyUnknown", f"'{name[:200]}' is no field of $apply, which is all that can be ordered by."
            )
        ordered.append(Order(name, descending))
    return tuple(ordered)


def _all(filters: list[Condition]) -> Condition | None:
    if len(filters) < 2:
        return filters[0] if filters else None
    return And(tuple(filters))
