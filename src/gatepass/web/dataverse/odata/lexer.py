"""Cuts OData text into tokens, each with its position. One regular expression, one pass: time grows with the length only."""

import re
from dataclasses import dataclass
from enum import Enum

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.odata.tree import syntax_error

MAX_TEXT_BYTES = 64 * 1024
"""What is longer is not read at all. The door is stricter: 32 KB outside of a $batch."""


class Sort(Enum):
    """What a token is."""

    GUID = "guid"
    MOMENT = "moment"
    NUMBER = "number"
    TEXT = "text"
    """In single quotes; doubled ones stand for one."""
    JSON_TEXT = "json_text"
    """In double quotes, inside arrays."""
    NAME = "name"
    """An identifier with dots: a column, an operator, $it, @p1, Microsoft.Dynamics.CRM.In."""
    MARK = "mark"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text as it was written, quotes included."""

    sort: Sort
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


_HEX = "[0-9a-fA-F]"
_GUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_TOKEN = re.compile(
    rf"""(?P<guid>(?:{_GUID}|\{{{_GUID}\}})(?![\w-]))
    |(?P<moment>\d{{4}}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{{1,12}})?)?(?:Z|[+-]\d\d:\d\d)?)?(?![\w-]))
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<text>'(?:[^']|'')*')
    |(?P<json_text>"(?:[^"\\]|\\.)*")
    |(?P<name>[@$]?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<mark>[()\[\],:;=/*])""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_SPACE = re.compile(r"[ \t\r\n]*")
# No database keeps these: U+0000, and halves of a surrogate pair.
_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def tokens(text: str) -> list[Token]:
    """All tokens with an END behind them. Raises Refused (QuerySyntax, AddressTooLong)."""
    check_text(text)
    found, at = list[Token](), _after_space(text, 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise syntax_error(text, at)
        found.append(Token(Sort(match.lastgroup), match[0], at))
        at = _after_space(text, match.end())
    return [*found, Token(Sort.END, "", len(text))]


def check_text(text: str) -> None:
    """Refuses what is too long, or what no database can keep, before anything reads it."""
    if len(text) > MAX_TEXT_BYTES:
        raise Refused("AddressTooLong", f"A query option may have at most {MAX_TEXT_BYTES} characters.")
    if bad := _UNKEEPABLE.search(text):
        raise Refused("QuerySyntax", f"The character at position {bad.start()} cannot stand in a query.")


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
