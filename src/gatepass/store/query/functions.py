"""OData's functions in SQL. Whole numbers stay whole, and nothing that a caller asks makes the database fail."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gatepass.domain.errors import Refused
from gatepass.model.query import Function
from gatepass.store.query import numbers
from gatepass.store.query.operands import Form, Typed, literal, typed
from gatepass.store.query.scope import Scope, Sql
from gatepass.store.words import Exact, Folded, LocalText, Position, Quotient, Upper, UtcText, WeekOfYear

DIVISION_DECIMALS = 4
"""Of a quotient of numbers that are not whole."""
_PARTS = {"year": (1, 4), "month": (6, 2), "day": (9, 2), "hour": (12, 2), "minute": (15, 2), "second": (18, 2)}
"""Where each part stands in a moment's text, and how long it is."""


def function(scope: Scope, call: Function) -> Typed:
    """One call. Raises Refused for a function that there is not, or not with these arguments."""
    arguments = [typed(scope, argument) for argument in call.arguments]
    if call.name in _PARTS and len(arguments) == 1:
        return _part(arguments[0], *_PARTS[call.name])
    try:
        return _FUNCTIONS[call.name](*arguments)
    except (KeyError, TypeError):
        raise Refused("QueryUnsupported", f"There is no function '{call.name}' with these arguments.") from None


def _text(argument: Typed) -> Sql:
    if argument.form is Form.NUMBER and argument.literal is not None:
        return literal(str(argument.literal)).sql
    if argument.form not in {Form.TEXT, Form.DATE, Form.NULL}:
        raise TypeError
    return argument.sql


def _integer(argument: Typed) -> Sql:
    if argument.form is not Form.NUMBER or argument.scale:
        raise TypeError
    return argument.sql


def _as_text(sql: Any) -> Typed:
    return Typed(sa.type_coerce(sql, sa.String), Form.TEXT)


def _as_number(sql: Any, scale: int = 0) -> Typed:
    return Typed(sa.type_coerce(sql, sa.BigInteger), Form.NUMBER, scale)


def _lower(text: Typed) -> Typed:
    return _as_text(Folded(_text(text)))


def _upper(text: Typed) -> Typed:
    return _as_text(Upper(_text(text)))


def _trim(text: Typed) -> Typed:
    return _as_text(sa.func.trim(_text(text)))


def _length(text: Typed) -> Typed:
    return _as_number(sa.func.length(_text(text)))


def _concat(left: Typed, right: Typed) -> Typed:
    return _as_text(sa.type_coerce(_text(left), sa.String) + sa.type_coerce(_text(right), sa.String))


def _index_of(text: Typed, part: Typed) -> Typed:
    return _as_number(Position(Folded(_text(text)), Folded(_text(part))) - 1)


def _substring(text: Typed, start: Typed, length: Typed | None = None) -> Typed:
    begin = _small(_integer(start)) + 1
    if length is None:
        return _as_text(sa.func.substr(_text(text), begin))
    return _as_text(sa.func.substr(_text(text), begin, _small(_integer(length))))


def _small(number: Sql) -> Sql:
    """Not negative, and no more than any text has characters."""
    most = numbers.whole(10**6)
    inside = sa.case((number < 0, numbers.whole(0)), (number > most, most), else_=number)
    return sa.cast(inside, sa.Integer)


def _part(of: Typed, first: int, length: int) -> Typed:
    whole = sa.func.substr(_moment_text(of), first, length)
    return _as_number(sa.cast(whole, sa.Integer))


def _quarter(of: Typed) -> Typed:
    """1 to 4"""
    return _as_number(Quotient(_part(of, *_PARTS["month"]).sql + 2, numbers.whole(3)))


def _week(of: Typed) -> Typed:
    """1 to 54, as SQL Server counts: weeks begin on Sunday, and the first one has January 1."""
    return _as_number(WeekOfYear(sa.func.substr(_moment_text(of), 1, 10)))


def _date(of: Typed) -> Typed:
    return Typed(sa.type_coerce(sa.func.substr(_moment_text(of), 1, 10), sa.String), Form.DATE)


def _moment_text(of: Typed) -> Sql:
    if of.form is Form.DATE:
        return of.sql
    if of.form is Form.LOCAL:
        return LocalText(of.sql)
    if of.form is Form.MOMENT:
        return UtcText(of.sql)
    raise TypeError


def _now() -> Typed:
    return literal(datetime.now(UTC))


# Arithmetic


def _number(argument: Typed) -> Typed:
    counted = argument.counted
    if counted.form is not Form.NUMBER:
        raise TypeError
    return counted


def _aligned(left: Typed, right: Typed) -> tuple[Sql, Sql, int]:
    one, other = _number(left), _number(right)
    scale = max(one.scale, other.scale)
    return (
        Exact(numbers.rescaled(one.sql, one.scale, scale)),
        Exact(numbers.rescaled(other.sql, other.scale, scale)),
        scale,
    )


def _add(left: Typed, right: Typed) -> Typed:
    one, other, scale = _aligned(left, right)
    return _as_number(one + other, scale)


def _sub(left: Typed, right: Typed) -> Typed:
    one, other, scale = _aligned(left, right)
    return _as_number(one - other, scale)


def _mul(left: Typed, right: Typed) -> Typed:
    one, other = _number(left), _number(right)
    return _as_number(Exact(one.sql) * Exact(other.sql), one.scale + other.scale)


def _div(left: Typed, right: Typed) -> Typed:
    one, other, scale = _aligned(left, right)
    if scale == 0:
        return _as_number(Quotient(one, other))
    return _as_number(Quotient(one * numbers.whole(10**DIVISION_DECIMALS), other), DIVISION_DECIMALS)


def _mod(left: Typed, right: Typed) -> Typed:
    one, other, scale = _aligned(left, right)
    return _as_number(one - Quotient(one, other) * other, scale)


def _round(number: Typed) -> Typed:
    """Half goes away from zero."""
    one = _number(number)
    unit = numbers.whole(10**one.scale)
    half = 10**one.scale // 2
    away = sa.case((one.sql < 0, numbers.whole(-half)), else_=numbers.whole(half))
    return _as_number(Quotient(Exact(one.sql) + away, unit))


def _floor(number: Typed) -> Typed:
    one = _number(number)
    return _as_number(_floored(Exact(one.sql), 10**one.scale))


def _ceiling(number: Typed) -> Typed:
    one = _number(number)
    return _as_number(-_floored(-Exact(one.sql), 10**one.scale))


def _floored(number: Sql, unit: int) -> Sql:
    towards_zero = Quotient(number, numbers.whole(unit))
    below = sa.case((number < towards_zero * numbers.whole(unit), numbers.whole(1)), else_=numbers.whole(0))
    return towards_zero - below


_FUNCTIONS: dict[str, Callable[..., Typed]] = {
    "tolower": _lower, "toupper": _upper, "trim": _trim, "length": _length, "concat": _concat, "indexof": _index_of,
    "substring": _substring, "date": _date, "now": _now, "add": _add, "sub": _sub, "mul": _mul, "div": _div,
    "mod": _mod, "quarter": _quarter, "week": _week, "round": _round, "floor": _floor, "ceiling": _ceiling,
}  # fmt: skip
