"""The path of an address, as segments: `msevtmgt_events(5b0c...)/msevtmgt_eventpurchases/$ref`.

A path is decoded once and then cut at slashes outside quotes and parentheses, so a key may hold both, encoded or not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from gatepass.domain.errors import NotFound, Refused
from gatepass.web.dataverse.odata import expands, lexer, parser
from gatepass.web.dataverse.odata.tree import Scalar

MAX_ADDRESS_BYTES = 32 * 1024
MAX_ADDRESS_IN_BATCH_BYTES = 64 * 1024
MAX_SEGMENTS = 10

_ROOT = re.compile(r"/api/data/v9\.\d{1,3}/", re.ASCII)


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. `name`: a set, a property, a function, $count, $ref, $metadata, $1. `inside`: a key or arguments, raw."""

    name: str
    inside: str | None = None
    """What stands between the parentheses; None when there are none."""

    @property
    def bare(self) -> str:
        """The name without Microsoft.Dynamics.CRM."""
        return self.name.removeprefix("Microsoft.Dynamics.CRM.")


def segments(path: str) -> tuple[Segment, ...]:
    """A path behind the service root, still percent-encoded. Raises NotFound (SegmentUnknown), Refused (AddressTooLong)."""
    check_length(path, MAX_ADDRESS_IN_BATCH_BYTES)
    try:
        text = unquote(path, errors="strict").strip("/")
        lexer.check_text(text)
        pieces = [piece.strip() for piece, _ in expands.split(text, "/")]
    except (UnicodeDecodeError, Refused):
        raise unknown_segment(path) from None
    if len(pieces) > MAX_SEGMENTS or "" in pieces[1:]:
        raise unknown_segment(text)
    return tuple(_segment(piece) for piece in pieces if piece)


def arguments(segment: Segment, options: Mapping[str, str]) -> dict[str, str]:
    """The arguments of a function, `Name(p=@p1,q='x')`, as written, aliases replaced. Raises Refused (QuerySyntax)."""
    found = dict[str, str]()
    for piece, at in expands.split(segment.inside or "", ","):
        name, equals, value = piece.partition("=")
        if not piece.strip() and not segment.inside:
            continue
        if not equals or not name.strip():
            raise Refused("QuerySyntax", f"Syntax error at position {at} in '{(segment.inside or '')[:200]}'.")
        found[name.strip()] = _aliased(value.strip(), options)
    return found


def argument(text: str) -> Scalar | tuple[Scalar, ...]:
    """The value of an argument: a literal or an array. (JSON objects are decoded by who knows their shape.)"""
    return parser.parse_value(text)


def relative(url: str) -> str:
    """What follows the service root in any way to write it: absolute, from the origin, or relative already. Raises NotFound."""
    absolute = url.startswith(("http://", "https://"))
    if not absolute and not url.startswith("/api/"):
        return url.lstrip("/")
    # Raw spaces are allowed inside a $batch; urlsplit leaves them alone, but drops tabs and line ends.
    try:
        parts = urlsplit(url)
    except ValueError:
        raise unknown_segment(url) from None
    match = _ROOT.match(parts.path)
    if match is None:
        raise unknown_segment(url)
    return parts.path[match.end() :] + (f"?{parts.query}" if parts.query else "")


def check_length(address: str, limit: int = MAX_ADDRESS_BYTES) -> None:
    """Raises Refused (AddressTooLong)."""
    if len(address) > limit:
        raise Refused("AddressTooLong", f"The address has {len(address)} characters; {limit} are the limit.")


def unknown_segment(text: str) -> NotFound:
    """As Dataverse words it (dataverse-web-api.md section 7)."""
    return NotFound("SegmentUnknown", f"Resource not found for the segment '{text[:100]}'.")


def _segment(piece: str) -> Segment:
    name, bracket, rest = piece.partition("(")
    if not bracket:
        return Segment(piece)
    if not rest.endswith(")") or not name.strip():
        raise unknown_segment(piece)
    return Segment(name.strip(), rest[:-1])


def _aliased(value: str, options: Mapping[str, str]) -> str:
    if not value.startswith("@"):
        return value
    if value not in options:
        raise Refused("QuerySyntax", f"The parameter alias '{value[:100]}' has no value in the query options.")
    return options[value]
