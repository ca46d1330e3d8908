"""Where the next page begins: $skiptoken <-> Query.after. Opaque to callers; a damaged one is refused.

A token holds the values of the last row's order columns and its id, so rows that come before it shift nothing; what is
left of $top; and a check sum over them and the order of the query. It is not signed: whoever forges one sees no more
than $filter shows.
"""

import binascii
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from zlib import crc32

import msgspec

from gatepass.domain.errors import Refused
from gatepass.model.query import PAGE_LIMIT, At, Query, Value
from gatepass.web.dataverse.odata import literals, typed
from gatepass.web.dataverse.odata.typed import Type

MAX_TOKEN_CHARACTERS = 16 * 1024
MAX_PAGE = 2**31 - 1
_Wire = str | int | bool | None


class _Token(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    page: int
    rest: int | None
    """What is left of $top."""
    after: tuple[_Wire, ...]
    check: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """A page that is asked for: the query from there on, and the page's number, 2 and more."""

    query: Query
    page: int


def skiptoken(query: Query, after: Sequence[Value], page_number: int) -> str:
    """The token of the page `page_number` that begins behind `after`, the end of the page that `query` gave. URL-safe."""
    given = min(query.page_size or PAGE_LIMIT, PAGE_LIMIT)
    rest = None if query.top is None else max(query.top - given, 0)
    values = tuple(_written(value) for value in after)
    token = _Token(page_number, rest, values, _check(query, page_number, rest, values))
    return urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def resumed(query: Query, text: str) -> Resumed:
    """The query of a token's page. Raises Refused (QuerySyntax) for a token that is damaged, or of another query."""
    token = _decoded(text)
    if token.check != _check(query, token.page, token.rest, token.after) or not 1 < token.page <= MAX_PAGE:
        raise _damaged()
    after = tuple(_read(value) for value in token.after)
    if not _belongs(query, after):
        raise _damaged()
    return Resumed(replace(query, top=token.rest, after=after), token.page)


def number(text: str) -> int:
    """The number of the page that this token, which was taken already, has led to."""
    return _decoded(text).page


def _decoded(text: str) -> _Token:
    bare = text.strip()
    if not bare or len(bare) > MAX_TOKEN_CHARACTERS:
        raise _damaged()
    try:
        raw = b64decode(bare + "=" * (-len(bare) % 4), altchars="-_", validate=True)
        return msgspec.json.decode(raw, type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _damaged() from None


def _check(query: Query, page: int, rest: int | None, after: tuple[_Wire, ...]) -> int:
    order = [(one.by.alias, one.by.column.name, one.descending) for one in query.order if isinstance(one.by, At)]
    return crc32(msgspec.json.encode((query.table.logical, order, page, rest, after)))


def _belongs(query: Query, after: tuple[Value, ...]) -> bool:
    """True when each value fits a column of the order (those that are the same in every row have none), the last one an id."""
    types = iter([typed.type_of(one.by.column) for one in query.order if isinstance(one.by, At)])
    *values, last = after or (None,)
    return isinstance(last, UUID) and all(any(_fits(value, kind) for kind in types) for value in values)


def _fits(value: Value, kind: Type) -> bool:
    if value is None or (kind is Type.BOOLEAN and isinstance(value, int)):
        return True
    own = typed.literal_type(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        own = Type.LOCAL
    return own is kind or {own, kind} == {Type.INTEGER, Type.DECIMAL}


def _damaged() -> Refused:
    return Refused(
        "QuerySyntax", "The $skiptoken is damaged, or belongs to another query. Begin again at the first page."
    )


# One value, as JSON has it: what JSON has no word for is a text with a letter before it


def _written(value: Value) -> _Wire:
    match value:
        case None | bool() | int():
            return value
        case UUID():
            return f"g{value}"
        case Decimal():
            return f"d{value}"
        case datetime():
            return f"t{value.isoformat()}"
        case date():
            return f"a{value.isoformat()}"
        case str():
            return f"s{value}"


def _read(value: _Wire) -> Value:
    if not isinstance(value, str):
        if isinstance(value, int) and abs(value) > literals.MAX_WHOLE:
            raise _damaged()
        return value
    try:
        return _READERS[value[:1]](value[1:])
    except (KeyError, ValueError, OverflowError):
        raise _damaged() from None


def _decimal(text: str) -> Decimal:
    return Decimal(literals.number(text))


_READERS = {
    "g": literals.guid,
    "d": _decimal,
    "t": datetime.fromisoformat,
    "a": date.fromisoformat,
    "s": str,
}
