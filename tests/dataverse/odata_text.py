"""Random OData expressions, and how each is written: with no more parentheses than precedence asks for."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from gatepass.web.dataverse.odata.parser import PRECEDENCE
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

RESERVED = {*PRECEDENCE, "not", "true", "false", "null"}
NOT = 6

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True).filter(lambda name: name not in RESERVED)
dotted = st.lists(names, min_size=2, max_size=3).map(".".join)
paths = st.lists(names, min_size=1, max_size=3).map(lambda found: Path(tuple(found)))
scalars: st.SearchStrategy[Scalar] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1), texts, st.uuids(), st.dates(),
    st.decimals(-10**9, 10**9, places=4), st.datetimes(timezones=st.just(UTC)), st.datetimes(),
)  # fmt: skip
constants = st.builds(Constant, scalars)
arrays = st.lists(scalars, max_size=4).map(tuple)
leaves = st.one_of(paths, constants, st.builds(EnumLiteral, dotted, texts))


def _nodes(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    operators = st.sampled_from(sorted(set(PRECEDENCE) - {"in"}))
    return st.one_of(
        st.builds(Binary, operators, inner, inner),
        st.builds(Binary, st.just("in"), inner, arrays),
        st.builds(Negation, inner),
        st.builds(Lambda, paths, st.sampled_from(["any", "all"]), names, inner),
        st.builds(Lambda, paths, st.just("any"), st.just(""), st.none()),
        st.builds(
            Call,
            st.one_of(names, dotted),
            st.lists(st.one_of(inner, arrays), max_size=3).map(tuple),
            st.lists(st.tuples(names, st.one_of(scalars, arrays)), max_size=2).map(tuple),
        ),
    )


expressions: st.SearchStrategy[Expression] = st.recursive(leaves, _nodes, max_leaves=12)


def written(expression: Expression) -> str:
    """The text of an expression."""
    match expression:
        case Path():
            return "/".join(expression.segments)
        case Constant():
            return scalar(expression.value)
        case EnumLiteral():
            return f"{expression.type}{scalar(expression.member)}"
        case Binary():
            own = PRECEDENCE[expression.operator]
            right = expression.right
            second = _listed(right, "()") if isinstance(right, tuple) else _within(right, own + 1)
            return f"{_within(expression.left, own)} {expression.operator} {second}"
        case Negation():
            return f"not {_within(expression.of, PRECEDENCE['in'])}"
        case Lambda():
            body = f"{expression.variable}:{written(expression.body)}" if expression.body else ""
            return f"{written(expression.path)}/{expression.kind}({body})"
        case Call():
            given = [_listed(one, "[]") if isinstance(one, tuple) else written(one) for one in expression.arguments]
            named = [f"{name}={_value(value)}" for name, value in expression.named]
            return f"{expression.name}({', '.join([*given, *named])})"


def scalar(value: Scalar) -> str:
    """A literal."""
    match value:
        case None | bool():
            return json.dumps(value)
        case int() | UUID():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()


def without_places(expression: Expression) -> Expression:
    """The same with no positions."""
    match expression:
        case Path() | Constant() | EnumLiteral():
            return type(expression)(*(getattr(expression, name) for name in expression.__slots__[:-1]))
        case Binary():
            right = expression.right
            other = right if isinstance(right, tuple) else without_places(right)
            return Binary(expression.operator, without_places(expression.left), other)
        case Negation():
            return Negation(without_places(expression.of))
        case Lambda():
            body = without_places(expression.body) if expression.body else None
            return Lambda(Path(expression.path.segments), expression.kind, expression.variable, body)
        case Call():
            given = tuple(one if isinstance(one, tuple) else without_places(one) for one in expression.arguments)
            return Call(expression.name, given, expression.named)


def _within(expression: Expression, least: int) -> str:
    text = written(expression)
    return f"({text})" if _strength(expression) < least else text


def _strength(expression: Expression) -> int:
    """How close the outermost operator binds."""
    if isinstance(expression, Negation):
        return NOT
    return PRECEDENCE[expression.operator] if isinstance(expression, Binary) else 8


def _value(value: Scalar | tuple[Scalar, ...]) -> str:
    return _listed(value, "[]") if isinstance(value, tuple) else scalar(value)


def _listed(values: tuple[Scalar, ...], brackets: str) -> str:
    return brackets[0] + ",".join(scalar(value) for value in values) + brackets[1]
