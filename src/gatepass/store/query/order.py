"""The order of rows, and where a page begins: behind the last row of the one before, whatever was inserted meanwhile.

Nulls come first, as in SQL Server. The primary key breaks ties, in the direction of the last column, so that one index
serves both directions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

import sqlalchemy as sa

from gatepass.domain.errors import Refused
from gatepass.model.query import At, Literal, Operand, Operator, Order, Value
from gatepass.store.query import numbers
from gatepass.store.query.operands import Form, Typed, literal, typed
from gatepass.store.query.scope import Scope, Sql
from gatepass.store.words import ByBytes, Folded


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that rows are ordered by."""

    value: Typed
    descending: bool
    operand: Operand | None = None
    """Where it came from."""

    @property
    def key(self) -> Sql:
        return ByBytes(Folded(self.value.sql)) if self.value.form is Form.TEXT else self.value.sql


def terms(scope: Scope, order: Sequence[Order]) -> list[Term]:
    """What rows are ordered by: what was asked for, each once, and the primary key."""
    found: list[Term] = []
    for one in order:
        assert not isinstance(one.by, str), "fields have names, rows have none"
        if not isinstance(one.by, Literal) and all(term.operand != one.by for term in found):
            found.append(Term(typed(scope, one.by).counted, one.descending, one.by))
    return [one for one in found if one.value.literal is None and one.value.form is not Form.NULL] + [
        primary_key(scope, found)
    ]


def primary_key(scope: Scope, before: Sequence[Term]) -> Term:
    """The tie-breaker."""
    descending = before[-1].descending if before else False
    return Term(
        Typed(scope.root.id, Form.ID, nullable=False), descending, At(scope.root.table.primary_key)
    )  # fmt: skip


def order_by(found: Sequence[Term]) -> list[Any]:
    """For ORDER BY. Where nothing can be null, nothing is said of nulls: PostgreSQL would not use an index."""
    return [_ordered(one) for one in found]


def _ordered(one: Term) -> Any:
    key = one.key.desc() if one.descending else one.key.asc()
    if not one.value.nullable:
        return key
    return key.nulls_last() if one.descending else key.nulls_first()


def behind(found: Sequence[Term], after: Sequence[Value]) -> Sql:
    """True for the rows behind the one with these values. Raises Refused when they are not values of this order."""
    if len(after) != len(found):
        raise Refused("QuerySyntax", "The page's token does not belong to this query.")
    pairs = [(term, _bound(term, value)) for term, value in zip(found, after, strict=True)]
    plain = all(not term.value.nullable and bound is not None for term, bound in pairs)
    if plain and len({term.descending for term in found}) == 1:
        return _behind_tuple(pairs)
    return _behind_each(pairs)


Pair = tuple[Term, Sql | None]


def _behind_tuple(pairs: Sequence[Pair]) -> Sql:
    left = sa.tuple_(*(term.key for term, _ in pairs))
    right = sa.tuple_(*(cast("Sql", bound) for _, bound in pairs))
    return left < right if pairs[0][0].descending else left > right


def _behind_each(pairs: Sequence[Pair]) -> Sql:
    rest: Sql = sa.false()
    for term, bound in reversed(pairs):
        rest = sa.or_(_beyond(term, bound), sa.and_(_equal(term, bound), rest))
    hint = _not_before(*pairs[0])
    return rest if hint is None else sa.and_(hint, rest)


def _beyond(term: Term, bound: Sql | None) -> Sql:
    if bound is None:
        return sa.false() if term.descending else term.key.is_not(None)
    if not term.descending:
        return term.key > bound
    lower = term.key < bound
    return sa.or_(lower, term.key.is_(None)) if term.value.nullable else lower


def _equal(term: Term, bound: Sql | None) -> Sql:
    return term.key.is_(None) if bound is None else term.key == bound


def _not_before(term: Term, bound: Sql | None) -> Sql | None:
    """What an index can begin with."""
    if bound is None or (term.descending and term.value.nullable):
        return None
    return term.key <= bound if term.descending else term.key >= bound


def _bound(term: Term, value: Value) -> Sql | None:
    if value is None:
        return None
    form = term.value.form
    if form is Form.NUMBER:
        return numbers.whole(numbers.threshold(Operator.EQ, _exact(value), term.value.scale))
    sql = literal(value, form).sql
    return Folded(sql) if form is Form.TEXT else sql


def _exact(value: Value) -> Decimal:
    if isinstance(value, int | Decimal):
        return Decimal(value)
    raise Refused("QuerySyntax", "The page's token does not belong to this query.")


def meant(value: Typed, found: Any) -> Value:
    """What SQL answered for an operand, as a value of the tree. Raises Refused for a number that no column holds."""
    if found is None:
        return None
    if value.form is Form.NUMBER:
        return _number(value, found)
    if value.form is Form.DATE:
        return date.fromisoformat(found)
    if isinstance(found, list):
        return " ".join(cast("list[str]", found))
    return cast("Value", found)


def _number(value: Typed, found: Any) -> Value:
    # SQLite goes on with a float where an integer ends, PostgreSQL with as many digits as it takes.
    if isinstance(found, float) or abs(found) > numbers.MOST:
        raise numbers.too_large()
    return Decimal(int(found)).scaleb(-value.scale) if value.scale else int(found)
