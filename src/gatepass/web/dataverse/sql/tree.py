"""The syntax tree of a SELECT: what was written, not yet what it means. `at` is the position in the text, for errors."""

from dataclasses import dataclass

from gatepass.domain.errors import Refused


@dataclass(frozen=True, slots=True)
class Name:
    """A column: `name`, or `table.name`."""

    table: str
    column: str
    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal, as text; quoted or a number. `None` is NULL."""

    text: str | None
    quoted: bool
    at: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """COUNT(*), COUNT(DISTINCT c), SUM(c) and so on. No argument is the asterisk."""

    function: str
    argument: Name | None
    distinct: bool
    at: int


@dataclass(frozen=True, slots=True)
class Item:
    """One member of the select list."""

    shown: Name | Aggregate
    alias: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """= <> < <= > >= LIKE."""

    operator: str
    left: "Term"
    right: "Term"
    at: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """IN (...)"""

    of: Name
    values: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """BETWEEN low AND high"""

    of: Name
    low: Constant
    high: Constant


@dataclass(frozen=True, slots=True)
class IsNull:
    of: Name


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    part: "Predicate"


Term = Name | Constant
Predicate = Comparison | OneOf | Between | IsNull | Both | Either | Negated


@dataclass(frozen=True, slots=True)
class From:
    """A table and what it is called."""

    table: str
    alias: str
    at: int


@dataclass(frozen=True, slots=True)
class Joined:
    """[INNER | LEFT] JOIN table ON a.b = c.d"""

    source: From
    outer: bool
    left: Name
    right: Name


@dataclass(frozen=True, slots=True)
class Sorted:
    """By a column, or by an alias of the select list."""

    by: Name
    descending: bool


@dataclass(frozen=True, slots=True)
class Select:
    """One statement."""

    distinct: bool
    top: int | None
    items: tuple[Item, ...]
    source: From
    joins: tuple[Joined, ...]
    where: Predicate | None
    group: tuple[Name, ...]
    order: tuple[Sorted, ...]


def syntax_error(text: str, at: int, why: str) -> Refused:
    """Where and why."""
    return Refused("QuerySyntax", f"SQL: {why} at position {at} in '{text[:200]}'.")


def unsupported(what: str) -> Refused:
    """A part of SQL that is none of this subset."""
    return Refused("QueryUnsupported", f"SQL: {what} not supported. A statement is one SELECT of named columns.")
