"""Numbers compare exactly, whatever their decimals: money in any currency is an integer, and so is everything else here.

An amount is compared in minor units with a threshold per number of decimals, so that nothing is multiplied and an index of
the column still works. Amounts among each other, sums and orders are counted in thousandths.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from functools import cache

import sqlalchemy as sa

from gatepass.domain.errors import Refused
from gatepass.domain.money import DECIMALS
from gatepass.model.query import Operator
from gatepass.store.query.scope import Sql
from gatepass.store.values import WITHOUT_CURRENCY
from gatepass.store.words import Exact

MOST = 2**63 - 1
"""What a column of either database can hold."""
NO_NUMBER = -(2**63)
"""Stands for a number that no row has, such as half a cent."""
THOUSANDTHS = 3
"""Decimals of the finest currency."""
_DIGITS = 60
_SPECK = Decimal("1e-20")
"""Stands for all numbers that are nearer to 0 than any that is stored."""

_COMPARE: dict[Operator, Callable[[Sql, object], Sql]] = {
    Operator.EQ: lambda left, right: left == right,
    Operator.NE: lambda left, right: left != right,
    Operator.LT: lambda left, right: left < right,
    Operator.LE: lambda left, right: left <= right,
    Operator.GT: lambda left, right: left > right,
    Operator.GE: lambda left, right: left >= right,
}
_TOWARDS = {
    Operator.LT: ROUND_CEILING, Operator.GE: ROUND_CEILING, Operator.GT: ROUND_FLOOR, Operator.LE: ROUND_FLOOR,
}  # fmt: skip


def compare(operator: Operator, left: Sql, right: object) -> Sql:
    """Two things of one type."""
    return _COMPARE[operator](left, right)


def compare_number(operator: Operator, left: Sql, scale: int, value: Decimal) -> Sql:
    """An integer of `scale` decimals and any number."""
    return compare(operator, left, whole(threshold(operator, value, scale)))


def compare_money(operator: Operator, minor: Sql, currency: Sql, value: Decimal) -> Sql:
    """Minor units of the row's currency and any amount."""
    of = {scale: whole(threshold(operator, value, scale)) for scale in (0, WITHOUT_CURRENCY, THOUSANDTHS)}
    return compare(operator, minor, by_decimals(currency, of))


def among_money(minor: Sql, currency: Sql, values: Sequence[Decimal]) -> Sql:
    """Minor units of the row's currency are one of these amounts."""
    of = {
        scale: minor.in_([threshold(Operator.EQ, value, scale) for value in values])
        for scale in (0, WITHOUT_CURRENCY, THOUSANDTHS)
    }
    return by_decimals(currency, of)


def threshold(operator: Operator, value: Decimal, scale: int) -> int:
    """The integer of `scale` decimals that compares with integers as `value` does with numbers."""
    with localcontext() as context:
        context.prec = _DIGITS
        if not value.is_finite() or value.adjusted() + scale >= _DIGITS:
            return NO_NUMBER if operator in {Operator.EQ, Operator.NE} else MOST if value > 0 else -MOST
        fine = value and value.adjusted() <= -_DIGITS // 2
        scaled = _SPECK.copy_sign(value) if fine else value.scaleb(scale)
        if operator in _TOWARDS:
            return max(-MOST, min(MOST, int(scaled.to_integral_value(_TOWARDS[operator]))))
        exact = scaled == scaled.to_integral_value() and abs(scaled) <= MOST
        return int(scaled) if exact else NO_NUMBER


def by_decimals(currency: Sql, of: Mapping[int, Sql]) -> Sql:
    """One of three things, by the decimals of the row's currency."""
    if isinstance(currency, sa.Null):
        return of[WITHOUT_CURRENCY]
    none, three = _codes(0), _codes(THOUSANDTHS)
    return sa.case((currency.in_(none), of[0]), (currency.in_(three), of[THOUSANDTHS]), else_=of[WITHOUT_CURRENCY])


def thousandths(minor: Sql, currency: Sql) -> Sql:
    """An amount that can be compared with one in another currency."""
    times = {decimals: whole(10 ** (THOUSANDTHS - decimals)) for decimals in (0, WITHOUT_CURRENCY, THOUSANDTHS)}
    return sa.type_coerce(Exact(minor) * by_decimals(currency, times), sa.BigInteger)


def rescaled(number: Sql, scale: int, wanted: int) -> Sql:
    """The same number with more decimals."""
    return number if scale == wanted else sa.type_coerce(Exact(number) * whole(10 ** (wanted - scale)), sa.BigInteger)


def too_large() -> Refused:
    """What is answered for a sum that is no number of ours any more."""
    return Refused("NumberOutOfRange", "A number of the answer is larger than any that can be stored.")


def whole(number: int) -> Sql:
    """An integer as a parameter."""
    return sa.literal(number, sa.BigInteger)


@cache
def _codes(decimals: int) -> list[Sql]:
    """Written out, for there are only so many parameters in a statement."""
    return [sa.literal_column(f"'{code}'", sa.String) for code in sorted(DECIMALS) if DECIMALS[code] == decimals]
