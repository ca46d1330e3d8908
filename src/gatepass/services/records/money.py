"""The money of a record is exact in its currency. Without a currency of its own it has that of its event, or of the house."""

from collections.abc import Mapping
from typing import Any

from gatepass import model
from gatepass.model.columns import Column, Kind
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services.records import values
from gatepass.services.records.change import Change
from gatepass.store import ReadTx, rows
from gatepass.store.values import amount

HOUSE_CURRENCY = "USD"
"""Where the organization names none: the default of Dataverse's own trial organizations."""


def settle(change: Change, given: Mapping[str, Value]) -> None:
    """Fill in the currency where money needs one, then turn the amounts that were given into minor units.

    When the currency changes, amounts that were not given stay the same amounts. Raises Refused.
    """
    table, column = change.table, change.table.currency
    if column is None:
        return
    if change.after[column.name] is None and (change.new or _amounts(table, given)):
        change.after[column.name] = _inherited(change)
    currency = change.after[column.name]
    for one in _columns(table):
        if one.logical in given:
            change.after[one.name] = values.minor(table, one, given[one.logical or ""], currency)
        elif not change.new and change.was(one.name) is not None and change.changes(column.name):
            before = amount(change.was(one.name), change.was(column.name))
            change.after[one.name] = values.minor(table, one, before, currency)


def currency_of(table: Table, row: Mapping[str, Any]) -> str | None:
    """ISO code of the money in this row."""
    return row[table.currency.name] if table.currency else None


def repriced(table: Table, row: Mapping[str, Any], before: str, now: str) -> dict[str, Any]:
    """The same amounts in another currency, as changes of a row. Raises Refused when that currency has no such coin."""
    amounts = {one: amount(row[one.name], before) for one in _columns(table) if row[one.name] is not None}
    assert table.currency is not None
    return {table.currency.name: now} | {
        one.name: values.minor(table, one, value, now) for one, value in amounts.items()
    }


def house_currency(tx: ReadTx) -> str:
    """ISO code of the organization's own currency."""
    for row in rows.matching(tx, model.BY_NAME["organization"], {}):
        if row["currency"]:
            return row["currency"]
    return HOUSE_CURRENCY


def _inherited(change: Change) -> str:
    event_id = change.after.get("event_id")
    event = rows.find(change.tx, model.BY_NAME["event"], event_id) if event_id else None
    return event["currency"] if event else house_currency(change.tx)


def _amounts(table: Table, given: Mapping[str, Value]) -> bool:
    return any(given.get(one.logical or "") is not None for one in _columns(table))


def _columns(table: Table) -> list[Column]:
    return [one for one in table.columns if one.kind is Kind.MONEY and one.stored]
