"""Which record is meant: by its id, or by the values of an alternate key."""

from collections.abc import Mapping
from uuid import UUID

from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services.records import refusals, rules, values
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row

Key = UUID | Mapping[str, Value]
"""An id, or the values of an alternate key by Column.logical."""


def find(tx: WriteTx, table: Table, key: Key) -> UUID | None:
    """The id of the record, or None when there is none."""
    if isinstance(key, UUID):
        return key if rows.find(tx, table, key) else None
    wanted = {table.by_logical[name].name: _stored(tx, table, name, value) for name, value in key.items()}
    return rows.id_by(tx, table, wanted)


def _stored(tx: WriteTx, table: Table, name: str, value: Value) -> object:
    return values.stored(tx, table, table.by_logical[name], value)


def locked(tx: WriteTx, table: Table, key: Key, *, to_remove: bool = False) -> Row:
    """The record, locked; what it belongs to is locked before it. Raises NotFound with the text for ids, or for keys."""
    record_id = key if isinstance(key, UUID) else find(tx, table, key)
    if record_id is None:
        raise refusals.key_missing(table)
    rules.hold_parent_of(tx, table, record_id)
    found = rows.lock(tx, table, record_id, to_remove=to_remove)
    if found is None:
        raise refusals.missing(table, record_id)
    return found
