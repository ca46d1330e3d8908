"""Conditions of the tree as SQL.

Null is as in SQL Server: only `eq null` and `ne null` see it, so `ne 'x'` leaves out the rows that have nothing there.
Texts compare in lower case. What is stored as a word is compared as that word, so that an index of it works.
"""

from decimal import Decimal

import sqlalchemy as sa

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Mapped
from gatepass.model.query import (
    And,
    At,
    Compare,
    Condition,
    Exists,
    In,
    Linked,
    Literal,
    Navigation,
    Not,
    Operand,
    Operator,
    Or,
    ToMany,
    ToOne,
    Value,
)
from gatepass.model.table import Table
from gatepass.store.query import numbers
from gatepass.store.query.operands import Form, Typed, literal, storable, typed
from gatepass.store.query.scope import Scope, Source, Sql, is_currency, linked, selected
from gatepass.store.tables import DECLARED, LINKS
from gatepass.store.values import words
from gatepass.store.words import ByBytes, Folded, FoldedAscii, fold

LONGEST_PATTERN = 20_000
"""Characters; no text that is stored has so many, and SQLite refuses patterns over 50,000 bytes."""
_FLIPPED = {
    Operator.LT: Operator.GT, Operator.LE: Operator.GE, Operator.GT: Operator.LT, Operator.GE: Operator.LE,
    Operator.EQ: Operator.EQ, Operator.NE: Operator.NE,
}  # fmt: skip
_PATTERNS = {Operator.CONTAINS: "%{}%", Operator.STARTS_WITH: "{}%", Operator.ENDS_WITH: "%{}", Operator.LIKE: "{}"}
_EQUALITY = {Operator.EQ, Operator.NE}


def condition(scope: Scope, of: Condition) -> Sql:
    """A condition as SQL."""
    match of:
        case Compare(operator, left, right):
            return _compare(scope, operator, left, right)
        case In(operand, values):
            return _in(scope, operand, values)
        case And(parts):
            return sa.and_(sa.true(), *(condition(scope, part) for part in parts))
        case Or(parts):
            return sa.or_(sa.false(), *(condition(scope, part) for part in parts))
        case Not(part):
            return sa.not_(condition(scope, part))
        case Exists():
            return _exists(scope, of)


def _compare(scope: Scope, operator: Operator, left: Operand, right: Operand) -> Sql:
    if isinstance(left, Literal) and operator in _FLIPPED and not isinstance(right, Literal):
        return _compare(scope, _FLIPPED[operator], right, left)
    if isinstance(right, Literal):
        return with_value(scope, operator, left, right.value)
    if operator in _PATTERNS:
        return _matches(operator, typed(scope, left), typed(scope, right))
    return compare_typed(operator, typed(scope, left), typed(scope, right))


def with_value(scope: Scope, operator: Operator, left: Operand, value: Value) -> Sql:
    """An operand and a value. With a null only EQ and NE can be true."""
    if value is None:
        return _is_null(scope, operator, left)
    if isinstance(left, At) and operator in _EQUALITY and scope.known(left) is None:
        found = _by_words(scope[left.alias], left.column, operator, (value,))
        if found is not None:
            return found
    of = typed(scope, left)
    if operator in _PATTERNS:
        return _matches_value(operator, of, value)
    return compare_value(operator, of, value)


def compare_value(operator: Operator, of: Typed, value: Value) -> Sql:
    """The same when the operand is SQL already, and the value is not null."""
    if of.form is Form.MONEY and of.currency is not None:
        return numbers.compare_money(operator, of.sql, of.currency, _exact(value))
    if of.form is Form.NUMBER:
        return numbers.compare_number(operator, of.sql, of.scale, _exact(value))
    if of.form is Form.NULL:
        return sa.false()
    if of.form is Form.TEXT:
        return _compare_text(operator, of.sql, value)
    return numbers.compare(operator, of.sql, literal(value, of.form).sql)


