"""Which record is meant: by its id, or by the values of an alternate key."""

from collections.abc import Mapping
from uuid import UUID

from gatepass.domain.errors import NotFound
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services.records import refusals, rules, values
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row

Key = UUID | Mapping[str, Value]
"""An id, or the values of an alternate key by Column.logical."""


def lock(tx: WriteTx, table: Table, key: Key, *, to_remove: bool = False) -> Row | None:
    """The record, locked; what it belongs to is locked before it. None when there is none."""
    record_id = key if isinstance(key, UUID) else _id_by(tx, table, key)
    if record_id is None:
        return None
    rules.hold_parent_of(tx, table, record_id)
    return rows.lock(tx, table, record_id, to_remove=to_remove)


def locked(tx: WriteTx, table: Table, key: Key, *, to_remove: bool = False) -> Row:
    """The same of a record that must be there. Raises NotFound with the text for ids, or for keys."""
    found = lock(tx, table, key, to_remove=to_remove)
    if found is None:
        raise missing(table, key)
    return found


def missing(table: Table, key: Key) -> NotFound:
    """No record has this key."""
    return refusals.missing(table, key) if isinstance(key, UUID) else refusals.key_missing(table)


def _id_by(tx: WriteTx, table: Table, key: Mapping[str, Value]) -> UUID | None:
    columns = [(table.by_logical[name], value) for name, value in key.items()]
    return rows.id_by(tx, table, {one.name: values.stored(tx, table, one, value) for one, value in columns})
