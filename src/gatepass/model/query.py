"""What is asked of the tables: one tree for OData, FetchXML and SQL. The doors parse into it, store/query compiles it.

Values are typed: UUID, int (choices too), Decimal (money and decimals), bool, str, datetime (UTC; naive for LOCAL), None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from gatepass.model.columns import Column
from gatepass.model.table import ManyToMany, Table

Value = UUID | int | Decimal | bool | str | datetime | date | None

ROOT = ""
"""The alias of the table that is asked for."""


# Expressions


@dataclass(frozen=True, slots=True)
class At:
    """A column of the table that goes by this alias: ROOT, or that of a join."""

    column: Column
    alias: str = ROOT


@dataclass(frozen=True, slots=True)
class Literal:
    """A value, already of the type of what it is compared with."""

    value: Value


@dataclass(frozen=True, slots=True)
class Function:
    """A scalar function: tolower toupper trim length indexof substring concat year quarter month week day hour minute
    second date now add sub mul div mod round floor ceiling (OData's names)."""

    name: str
    arguments: tuple["Operand", ...]


Operand = At | Literal | Function


class Operator(StrEnum):
    """Comparisons. Texts compare without regard to case, as Dataverse's collation does; null equals null."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    CONTAINS = "contains"
    STARTS_WITH = "startswith"
    ENDS_WITH = "endswith"
    LIKE = "like"
    """With % and _, as in SQL and FetchXML; the others take them literally."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`. With a null on either side only EQ and NE can be true."""

    operator: Operator
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True)
class In:
    """`operand` is one of these values."""

    operand: Operand
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


@dataclass(frozen=True, slots=True)
class Exists:
    """At least one related row (for which `where` holds). The related table goes by `alias` inside `where`."""

    navigation: "Navigation"
    where: "Condition | None"
    alias: str
    outer: str = ROOT
    """Alias of the table that the navigation starts from."""


Condition = Compare | In | And | Or | Not | Exists


# Relationships, seen from one side


@dataclass(frozen=True, slots=True)
class ToOne:
    """From a lookup to the row it points to."""

    name: str
    """The navigation property, in its real case."""
    lookup: Column
    target: Table


@dataclass(frozen=True, slots=True)
class ToMany:
    """From a row to those whose `lookup` points to it."""

    name: str
    lookup: Column
    source: Table


@dataclass(frozen=True, slots=True)
class Linked:
    """From a row to those that an N:N relationship links it to. `first`: this side is the relationship's first table."""

    name: str
    relationship: ManyToMany
    first: bool
    target: Table


Navigation = ToOne | ToMany | Linked


# Queries


@dataclass(frozen=True, slots=True)
class Join:
    """Another table beside the root: `alias`.`column` = `parent`.`parent_column`. Outer: rows without one stay."""

    alias: str
    table: Table
    column: Column
    parent: str
    parent_column: Column
    outer: bool = True
    where: Condition | None = None
    """What the joined row must be, beside the columns (the filter of a link-entity)."""
    link: ManyToMany | None = None
    """An N:N relationship in between: then both columns are primary keys."""


class Aggregation(StrEnum):
    """What is made of many values."""

    COUNT = "count"
    """Rows. With a column: rows in which it has a value."""
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Field:
    """One member of the answer's rows, under `name`. `aggregation` needs no operand only for COUNT."""

    name: str
    operand: Operand | None
    aggregation: Aggregation | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """`by` an operand, or by the name of a field."""

    by: Operand | str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """Related rows inside each row, under the navigation's name."""

    navigation: Navigation
    query: "Query"


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of `table` and what hangs on them.

    Without `fields` the answer is whole rows: `columns` of them (always with primary key, version and, beside money, the
    currency), by their logical names. With `fields` it is a table of those, grouped by `group` when one of them aggregates.
    """

    table: Table
    columns: Sequence[Column] = ()
    """Empty: all that are shown."""
    joins: Sequence[Join] = ()
    where: Condition | None = None
    order: Sequence[Order] = ()
    expand: Sequence[Expand] = ()
    fields: Sequence[Field] = ()
    group: Sequence[Operand] = ()
    having: Condition | None = None
    """On the rows of the answer: a field is Function("field", (Literal(name),)) there, or the operand that it shows."""
    distinct: bool = False
    top: int | None = None
    """At most so many rows in all."""
    page_size: int | None = None
    """At most so many rows in this answer."""
    skip: int = 0
    """Rows to leave out, for FetchXML's page numbers; OData pages by `after`."""
    after: Sequence[Value] = ()
    """The values of the last row's order columns, and its id: the page begins behind it."""
    count: bool = False
    """Count all that match, up to COUNT_LIMIT."""


COUNT_LIMIT = 5000
PAGE_LIMIT = 5000
"""Rows of one answer, when the caller names no less."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of an answer. `values` by logical name (whole rows) or by field name; money as Decimal amounts."""

    table: Table
    values: dict[str, Value]
    version: int = 0
    currency: str | None = None
    """ISO code that the row's money is in."""
    currencies: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    """The same of fields that are money of a joined row, by field name."""
    related: dict[str, "Record | Page | None"] = field(default_factory=dict[str, "Record | Page | None"])
    """What was expanded, by navigation property."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, how many there are in all when that was asked, and where the next page begins when there are more."""

    records: Sequence[Record]
    count: int | None = None
    after: Sequence[Value] = ()
    """Empty: this is the last page."""
