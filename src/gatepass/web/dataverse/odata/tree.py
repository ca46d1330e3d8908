"""The syntax tree of OData expressions: what was written, not yet what it means. `at` is the position in the text, for errors."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from gatepass.domain.errors import Refused

Scalar = UUID | int | Decimal | bool | str | datetime | date | None


@dataclass(frozen=True, slots=True)
class Path:
    """A property path: `nav/col`, `$it/col`, or a lambda's `x/col`."""

    segments: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal, by its own form. A guid may be bare or quoted; which it is, the resolver decides by the column."""

    value: Scalar
    at: int = 0


@dataclass(frozen=True, slots=True)
class EnumLiteral:
    """Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'"""

    type: str
    member: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """contains(a,'b'), Microsoft.Dynamics.CRM.In(PropertyName='c',PropertyValues=["a"]): positional or named arguments."""

    name: str
    arguments: tuple["Expression | tuple[Scalar, ...]", ...] = ()
    named: tuple[tuple[str, "Scalar | tuple[Scalar, ...]"], ...] = ()
    at: int = 0


@dataclass(frozen=True, slots=True)
class Binary:
    """eq ne gt ge lt le, and or, add sub mul div mod, in (right is a tuple of constants then)."""

    operator: str
    left: "Expression"
    right: "Expression | tuple[Scalar, ...]"
    at: int = 0


@dataclass(frozen=True, slots=True)
class Negation:
    """not (...)"""

    of: "Expression"
    at: int = 0


@dataclass(frozen=True, slots=True)
class Lambda:
    """nav/any(x:x/col eq 1), nav/any(), nav/all(x:...)"""

    path: Path
    kind: str
    variable: str
    body: "Expression | None"
    at: int = 0


Expression = Path | Constant | EnumLiteral | Call | Binary | Negation | Lambda


def syntax_error(text: str, at: int) -> Refused:
    """As Dataverse words it (dataverse-web-api.md section 7)."""
    return Refused("QuerySyntax", f"Syntax error at position {at} in '{text[:200]}'.")
