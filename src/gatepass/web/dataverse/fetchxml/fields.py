"""The columns of a fetch, its groups and its order.

Columns of links are `alias.column` in the answer, as the Web API has them. Grouped dates are numbers: the month of
`dategrouping="month"` is 1 to 12, of whatever year.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.model.columns import Kind
from gatepass.model.query import Aggregation, At, Field, Function, Operand, Order
from gatepass.web.dataverse.fetchxml.scope import Source, Sources, flag, required, valid_alias
from gatepass.web.dataverse.fetchxml.xml import Element
from gatepass.web.dataverse.joining import MAX_FIELDS
from gatepass.web.dataverse.literals import EXACT, MOMENTS, WHOLE

_AGGREGATIONS: Mapping[str, Aggregation] = MappingProxyType(
    {
        "count": Aggregation.COUNT,
        "countcolumn": Aggregation.COUNT,
        "sum": Aggregation.SUM,
        "avg": Aggregation.AVG,
        "min": Aggregation.MIN,
        "max": Aggregation.MAX,
    }
)
_PARTS: Mapping[str, str] = MappingProxyType(
    {part: part for part in ("day", "week", "month", "quarter", "year")}
    | {"fiscal-period": "quarter", "fiscal-year": "year"}
)


def plain(source: Source, elements: Iterator[Element]) -> Iterator[Field]:
    """The columns that an entity or link shows in a fetch that does not aggregate."""
    for element in elements:
        if element.tag == "all-attributes":
            yield from (_column(source, At(column, source.alias)) for column in source.table.shown)
            continue
        at = source.at(required(element, "name"))
        alias = element.get("alias")
        yield Field(valid_alias(alias), at) if alias else _column(source, at)


def _column(source: Source, at: At) -> Field:
    return Field(f"{source.name}.{at.column.logical}" if source.name else at.column.wire, at)


def name_of(at: At) -> str:
    """What a column is called that was not asked for by name."""
    return f"{at.alias}.{at.column.logical}" if at.alias else at.column.wire


def aggregated(source: Source) -> Iterator[Field]:
    """The columns of a fetch that aggregates: each is grouped by, or made of many."""
    if any(source.element.all("all-attributes")):
        raise Refused("QuerySyntax", "A fetch that aggregates names its attributes; 'all-attributes' is not for it.")
    for element in source.element.all("attribute"):
        at, alias = source.at(required(element, "name")), valid_alias(required(element, "alias"))
        if flag(element, "groupby"):
            yield Field(alias, _grouped(at, element))
        elif (word := (element.get("aggregate") or "").lower()) in _AGGREGATIONS:
            yield _aggregate(alias, at, word, flag(element, "distinct"))
        else:
            raise Refused("QuerySyntax", f"'{alias}' needs groupby='true', or aggregate as one of {_AVAILABLE}.")


_AVAILABLE = ", ".join(_AGGREGATIONS)


def _grouped(at: At, element: Element) -> Operand:
    part = (element.get("dategrouping") or "").lower()
    if not part:
        _require(at, at.column.kind is not Kind.LIST, "groupby")
        return at
    _require(at, at.column.kind in MOMENTS, "dategrouping")
    if part not in _PARTS:
        raise Refused("QuerySyntax", f"There is no dategrouping '{part[:100]}', only {', '.join(_PARTS)}.")
    return Function(_PARTS[part], (at,))


def _aggregate(alias: str, at: At, word: str, distinct: bool) -> Field:
    if word == "count":
        return Field(alias, None, Aggregation.COUNT)
    kind = at.column.kind
    numbers = EXACT | (WHOLE - {Kind.CHOICE, Kind.STATE, Kind.STATUS})
    fits = kind is not Kind.LIST if word == "countcolumn" else kind in numbers | (
        MOMENTS if word in {"min", "max"} else frozenset[Kind]()
    )  # fmt: skip
    _require(at, fits, word)
    return Field(alias, at, _AGGREGATIONS[word], distinct=distinct and word == "countcolumn")


def _require(at: At, fits: bool, what: str) -> None:
    if not fits:
        raise Refused("QuerySyntax", f"'{what}' is not for '{at.column.logical}', a {at.column.kind.type_code}.")


def orders(sources: list[Source], names: Sources, fields: Mapping[str, Field]) -> Iterator[Order]:
    """By an attribute, or by the alias of one. An entity's own come before those of its links."""
    for source in sources:
        for element in source.element.all("order"):
            yield Order(_by(element, source, names, fields), flag(element, "descending"))


def _by(element: Element, source: Source, names: Sources, fields: Mapping[str, Field]) -> Operand | str:
    if alias := element.get("alias"):
        if alias not in fields:
            raise Refused("QuerySyntax", f"No attribute has the alias '{alias[:100]}', which 'order' names.")
        named = fields[alias].operand
        if isinstance(named, At):
            _require(named, named.column.kind is not Kind.LIST, "order")
        return alias
    entity = element.get("entityname")
    at = (names.find(entity) if entity else source).at(required(element, "attribute"))
    _require(at, at.column.kind is not Kind.LIST, "order")
    return at


def unique(fields: Iterator[Field]) -> dict[str, Field]:
    """By name. Raises Refused when one is given twice for different columns, or when there are too many."""
    found: dict[str, Field] = {}
    for field in fields:
        if found.setdefault(field.name, field) != field:
            raise Refused("QuerySyntax", f"The column '{field.name}' is asked for twice; give one an alias.")
        if len(found) > MAX_FIELDS:
            raise Refused("QuerySyntax", f"A query shows at most {MAX_FIELDS} columns.")
    return found
