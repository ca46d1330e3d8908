"""Where a record goes, with those that hang on it by declaration. What is pointed to by anything else stays."""

from gatepass.model.columns import Column
from gatepass.model.table import Table
from gatepass.services.access import Caller
from gatepass.services.records import audit, refusals, rules
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row

MOST_AT_ONCE = 10_000
"""Rows that go with one record."""


def remove(tx: WriteTx, caller: Caller, table: Table, before: Row) -> None:
    """Remove a locked record. Raises Conflict (RecordInUse) and what the rules of its table, or of its parts, raise."""
    rules.check_removal(tx, table, before)
    for source, lookup in rows.pointing_at(table):
        _let_go(tx, caller, table, before, source, lookup)
    rows.remove(tx, table, before["id"])
    audit.write_down_removal(tx, caller, table, before)


def _let_go(tx: WriteTx, caller: Caller, table: Table, before: Row, source: Table, lookup: Column) -> None:
    value = before[lookup.target_column]
    if lookup.loose and not lookup.required:
        rows.unpoint(tx, source, lookup, value)
        return
    limit = MOST_AT_ONCE + 1 if lookup.cascade else 1
    pointing = rows.those_pointing(tx, source, lookup, value, limit)
    if pointing and (not lookup.cascade or len(pointing) > MOST_AT_ONCE):
        raise refusals.in_use(table, before["id"], source)
    for record_id in pointing:
        part = rows.lock(tx, source, record_id, to_remove=True)
        if part is not None:
            remove(tx, caller, source, part)