def compare_typed(operator: Operator, left: Typed, right: Typed) -> Sql:
    """Two operands. Raises Refused when they are of different types."""
    if Form.NULL in {left.form, right.form}:
        return sa.false()
    if left.form is Form.MONEY and right.form is Form.MONEY and left.currency is right.currency:
        return numbers.compare(operator, left.sql, right.sql)
    one, other = left.counted, right.counted
    if one.form is not other.form:
        raise Refused("QuerySyntax", f"A {one.form.value} cannot be compared with a {other.form.value}.")
    if one.form is Form.NUMBER:
        scale = max(one.scale, other.scale)
        pair = (numbers.rescaled(each.sql, each.scale, scale) for each in (one, other))
        return numbers.compare(operator, *pair)
    if one.form is Form.TEXT:
        return numbers.compare(operator, ByBytes(Folded(one.sql)), Folded(other.sql))
    return numbers.compare(operator, one.sql, other.sql)


def _exact(value: Value) -> Decimal:
    if isinstance(value, int | Decimal):
        return Decimal(value)
    raise Refused("QuerySyntax", f"'{value}' is no number.")


def _is_null(scope: Scope, operator: Operator, left: Operand) -> Sql:
    if operator not in _EQUALITY:
        return sa.false()
    if isinstance(left, Literal):
        same = (left.value is None) == (operator is Operator.EQ)
        return sa.true() if same else sa.false()
    held = _held(scope, left)
    return held.is_(None) if operator is Operator.EQ else held.is_not(None)


def _held(scope: Scope, operand: Operand) -> Sql:
    """What is null exactly when the operand is, as simple as can be."""
    if isinstance(operand, At) and not isinstance(operand.column.source, Mapped) and scope.known(operand) is None:
        return scope[operand.alias].held(operand.column)
    return typed(scope, operand).sql


# Texts


def _compare_text(operator: Operator, text: Sql, value: Value) -> Sql:
    wanted = literal(value, Form.TEXT).sql
    if operator in _EQUALITY and str(value).isascii():
        return numbers.compare(operator, FoldedAscii(text), sa.literal(storable(str(value)).lower(), sa.String))
    return numbers.compare(operator, ByBytes(Folded(text)), Folded(wanted))


def _matches_value(operator: Operator, of: Typed, value: Value) -> Sql:
    text = storable(str(value))
    if len(text) > LONGEST_PATTERN or of.form is Form.NULL:
        return sa.false()
    if of.form is not Form.TEXT:
        raise Refused("QuerySyntax", f"'{operator}' is for texts.")
    escaped = _escape(text, "\\" if operator is Operator.LIKE else "\\%_")
    pattern = _PATTERNS[operator].format(fold(escaped))
    left = FoldedAscii(of.sql) if text.isascii() else Folded(of.sql)
    return left.like(pattern, escape="\\")


def _escape(text: str, special: str) -> str:
    return "".join(f"\\{each}" if each in special else each for each in text)


def _matches(operator: Operator, left: Typed, right: Typed) -> Sql:
    if Form.NULL in {left.form, right.form}:
        return sa.false()
    if left.form is not Form.TEXT or right.form is not Form.TEXT:
        raise Refused("QuerySyntax", f"'{operator}' is for texts.")
    pattern: Sql = sa.type_coerce(Folded(right.sql), sa.String)
    if operator is not Operator.LIKE:
        for each in "\\%_":
            pattern = sa.func.replace(pattern, each, f"\\{each}", type_=sa.String)
    before, after = _PATTERNS[operator].split("{}")
    return Folded(left.sql).like(before + pattern + after, escape="\\")


# Words and lists


