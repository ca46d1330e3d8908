"""One SELECT, from its text to its syntax tree. By hand, by recursive descent; NOT binds closest, then AND, then OR."""

import re
from collections.abc import Callable
from typing import TypeVar

from gatepass.web.dataverse.joining import MAX_JOINS
from gatepass.web.dataverse.sql.lexer import Kind
from gatepass.web.dataverse.sql.reader import Reader
from gatepass.web.dataverse.sql.tree import (
    Aggregate,
    Between,
    Both,
    Comparison,
    Constant,
    Either,
    From,
    IsNull,
    Item,
    Joined,
    Name,
    Negated,
    OneOf,
    Predicate,
    Select,
    Sorted,
    Term,
    unsupported,
)

MAX_DEPTH = 100
AGGREGATES = frozenset({"count", "sum", "avg", "min", "max"})
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_ROWS = re.compile("[0-9]{1,9}")
Part = TypeVar("Part")


def parse(text: str) -> Select:
    """Raises Refused: QuerySyntax for what is no SQL, QueryUnsupported for SQL that is left out."""
    return _Parser(text).statement()


class _Parser:
    def __init__(self, text: str) -> None:
        self._reader = Reader(text)
        self._depth = 0

    def statement(self) -> Select:
        read = self._reader
        if not read.word("select"):
            raise read.refused("SELECT is expected")
        distinct, top = bool(read.word("distinct")), self._top()
        items = self._list(self._item)
        read.expect("from")
        source = self._from()
        joins = self._joins()
        where = self._either() if read.word("where") else None
        group = self._list(read.name) if self._by("group") else ()
        order = self._list(self._sorted) if self._by("order") else ()
        if read.next.kind is not Kind.END:
            raise read.refused("the end is expected")
        return Select(distinct, top, items, source, joins, where, group, order)

    def _by(self, word: str) -> bool:
        if not self._reader.word(word):
            return False
        self._reader.expect("by")
        return True

    def _list(self, one: Callable[[], Part]) -> tuple[Part, ...]:
        found = [one()]
        while self._reader.sign(","):
            found.append(one())
        return tuple(found)

    def _top(self) -> int | None:
        """TOP n, or TOP (n)."""
        read = self._reader
        if not read.word("top"):
            return None
        opened = bool(read.sign("("))
        if read.next.kind is not Kind.NUMBER or not _ROWS.fullmatch(read.next.text):
            raise read.refused("a whole number of rows is expected")
        top = int(read.take().text)
        if opened:
            read.expect(")")
        return top

    # What is selected

    def _item(self) -> Item:
        if self._reader.sign("*"):
            raise unsupported("SELECT * is")
        shown = self._shown()
        if self._reader.word("as"):
            return Item(shown, self._reader.identifier())
        return Item(shown, self._reader.identifier() if self._reader.is_identifier() else "")

    def _shown(self) -> Name | Aggregate:
        read = self._reader
        if read.next.kind in {Kind.NUMBER, Kind.TEXT}:
            raise unsupported("Selecting a constant is")
        name = read.name()
        if not read.sign("("):
            return name
        if name.table or name.column not in AGGREGATES:
            raise unsupported(f"The function '{name.column[:50].upper()}' is")
        aggregate = self._aggregate(name)
        read.expect(")")
        return aggregate

    def _aggregate(self, name: Name) -> Aggregate:
        if self._reader.sign("*"):
            if name.column != "count":
                raise unsupported(f"{name.column.upper()}(*) is")
            return Aggregate("count", None, False, name.at)
        distinct = bool(self._reader.word("distinct"))
        return Aggregate(name.column, self._reader.name(), distinct, name.at)

    # Where from

    def _from(self) -> From:
        read = self._reader
        if read.sign("("):
            raise unsupported("A subquery is")
        at, table = read.next.at, read.identifier()
        if read.sign("."):
            # dbo.account: the schema says nothing.
            table = read.identifier()
        if read.word("as"):
            return From(table, read.identifier(), at)
        return From(table, read.identifier() if read.is_identifier() else "", at)

    def _joins(self) -> tuple[Joined, ...]:
        found: list[Joined] = []
        read = self._reader
        while kind := read.word("join", "inner", "left"):
            outer = kind == "left"
            if outer:
                read.word("outer")
            if kind != "join":
                read.expect("join")
            source = self._from()
            read.expect("on")
            found.append(Joined(source, outer, *self._on()))
            if len(found) > MAX_JOINS:
                raise unsupported(f"More than {MAX_JOINS} joins are")
        if read.next.text == "," and read.next.kind is Kind.SIGN:
            raise unsupported("A join by a comma is")
        return tuple(found)

    def _on(self) -> tuple[Name, Name]:
        read = self._reader
        opened = bool(read.sign("("))
        left = read.name()
        read.expect("=")
        right = read.name()
        if opened:
            read.expect(")")
        if read.word("and", "or"):
            raise unsupported("ON with more than one comparison is")
        return left, right

    def _sorted(self) -> Sorted:
        if self._reader.next.kind is Kind.NUMBER:
            raise unsupported("ORDER BY a position is")
        name = self._reader.name()
        if self._reader.next.text == "(":
            raise unsupported("ORDER BY an expression is; give it an alias")
        return Sorted(name, self._reader.word("asc", "desc") == "desc")

    # Predicates

    def _either(self) -> Predicate:
        parts = [self._both()]
        while self._reader.word("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Predicate:
        parts = [self._negated()]
        while self._reader.word("and"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _negated(self) -> Predicate:
        odd = False
        while self._reader.word("not"):
            odd = not odd
        found = self._nested() if self._reader.sign("(") else self._test()
        return Negated(found) if odd else found

    def _nested(self) -> Predicate:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise unsupported(f"Nesting deeper than {MAX_DEPTH} is")
        found = self._either()
        self._reader.expect(")")
        self._depth -= 1
        return found

    def _test(self) -> Predicate:
        read = self._reader
        left = self._term()
        if (at := read.next.at) and (operator := read.sign(*_COMPARISONS)):
            return Comparison(operator, left, self._term(), at)
        if isinstance(left, Constant):
            raise read.refused("a comparison is expected")
        if read.word("is"):
            odd = bool(read.word("not"))
            read.expect("null")
            return Negated(IsNull(left)) if odd else IsNull(left)
        odd = bool(read.word("not"))
        found = self._special(left)
        return Negated(found) if odd else found

    def _special(self, left: Name) -> Predicate:
        read, at = self._reader, self._reader.next.at
        if read.word("like"):
            return Comparison("like", left, self._constant(), at)
        if read.word("between"):
            low = self._constant()
            read.expect("and")
            return Between(left, low, self._constant())
        if read.word("in"):
            read.expect("(")
            values = self._list(self._constant)
            read.expect(")")
            return OneOf(left, values)
        raise read.refused("a comparison is expected")

    def _term(self) -> Term:
        read = self._reader
        if read.next.kind in {Kind.NUMBER, Kind.TEXT} or read.next.text in {"-", "+", "null"}:
            return self._constant()
        name = read.name()
        if read.next.text == "(":
            raise unsupported(f"The function '{name.column[:50].upper()}' in WHERE is")
        return name

    def _constant(self) -> Constant:
        read, at = self._reader, self._reader.next.at
        if read.word("null"):
            return Constant(None, False, at)
        sign = read.sign("-", "+")
        if read.next.kind is Kind.NUMBER:
            return Constant(sign.replace("+", "") + read.take().text, False, at)
        if read.next.kind is Kind.TEXT and not sign:
            return Constant(read.take().text, True, at)
        raise read.refused("a constant is expected")
