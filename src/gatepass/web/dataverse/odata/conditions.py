"""$filter: from syntax tree to condition, every value of the type of what it is compared with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.model.query import And, At, Compare, Condition, Exists, In, Literal, Not, Operator, Or, Value
from gatepass.web.dataverse import nesting
from gatepass.web.dataverse.odata import functions, operands
from gatepass.web.dataverse.odata.functions import Asking
from gatepass.web.dataverse.odata.operands import literal_operand
from gatepass.web.dataverse.odata.scope import Hop, Scope
from gatepass.web.dataverse.odata.tree import (
    Binary,
    Call,
    Constant,
    EnumLiteral,
    Expression,
    Lambda,
    Negation,
    Path,
    Scalar,
)
from gatepass.web.dataverse.odata.typed import Type, Typed, comparable, incompatible, literal, literal_type

ALWAYS = Compare(Operator.EQ, Literal(1), Literal(1))
NEVER = Compare(Operator.NE, Literal(1), Literal(1))
MIRRORED: Mapping[str, str] = MappingProxyType({"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"})
TEXT_TESTS = frozenset({"contains", "startswith", "endswith"})
OPERATORS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
MAX_LAMBDAS = 10
"""any and all inside each other."""


def filtered(scope: Scope, asking: Asking, expression: Expression) -> Condition:
    """A whole $filter: `condition`, within what both databases can follow. Raises Refused."""
    found = condition(scope, asking, expression)
    nesting.check(found)
    return found


def condition(scope: Scope, asking: Asking, expression: Expression) -> Condition:  # noqa: PLR0911
    """What rows have to be. Raises Refused (QuerySyntax, PropertyUnknown, QueryUnsupported)."""
    match expression:
        case Binary("and" | "or"):
            parts = [condition(scope, asking, part) for part in chain(expression)]
            return And(tuple(parts)) if expression.operator == "and" else _either(parts)
        case Negation():
            return Not(condition(scope, asking, expression.of))
        case Lambda():
            found = _around(scope, lambda: _lambda(scope, asking, expression))
            return Not(found) if expression.kind == "all" else found
        case Binary() if _is_truth(expression):
            return _truth(scope, asking, expression)
        case Binary("in"):
            return _around(scope, lambda: _in(scope, expression))
        case Binary():
            return _comparison(scope, expression)
        case Call():
            return _around(scope, lambda: _call(scope, asking, expression))
        case Path():
            return _comparison(scope, Binary("eq", expression, Constant(True), expression.at))
        case Constant(bool()):
            return ALWAYS if expression.value else NEVER
        case Constant() | EnumLiteral():
            raise Refused("QuerySyntax", "The $filter expression must evaluate to a single boolean value.")


def _either(parts: list[Condition]) -> Condition:
    """At least one of them. `a eq 1 or a eq 2 ...` is one In: what lists of ids are sent as, by the thousand."""
    kept, listed = list[Condition](), list[tuple[Compare, list[Value]]]()
    for part in parts:
        if not isinstance(part, Compare) or not _names_a_value(part):
            kept.append(part)
            continue
        values = next((values for one, values in listed if one.left == part.left), None)
        if values is None:
            listed.append((part, values := []))
        assert isinstance(part.right, Literal)
        values.append(part.right.value)
    kept += [In(one.left, tuple(values)) if len(values) > 1 else one for one, values in listed]
    return kept[0] if len(kept) == 1 else Or(tuple(kept))


def _names_a_value(part: Compare) -> bool:
    literal = isinstance(part.right, Literal) and part.right.value is not None
    return part.operator is Operator.EQ and isinstance(part.left, At) and literal


def chain(expression: Binary) -> list[Expression]:
    """The parts of `a or b or c ...`, found without recursion."""
    parts = list[Expression]()
    rest: Expression = expression
    while isinstance(rest, Binary) and rest.operator == expression.operator:
        assert not isinstance(rest.right, tuple)
        parts.append(rest.right)
        rest = rest.left
    return [rest, *reversed(parts)]


def _comparison(scope: Scope, expression: Binary) -> Condition:
    name, left, right = expression.operator, expression.left, expression.right
    assert not isinstance(right, tuple)
    if name not in OPERATORS:
        raise Refused("QuerySyntax", "The $filter expression must evaluate to a single boolean value.")
    if isinstance(left, Constant) and isinstance(right, Constant):
        return _of_constants(name, left.value, right.value)
    if isinstance(left, Constant):
        name, left, right = MIRRORED.get(name, name), right, left
    return _compared(scope, name, left, right)


def _compared(scope: Scope, name: str, left: Expression, right: Expression) -> Condition:
    if isinstance(left, EnumLiteral) or isinstance(right, EnumLiteral):
        raise Refused("QuerySyntax", "An enumeration's member can be compared in queries of the metadata only.")
    before, scope.hops = scope.hops, []
    found = _null_lookup(scope, left, right) or operands.operand(scope, left)
    if isinstance(right, Constant):
        other = Typed(literal(right.value, found.type, name), found.type)
    else:
        other = operands.operand(scope, right)
        if not comparable(found.type, other.type):
            raise incompatible(found.type, other.type, name)
    compare = Compare(Operator(name), found.operand, other.operand)
    hops, scope.hops = scope.hops, before
    return _null_kept(hops, compare) if hops else compare


def _null_kept(hops: list[Hop], compare: Compare) -> Condition:
    """The comparison behind lookups that may be empty: an empty one is null, and differs from every value."""
    is_null = Literal(None) in (compare.left, compare.right)
    if compare.operator is Operator.NE and not is_null:
        return Not(_behind(hops, replace(compare, operator=Operator.EQ)))
    if compare.operator is Operator.EQ and is_null:
        return Not(_behind(hops, replace(compare, operator=Operator.NE)))
    return _behind(hops, compare)


def _null_lookup(scope: Scope, left: Expression, right: Expression) -> Typed | None:
    """`nav eq null` asks whether the lookup is empty."""
    if not (isinstance(left, Path) and isinstance(right, Constant) and right.value is None):
        return None
    lookup = scope.lookup(left)
    return Typed(lookup, Type.GUID) if lookup else None


def _of_constants(name: str, left: Scalar, right: Scalar) -> Condition:
    if left is None or right is None:
        same = left is None and right is None
        return ALWAYS if (name == "eq" and same) or (name == "ne" and not same) else NEVER
    one, other = literal_type(left), literal_type(right)
    if not comparable(one, other):
        raise incompatible(one, other, name)
    return Compare(Operator(name), literal_operand(left), literal_operand(right))


def _is_truth(expression: Binary) -> bool:
    """True for `contains(a,'b') eq true`: what is compared is a condition."""
    return expression.operator in {"eq", "ne"} and (_is_condition(expression.left) or _is_condition(expression.right))


def _is_condition(expression: Expression | tuple[Scalar, ...]) -> bool:
    match expression:
        case Binary():
            return expression.operator not in operands.ARITHMETIC
        case Call():
            return expression.name in TEXT_TESTS or expression.name.startswith(functions.PREFIX)
        case _:
            return isinstance(expression, Negation | Lambda)


def _truth(scope: Scope, asking: Asking, expression: Binary) -> Condition:
    left, right = expression.left, expression.right
    tested, value = (right, left) if isinstance(left, Constant) else (left, right)
    if not isinstance(value, Constant) or not isinstance(value.value, bool) or isinstance(tested, tuple):
        raise Refused(
            "QuerySyntax", f"The condition at position {expression.at} can be compared with true or false only."
        )
    found = condition(scope, asking, tested)
    return found if value.value == (expression.operator == "eq") else Not(found)


def _in(scope: Scope, expression: Binary) -> Condition:
    assert isinstance(expression.right, tuple)
    found = operands.operand(scope, expression.left)
    return In(found.operand, tuple(literal(value, found.type, "in").value for value in expression.right))


def _lambda(scope: Scope, asking: Asking, expression: Lambda) -> Condition:
    if len(scope.variables) == MAX_LAMBDAS:
        raise Refused("QueryUnsupported", f"any and all can stand inside each other {MAX_LAMBDAS} times.")
    outer, navigation, table = scope.collection(expression.path)
    with scope.variable(expression.variable, table) as alias:
        body = condition(scope, asking, expression.body) if expression.body else None
    if body and expression.kind == "all":
        body = Not(body)
    return Exists(navigation, body, alias, outer)


def _call(scope: Scope, asking: Asking, expression: Call) -> Condition:
    if expression.name in TEXT_TESTS:
        left, right = operands.arguments(scope, expression)
        return Compare(Operator(expression.name), left, right)
    if expression.name.startswith(functions.PREFIX):
        return functions.condition(scope, asking, expression)
    operands.operand(scope, expression)
    raise Refused("QuerySyntax", "The $filter expression must evaluate to a single boolean value.")


def _around(scope: Scope, build: Callable[[], Condition]) -> Condition:
    """A condition, inside the Exists of the lookups that its columns are reached over."""
    before, scope.hops = scope.hops, []
    found = build()
    hops, scope.hops = scope.hops, before
    return _behind(hops, found)


def _behind(hops: list[Hop], found: Condition) -> Condition:
    for hop in reversed(hops):
        found = Exists(hop.navigation, found, hop.alias, hop.outer)
    return found
