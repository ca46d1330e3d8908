"""One property of a record: `set(key)/column` read, set and cleared."""

from collections.abc import Mapping

from gatepass.domain.errors import Refused
from gatepass.model.columns import Column, Kind
from gatepass.model.query import Query, Value
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.store import ReadTx, WriteTx
from gatepass.web.dataverse import document, encode, reading
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.conditions import conditions
from gatepass.web.dataverse.payload import value_of
from gatepass.web.dataverse.privacy import require_all
from gatepass.web.dataverse.reading import Key

_VALUE = "value"


def show(table: Table, key: Key, column: Column, tx: ReadTx, call: Call) -> Reply:
    """GET set(key)/column: {"value": ...}, or 204 when there is none."""
    record, value = _read(tx, call, table, key, column)
    if value is None:
        return Reply(204)
    context = f"{call.root}$metadata#{table.set_name}({record})/{column.wire}"
    return reading.json_reply({"@odata.context": context, _VALUE: encode.value_of(column, value)})


def show_raw(table: Table, key: Key, column: Column, tx: ReadTx, call: Call) -> Reply:
    """GET set(key)/column/$value: the bare text of it."""
    _, value = _read(tx, call, table, key, column)
    if value is None:
        return Reply(204)
    written = encode.value_of(column, value)
    body = written.encode() if isinstance(written, str) else encode.raw(written)
    return Reply(200, {"Content-Type": "text/plain; charset=utf-8"}, body)


def put(table: Table, key: Key, column: Column, tx: WriteTx, call: Call) -> Reply:
    """PUT set(key)/column with {"value": ...}"""
    members = document.read(call.body, table.set_name)
    if _VALUE not in members:
        raise document.invalid(table.set_name, f"The body needs the member '{_VALUE}'.")
    return _set(tx, call, table, key, {_settable(table, column): value_of(table, column, members[_VALUE])})


def clear(table: Table, key: Key, column: Column, tx: WriteTx, call: Call) -> Reply:
    """DELETE set(key)/column"""
    return _set(tx, call, table, key, {_settable(table, column): None})


def _read(tx: ReadTx, call: Call, table: Table, key: Key, column: Column) -> tuple[Value, Value]:
    wanted = Query(table, (column,))
    require_all(call.caller, wanted)
    record = reading.found(tx, table, key, wanted)
    return record.values[table.id_name], record.values.get(column.logical or "")


def _set(tx: WriteTx, call: Call, table: Table, key: Key, values: Mapping[str, Value]) -> Reply:
    at = records.update(tx, call.caller, table, key, values, expected=conditions(call).expected)
    return Reply(204, {"OData-EntityId": f"{call.root}{table.set_name}({at})"})


def _settable(table: Table, column: Column) -> str:
    if column.kind is Kind.LOOKUP:
        way = f"{table.set_name}(id)/{column.navigation}/$ref"
        raise Refused("QueryUnsupported", f"A lookup is set by PUT {way}, and cleared by DELETE.")
    return column.logical or ""
