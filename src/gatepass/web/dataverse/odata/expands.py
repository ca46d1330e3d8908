"""$expand: which related rows stand inside each row, and what may be asked of them (dataverse-web-api.md section 6)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gatepass.domain.errors import Refused
from gatepass.model.query import ToOne
from gatepass.model.table import Table
from gatepass.web.dataverse.odata.lexer import check_text
from gatepass.web.dataverse.odata.parser import MAX_DEPTH
from gatepass.web.dataverse.odata.scope import navigation_of
from gatepass.web.dataverse.odata.tree import syntax_error

MAX_EXPANDS = 15
"""In one query, nested ones included (dataverse-web-api.md section 6)."""
EVERYWHERE, COLLECTIONS = frozenset({"$select", "$filter", "$expand"}), frozenset({"$orderby", "$top"})
NESTED_ONLY = (
    "Only $select and $filter clause can be provided while doing $expand on many-to-one relationship or nested "
    "one-to-many relationship."
)
_LANDMARK = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|['"()\[\]{},;/]""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expanded:
    """One navigation property as it was written, with the options between its parentheses."""

    name: str
    options: Mapping[str, str]
    at: int = 0


def parse_expand(text: str) -> list[Expanded]:
    """`a,b($select=c;$expand=d)`. Raises Refused (QuerySyntax)."""
    check_text(text)
    return [_expanded(text, part, at) for part, at in split(text, ",")]


def check_options(table: Table, expanded: Expanded, *, nested: bool) -> None:
    """Raises Refused (QueryUnsupported) for options that cannot stand where they do."""
    collection = not isinstance(navigation_of(table, expanded.name), ToOne)
    allowed = EVERYWHERE | COLLECTIONS if collection and not nested else EVERYWHERE
    for name in expanded.options:
        if name in {"$levels", "$skip", "$search", "$count", "$apply"}:
            raise Refused("QueryUnsupported", f"The query parameter {name} is not supported")
        if name.startswith("$") and name not in allowed:
            raise Refused("QueryUnsupported", NESTED_ONLY)


def split(text: str, mark: str) -> list[tuple[str, int]]:
    """Pieces between marks that stand outside quotes and parentheses, each with its position. Raises Refused (QuerySyntax)."""
    pieces, depth, begin = list[tuple[str, int]](), 0, 0
    for match in _LANDMARK.finditer(text):
        landmark, at = match[0], match.start()
        depth += (landmark in "([{") - (landmark in ")]}")
        if landmark in "'\"" or not 0 <= depth <= MAX_DEPTH:
            raise syntax_error(text, at)
        if landmark == mark and not depth:
            pieces.append((text[begin:at], begin))
            begin = at + 1
    if depth:
        raise syntax_error(text, len(text))
    return [*pieces, (text[begin:], begin)]


def _expanded(text: str, part: str, at: int) -> Expanded:
    name, bracket, rest = part.partition("(")
    if bracket and not rest.rstrip().endswith(")"):
        raise syntax_error(text, at + len(part))
    name = name.strip()
    if not name:
        raise syntax_error(text, at)
    if name == "*" or "/" in name:
        raise Refused("QueryUnsupported", f"$expand={name[:100]} is not supported. Name a navigation property.")
    return Expanded(name, _options(rest.rstrip()[:-1]) if bracket else {}, at)


def _options(text: str) -> dict[str, str]:
    found = dict[str, str]()
    for part, at in split(text, ";"):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not part.strip():
            continue
        if not equals or not name or name in found:
            raise syntax_error(text, at)
        found[name] = value
    return found
