"""What a column of a Dataverse table is: its name in our SQL, its name on the wire, its type, and who may set it.

`name` is ours (`price_minor`), `logical` is Dataverse's (`msevtmgt_passprice`); a column without `logical` is ours alone.
A column with a `source` is not stored: it is read from others, and cannot be set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Kind(Enum):
    """The type of a column. The value is its AttributeTypeCode (learn.microsoft.com, AttributeTypeCode EnumType)."""

    ID = "Uniqueidentifier"
    TEXT = "String"
    MEMO = "Memo"
    INTEGER = "Integer"
    BIGINT = "BigInt"
    DECIMAL = "Decimal"
    """Exact. Stored as an integer of `scale` decimals, since SQLite has no decimals."""
    MONEY = "Money"
    """Stored as ISO 4217 minor units of the row's currency; on the wire an amount with four decimals."""
    BOOLEAN = "Boolean"
    CHOICE = "Picklist"
    STATE = "State"
    STATUS = "Status"
    MOMENT = "DateTime"
    """UTC."""
    LOCAL = "DateTime "
    """A time with no zone, as on the wall of the venue (TimeZoneIndependent)."""
    LOOKUP = "Lookup"
    LIST = "String "
    """Several words in one text on the wire, a JSON list in the store. Cannot be filtered."""
    JSON = "Json"
    """Ours alone."""
    BYTES = "Bytes"
    """Ours alone."""

    @property
    def type_code(self) -> str:
        """As the metadata names it."""
        return self.value.strip()


class Set(Enum):
    """When a caller from outside may set a column."""

    ALWAYS = "always"
    CREATE = "create"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice. `stored` is what the SQL column holds in its place; None: the value itself."""

    value: int
    label: str
    stored: str | bool | None = None
    state: int | None = None
    """For a status: the state that it belongs to."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An option set with its labels."""

    name: str
    options: tuple[Option, ...]

    def __iter__(self) -> Any:
        return iter(self.options)

    def label(self, value: int) -> str | None:
        """What people read; None for a value that is none."""
        return next((one.label for one in self.options if one.value == value), None)


# Where a column that is not stored comes from


@dataclass(frozen=True, slots=True)
class Constant:
    """The same in every row."""

    value: object


@dataclass(frozen=True, slots=True)
class Same:
    """The value of another stored column of the row."""

    column: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored number minus others."""

    column: str
    minus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the words of a stored text column mean; a word that is not named means None, or `otherwise`."""

    column: str
    # Columns are hashed, and a mapping cannot be.
    values: Mapping[str, object] = field(hash=False)
    otherwise: object = None


Source = Constant | Same | Difference | Mapped
NO_OPTIONS = Choice("", ())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Column:
    """One column, itself alone. Lengths are in characters; `minimum` and `maximum` hold for numbers."""

    name: str
    logical: str | None
    kind: Kind
    label: str = ""
    length: int = 0
    required: bool = False
    """NOT NULL in SQL; a creation from outside must give it, unless it has a `default`."""
    settable: Set = Set.ALWAYS
    unique: bool = False
    index: bool = False
    default: object = None
    """What a row gets that does not say. For a choice: the number."""
    filled: bool = False
    """SQL itself gives the default, to rows of our own flows that do not say."""
    minimum: int | None = None
    maximum: int | None = None
    scale: int = 10
    choice: Choice = NO_OPTIONS
    source: Source | None = None
    targets: tuple[str, ...] = ()
    """For a lookup: the logical names of the tables it may point to."""
    target_column: str = "id"
    """The stored column of the target that the value is found in."""
    navigation: str = ""
    """For a lookup: its single-valued navigation property, in its real case."""
    relationship: str = ""
    """For a lookup: SchemaName of the relationship, and the collection's navigation property on the target."""
    loose: bool = False
    """For a lookup: no foreign key in SQL. The purchase of a payment, say, may live in a remote Dataverse."""
    cascade: bool = False
    """For a lookup: the row goes when its target goes; else a target in use cannot be deleted."""

    def __repr__(self) -> str:
        return f"<{self.logical or self.name}>"

    @property
    def wire(self) -> str:
        """The property on the wire: `_msevtmgt_eventid_value` for a lookup, else the logical name."""
        assert self.logical is not None
        return f"_{self.logical}_value" if self.kind is Kind.LOOKUP else self.logical

    @property
    def stored(self) -> bool:
        """True when SQL has such a column."""
        return self.source is None
