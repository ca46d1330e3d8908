"""What people read in place of a value: the text of FormattedValue annotations.

Money has its currency's symbol and decimals, choices their labels, lookups the primary name of what they point to; dates
are in UTC, as the user's zone is. A value that people read as it is has none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from gatepass import model
from gatepass.domain.money import DECIMALS
from gatepass.model import platform
from gatepass.model.columns import Column, Kind
from gatepass.model.query import At, In, Query, Record, Value
from gatepass.model.table import Table
from gatepass.store import ReadTx, query

CHUNK = 5000
"""Ids in one look for names: as many as a page has rows."""
USUAL_DECIMALS = 2
"""Of money whose currency is not known."""
_CHOICES = frozenset({Kind.CHOICE, Kind.STATE, Kind.STATUS, Kind.BOOLEAN})

Cell = tuple[Column, Value, str | None]
"""A value with its column and the currency of its row."""


@dataclass(frozen=True, slots=True)
class Names:
    """Primary names by table and id, and symbols by ISO code: what the rows of one answer need."""

    rows: Mapping[tuple[str, UUID], str] = field(default_factory=dict[tuple[str, UUID], str])
    symbols: Mapping[str, str] = field(default_factory=dict[str, str])


def names_for(tx: ReadTx, cells: Iterable[Cell]) -> Names:
    """One query per table that is pointed to, however many rows and lookups point to it."""
    ids: dict[str, set[UUID]] = defaultdict(set)
    codes: set[str] = set()
    for column, value, currency in cells:
        if column.kind is Kind.LOOKUP and isinstance(value, UUID):
            ids[column.targets[0]].add(value)
        elif column.kind is Kind.MONEY and currency:
            codes.add(currency)
    rows = {(name, at): said for name, wanted in ids.items() for at, said in _primary_names(tx, name, wanted)}
    return Names(rows, _symbols(tx, codes))


def text_of(column: Column, value: Value, currency: str | None, names: Names) -> str | None:
    """None where the value itself is what people read, or there is none."""
    match value:
        case UUID():
            return names.rows.get((column.targets[0], value)) if column.kind is Kind.LOOKUP else None
        case datetime():
            return moment(value)
        case Decimal():
            return money(value, currency, names.symbols) if column.kind is Kind.MONEY else f"{value:,.{column.scale}f}"
        case int() if column.kind is Kind.DECIMAL:
            return f"{value:,.{column.scale}f}"
        case int():
            return column.choice.label(int(value)) if column.kind in _CHOICES else f"{value:,}"
        case _:
            return None


def money(amount: Decimal, currency: str | None, symbols: Mapping[str, str]) -> str:
    """$1,061.70, as the currency's own decimals have it."""
    decimals = DECIMALS.get(currency or "", USUAL_DECIMALS)
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbols.get(currency or '', '')}{abs(amount):,.{decimals}f}"


def moment(value: datetime) -> str:
    """6/10/2027 9:05 AM"""
    half = "AM" if value.hour < 12 else "PM"
    return f"{day(value)} {value.hour % 12 or 12}:{value.minute:02} {half}"


def day(value: date) -> str:
    """6/10/2027"""
    return f"{value.month}/{value.day}/{value.year}"


def _primary_names(tx: ReadTx, table_name: str, ids: set[UUID]) -> Iterable[tuple[UUID, str]]:
    table = model.BY_LOGICAL[table_name]
    for record in _by_values(tx, table, table.primary_key, table.primary_name, sorted(ids)):
        at, said = record.values[table.id_name], record.values[table.primary_name]
        if isinstance(at, UUID) and said is not None:
            yield at, str(said)


def _symbols(tx: ReadTx, codes: set[str]) -> Mapping[str, str]:
    table = platform.CURRENCY
    code = table.by_logical["isocurrencycode"]
    found = _by_values(tx, table, code, "currencysymbol", sorted(codes), code)
    return {str(one.values["isocurrencycode"]): str(one.values["currencysymbol"]) for one in found}


def _by_values(
    tx: ReadTx, table: Table, by: Column, wanted: str, values: Sequence[Value], *more: Column
) -> Iterable[Record]:
    for at in range(0, len(values), CHUNK):
        where = In(At(by), tuple(values[at : at + CHUNK]))
        yield from query.select(tx, Query(table, (table.by_logical[wanted], *more), where=where)).records
