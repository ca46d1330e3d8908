"""Between what the wire means and what SQL holds, column by column: choices are words, money is minor units, and so on."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, cast

import msgspec

from gatepass.domain.errors import Refused
from gatepass.domain.money import DECIMALS, Money
from gatepass.model.columns import Choice, Column, Constant, Difference, Kind, Mapped, Same
from gatepass.model.query import Value

WITHOUT_CURRENCY = 2
"""Decimals of an amount whose row names no currency."""
CURRENCY_ID = "currency.id"
"""In a stored row: the id of the transactioncurrency that has the row's ISO code, where it was asked for."""
_MINOR = {decimals: Decimal(1).scaleb(-decimals) for decimals in (0, 2, 3)}

StoredRow = Mapping[str, Any]
Reader = Callable[[StoredRow], Value]
"""Takes the value of one column out of a stored row."""


def decimals(currency: str | None) -> int:
    """Of an amount in this currency, or in none."""
    return WITHOUT_CURRENCY if currency is None else DECIMALS.get(currency, WITHOUT_CURRENCY)


def amount(minor: int, currency: str | None) -> Decimal:
    """An amount with the decimals of its currency: 120.50 EUR, 120 JPY."""
    return minor * _MINOR[decimals(currency)]


def to_stored(column: Column, value: Value, currency: str | None = None) -> object:
    """What SQL holds for a value of the wire; `currency` is the row's. A currency lookup is `rows.currency_code`'s business.

    Raises Refused for an amount with more decimals than there are; nothing is ever rounded.
    """
    if value is None:
        return None
    convert = _TO_STORED.get(column.kind)
    return convert(column, value, currency) if convert else value


def word(column: Column, number: int) -> object:
    """What is stored for a value of a choice."""
    return words(column.choice).get(number, number)


@cache
def words(choice: Choice) -> Mapping[int, object]:
    """The stored words of a choice by number; none when the number itself is stored."""
    return {one.value: one.stored for one in choice.options if one.stored is not None}


@cache
def _numbers(choice: Choice) -> Mapping[object, int]:
    return {stored: number for number, stored in words(choice).items()}


def _minor_units(column: Column, value: Any, currency: str | None) -> int:
    exact = Decimal(value)
    if currency is not None:
        return Money.parse(exact, currency).minor
    return _whole(column, exact, WITHOUT_CURRENCY)


def _scaled(column: Column, value: Any, _currency: str | None) -> int:
    return _whole(column, Decimal(value), column.scale)


def _whole(column: Column, value: Decimal, scale: int) -> int:
    scaled = value.scaleb(scale)
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise Refused("ValueInvalid", f"'{column.logical}' takes {scale} decimals; {value} has more.")
    return int(scaled)


def _list(_column: Column, value: Any, _currency: str | None) -> list[str]:
    return str(value).replace(",", " ").split()


def _choice(column: Column, value: Any, _currency: str | None) -> object:
    return word(column, value)


_TO_STORED: Mapping[Kind, Callable[[Column, Any, str | None], object]] = {
    Kind.MONEY: _minor_units, Kind.DECIMAL: _scaled, Kind.LIST: _list,
    Kind.CHOICE: _choice, Kind.STATE: _choice, Kind.STATUS: _choice,
}  # fmt: skip


# Reading


def needs(column: Column) -> tuple[str, ...]:
    """The SQL columns that the value of a column is made of."""
    match column.source:
        case None:
            return (column.name,)
        case Constant():
            return ()
        case Difference(of, minus):
            return (of, *minus)
        case Same(of) | Mapped(of):
            return (of,)


def reader(column: Column) -> Reader:
    """How the value of a column is read. Rows have the SQL columns of `needs`, and `currency` beside money."""
    match column.source:
        case Constant(value):
            constant = cast("Value", value)
            return lambda row: constant
        case Difference(of, minus):
            return lambda row: row[of] - sum(row[name] for name in minus)
        case Mapped(of, values, otherwise):
            return lambda row: cast("Value", values.get(row[of], otherwise))
        case Same(of):
            return _stored_reader(column, of)
        case None:
            return _stored_reader(column, column.name)


def _stored_reader(column: Column, name: str) -> Reader:
    if column.target_column == "iso_code":
        return lambda row: row[CURRENCY_ID]
    if column.kind is Kind.MONEY:
        return lambda row: None if row[name] is None else amount(row[name], row.get("currency"))
    convert = from_stored(column)
    if convert is None:
        return lambda row: row[name]
    return lambda row: None if row[name] is None else convert(row[name])


def from_stored(column: Column) -> Callable[[Any], Value] | None:
    """What a stored value means, where it is not the value itself; for all but money and currencies."""
    if column.kind is Kind.DECIMAL:
        unit = Decimal(1).scaleb(-column.scale)
        return lambda value: value * unit
    if words(column.choice) and column.kind is not Kind.BOOLEAN:
        numbers = _numbers(column.choice)
        return numbers.get
    if column.kind is Kind.LIST:
        return " ".join
    if column.kind is Kind.JSON:
        return lambda value: msgspec.json.encode(value).decode()
    return None
