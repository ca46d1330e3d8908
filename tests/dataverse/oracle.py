"""A query answered by plain Python over lists of rows: what the store's SQL must agree with.

A row is its values by logical name, as the wire has them. True, False and None are SQL's three truths.
"""

# Values of any column are of any type here.
# pyright: basic

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cmp_to_key
from typing import Any
from uuid import UUID

from gatepass.model.columns import Column, Constant, Difference, Kind, Mapped, Same
from gatepass.model.query import (
    ROOT,
    And,
    At,
    Compare,
    Condition,
    Exists,
    Function,
    In,
    Join,
    Linked,
    Literal,
    Navigation,
    Not,
    Operand,
    Operator,
    Or,
    Query,
    ToMany,
    ToOne,
)
from gatepass.model.table import ManyToMany, Table

Row = Mapping[Any, Any]
Truth = bool | None


@dataclass(frozen=True)
class Bound:
    """A row of a table, or none where an outer join found none."""

    table: Table
    row: Row | None


Names = Mapping[str, Bound]


@dataclass(frozen=True)
class World:
    """All rows, by the table's noun, and the pairs of each N:N relationship."""

    rows: Mapping[str, Sequence[Row]]
    pairs: Mapping[str, set[tuple[UUID, UUID]]]

    def select(self, query: Query) -> list[Names]:
        """The rows of a query in order, with those that were joined to each."""
        found = [{ROOT: Bound(query.table, row)} for row in self.of(query.table)]
        for join in query.joins:
            found = [joined for names in found for joined in self._join(names, join)]
        kept = [names for names in found if query.where is None or self.holds(names, query.where)]
        return sorted(kept, key=cmp_to_key(lambda left, right: self._before(query, left, right)))

    def of(self, table: Table) -> Sequence[Row]:
        return self.rows.get(table.name, ())

    def _join(self, names: Names, join: Join) -> list[dict[str, Bound]]:
        matches = [
            {**names, join.alias: Bound(join.table, row)} for row in self.of(join.table) if self._meet(names, join, row)
        ]
        if join.where is not None:
            matches = [one for one in matches if self.holds(one, join.where)]
        return matches or ([{**names, join.alias: Bound(join.table, None)}] if join.outer else [])

    def _meet(self, names: Names, join: Join, row: Row) -> bool:
        parent = names[join.parent]
        left = value_of(parent, join.parent_column)
        right = value_of(Bound(join.table, row), join.column)
        if join.link is None:
            return left is not None and left == right
        first = parent.table.logical == join.link.first
        return ((left, right) if first else (right, left)) in self.pairs[join.link.intersect]

    def _before(self, query: Query, left: Names, right: Names) -> int:
        descending = False
        # What was sorted by already sorts no more.
        for order in (one for at, one in enumerate(query.order) if all(one.by != two.by for two in query.order[:at])):
            assert not isinstance(order.by, str)
            descending = order.descending
            one, other = (sortable(self.value(names, order.by)) for names in (left, right))
            if one != other:
                return (1 if one > other else -1) * (-1 if descending else 1)
        one, other = (str(value_of(names[ROOT], query.table.primary_key)) for names in (left, right))
        return ((one > other) - (one < other)) * (-1 if descending else 1)

    # Conditions

    def holds(self, names: Names, condition: Condition) -> bool:
        return self.truth(names, condition) is True

    def truth(self, names: Names, condition: Condition) -> Truth:
        match condition:
            case And(parts):
                return least([self.truth(names, part) for part in parts])
            case Or(parts):
                return inverse(least([inverse(self.truth(names, part)) for part in parts]))
            case Not(part):
                return inverse(self.truth(names, part))
            case In(operand, values):
                tests = [Compare(Operator.EQ, operand, Literal(value)) for value in values if value is not None]
                return self.truth(names, Or(tuple(tests)))
            case Compare(operator, left, right):
                return self._compared(names, operator, left, right)
            case Exists(navigation, where, alias, outer):
                return any(
                    where is None or self.holds({**names, alias: Bound(_target(navigation), row)}, where)
                    for row in self.related(navigation, names[outer])
                )

    def related(self, navigation: Navigation, outer: Bound) -> list[Row]:
        """The rows that a relationship leads to."""
        target, own = _target(navigation), value_of(outer, outer.table.primary_key)
        match navigation:
            case ToOne(_, lookup, _):
                wanted = value_of(outer, lookup)
                return [row for row in self.of(target) if row[target.id_name] == wanted]
            case ToMany(_, lookup, _):
                return [row for row in self.of(target) if own and value_of(Bound(target, row), lookup) == own]
            case Linked(_, relationship, first, _):
                return [row for row in self.of(target) if self._linked(relationship, first, own, row[target.id_name])]

    def _linked(self, relationship: ManyToMany, first: bool, here: UUID, there: UUID) -> bool:
        return ((here, there) if first else (there, here)) in self.pairs[relationship.intersect]

    def _compared(self, names: Names, operator: Operator, left: Operand, right: Operand) -> Truth:
        one, other = self.value(names, left), self.value(names, right)
        if isinstance(right, Literal) and right.value is None:
            return {Operator.EQ: one is None, Operator.NE: one is not None}.get(operator, False)
        if one is None or other is None:
            return None
        return compared(operator, folded(one), folded(other))

    def value(self, names: Names, operand: Operand) -> Any:
        match operand:
            case Literal(value):
                return value
            case At(column, alias):
                return value_of(names[alias], column)
            case Function(name, arguments):
                values = [self.value(names, one) for one in arguments]
                return None if None in values else FUNCTIONS[name](*values)


