"""A SELECT in tokens. Keywords and names are without case; [brackets] and "quotes" make a name of anything."""

import re
from dataclasses import dataclass
from enum import Enum

from gatepass.web.dataverse.literals import clean
from gatepass.web.dataverse.sql.tree import syntax_error

MAX_CHARACTERS = 32 * 1024


class Kind(Enum):
    WORD = "word"
    """A keyword or a name; `text` in lower case."""
    NAME = "name"
    """A name in brackets or double quotes: never a keyword."""
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    at: int


_TOKEN = re.compile(
    r"""(?P<skip>\s+ | --[^\n]*)
      | (?P<comment>/\*)
      | (?P<text>[nN]?'(?:[^']|'')*')
      | (?P<bracket>\[(?:[^\]]|\]\])+\])
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?![A-Za-z0-9_.]))
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><>|!=|<=|>=|[=<>(),.*;+-])""",
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """All tokens and an END. Raises Refused (QuerySyntax) for what is none."""
    if len(text) > MAX_CHARACTERS:
        raise syntax_error(text, MAX_CHARACTERS, f"more than {MAX_CHARACTERS} characters")
    clean(text)
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise syntax_error(text, at, f"unexpected '{text[at]}'")
        if match.lastgroup == "comment":
            at = _after_comment(text, at)
            continue
        if match.lastgroup != "skip":
            found.append(_token(match.lastgroup, match[0], at))
        at = match.end()
    return [*found, Token(Kind.END, "the end", len(text))]


def _after_comment(text: str, at: int) -> int:
    end = text.find("*/", at + 2)
    if end < 0:
        raise syntax_error(text, at, "a comment without an end")
    return end + 2


def _token(group: str, text: str, at: int) -> Token:
    match group:
        case "text":
            return Token(Kind.TEXT, text[text.index("'") + 1 : -1].replace("''", "'"), at)
        case "bracket":
            return Token(Kind.NAME, text[1:-1].replace("]]", "]").lower(), at)
        case "quoted":
            return Token(Kind.NAME, text[1:-1].replace('""', '"').lower(), at)
        case "number":
            return Token(Kind.NUMBER, text, at)
        case "word":
            return Token(Kind.WORD, text.lower(), at)
        case _:
            return Token(Kind.SIGN, "<>" if text == "!=" else text, at)
