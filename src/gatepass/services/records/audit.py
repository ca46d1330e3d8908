"""Every write from outside stands in the audit log with its caller, and what each column was and is."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from gatepass.model.table import Table
from gatepass.services.access import Caller
from gatepass.services.records.change import Change
from gatepass.store import WriteTx, records
from gatepass.store.tables import Row

_LEFT_OUT = frozenset(
    {
        "token",
        "old_token",
        "secret_hash",
        "version",
        "created",
        "changed",
        "created_by",
        "changed_by",
        "owner",
        "last_used",
    }
)
"""Secrets, and what every write changes."""


def write_down(change: Change) -> None:
    """A record was made or changed."""
    word, detail = ("create", {"after": _told(change.after)}) if change.new else ("change", _differences(change))
    _add(change.tx, change.caller, change.table, change.id, word, detail)


def write_down_removal(tx: WriteTx, caller: Caller, table: Table, before: Row) -> None:
    """A record is gone."""
    _add(tx, caller, table, before["id"], "delete", {"before": _told(before)})


def write_down_link(tx: WriteTx, caller: Caller, table: Table, record_id: UUID, word: str, to: str) -> None:
    """Two records were tied or untied."""
    _add(tx, caller, table, record_id, word, {"after" if word == "associate" else "before": {"to": to}})


def _told(row: Row) -> dict[str, Any]:
    return {name: _plain(value) for name, value in row.items() if name not in _LEFT_OUT and value is not None}


def _differences(change: Change) -> dict[str, Any]:
    names = [name for name in change.after if name not in _LEFT_OUT and change.changes(name)]
    before = {name: _plain(change.was(name)) for name in names}
    return {"before": before, "after": {name: _plain(change.after[name]) for name in names}}


def _add(tx: WriteTx, caller: Caller, table: Table, record_id: UUID, word: str, detail: dict[str, Any]) -> None:
    records.add_audit(tx, caller.name, f"{table.name}.{word}", f"{table.name}:{record_id}", detail)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
