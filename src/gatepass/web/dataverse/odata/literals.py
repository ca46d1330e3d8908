"""What a literal says, by its own form: `'it''s'`, 12, 12.50, 2026-05-01T10:00:00Z, a guid bare or in braces, true, null."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import msgspec

from gatepass.domain.errors import Refused
from gatepass.web.dataverse.odata.lexer import Sort, Token, check_text
from gatepass.web.dataverse.odata.tree import Scalar, syntax_error

WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
MAX_WHOLE = 2**63 - 1
"""Whole numbers have 64 bits, as Edm.Int64."""
MAX_DIGITS = 28
"""Of a decimal number, as Edm.Decimal; before the point at most MAX_WHOLE's."""

_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)  # fmt: skip


def is_literal(token: Token) -> bool:
    """True for what `value_of` reads."""
    return token.sort in _READERS or (token.sort is Sort.NAME and token.text in WORDS)


def value_of(token: Token, text: str) -> Scalar:
    """The value of a token; `text` is what it stands in, for the error. Raises Refused (QuerySyntax)."""
    if token.sort is Sort.NAME and token.text in WORDS:
        return WORDS[token.text]
    try:
        return _READERS[token.sort](token.text)
    except (KeyError, ValueError, OverflowError):
        raise syntax_error(text, token.at) from None


def number(text: str) -> int | Decimal:
    """Raises Refused when it has more than 64 bits or 28 digits: no column holds such."""
    found = Decimal(text) if len(text) < 64 else Decimal("Infinity")
    _, digits, exponent = found.as_tuple()
    if not isinstance(exponent, int) or len(digits) > MAX_DIGITS or -exponent > MAX_DIGITS or found.adjusted() > 18:
        raise _too_large(text)
    if exponent == 0 and "." not in text and "e" not in text.lower():
        if abs(int(found)) > MAX_WHOLE:
            raise _too_large(text)
        return int(found)
    return found


def moment(text: str) -> date | datetime:
    """A date, a moment in UTC, or (no zone given) a time on the wall. Raises ValueError, OverflowError."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return date.fromisoformat(text)
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    second, fraction, zone = match[6] or "0", (match[7] or "").ljust(6, "0")[:6], match[8]
    local = datetime(year, month, day, hour, minute, int(second), int(fraction))
    return local if zone is None else local.replace(tzinfo=_zone(zone)).astimezone(UTC)


def guid(text: str) -> UUID:
    """With hyphens, bare or in braces. Raises ValueError."""
    bare = text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text
    if len(bare) != 36:
        raise ValueError(text)
    return UUID(bare)


def quoted(text: str) -> str:
    """'it''s' is it's."""
    return text[1:-1].replace("''", "'")


def _json_quoted(text: str) -> str:
    try:
        found = msgspec.json.decode(text, type=str)
    except msgspec.DecodeError as error:
        raise ValueError(text) from error
    check_text(found)
    return found


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    away = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-away if text[0] == "-" else away)


def _too_large(text: str) -> Refused:
    return Refused("QuerySyntax", f"The number {text[:50]} is larger or finer than any column.")


_READERS = {
    Sort.GUID: guid,
    Sort.MOMENT: moment,
    Sort.NUMBER: number,
    Sort.TEXT: quoted,
    Sort.JSON_TEXT: _json_quoted,
}
