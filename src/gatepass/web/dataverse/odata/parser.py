"""OData expressions: text to syntax tree. What it means, and whether the columns exist, is told by the resolver.

Binary operators are read by precedence without recursion, so a chain of thousands of `or` is no danger; whoever walks the
tree follows the left side of `and` and `or` in a loop. What does nest is counted and refused beyond MAX_DEPTH.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.odata import literals
from gatepass.web.dataverse.odata.lexer import Sort, Token, tokens
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
    syntax_error,
)

MAX_DEPTH = 100
"""Levels of parentheses, calls and negations in a text, and of nodes in a tree."""
PRECEDENCE: Mapping[str, int] = MappingProxyType(
    {"or": 1, "and": 2, "eq": 3, "ne": 3, "gt": 4, "ge": 4, "lt": 4, "le": 4}
    | {"add": 5, "sub": 5, "mul": 6, "div": 6, "mod": 6, "in": 7}
)
"""OData 4.01, URL conventions, 5.1.1.17: what binds closer has the higher number; all group to the left."""
NO_ALIASES: Mapping[str, str] = MappingProxyType({})

_Built = tuple[Expression, int]
"""An expression and how deep it is."""


def parse(text: str, aliases: Mapping[str, str] = NO_ALIASES) -> Expression:
    """One expression, such as a $filter. `aliases`: what `@p1` stands for. Raises Refused (QuerySyntax)."""
    reader = Reader(text, aliases)
    found = reader.expression()
    reader.expect_end()
    return found


def parse_value(text: str, aliases: Mapping[str, str] = NO_ALIASES) -> Scalar | tuple[Scalar, ...]:
    """A literal, an array of them, or an alias for one of both. Raises Refused (QuerySyntax)."""
    reader = Reader(text, aliases)
    found = reader.value()
    reader.expect_end()
    return found


class Reader:
    """A place in a text. The parsers of $orderby and $apply read on from it."""

    def __init__(self, text: str, aliases: Mapping[str, str] = NO_ALIASES) -> None:
        self.text = text
        self.aliases = aliases
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0

    # The story: an expression, its operands, and what an operand may be

    def expression(self) -> Expression:
        """Operands with operators between them."""
        return self._expression()[0]

    def _expression(self) -> _Built:
        operands, operators = [self._operand()], list[Token]()
        while precedence := self._precedence():
            while operators and PRECEDENCE[operators[-1].text] >= precedence:
                self._reduce(operands, operators.pop())
            operators.append(self.take())
            operands.append(self._operand())
        while operators:
            self._reduce(operands, operators.pop())
        return operands[0]

    def _reduce(self, operands: list[_Built], operator: Token) -> None:
        right, right_depth = operands.pop()
        left, left_depth = operands.pop()
        # The left side of `and` and `or` is walked in a loop, so it adds nothing.
        chained = operator.text in {"and", "or"}
        depth = max(left_depth if chained else left_depth + 1, right_depth + 1)
        operands.append(self._kept(Binary(operator.text, left, right, operator.at), depth))

    def _operand(self) -> _Built:
        found, depth = self._primary()
        while self.at_word("in"):
            at = self.take().at
            found, depth = self._kept(Binary("in", found, self.array("(", ")"), at), depth + 1)
        return found, depth

    def _primary(self) -> _Built:
        token = self.peek()
        if token.sort is Sort.MARK and token.text == "(":
            return self._nested(self._group)
        if token.sort is Sort.NAME and token.text == "not":
            return self._nested(self._negation)
        if token.sort is Sort.NAME and token.text.startswith("@"):
            return self._alias(), 0
        if literals.is_literal(token) and token.sort is not Sort.JSON_TEXT:
            return Constant(literals.value_of(self.take(), self.text), token.at), 0
        if token.sort is Sort.NAME:
            return self._named()
        raise syntax_error(self.text, token.at)

    def _group(self) -> _Built:
        self.expect("(")
        found = self._expression()
        self.expect(")")
        return found

    def _negation(self) -> _Built:
        at = self.take().at
        found, depth = self._operand()
        return Negation(found, at), depth + 1

    def _alias(self) -> Expression:
        at = self.peek().at
        found = self.value()
        if isinstance(found, tuple):
            raise syntax_error(self.text, at)
        return Constant(found, at)

    def _named(self) -> _Built:
        name, following = self.take(), self.peek()
        if following.sort is Sort.TEXT and following.at == name.end:
            return EnumLiteral(name.text, literals.quoted(self.take().text), name.at), 0
        if self.at("("):
            return self._nested(partial(self._call, name))
        return self._path(name)

    def _path(self, first: Token) -> _Built:
        segments = [first.text]
        while self.at("/"):
            self.take()
            segment = self.expect_name()
            if self.at("("):
                return self._nested(partial(self._lambda, Path(tuple(segments), first.at), segment))
            segments.append(segment.text)
        return Path(tuple(segments), first.at), 0

    def _lambda(self, path: Path, kind: Token) -> _Built:
        if kind.text not in {"any", "all"}:
            raise syntax_error(self.text, kind.at)
        self.expect("(")
        if kind.text == "any" and self.at(")"):
            self.take()
            return Lambda(path, "any", "", None, path.at), 1
        variable = self.expect_name().text
        self.expect(":")
        body, depth = self._expression()
        self.expect(")")
        return Lambda(path, kind.text, variable, body, path.at), depth + 1

    def _call(self, name: Token) -> _Built:
        positional, named, deepest = (
            list[Expression | tuple[Scalar, ...]](),
            list[tuple[str, Scalar | tuple[Scalar, ...]]](),
            0,
        )
        self.expect("(")
        while not self.at(")"):
            if positional or named:
                self.expect(",")
            if self._is_named_argument():
                argument = self.take().text
                self.expect("=")
                named.append((argument, self.value()))
            elif (listed := self._array_argument()) is not None:
                positional.append(listed)
            else:
                built, depth = self._expression()
                positional.append(built)
                deepest = max(deepest, depth)
        self.expect(")")
        return Call(name.text, tuple(positional), tuple(named), name.at), deepest + 1

    def _array_argument(self) -> tuple[Scalar, ...] | None:
        if self.at("["):
            return self.array("[", "]")
        token = self.peek()
        if token.text.startswith("@") and self._aliased(token).lstrip().startswith("["):
            found = self.value()
            return found if isinstance(found, tuple) else None
        return None

    # Values

    def value(self) -> Scalar | tuple[Scalar, ...]:
        """A literal, an array, or an alias for one."""
        token = self.peek()
        if token.sort is Sort.NAME and token.text.startswith("@"):
            # An alias cannot stand for another: no circles.
            return parse_value(self._aliased(self.take()))
        return self.array("[", "]") if self.at("[") else literals.value_of(self.take(), self.text)

    def array(self, opening: str, closing: str) -> tuple[Scalar, ...]:
        """Literals between brackets, with commas."""
        self.expect(opening)
        found = list[Scalar]()
        while not self.at(closing):
            if found:
                self.expect(",")
            found.append(literals.value_of(self.take(), self.text))
        self.expect(closing)
        return tuple(found)

    def _aliased(self, token: Token) -> str:
        if token.text not in self.aliases:
            raise Refused("QuerySyntax", f"The parameter alias '{token.text[:100]}' has no value in the query options.")
        return self.aliases[token.text]

    # Tokens

    def peek(self, ahead: int = 0) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        token = self.peek()
        self._next += 1
        return token

    def at(self, *marks: str) -> bool:
        """True when the next token is one of these marks."""
        token = self.peek()
        return token.sort is Sort.MARK and token.text in marks

    def at_word(self, *words: str) -> bool:
        """True when the next token is one of these words."""
        token = self.peek()
        return token.sort is Sort.NAME and token.text in words

    def expect(self, mark: str) -> None:
        if not self.at(mark):
            raise syntax_error(self.text, self.peek().at)
        self.take()

    def expect_word(self, word: str) -> None:
        if not self.at_word(word):
            raise syntax_error(self.text, self.peek().at)
        self.take()

    def expect_name(self) -> Token:
        token = self.take()
        if token.sort is not Sort.NAME:
            raise syntax_error(self.text, token.at)
        return token

    def expect_end(self) -> None:
        if self.peek().sort is not Sort.END:
            raise syntax_error(self.text, self.peek().at)

    def _precedence(self) -> int:
        token = self.peek()
        return PRECEDENCE.get(token.text, 0) if token.sort is Sort.NAME else 0

    def _is_named_argument(self) -> bool:
        following = self.peek(1)
        return self.peek().sort is Sort.NAME and following.sort is Sort.MARK and following.text == "="

    # Depth

    def _nested(self, read: Callable[[], _Built]) -> _Built:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _too_deep()
        found = read()
        self._depth -= 1
        return self._kept(*found)

    def _kept(self, found: Expression, depth: int) -> _Built:
        if depth > MAX_DEPTH:
            raise _too_deep()
        return found, depth


def _too_deep() -> Refused:
    return Refused("QuerySyntax", f"The expression is nested deeper than {MAX_DEPTH} levels.")
