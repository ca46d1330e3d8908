"""Where an event is made anew from another one: its passes and questions too, nothing sold, a draft."""

from collections.abc import Collection, Mapping
from typing import cast
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import NotFound
from gatepass.model.columns import Column, Kind, Set
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.services.access import Caller
from gatepass.store import ReadTx, WriteTx, rows
from gatepass.store.tables import Row
from gatepass.store.values import reader

_EVENT, _PASS, _EVENT_FIELD, _CURRENCY = (
    model.BY_NAME[name] for name in ("event", "pass", "event_field", "transactioncurrency")
)
_OWN = frozenset({"readable_id", "status", "state", "reason", "owner", "registration_closes"})
"""What a copy does not take over."""
MAX_NAME_CHARS = _EVENT.by_name["name"].length


def copy_event(tx: WriteTx, caller: Caller, event_id: UUID, name: str) -> UUID:
    """A draft with another name; its id. Raises NotFound, Refused."""
    source = rows.find(tx, _EVENT, event_id)
    if source is None:
        raise NotFound("EventNotFound", f"There is no event {event_id}.")
    made = records.create(tx, caller, _EVENT, _copied(tx, _EVENT, source, {"name": name[:MAX_NAME_CHARS]}))
    for table in (_PASS, _EVENT_FIELD):
        for row in rows.matching(tx, table, {"event_id": event_id}):
            records.create(tx, caller, table, _copied(tx, table, row, {"event_id": made}))
    return made


def copy_name(name: str) -> str:
    """Such as Copy of Contoso Summit."""
    return f"Copy of {name}"[:MAX_NAME_CHARS]


def _copied(tx: ReadTx, table: Table, row: Row, instead: Mapping[str, Value]) -> dict[str, Value]:
    """What a caller would send to get such a row."""
    columns = [one for one in table.shown if _taken(one, instead.keys())]
    values = {one.logical or "": _value(tx, one, row) for one in columns}
    return {at: value for at, value in values.items() if value is not None} | cast(
        "dict[str, Value]", table.named(**instead)
    )


def _taken(column: Column, but: Collection[str]) -> bool:
    settable = column.settable is not Set.NEVER and column.source is None and column.kind is not Kind.ID
    return settable and column.name not in _OWN and column.name not in but


def _value(tx: ReadTx, column: Column, row: Row) -> Value:
    if column.target_column == "iso_code":
        return currency_id(tx, row[column.name])
    return reader(column)(row)


def currency_id(tx: ReadTx, code: str | None) -> UUID | None:
    """The record of a currency; None: there is none of this code."""
    return rows.id_by(tx, _CURRENCY, {"iso_code": code}) if code else None
