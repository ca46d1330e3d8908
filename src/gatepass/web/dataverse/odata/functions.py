"""Dataverse's own query functions: Microsoft.Dynamics.CRM.In, Between, LastXDays, EqualUserId, ...

Arguments are positional (property, value) or named: PropertyName, and PropertyValue, PropertyValue1 and 2, or PropertyValues.
Values may be quoted whatever their type. Sources: learn.microsoft.com, Web API query function reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.build import BUSINESS_UNIT
from gatepass.model.query import And, Compare, Condition, In, Literal, Not, Operand, Operator, Value
from gatepass.web.dataverse import moments
from gatepass.web.dataverse.odata import typed
from gatepass.web.dataverse.odata.operands import unknown_function
from gatepass.web.dataverse.odata.scope import Scope
from gatepass.web.dataverse.odata.tree import Call, Constant, Path, Scalar
from gatepass.web.dataverse.odata.typed import Type, Typed

PREFIX = "Microsoft.Dynamics.CRM."
SCALARS = (UUID, int, Decimal, bool, str, datetime, date)
_TIMES = frozenset({Type.MOMENT, Type.LOCAL})


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and when: some functions are about that."""

    caller: UUID | None = None
    """The systemuser, for EqualUserId."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """UTC: a day begins at its midnight."""


def condition(scope: Scope, asking: Asking, call: Call) -> Condition:
    """Raises Refused (QuerySyntax, PropertyUnknown, QueryUnsupported)."""
    name = call.name.removeprefix(PREFIX)
    subject, values = _arguments(scope, call)
    if name in _TESTS:
        return _TESTS[name](subject, values)
    if name in _ABOUT_CALLER:
        return _about_caller(name, asking, subject)
    return _in_window(name, asking, subject, values)


def span(operand: Operand, first: Value, end: Value) -> Condition:
    """`first` and later, before `end`; a None is open."""
    parts = [
        Compare(operator, operand, Literal(bound))
        for operator, bound in ((Operator.GE, first), (Operator.LT, end))
        if bound is not None
    ]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


# Arguments


def _arguments(scope: Scope, call: Call) -> tuple[Typed, tuple[Scalar, ...]]:
    named = dict(call.named)
    given = [*call.arguments]
    subject = named.pop("PropertyName", None) if "PropertyName" in named else given.pop(0) if given else None
    values = list[Scalar]()
    for value in (*given, *named.values()):
        if isinstance(value, tuple):
            values += value
        else:
            values.append(_scalar(call, value))
    return _subject(scope, call, subject), tuple(values)


def _scalar(call: Call, value: object) -> Scalar:
    if isinstance(value, Constant):
        return value.value
    if value is None or isinstance(value, SCALARS):
        return value
    raise _wrong_arguments(call.name)


def _subject(scope: Scope, call: Call, given: object) -> Typed:
    """PropertyName='msevtmgt_name', also bare; a lookup by its column or by its property; a path with slashes."""
    name = given.value if isinstance(given, Constant) else given
    path = Path(tuple(name.split("/")), call.at) if isinstance(name, str) else name
    if not isinstance(path, Path):
        raise _wrong_arguments(call.name)
    if (lookup := scope.table.by_logical.get(path.segments[-1])) and len(path.segments) == 1:
        path = Path((lookup.wire,), path.at)
    found = scope.column(path)
    return Typed(found, typed.type_of(found.column))


def _fitted(subject: Typed, value: Scalar) -> Value:
    try:
        found = typed.fit_text(value, subject.type) if isinstance(value, str) else typed.fit(value, subject.type)
    except (ValueError, OverflowError):
        raise typed.incompatible(subject.type, typed.literal_type(value), "eq") from None
    return found


def _wrong_arguments(name: str) -> Refused:
    return Refused("QuerySyntax", f"The function '{name}' was given too few, too many, or the wrong arguments.")


# Tests of values


def _in(subject: Typed, values: tuple[Scalar, ...]) -> Condition:
    return In(subject.operand, tuple(_fitted(subject, value) for value in values))


def _between(subject: Typed, values: tuple[Scalar, ...]) -> Condition:
    if len(values) != 2:
        raise _wrong_arguments("Between")
    first, last = (Literal(_fitted(subject, value)) for value in values)
    return And((Compare(Operator.GE, subject.operand, first), Compare(Operator.LE, subject.operand, last)))


def _day(subject: Typed, values: tuple[Scalar, ...]) -> tuple[datetime, datetime]:
    """From midnight to the next. A value with a time means its day."""
    value = _fitted(subject, values[0]) if len(values) == 1 and subject.type in _TIMES else None
    if not isinstance(value, datetime) or value.date() == date.max:
        raise _wrong_arguments("On")
    first = moments.day(value)
    return first, first + timedelta(days=1)


def _on(subject: Typed, values: tuple[Scalar, ...]) -> Condition:
    return span(subject.operand, *_day(subject, values))


def _on_or_after(subject: Typed, values: tuple[Scalar, ...]) -> Condition:
    return span(subject.operand, _day(subject, values)[0], None)


def _on_or_before(subject: Typed, values: tuple[Scalar, ...]) -> Condition:
    return span(subject.operand, None, _day(subject, values)[1])


def _inverse(test: "Test") -> "Test":
    """The opposite, for rows that have a value."""

    def found(subject: Typed, values: tuple[Scalar, ...]) -> Condition:
        return And((Compare(Operator.NE, subject.operand, Literal(None)), Not(test(subject, values))))

    return found


Test = Callable[[Typed, tuple[Scalar, ...]], Condition]
_TESTS: Mapping[str, Test] = MappingProxyType(
    {
        "In": _in,
        "NotIn": _inverse(_in),
        "Between": _between,
        "NotBetween": _inverse(_between),
        "On": _on,
        "NotOn": _inverse(_on),
        "OnOrAfter": _on_or_after,
        "OnOrBefore": _on_or_before,
    }
)

# Tests of time and of the caller


def _in_window(name: str, asking: Asking, subject: Typed, values: tuple[Scalar, ...]) -> Condition:
    found = moments.stretch(name, _units(name, values), asking.now)
    if found is None:
        raise unknown_function(PREFIX + name)
    if subject.type not in _TIMES:
        raise typed.incompatible(subject.type, Type.MOMENT, "eq")
    return span(subject.operand, *(None if bound is None else typed.fit(bound, subject.type) for bound in found))


def _units(name: str, values: tuple[Scalar, ...]) -> int | None:
    if not values:
        return None
    value = values[0]
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8 else value
    if len(values) > 1 or not isinstance(number, int) or isinstance(number, bool):
        raise _wrong_arguments(name)
    return number


_ABOUT_CALLER = MappingProxyType(
    {
        "EqualUserId": Operator.EQ,
        "NotEqualUserId": Operator.NE,
        "EqualBusinessId": Operator.EQ,
        "NotEqualBusinessId": Operator.NE,
    }
)


def _about_caller(name: str, asking: Asking, subject: Typed) -> Condition:
    if subject.type is not Type.GUID:
        raise typed.incompatible(subject.type, Type.GUID, "eq")
    value = BUSINESS_UNIT if name.endswith("BusinessId") else asking.caller
    if value is None:
        raise Refused("QuerySyntax", f"{name} needs a caller who is a user.")
    return Compare(_ABOUT_CALLER[name], subject.operand, Literal(value))
