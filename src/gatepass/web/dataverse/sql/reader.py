"""Walks over tokens: what comes next, what has to come, and what is refused by its name."""

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.sql.lexer import Kind, Token, tokens
from gatepass.web.dataverse.sql.tree import Name, syntax_error, unsupported

KEYWORDS = frozenset(
    {
        "select", "distinct", "from", "where", "group", "order", "by", "as", "and", "or", "not", "in", "like", "between",
        "is", "null", "on", "join", "inner", "left", "outer", "asc", "desc", "having", "union", "except", "intersect",
        "with", "top", "offset", "fetch", "limit", "right", "full", "cross", "case", "exists", "all", "any", "some",
        "over", "apply", "pivot", "unpivot", "into", "for", "option", "natural", "using",
    }
)  # fmt: skip
_REFUSED = {
    "having": "HAVING is", "union": "UNION is", "except": "EXCEPT is", "intersect": "INTERSECT is",
    "with": "WITH (a common table expression or a hint) is", "offset": "OFFSET is", "fetch": "FETCH is",
    "limit": "LIMIT is", "right": "RIGHT JOIN is", "full": "FULL JOIN is", "cross": "CROSS JOIN is", "case": "CASE is",
    "natural": "NATURAL JOIN is", "using": "USING is", "exists": "EXISTS and other subqueries are", "all": "ALL is",
    "any": "ANY is", "some": "SOME is", "over": "OVER (a window) is", "into": "SELECT INTO is", "for": "FOR is",
    "option": "OPTION is", "pivot": "PIVOT is", "unpivot": "UNPIVOT is", "apply": "APPLY is",
    "select": "A subquery is",
    **dict.fromkeys(
        ("insert", "update", "delete", "merge", "drop", "alter", "create", "truncate", "exec", "execute", "grant",
         "revoke", "bulk"), "Changing data is",
    ),
}  # fmt: skip


class Reader:
    """The tokens of one text, and where the reading is."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0

    @property
    def next(self) -> Token:
        """The token that comes."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """Go on."""
        token = self.next
        self._at += token.kind is not Kind.END
        return token

    def word(self, *words: str) -> str:
        """Takes a keyword when it is one of these; else ''."""
        if self.next.kind is Kind.WORD and self.next.text in words:
            return self.take().text
        return ""

    def sign(self, *signs: str) -> str:
        """The same for a sign."""
        if self.next.kind is Kind.SIGN and self.next.text in signs:
            return self.take().text
        return ""

    def expect(self, what: str) -> None:
        """A keyword or sign that has to be there."""
        if not (self.word(what) or self.sign(what)):
            raise self.refused(f"'{what.upper()}' is expected")

    def identifier(self) -> str:
        """A name: quoted, or a word that is no keyword."""
        if self.next.kind is Kind.NAME or (self.next.kind is Kind.WORD and self.next.text not in KEYWORDS):
            return self.take().text
        raise self.refused("a name is expected")

    def is_identifier(self) -> bool:
        """Does a name come?"""
        return self.next.kind is Kind.NAME or (
            self.next.kind is Kind.WORD and self.next.text not in KEYWORDS and self.next.text not in _REFUSED
        )

    def name(self) -> Name:
        """`column` or `table.column`."""
        at, first = self.next.at, self.identifier()
        if not self.sign("."):
            return Name("", first, at)
        if self.next.text == "*" and self.next.kind is Kind.SIGN:
            raise unsupported(f"'{first}.*' is")
        return Name(first, self.identifier(), at)

    def refused(self, why: str) -> Refused:
        """The refusal of what comes: by its name where it is a part of SQL that is left out."""
        token = self.next
        if token.kind is Kind.WORD and token.text in _REFUSED:
            return unsupported(_REFUSED[token.text])
        if token.kind is Kind.SIGN and token.text == ";":
            return unsupported("A semicolon (several statements) is")
        return syntax_error(self._text, token.at, f"{why}, not '{token.text[:50]}',")
