"""What a caller gives for a column: checked by its declaration, and turned into what the store keeps."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import GatepassError
from gatepass.domain.money import Money
from gatepass.domain.text import is_one_line
from gatepass.model.columns import Column, Kind, Option
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services.records import refusals
from gatepass.store import WriteTx, rows
from gatepass.store.values import to_stored, word

LEAST_INTEGER, MOST_INTEGER = -(2**31), 2**31 - 1
MOST_MONEY = 922_337_203_685_477
"""Dataverse's own limit of an amount."""
MOST_DECIMAL = 100_000_000_000
"""The same of a decimal number; what is stored must also fit in 64 bits."""
_STORED_LIMIT = 2**63 - 1
EARLIEST, LATEST = datetime(1753, 1, 1), datetime(9999, 12, 30)
"""Dataverse's own limits of a time (learn.microsoft.com, DateTimeAttributeMetadata.MinSupportedValue)."""

Check = Callable[[WriteTx, Table, Column, Any], Any]


def stored(tx: WriteTx, table: Table, column: Column, value: Value) -> Any:
    """The stored value of any column but money (see `minor`). Raises Refused, and NotFound for a lookup to nowhere."""
    if value is None:
        return None
    check = _CHECKS.get(column.kind)
    if check is None:
        raise refusals.invalid(table, column, "cannot be set")
    return check(tx, table, column, value)


def minor(table: Table, column: Column, value: Value, currency: str) -> int | None:
    """Minor units of an amount in this currency (ISO code). Exact: nothing is ever rounded. Raises Refused."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise refusals.invalid(table, column, "is no amount")
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) > MOST_MONEY:
        raise refusals.out_of_range(table, column, -MOST_MONEY, MOST_MONEY)
    try:
        return Money.parse(amount, currency).minor
    except GatepassError as refusal:
        raise refusals.broken(f"'{column.logical}': {refusal.message}", column.logical) from None


def option_of(column: Column, word: object) -> Option | None:
    """The option whose number or stored word this is."""
    return next((one for one in column.choice.options if word in (one.value, one.stored)), None)


def default(table: Table, column: Column) -> Any:
    """What a new row gets that does not say; moments are the caller's business."""
    value = column.default
    if value is None or column.kind is Kind.MOMENT:
        return None
    if column.kind is Kind.DECIMAL:
        return int(Decimal(str(value)).scaleb(column.scale))
    option = option_of(column, value) if column.kind in {Kind.CHOICE, Kind.STATE, Kind.STATUS} else None
    return word(column, option.value) if option else value


# By kind


def _text(_tx: WriteTx, table: Table, column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise refusals.invalid(table, column, "is no text")
    if "\0" in value or _broken(value):
        raise refusals.invalid(table, column, "holds a character that no text may hold")
    if column.kind is Kind.TEXT and not is_one_line(value):
        raise refusals.invalid(
            table,
            column,
            "is text of one line: it holds a line break, a mark that turns its direction, or another control character",
        )
    if column.length and len(value) > column.length:
        raise refusals.too_long(table, column)
    return value


def _broken(value: str) -> bool:
    """True for half of a surrogate pair, which no database takes."""
    return not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)


def _words(tx: WriteTx, table: Table, column: Column, value: Any) -> Any:
    return to_stored(column, _text(tx, table, column, value))


def _integer(_tx: WriteTx, table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusals.invalid(table, column, "is no whole number")
    low = LEAST_INTEGER if column.minimum is None else column.minimum
    high = MOST_INTEGER if column.maximum is None else column.maximum
    if not low <= value <= high:
        raise refusals.out_of_range(table, column, low, high)
    return value


def _decimal(_tx: WriteTx, table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise refusals.invalid(table, column, "is no number")
    number = Decimal(value)
    if not number.is_finite() or abs(number) > MOST_DECIMAL:
        raise refusals.out_of_range(table, column, -MOST_DECIMAL, MOST_DECIMAL)
    scaled = number.scaleb(column.scale)
    if abs(scaled) > _STORED_LIMIT or scaled != scaled.to_integral_value():
        most = _STORED_LIMIT // 10**column.scale
        raise refusals.out_of_range(table, column, -most, f"{most}, with at most {column.scale} decimals")
    return int(scaled)


def _boolean(_tx: WriteTx, table: Table, column: Column, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refusals.invalid(table, column, "is neither true nor false")
    return value


def _option(_tx: WriteTx, table: Table, column: Column, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusals.invalid(table, column, "is no number of an option")
    option = next((one for one in column.choice.options if one.value == value), None)
    if option is None:
        raise refusals.no_option(table, column, value)
    return word(column, value)


def _moment(_tx: WriteTx, table: Table, column: Column, value: Any) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC)
    if not isinstance(value, datetime):
        raise refusals.invalid(table, column, "is no moment, such as 2027-06-10T09:00:00Z")
    # First as it was written: at the ends of the calendar there is no such moment in UTC.
    _told_everywhere(table, column, value)
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _local(_tx: WriteTx, table: Table, column: Column, value: Any) -> datetime:
    """The wall clock of the venue: a Z on the wire means nothing here."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise refusals.invalid(table, column, "is no time, such as 2027-06-10T09:00:00")
    return _told_everywhere(table, column, value)


def _told_everywhere(table: Table, column: Column, value: datetime) -> datetime:
    """On the clock that it was written for, in the years that Dataverse takes, and every time zone can tell."""
    plain = value.replace(tzinfo=None)
    if not EARLIEST <= plain <= LATEST:
        raise refusals.out_of_range(table, column, EARLIEST.isoformat(), LATEST.isoformat())
    return plain


def _id(_tx: WriteTx, table: Table, column: Column, value: Any) -> UUID:
    if not isinstance(value, UUID):
        raise refusals.invalid(table, column, "is no id")
    return value


def _lookup(tx: WriteTx, table: Table, column: Column, value: Any) -> Any:
    """What is pointed to is there, and stays. A currency is kept by its ISO code."""
    record_id = _id(tx, table, column, value)
    target = model.BY_LOGICAL[column.targets[0]]
    found = rows.stay(tx, target, record_id)
    if found is None:
        raise refusals.missing(target, record_id)
    return found[column.target_column]


_CHECKS: Mapping[Kind, Check] = MappingProxyType(
    {
        Kind.ID: _id, Kind.TEXT: _text, Kind.MEMO: _text, Kind.LIST: _words, Kind.INTEGER: _integer,
        Kind.BIGINT: _integer, Kind.DECIMAL: _decimal, Kind.BOOLEAN: _boolean, Kind.CHOICE: _option,
        Kind.STATE: _option, Kind.STATUS: _option, Kind.MOMENT: _moment, Kind.LOCAL: _local, Kind.LOOKUP: _lookup,
    }
)  # fmt: skip
