"""Columns, literals and functions of the tree as SQL, each with its form: what it may be compared with, and how it is read."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Constant, Kind, Mapped
from gatepass.model.query import ROOT, At, Function, Literal, Operand, Value
from gatepass.store.query import numbers
from gatepass.store.query.scope import Scope, Source, Sql, is_currency
from gatepass.store.tables import DECLARED
from gatepass.store.types import Utc
from gatepass.store.values import words


class Form(Enum):
    """What SQL sees of a value."""

    TEXT = "text"
    NUMBER = "number"
    """An integer of `scale` decimals."""
    MONEY = "money"
    """Minor units of `currency`."""
    BOOLEAN = "boolean"
    MOMENT = "moment"
    LOCAL = "local"
    DATE = "date"
    """As text, YYYY-MM-DD."""
    ID = "id"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Typed:
    """An operand as SQL. `literal` is the value itself when it is one."""

    sql: Sql
    form: Form
    scale: int = 0
    currency: Sql | None = None
    literal: Value = None
    nullable: bool = True

    @property
    def counted(self) -> "Typed":
        """Money as a number that compares with any other amount."""
        if self.form is not Form.MONEY:
            return self
        assert self.currency is not None
        return Typed(
            numbers.thousandths(self.sql, self.currency), Form.NUMBER, numbers.THOUSANDTHS, nullable=self.nullable
        )


_FORMS = {
    Kind.ID: Form.ID, Kind.LOOKUP: Form.ID, Kind.BOOLEAN: Form.BOOLEAN, Kind.MOMENT: Form.MOMENT,
    Kind.LOCAL: Form.LOCAL, Kind.MONEY: Form.MONEY, Kind.INTEGER: Form.NUMBER, Kind.BIGINT: Form.NUMBER,
    Kind.CHOICE: Form.NUMBER, Kind.STATE: Form.NUMBER, Kind.STATUS: Form.NUMBER, Kind.DECIMAL: Form.NUMBER,
}  # fmt: skip
_NOT_COMPARED = {Kind.LIST, Kind.JSON, Kind.BYTES}
_TYPES: dict[Form, Any] = {
    Form.TEXT: sa.String(), Form.NUMBER: sa.BigInteger(), Form.BOOLEAN: sa.Boolean(), Form.MOMENT: Utc(),
    Form.LOCAL: sa.DateTime(), Form.DATE: sa.String(), Form.ID: sa.Uuid(), Form.NULL: sa.types.NullType(),
}  # fmt: skip


def typed(scope: Scope, operand: Operand) -> Typed:
    """An operand as SQL. Raises Refused for what cannot be compared."""
    if (known := scope.known(operand)) is not None:
        return known
    match operand:
        case At(column, alias):
            found = column_of(scope[alias], column)
            # Where there is no row to join, even a required column is null.
            return found if alias == ROOT else replace(found, nullable=True)
        case Literal(value):
            return literal(value)
        case Function():
            # Functions need operands, and these may be functions.
            from gatepass.store.query.functions import function

            return function(scope, operand)


def column_of(source: Source, column: Column) -> Typed:
    """A column, computed where SQL does not hold its value."""
    form = _FORMS.get(column.kind, Form.TEXT)
    if column.kind in _NOT_COMPARED:
        raise Refused("QueryUnsupported", f"'{column.logical}' can be read, but not compared or sorted by.")
    if is_currency(column):
        return Typed(_currency_id(source, column), Form.ID)
    if isinstance(column.source, Constant):
        return literal(column.source.value, form, _scale(column))  # type: ignore[arg-type]
    held = source.held(column)
    if isinstance(column.source, Mapped):
        return Typed(_mapped(held, column.source, form), form)
    if stored := words(column.choice):
        numbered = {word: numbers.whole(number) for number, word in stored.items()}
        return Typed(sa.case(numbered, value=held), form, nullable=not column.required)
    currency = source.currency if form is Form.MONEY else None
    return Typed(held, form, _scale(column), currency, nullable=not column.required)


def literal(value: Value, form: Form | None = None, scale: int = 0) -> Typed:
    """A value of its own form, or of the form of what it is compared with. Raises Refused when it has another."""
    if value is None:
        return Typed(sa.null(), Form.NULL)
    as_form = form or _form_of(value)
    if as_form is Form.NUMBER or as_form is Form.MONEY:
        exact = _number(value)
        scale = max(scale, -int(exact.as_tuple().exponent), 0) if exact.is_finite() else 0
        at = numbers.threshold(numbers.Operator.EQ, exact, min(scale, 10))
        return Typed(numbers.whole(at), Form.NUMBER, min(scale, 10), literal=value, nullable=False)
    return Typed(sa.literal(_fitting(value, as_form), _TYPES[as_form]), as_form, literal=value, nullable=False)


def _number(value: Value) -> Decimal:
    if isinstance(value, int | Decimal):
        return Decimal(value)
    raise _mismatch(value)


def _fitting(value: Value, form: Form) -> Value:  # noqa: PLR0911 one case, one answer
    match form, value:
        case Form.TEXT, str():
            return storable(value)
        case Form.TEXT, int() | Decimal() | UUID():
            return str(value)
        case Form.BOOLEAN, bool():
            return value
        case Form.BOOLEAN, int():
            return bool(value)
        case Form.ID, UUID():
            return value
        case Form.MOMENT, date():
            moment = _midnight(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case Form.LOCAL, date():
            moment = _midnight(value)
            return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        case Form.DATE, date():
            return value.isoformat()[:10]
        case _:
            raise _mismatch(value)


def storable(text: str) -> str:
    """Neither database takes a NUL or half a character pair; no text has the noncharacter that stands for them here."""
    return "".join("\uffff" if each == "\0" or "\ud800" <= each <= "\udfff" else each for each in text)


def _midnight(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def _form_of(value: Value) -> Form:
    match value:
        case bool():
            return Form.BOOLEAN
        case int() | Decimal():
            return Form.NUMBER
        case UUID():
            return Form.ID
        case datetime():
            return Form.MOMENT if value.tzinfo else Form.LOCAL
        case date():
            return Form.DATE
        case _:
            return Form.TEXT


def _mismatch(value: object) -> Refused:
    return Refused("QuerySyntax", f"'{value}' cannot be compared with a value of another type.")


def _scale(column: Column) -> int:
    return column.scale if column.kind is Kind.DECIMAL else 0


def _mapped(held: Sql, source: Mapped, form: Form) -> Sql:
    type_ = _TYPES[form]
    values = {word: sa.literal(value, type_) for word, value in source.values.items()}
    return sa.case(values, value=held, else_=sa.literal(source.otherwise, type_))


def _currency_id(source: Source, column: Column) -> Sql:
    currency = DECLARED["transactioncurrency"].alias()
    found = sa.select(currency.c.id).where(currency.c.iso_code == source.held(column))
    # Inside an `exists` the row may be one of the outermost select: left alone, SQLAlchemy would join its table anew.
    return found.correlate_except(currency).scalar_subquery()
