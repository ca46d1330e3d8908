"""A value written as text, as FetchXML and SQL write them, in the type of the column that it is compared with."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Kind
from gatepass.model.query import Value

MAX_INTEGER = 2**63 - 1
"""What both databases hold."""
MAX_AMOUNT = Decimal(10) ** 15

TEXTS = frozenset({Kind.TEXT, Kind.MEMO})
WHOLE = frozenset({Kind.INTEGER, Kind.BIGINT, Kind.CHOICE, Kind.STATE, Kind.STATUS})
EXACT = frozenset({Kind.DECIMAL, Kind.MONEY})
IDS = frozenset({Kind.ID, Kind.LOOKUP})
MOMENTS = frozenset({Kind.MOMENT, Kind.LOCAL})

_GUID = re.compile(r"\{?([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_EXACT = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{0,10})?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})?)?", re.IGNORECASE)
_WORDS = {"true": True, "1": True, "false": False, "0": False}


def value_of(column: Column, text: str) -> Value:
    """Raises Refused (QuerySyntax) for a text that is no value of this column."""
    value = _parsed(column.kind, text)
    if value is None:
        raise Refused(
            "QuerySyntax", f"The value '{text[:100]}' is not of type {column.kind.type_code}, as '{column.logical}' is."
        )
    return value


def family(kind: Kind) -> frozenset[Kind]:
    """The kinds that can be compared with this one."""
    numbers = WHOLE | EXACT
    return next((one for one in (TEXTS, IDS, numbers) if kind in one), frozenset({kind}))


def require_same_family(left: Column, right: Column) -> None:
    """Raises Refused (QuerySyntax) when two columns cannot be compared."""
    if right.kind not in family(left.kind):
        raise Refused(
            "QuerySyntax",
            f"'{left.logical}' ({left.kind.type_code}) cannot be compared with '{right.logical}' ({right.kind.type_code}).",
        )


def _parsed(kind: Kind, text: str) -> Value:
    if kind in TEXTS:
        return clean(text)
    bare = text.strip()
    if kind in IDS:
        return UUID(found[1]) if (found := _GUID.fullmatch(bare)) else None
    if kind in WHOLE:
        return _whole(bare)
    if kind in EXACT:
        return _exact(bare)
    if kind in MOMENTS:
        return _moment(kind, bare)
    return _WORDS.get(bare.lower()) if kind is Kind.BOOLEAN else None


def clean(text: str) -> str:
    """Raises Refused for what no database can hold: the NUL character, and halves of characters."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Refused("QuerySyntax", "The text contains a character that is none in Unicode, or NUL.")
    return text


def _whole(text: str) -> int | None:
    value = int(text) if _WHOLE.fullmatch(text) else None
    return value if value is not None and abs(value) <= MAX_INTEGER else None


def _exact(text: str) -> Decimal | None:
    value = Decimal(text) if _EXACT.fullmatch(text) else None
    return value if value is not None and abs(value) <= MAX_AMOUNT else None


def _moment(kind: Kind, text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
        return _in_kind(kind, found) if found else None
    except (ValueError, OverflowError):
        return None


def _in_kind(kind: Kind, moment: datetime) -> datetime:
    utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return utc if kind is Kind.MOMENT else utc.replace(tzinfo=None)
