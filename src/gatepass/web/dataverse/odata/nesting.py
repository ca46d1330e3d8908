"""How much a filter may ask for: what both databases can follow, told before they try.

SQLite's parser keeps 100 half-read rules (3.45 and older) and an expression tree of 1,000 levels, in which a chain of
`or` has a level per part. Dataverse itself takes 500 conditions.
"""

from gatepass.domain.errors import Refused
from gatepass.model.query import And, Compare, Condition, Exists, Function, In, Not, Operand, Or

MAX_CONDITIONS = 500
MAX_WEIGHT = 90
"""Of what stands inside each other: half-read rules of SQLite's parser, measured and rounded up."""
GROUP, NOT, FUNCTION, EXISTS = 3, 3, 4, 10


def check(condition: Condition) -> None:
    """Raises Refused (QueryUnsupported)."""
    if conditions(condition) > MAX_CONDITIONS:
        raise Refused("QueryUnsupported", f"A filter may have at most {MAX_CONDITIONS} conditions.")
    if weight(condition) > MAX_WEIGHT:
        raise _too_nested()


def check_operand(operand: Operand) -> None:
    """The same for a function that stands alone. Raises Refused (QueryUnsupported)."""
    if _of_operand(operand) > MAX_WEIGHT:
        raise _too_nested()


def conditions(condition: Condition) -> int:
    """How many comparisons there are."""
    match condition:
        case And() | Or():
            return sum(conditions(part) for part in condition.parts)
        case Not():
            return conditions(condition.part)
        case Exists():
            return 1 + (conditions(condition.where) if condition.where else 0)
        case Compare() | In():
            return 1


def weight(condition: Condition) -> int:
    """How deep the deepest part is nested."""
    match condition:
        case And() | Or():
            return GROUP + max(weight(part) for part in condition.parts)
        case Not():
            return NOT + weight(condition.part)
        case Exists():
            return EXISTS + (weight(condition.where) if condition.where else 0)
        case Compare():
            return max(_of_operand(condition.left), _of_operand(condition.right))
        case In():
            return _of_operand(condition.operand)


def _of_operand(operand: Operand) -> int:
    if isinstance(operand, Function):
        return FUNCTION + max(map(_of_operand, operand.arguments), default=0)
    return 0


def _too_nested() -> Refused:
    return Refused("QueryUnsupported", "The filter is nested deeper than the databases can follow.")
