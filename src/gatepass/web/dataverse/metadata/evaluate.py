"""A $filter on definitions: the syntax tree of odata/, evaluated over dictionaries. Texts compare exactly, case and all."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.metadata.labels import NAMESPACE, Json, Node
from gatepass.web.dataverse.odata.conditions import chain
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

Members = frozenset[str]


def holds(expression: Expression, node: Node, type_name: str, members: Members) -> bool:
    """True when the definition fits. `members`: what its type has. Raises Refused for what is not there."""
    return _Row(node, type_name, members).holds(expression)


def unknown_property(name: str, type_name: str) -> Refused:
    """As Dataverse words it."""
    return Refused(
        "PropertyUnknown", f"Could not find a property named '{name[:100]}' on type '{NAMESPACE}.{type_name}'."
    )


class _Row:
    """One definition that conditions are asked of."""

    def __init__(self, node: Node, type_name: str, members: Members) -> None:
        self.node, self.type_name, self.members = node, type_name, members

    def holds(self, expression: Expression) -> bool:
        """A condition."""
        if isinstance(expression, Binary) and expression.operator in {"and", "or"}:
            fits = all if expression.operator == "and" else any
            return fits(self.holds(part) for part in chain(expression))
        if isinstance(expression, Negation):
            return not self.holds(expression.of)
        return self.value(expression) is True

    def value(self, expression: Expression) -> object:
        """What an expression comes to for this definition."""
        match expression:
            case Path():
                return self._member(expression)
            case Constant(value=value):
                return _plain(value)
            case EnumLiteral(member=member):
                return member
            case Binary():
                return self._compare(expression)
            case Call():
                return self._call(expression)
            case Negation():
                return self.holds(expression)
            case Lambda():
                raise _unsupported("any and all")

    def _member(self, path: Path) -> Json:
        first, *rest = path.segments
        if first not in self.members:
            raise unknown_property(first, self.type_name)
        found = self.node[first]
        for name in rest:
            if found is None:
                return None
            if not isinstance(found, Mapping) or name not in found:
                raise unknown_property(name, self.type_name)
            found = found[name]
        return found

    def _compare(self, expression: Binary) -> bool:
        if expression.operator in {"and", "or"}:
            return self.holds(expression)
        left = self.value(expression.left)
        if isinstance(expression.right, tuple):
            return left in [_plain(one) for one in expression.right]
        compare = _COMPARISONS.get(expression.operator)
        if compare is None:
            raise _unsupported(expression.operator)
        return compare(left, self.value(expression.right))

    def _call(self, call: Call) -> object:
        name = call.name.removeprefix(f"{NAMESPACE}.")
        if name in {"In", "NotIn"}:
            return self._in_call(call) is (name == "In")
        function = _FUNCTIONS.get(name)
        if function is None or len(call.arguments) != 2:
            raise _unsupported(f"the function {call.name[:100]}")
        left, right = (None if isinstance(one, tuple) else self.value(one) for one in call.arguments)
        return isinstance(left, str) and isinstance(right, str) and function(left, right)

    def _in_call(self, call: Call) -> bool:
        named = dict(call.named)
        name, values = named.get("PropertyName"), named.get("PropertyValues")
        if not isinstance(name, str) or not isinstance(values, tuple):
            raise _unsupported(f"{call.name[:100]} without PropertyName and PropertyValues")
        found = self._member(Path(tuple(name.split("/")), call.at))
        return _as_text(found) in [_as_text(_plain(one)) for one in values]


def _plain(value: Scalar) -> object:
    """Ids are texts in definitions."""
    return str(value) if isinstance(value, UUID) else value


def _as_text(value: object) -> str | None:
    """PropertyValues are texts whatever the type: ["1","true"]."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[object, object], bool]:
    """For numbers; nothing else in definitions has an order."""

    def fits(left: object, right: object) -> bool:
        return isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS) and compare(float(left), float(right))

    return fits


_NUMBERS = (int, float, Decimal)
_COMPARISONS: Mapping[str, Callable[[object, object], bool]] = MappingProxyType(
    {
        "eq": lambda left, right: left == right,
        "ne": lambda left, right: left != right,
        "gt": _ordered(lambda left, right: left > right),
        "ge": _ordered(lambda left, right: left >= right),
        "lt": _ordered(lambda left, right: left < right),
        "le": _ordered(lambda left, right: left <= right),
    }
)
_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "contains": lambda text, part: part in text,
        "startswith": str.startswith,
        "endswith": str.endswith,
    }
)


def _unsupported(what: str) -> Refused:
    return Refused("QueryUnsupported", f"Filters on metadata do not support {what}.")
