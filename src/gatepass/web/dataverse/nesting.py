"""How much a filter may ask for, in whatever language: what both databases can follow, told before they try.

SQLite's parser keeps 100 half-read rules (3.45 and older) and an expression tree of 1,000 levels, in which a chain of
`or` has a level per part; a statement has 32,766 parameters. Dataverse itself takes 500 conditions.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.model.query import And, Compare, Condition, Exists, Function, In, Literal, Not, Operand, Or, Query

MAX_CONDITIONS = 500
"""Tests of values. Whether there is a value at all does not count: languages add that to tests of their own."""
MAX_LEVELS = 900
MAX_VALUES = 5000
"""In all lists of one filter."""
MAX_COPIES = 1500
"""Of columns and literals, in the SQL of one filter."""
MAX_WEIGHT = 90
"""Of what stands inside each other: half-read rules of SQLite's parser, measured and rounded up."""
GROUP, NOT, FUNCTION, EXISTS = 3, 3, 4, 10
COPIES: Mapping[str, int] = MappingProxyType({"round": 2, "floor": 3, "ceiling": 3, "mod": 2, "substring": 3})
"""How often a function's SQL has each argument, where it is more than once: inside each other they multiply."""


def check_query(query: Query) -> Query:
    """The query itself, when all its conditions together can be followed. Raises Refused (QueryUnsupported)."""
    parts = [query.where, *(join.where for join in query.joins)]
    check(And(tuple(part for part in parts if part is not None)))
    return query


def check(condition: Condition) -> None:
    """Raises Refused (QueryUnsupported)."""
    if conditions(condition) > MAX_CONDITIONS:
        raise Refused("QueryUnsupported", f"A filter may have at most {MAX_CONDITIONS} conditions.")
    if values(condition) > MAX_VALUES:
        raise Refused("QueryUnsupported", f"The lists of a filter may have at most {MAX_VALUES} values.")
    if weight(condition) > MAX_WEIGHT or levels(condition) > MAX_LEVELS or copies(condition) > MAX_COPIES:
        raise _too_nested()


def check_operand(operand: Operand) -> None:
    """The same for a function that stands alone. Raises Refused (QueryUnsupported)."""
    check(In(operand, ()))


def conditions(condition: Condition) -> int:
    """How many comparisons there are."""
    match condition:
        case And() | Or():
            return sum(conditions(part) for part in condition.parts)
        case Not():
            return conditions(condition.part)
        case Exists():
            return 1 + (conditions(condition.where) if condition.where else 0)
        case Compare():
            return 0 if condition.right == Literal(None) else 1
        case In():
            return 1


def values(condition: Condition) -> int:
    """How many values stand in lists."""
    return sum(len(one.values) for one in _tests(condition) if isinstance(one, In))


def levels(condition: Condition) -> int:
    """How high the tree of the SQL is."""
    match condition:
        case And() | Or():
            return len(condition.parts) + max(map(levels, condition.parts), default=0)
        case Not():
            return 1 + levels(condition.part)
        case Exists():
            return EXISTS + (levels(condition.where) if condition.where else 0)
        case Compare() | In():
            return 1 + max(map(_weight_of, _operands(condition)))


def weight(condition: Condition) -> int:
    """How deep the deepest part is nested."""
    match condition:
        case And() | Or():
            return GROUP + max(map(weight, condition.parts), default=0)
        case Not():
            return NOT + weight(condition.part)
        case Exists():
            return EXISTS + (weight(condition.where) if condition.where else 0)
        case Compare() | In():
            return max(map(_weight_of, _operands(condition)))


def copies(condition: Condition) -> int:
    """How many columns and literals the SQL has."""
    return sum(_copies_of(operand) for one in _tests(condition) for operand in _operands(one))


def _tests(condition: Condition) -> Sequence[Compare | In]:
    match condition:
        case And() | Or():
            return [one for part in condition.parts for one in _tests(part)]
        case Not():
            return _tests(condition.part)
        case Exists():
            return _tests(condition.where) if condition.where else ()
        case Compare() | In():
            return (condition,)


def _operands(test: Compare | In) -> Sequence[Operand]:
    return (test.left, test.right) if isinstance(test, Compare) else (test.operand,)


def _weight_of(operand: Operand) -> int:
    if isinstance(operand, Function):
        return FUNCTION + max(map(_weight_of, operand.arguments), default=0)
    return 0


def _copies_of(operand: Operand) -> int:
    if isinstance(operand, Function):
        return COPIES.get(operand.name, 1) * sum(map(_copies_of, operand.arguments))
    return 1


def _too_nested() -> Refused:
    return Refused("QueryUnsupported", "The filter is nested deeper than the databases can follow.")
