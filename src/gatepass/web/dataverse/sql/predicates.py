"""WHERE as conditions of the tree. Null is as in SQL: what compares with it is neither true nor false.

So NOT is carried down to the single tests, and each of them, negated or not, asks for a value to be there.
"""

from collections.abc import Callable

from gatepass.domain.errors import Refused
from gatepass.model.columns import Kind
from gatepass.model.query import And, At, Compare, Condition, In, Literal, Not, Operator, Or, Value
from gatepass.web.dataverse.literals import TEXTS, require_same_family, value_of
from gatepass.web.dataverse.sql import tree
from gatepass.web.dataverse.sql.tree import Constant, Name, Predicate

MAX_VALUES = 2000
"""In one IN."""

Find = Callable[[Name], At]
_OPERATORS = {
    "=": Operator.EQ, "<>": Operator.NE, "<": Operator.LT, "<=": Operator.LE, ">": Operator.GT, ">=": Operator.GE,
    "like": Operator.LIKE,
}  # fmt: skip
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}


def condition(of: Predicate, find: Find, *, negated: bool = False) -> Condition:
    """Raises Refused for columns that there are not, and for values that are none of theirs."""
    match of:
        case tree.Negated(part):
            return condition(part, find, negated=not negated)
        case tree.Both(parts) | tree.Either(parts):
            found = tuple(condition(part, find, negated=negated) for part in parts)
            return And(found) if isinstance(of, tree.Both) is not negated else Or(found)
        case tree.IsNull(name):
            return Compare(Operator.NE if negated else Operator.EQ, find(name), Literal(None))
        case tree.Comparison():
            test, columns = _compared(of, find)
        case tree.OneOf(name, values):
            test, columns = _one_of(_filterable(find(name)), values)
        case tree.Between(name, low, high):
            test, columns = _between(_filterable(find(name)), low, high)
    there = tuple(Compare(Operator.NE, at, Literal(None)) for at in columns)
    return And((*there, Not(test) if negated else test))


Test = tuple[Condition, tuple[At, ...]]
"""A test, and the columns that it needs values of."""


def _compared(of: tree.Comparison, find: Find) -> Test:
    match of.left, of.right:
        case Name() as left, Name() as right:
            return _columns_compared(of.operator, _filterable(find(left)), _filterable(find(right)))
        case Name() as left, Constant() as right:
            return _with_constant(of.operator, _filterable(find(left)), right)
        case Constant() as left, Name() as right:
            return _with_constant(_FLIPPED[of.operator], _filterable(find(right)), left)
        case _:
            raise tree.unsupported("Comparing two constants is")


def _columns_compared(operator: str, left: At, right: At) -> Test:
    require_same_family(left.column, right.column)
    return Compare(_OPERATORS[operator], left, right), (left, right)


def _with_constant(operator: str, at: At, constant: Constant) -> Test:
    if operator == "like" and at.column.kind not in TEXTS:
        raise Refused("QuerySyntax", f"SQL: LIKE is for texts; '{at.column.logical}' is a {at.column.kind.type_code}.")
    return Compare(_OPERATORS[operator], at, Literal(_value(at, constant))), (at,)


def _one_of(at: At, values: tuple[Constant, ...]) -> Test:
    if len(values) > MAX_VALUES:
        raise tree.unsupported(f"IN with more than {MAX_VALUES} values is")
    return In(at, tuple(_value(at, one) for one in values)), (at,)


def _between(at: At, low: Constant, high: Constant) -> Test:
    bounds = (Operator.GE, low), (Operator.LE, high)
    return And(tuple(Compare(operator, at, Literal(_value(at, one))) for operator, one in bounds)), (at,)


def _value(at: At, constant: Constant) -> Value:
    if constant.text is None:
        raise Refused("QuerySyntax", f"SQL: nothing compares with NULL; write '{at.column.logical} IS NULL'.")
    return value_of(at.column, constant.text)


def _filterable(at: At) -> At:
    if at.column.kind is Kind.LIST:
        raise Refused("QueryUnsupported", f"SQL: '{at.column.logical}' holds a list, and cannot be filtered.")
    return at