def _in(scope: Scope, operand: Operand, values: tuple[Value, ...]) -> Sql:
    given = [value for value in values if value is not None]
    if isinstance(operand, At) and scope.known(operand) is None:
        found = _by_words(scope[operand.alias], operand.column, Operator.EQ, tuple(given))
        if found is not None:
            return found
    of = typed(scope, operand)
    if of.form is Form.NULL:
        return sa.false()
    if of.form is Form.MONEY and of.currency is not None:
        return numbers.among_money(of.sql, of.currency, [_exact(value) for value in given])
    if of.form is Form.NUMBER:
        wanted = [numbers.threshold(Operator.EQ, _exact(value), of.scale) for value in given]
        return sa.type_coerce(of.sql, sa.BigInteger).in_(wanted)
    if of.form is Form.TEXT:
        return _in_texts(of.sql, [storable(str(value)) for value in given])
    return of.sql.in_([literal(value, of.form).sql for value in given])


def _in_texts(text: Sql, values: list[str]) -> Sql:
    if all(value.isascii() for value in values):
        return FoldedAscii(text).in_([value.lower() for value in values])
    return Folded(text).in_([Folded(sa.literal(value, sa.String)) for value in values])


def _by_words(source: Source, column: Column, operator: Operator, values: tuple[Value, ...]) -> Sql | None:
    """`column` is (or is not) one of these, said of what is stored; None when it is no word."""
    if is_currency(column):
        return _by_iso_code(source, column, operator, values)
    stored = _words_of(column, values)
    if not stored:
        # In an empty list even null has an answer: as a number, null is neither equal nor unequal to what no word means.
        return None
    held = source.held(column)
    if len(stored) == 1:
        return numbers.compare(operator, held, stored[0])
    return held.in_(stored) if operator is Operator.EQ else held.not_in(stored)


def _words_of(column: Column, values: tuple[Value, ...]) -> list[object] | None:
    if isinstance(column.source, Mapped):
        # Words that mean null are neither equal nor unequal, and "otherwise" is said of any number of words.
        if column.source.otherwise is None or column.source.otherwise in values:
            return None
        return [word for word, value in column.source.values.items() if value in values]
    if column.source is None and (by_number := words(column.choice)):
        return [by_number[value] for value in values if isinstance(value, int) and value in by_number]
    return None


def _by_iso_code(source: Source, column: Column, operator: Operator, values: tuple[Value, ...]) -> Sql:
    currency = DECLARED["transactioncurrency"].alias()
    ids = [literal(value, Form.ID).sql for value in values]
    codes = sa.select(currency.c.iso_code).where(currency.c.id.in_(ids))
    held = source.held(column)
    found = held.in_(codes) if operator is Operator.EQ else held.not_in(codes)
    # Where there are no such codes, SQL would have an answer even for null.
    return sa.case((held.is_not(None), found))


# Related rows


def _exists(scope: Scope, of: Exists) -> Sql:
    outer, hidden = scope[of.outer], scope.find(of.alias)
    inner = scope.add(of.alias, target_of(of.navigation))
    source, meeting = _related(of.navigation, outer, inner)
    parts = [meeting, inner.rows, condition(scope, of.where) if of.where is not None else None]
    scope.drop(of.alias, hidden)
    wanted = (part for part in parts if part is not None)
    return selected([]).select_from(source).where(*wanted).correlate_except(source, inner.sql).exists()


def target_of(navigation: Navigation) -> Table:
    """The table that a relationship leads to."""
    return navigation.source if isinstance(navigation, ToMany) else navigation.target


def _related(navigation: Navigation, outer: Source, inner: Source) -> tuple[sa.FromClause, Sql]:
    """Where the related rows are, and what makes them those of the outer row."""
    match navigation:
        case ToOne(_, lookup, target):
            return inner.sql, linked(outer, lookup, inner, target.primary_key)
        case ToMany(_, lookup, _):
            return inner.sql, linked(inner, lookup, outer, outer.table.primary_key)
        case Linked():
            pairs, here, there = link_columns(navigation)
            return inner.sql.join(pairs, pairs.c[there] == inner.id), pairs.c[here] == outer.id


def link_columns(navigation: Linked) -> tuple[sa.FromClause, str, str]:
    """The table of pairs, its column that points to this side, and the one that points to the other."""
    link = navigation.relationship
    names = (link.first_column, link.second_column)
    here, there = names if navigation.first else names[::-1]
    return LINKS[link.intersect].alias(), here, there
