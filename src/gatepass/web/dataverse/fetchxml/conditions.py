"""Filters and their conditions, as conditions of the tree.

FetchXML's negative operators (ne, not-like, not-in, not-between, not-on) hold for rows that have nothing there, unlike
those of SQL and OData (github.com/MarkMpn/Sql4Cds, issues 167 and 530).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.model.build import BUSINESS_UNIT
from gatepass.model.columns import Column, Kind
from gatepass.model.query import And, At, Compare, Condition, In, Literal, Not, Operator, Or, Value
from gatepass.web.dataverse.fetchxml import spans
from gatepass.web.dataverse.fetchxml.scope import Asker, Source, Sources, required
from gatepass.web.dataverse.fetchxml.spans import Span
from gatepass.web.dataverse.fetchxml.xml import Element
from gatepass.web.dataverse.literals import MOMENTS, TEXTS, clean, require_same_family, value_of

MAX_VALUES = 2000
"""In one condition."""

_COMPARED: Mapping[str, Operator] = MappingProxyType(
    {
        "eq": Operator.EQ,
        "ne": Operator.NE,
        "neq": Operator.NE,
        "gt": Operator.GT,
        "ge": Operator.GE,
        "lt": Operator.LT,
        "le": Operator.LE,
    }
)
_MATCHED: Mapping[str, Operator] = MappingProxyType(
    {"like": Operator.LIKE, "begins-with": Operator.STARTS_WITH, "ends-with": Operator.ENDS_WITH}
)
_NEGATED: Mapping[str, str] = MappingProxyType(
    {
        "not-like": "like",
        "not-begin-with": "begins-with",
        "not-end-with": "ends-with",
        "not-in": "in",
        "not-between": "between",
        "not-on": "on",
        "ne-userid": "eq-userid",
        "ne-businessid": "eq-businessid",
    }
)
_USERS = frozenset({"eq-userid", "eq-useroruserteams", "eq-useroruserhierarchy", "eq-useroruserhierarchyandteams"})
"""Nobody has teams or a hierarchy here: all of them mean the one who asks."""
_BUSINESS_UNITS = frozenset({"eq-businessid", "eq-businessunitid"})
_NOT_BUILT = frozenset(
    {
        "above", "under", "not-under", "eq-or-above", "eq-or-under", "eq-userteams", "eq-userlanguage",
        "contain-values", "not-contain-values", "in-fiscal-year", "in-fiscal-period", "in-fiscal-period-and-year",
        "in-or-before-fiscal-period-and-year", "in-or-after-fiscal-period-and-year",
    }
)  # fmt: skip
Links = Callable[[Source, Element, Sources], Condition]
"""A link-entity inside a filter, as a condition (links.py)."""


def filter_of(element: Element, source: Source, names: Sources, asker: Asker, links: Links) -> Condition:
    """A filter with all that is nested in it. Raises Refused."""
    kind = (element.get("type") or "and").lower()
    if kind not in {"and", "or"}:
        raise Refused("QuerySyntax", f"A filter is of type 'and' or 'or', not '{kind[:100]}'.")
    parts: list[Condition] = []
    for child in element.children:
        if child.tag == "filter":
            parts.append(filter_of(child, source, names, asker, links))
        elif child.tag == "condition":
            parts.append(_condition(child, source, names, asker))
        elif child.tag == "link-entity":
            parts.append(links(source, child, names))
        else:
            raise Refused("QuerySyntax", f"A filter cannot hold the element '{child.tag[:100]}'.")
    # A filter with nothing in it asks for nothing, of either type.
    return Or(tuple(parts)) if kind == "or" and parts else And(tuple(parts))


def _condition(element: Element, source: Source, names: Sources, asker: Asker) -> Condition:
    at = (names.find(alias) if (alias := element.get("entityname")) else source).at(required(element, "attribute"))
    operator = required(element, "operator").strip().lower()
    if at.column.kind is Kind.LIST and operator not in {"null", "not-null"}:
        raise Refused("QueryUnsupported", f"'{at.column.logical}' holds a list, and cannot be filtered.")
    if element.get("valueof") is not None:
        return _columns_compared(operator, at, _other(element, source, names))
    if operator in _NEGATED:
        return Or((Compare(Operator.EQ, at, Literal(None)), Not(_test(_NEGATED[operator], at, element, asker))))
    return _test(operator, at, element, asker)


def _other(element: Element, source: Source, names: Sources) -> At:
    alias, _, name = required(element, "valueof").rpartition(".")
    return (names.find(alias) if alias else source).at(name)


def _columns_compared(operator: str, left: At, right: At) -> Condition:
    if operator not in _COMPARED:
        raise Refused("QuerySyntax", f"The operator '{operator[:100]}' cannot compare two columns.")
    require_same_family(left.column, right.column)
    return Compare(_COMPARED[operator], left, right)


def _test(operator: str, at: At, element: Element, asker: Asker) -> Condition:
    if operator in {"null", "not-null"}:
        return Compare(Operator.EQ if operator == "null" else Operator.NE, at, Literal(None))
    if operator in _COMPARED:
        return _compared(_COMPARED[operator], at, value_of(at.column, _single(element)))
    if operator in _MATCHED:
        _require(at.column, operator, at.column.kind in TEXTS)
        return Compare(_MATCHED[operator], at, Literal(clean(_single(element))))
    if operator in {"in", "between"}:
        return _listed(operator, at, [value_of(at.column, text) for text in _values(element)])
    if operator in _USERS | _BUSINESS_UNITS:
        _require(at.column, operator, at.column.kind in {Kind.LOOKUP, Kind.ID})
        return Compare(Operator.EQ, at, Literal(asker.user_id if operator in _USERS else BUSINESS_UNIT))
    return _in_time(operator, at, element, asker)


def _compared(operator: Operator, at: At, value: Value) -> Condition:
    compare = Compare(operator, at, Literal(value))
    return Or((Compare(Operator.EQ, at, Literal(None)), compare)) if operator is Operator.NE else compare


def _listed(operator: str, at: At, values: Sequence[Value]) -> Condition:
    if operator == "in":
        return In(at, tuple(values))
    if len(values) != 2:
        raise Refused("QuerySyntax", f"The operator 'between' needs two values, not {len(values)}.")
    low, high = (Literal(value) for value in values)
    return And((Compare(Operator.GE, at, low), Compare(Operator.LE, at, high)))


def _in_time(operator: str, at: At, element: Element, asker: Asker) -> Condition:
    _require(at.column, operator, at.column.kind in MOMENTS or not _is_of_time(operator))
    now = asker.now if at.column.kind is Kind.MOMENT else asker.now.replace(tzinfo=None)
    if operator in {"on", "on-or-after", "on-or-before"}:
        value = value_of(at.column, _single(element))
        day = spans.day_of(value)  # type: ignore[arg-type]  # a moment, since the column holds moments
        start = None if operator == "on-or-before" else day.start
        return _within(at, Span(start, None if operator == "on-or-after" else day.end))
    if not spans.is_span(operator):
        raise _no_operator(operator)
    count = int(value) if spans.needs_count(operator) and (value := _single(element).strip()).isdecimal() else 0
    return _within(at, spans.span(operator, count if spans.needs_count(operator) else 1, now))


def _is_of_time(operator: str) -> bool:
    return operator in {"on", "on-or-after", "on-or-before"} or spans.is_span(operator)


def _within(at: At, span: Span) -> Condition:
    parts: list[Condition] = []
    if span.start is not None:
        parts.append(Compare(Operator.GE, at, Literal(span.start)))
    if span.end is not None:
        parts.append(Compare(Operator.LT, at, Literal(span.end)))
    # "On or before the last day of the calendar" is all that have a date.
    return And(tuple(parts)) if parts else Compare(Operator.NE, at, Literal(None))


def _no_operator(operator: str) -> Refused:
    if operator in _NOT_BUILT:
        return Refused("QueryUnsupported", f"The condition operator '{operator}' is not supported.")
    return Refused("QuerySyntax", f"Invalid condition operator '{operator[:100]}'.")


def _require(column: Column, operator: str, fits: bool) -> None:
    if not fits:
        raise Refused(
            "QuerySyntax", f"The operator '{operator}' is not for '{column.logical}', a {column.kind.type_code}."
        )


def _single(element: Element) -> str:
    values = _values(element)
    if len(values) != 1:
        raise Refused("QuerySyntax", f"The operator '{element.get('operator')}' needs one value, not {len(values)}.")
    return values[0]


def _values(element: Element) -> Sequence[str]:
    """The attribute `value`, or the children of that name."""
    if (value := element.get("value")) is not None:
        return [value]
    values = [child.text for child in element.all("value")]
    if not 0 < len(values) <= MAX_VALUES:
        raise Refused("QuerySyntax", "Attribute 'value' or 'valueof' must be specified for the condition.")
    return values