def value_of(bound: Bound, column: Column) -> Any:
    """A column of a row, computed where it is."""
    row = bound.row
    if isinstance(column.source, Constant):
        # SQL has it for a row that is not there as well; nobody asks.
        return column.source.value
    if row is None:
        return None
    by_name = {one.name: one for one in bound.table.shown if one.stored}
    match column.source:
        case Same(name):
            return row[by_name[name].logical]
        case Difference(name, minus):
            return row[by_name[name].logical] - sum(row[by_name[one].logical] for one in minus)
        case Mapped(name, values, otherwise):
            number = row[by_name[name].logical]
            word = next(one.stored for one in by_name[name].choice.options if one.value == number)
            return values.get(word, otherwise)  # type: ignore[arg-type]
        case _:
            return row[column.logical]


def compared(operator: Operator, left: Any, right: Any) -> bool:
    match operator:
        case Operator.EQ | Operator.NE:
            return (left == right) is (operator is Operator.EQ)
        case Operator.LT:
            return left < right
        case Operator.LE:
            return left <= right
        case Operator.GT:
            return left > right
        case Operator.GE:
            return left >= right
        case Operator.CONTAINS:
            return right in left
        case Operator.STARTS_WITH:
            return left.startswith(right)
        case Operator.ENDS_WITH:
            return left.endswith(right)
        case Operator.LIKE:
            return _like(left, right)


def _like(text: str, pattern: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(_like(text[at:], pattern[1:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in {"_", text[0]} and _like(text[1:], pattern[1:])


def folded(value: Any) -> Any:
    """Texts compare in lower case; ids as their digits."""
    return value.lower() if isinstance(value, str) else str(value) if isinstance(value, UUID) else value


def sortable(value: Any) -> tuple[bool, Any]:
    """Nulls come first."""
    return (value is not None, folded(value)) if value is not None else (False, 0)


def least(truths: Sequence[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def inverse(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _target(navigation: Navigation) -> Table:
    return navigation.source if isinstance(navigation, ToMany) else navigation.target


def _rounded(mode: str) -> Any:
    return lambda value: int(Decimal(value).to_integral_value(mode))


FUNCTIONS: Mapping[str, Any] = {
    "tolower": str.lower, "toupper": str.upper, "trim": lambda text: text.strip(" "), "length": len,
    "concat": lambda left, right: left + right, "indexof": lambda text, part: text.lower().find(part.lower()),
    "substring": lambda text, start, length=999: text[max(0, start) : max(0, start) + max(0, length)],
    "year": lambda at: at.year, "month": lambda at: at.month, "day": lambda at: at.day, "hour": lambda at: at.hour,
    "minute": lambda at: at.minute, "second": lambda at: at.second,
    "add": lambda left, right: left + right, "sub": lambda left, right: left - right,
    "mul": lambda left, right: left * right,
    "round": _rounded(ROUND_HALF_UP), "floor": _rounded(ROUND_FLOOR), "ceiling": _rounded(ROUND_CEILING),
}  # fmt: skip
KINDS_OF_TEXT = {Kind.TEXT, Kind.MEMO}
