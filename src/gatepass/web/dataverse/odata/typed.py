"""The types of columns and functions, and values made to fit them. The error texts are those of Microsoft's OData library."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Kind
from gatepass.model.query import Literal, Operand, Value
from gatepass.web.dataverse.odata import literals
from gatepass.web.dataverse.odata.tree import Scalar


class Type(Enum):
    """Of an operand. The value is the Edm type (trailing spaces tell twins apart)."""

    GUID = "Edm.Guid"
    TEXT = "Edm.String"
    INTEGER = "Edm.Int32"
    DECIMAL = "Edm.Decimal"
    BOOLEAN = "Edm.Boolean"
    MOMENT = "Edm.DateTimeOffset"
    LOCAL = "Edm.DateTimeOffset "
    """No zone: what is written is what the clock on the wall shows."""
    DATE = "Edm.Date"
    NULL = "null"

    @property
    def edm(self) -> str:
        return self.value.strip()


TYPES: Mapping[Kind, Type] = MappingProxyType(
    {
        Kind.ID: Type.GUID,
        Kind.LOOKUP: Type.GUID,
        Kind.TEXT: Type.TEXT,
        Kind.MEMO: Type.TEXT,
        Kind.INTEGER: Type.INTEGER,
        Kind.BIGINT: Type.INTEGER,
        Kind.DECIMAL: Type.DECIMAL,
        Kind.MONEY: Type.DECIMAL,
        Kind.BOOLEAN: Type.BOOLEAN,
        Kind.CHOICE: Type.INTEGER,
        Kind.STATE: Type.INTEGER,
        Kind.STATUS: Type.INTEGER,
        Kind.MOMENT: Type.MOMENT,
        Kind.LOCAL: Type.LOCAL,
    }
)
"""Kinds that are missing cannot be filtered."""
_ALIKE = (
    frozenset({Type.GUID}),
    frozenset({Type.TEXT}),
    frozenset({Type.INTEGER, Type.DECIMAL}),
    frozenset({Type.BOOLEAN}),
    frozenset({Type.MOMENT, Type.LOCAL}),
    frozenset({Type.DATE}),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """An operand that is no literal, and its type."""

    operand: Operand
    type: Type


def type_of(column: Column) -> Type:
    """Raises Refused (QueryUnsupported) for a list: it is no single value."""
    if column.kind not in TYPES:
        raise Refused("QueryUnsupported", f"'{column.logical}' holds several values and can only be selected.")
    return TYPES[column.kind]


def comparable(left: Type, right: Type) -> bool:
    """True when two operands of these types may be compared."""
    return any({left, right} <= alike for alike in _ALIKE)


def fit(value: Scalar, wanted: Type) -> Value:
    """A literal as the type has it. Raises ValueError when it is of another.

    A guid may be quoted; a date is its midnight; a number of either form fits both; a time with no zone is UTC.
    """
    if value is None:
        return None
    fitted = _FITS[wanted](value)
    if fitted is None:
        raise ValueError(value)
    return fitted


def fit_text(text: str, wanted: Type) -> Value:
    """A literal that came in quotes whatever its type: the arguments of Microsoft.Dynamics.CRM functions. Raises ValueError."""
    if wanted in {Type.INTEGER, Type.DECIMAL}:
        try:
            return fit(literals.number(text.strip()), wanted)
        except ArithmeticError as error:
            raise ValueError(text) from error
    if wanted is Type.BOOLEAN:
        if text.strip().lower() not in _BOOLEANS:
            raise ValueError(text)
        return _BOOLEANS[text.strip().lower()]
    if wanted in {Type.MOMENT, Type.LOCAL, Type.DATE}:
        return fit(literals.moment(text.strip()), wanted)
    return fit(text, wanted)


def literal_type(value: Scalar) -> Type:
    """The type a literal has by itself."""
    if value is None:
        return Type.NULL
    return next(kind for sort, kind in _OWN if isinstance(value, sort))


def incompatible(left: Type, right: Type, operator: str) -> Refused:
    """As Microsoft.OData words it (MetadataBinder_IncompatibleOperandsError)."""
    return Refused(
        "QuerySyntax",
        "A binary operator with incompatible types was detected. Found operand types "
        f"'{left.edm}' and '{right.edm}' for operator kind '{OPERATOR_KINDS.get(operator, operator)}'.",
    )


def literal(value: Scalar, other: Type, operator: str) -> Literal:
    """A literal beside an operand of a type. Raises Refused (QuerySyntax) when they cannot be compared."""
    try:
        return Literal(fit(value, other))
    except ValueError:
        raise incompatible(other, literal_type(value), operator) from None


OPERATOR_KINDS: Mapping[str, str] = MappingProxyType(
    {"eq": "Equal", "ne": "NotEqual", "gt": "GreaterThan", "ge": "GreaterThanOrEqual", "lt": "LessThan"}
    | {"le": "LessThanOrEqual", "in": "In", "add": "Add", "sub": "Subtract", "mul": "Multiply", "div": "Divide"}
    | {"mod": "Modulo", "and": "And", "or": "Or"}
)

_BOOLEANS: Mapping[str, bool] = MappingProxyType({"true": True, "false": False, "1": True, "0": False})

# bool before int, datetime before date: each is the other's subclass.
_OWN: tuple[tuple[type, Type], ...] = (
    (bool, Type.BOOLEAN),
    (int, Type.INTEGER),
    (Decimal, Type.DECIMAL),
    (str, Type.TEXT),
    (UUID, Type.GUID),
    (datetime, Type.MOMENT),
    (date, Type.DATE),
)


def _guid(value: Scalar) -> UUID | None:
    if isinstance(value, str):
        return literals.guid(value.strip())
    return value if isinstance(value, UUID) else None


def _text(value: Scalar) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Scalar) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _decimal(value: Scalar) -> Decimal | None:
    number = _number(value)
    return None if number is None else Decimal(number)


def _boolean(value: Scalar) -> bool | None:
    return value if isinstance(value, bool) else None


def _moment(value: Scalar) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.combine(value, time(), UTC) if isinstance(value, date) else None


def _local(value: Scalar) -> datetime | None:
    found = _moment(value)
    return None if found is None else found.replace(tzinfo=None)


def _date(value: Scalar) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


_FITS = {
    Type.GUID: _guid,
    Type.TEXT: _text,
    Type.INTEGER: _number,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.MOMENT: _moment,
    Type.LOCAL: _local,
    Type.DATE: _date,
}
