"""What stands on a side of a comparison: a column, a function of columns, arithmetic; with its type."""

from collections.abc import Mapping
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.model.query import Function, Literal, Operand
from gatepass.web.dataverse.odata.scope import Scope
from gatepass.web.dataverse.odata.tree import Binary, Call, Constant, Expression, Path, Scalar
from gatepass.web.dataverse.odata.typed import (
    Type,
    Typed,
    comparable,
    fit,
    incompatible,
    literal_type,
    type_of,
)

SIGNATURES: Mapping[str, tuple[tuple[Type, ...], Type]] = MappingProxyType(
    {
        "tolower": ((Type.TEXT,), Type.TEXT),
        "toupper": ((Type.TEXT,), Type.TEXT),
        "trim": ((Type.TEXT,), Type.TEXT),
        "length": ((Type.TEXT,), Type.INTEGER),
        "indexof": ((Type.TEXT, Type.TEXT), Type.INTEGER),
        "substring": ((Type.TEXT, Type.INTEGER, Type.INTEGER), Type.TEXT),
        "concat": ((Type.TEXT, Type.TEXT), Type.TEXT),
        "now": ((), Type.MOMENT),
        "date": ((Type.MOMENT,), Type.DATE),
        "contains": ((Type.TEXT, Type.TEXT), Type.BOOLEAN),
        "startswith": ((Type.TEXT, Type.TEXT), Type.BOOLEAN),
        "endswith": ((Type.TEXT, Type.TEXT), Type.BOOLEAN),
    }
    | dict.fromkeys(("year", "month", "day", "hour", "minute", "second"), ((Type.MOMENT,), Type.INTEGER))
    | dict.fromkeys(("round", "floor", "ceiling"), ((Type.DECIMAL,), Type.DECIMAL))
)
"""Functions by name: the types of their arguments, and of what they give."""
OPTIONAL_ARGUMENTS: Mapping[str, int] = MappingProxyType({"substring": 1})
ARITHMETIC = frozenset({"add", "sub", "mul", "div", "mod"})


def operand(scope: Scope, expression: Expression) -> Typed:
    """Anything but a literal. Raises Refused (QuerySyntax, PropertyUnknown, QueryUnsupported)."""
    match expression:
        case Path():
            return _column(scope, expression)
        case Call():
            found = SIGNATURES.get(expression.name)
            if found is None:
                raise unknown_function(expression.name)
            return Typed(Function(expression.name, arguments(scope, expression)), found[1])
        case Binary() if expression.operator in ARITHMETIC:
            return _arithmetic(scope, expression)
        case _:
            raise Refused("QuerySyntax", f"What stands at position {expression.at} cannot be compared.")


def arguments(scope: Scope, call: Call) -> tuple[Operand, ...]:
    """The arguments of a function, of the types it takes."""
    wanted, _ = SIGNATURES[call.name]
    given = call.arguments
    if call.named or not len(wanted) - OPTIONAL_ARGUMENTS.get(call.name, 0) <= len(given) <= len(wanted):
        raise no_signature(call.name)
    return tuple(_argument(scope, call.name, *pair) for pair in zip(given, wanted, strict=False))


def literal_operand(value: Scalar) -> Literal:
    """A literal beside nothing that would type it."""
    kind = literal_type(value)
    return Literal(value if kind is Type.NULL else fit(value, kind))


def unknown_function(name: str) -> Refused:
    """As Microsoft.OData words it (MetadataBinder_UnknownFunction)."""
    return Refused(
        "QuerySyntax",
        f"An unknown function with name '{name[:100]}' was found. This may also be a function import or a key lookup on "
        "a navigation property, which is not allowed.",
    )


def no_signature(name: str) -> Refused:
    """As Microsoft.OData words it (MetadataBinder_NoFunctionSignature...)."""
    wanted = ", ".join(f"{one.edm} Nullable=true" for one in SIGNATURES[name][0])
    return Refused(
        "QuerySyntax",
        f"No function signature for the function with name '{name}' matches the specified arguments. "
        f"The function signatures considered are: {name}({wanted}).",
    )


def _column(scope: Scope, path: Path) -> Typed:
    if path.segments[-1] == "$count":
        raise Refused("QueryUnsupported", "Counting related rows in a filter is not supported. Use any().")
    found = scope.column(path)
    return Typed(found, type_of(found.column))


def _argument(scope: Scope, name: str, given: Expression | tuple[Scalar, ...], wanted: Type) -> Operand:
    if isinstance(given, tuple) or (isinstance(given, Constant) and given.value is None):
        raise no_signature(name)
    if isinstance(given, Constant):
        try:
            return Literal(fit(given.value, wanted))
        except ValueError:
            raise no_signature(name) from None
    found = operand(scope, given)
    if not comparable(found.type, wanted):
        raise no_signature(name)
    return found.operand


def _arithmetic(scope: Scope, expression: Binary) -> Typed:
    left, right = _number(scope, expression, expression.left), _number(scope, expression, expression.right)
    both_whole = left.type is Type.INTEGER and right.type is Type.INTEGER
    return Typed(
        Function(expression.operator, (left.operand, right.operand)), Type.INTEGER if both_whole else Type.DECIMAL
    )


def _number(scope: Scope, whole: Binary, part: Expression | tuple[Scalar, ...]) -> Typed:
    assert not isinstance(part, tuple)
    if isinstance(part, Constant):
        found = Typed(literal_operand(part.value), literal_type(part.value))
        # Not a rule of OData: a database that refuses it halfway would be no answer.
        if whole.operator in {"div", "mod"} and part is whole.right and part.value == 0:
            raise Refused("QuerySyntax", f"Division by zero at position {whole.at}.")
    else:
        found = operand(scope, part)
    if found.type not in {Type.INTEGER, Type.DECIMAL}:
        raise incompatible(found.type, Type.DECIMAL, whole.operator)
    return found
