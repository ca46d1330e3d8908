"""Where a record is made, changed or removed from outside: declaration first, then the rules of its table, then the audit.

Each function works in the caller's transaction and raises GatepassError; several of them are one unit of work.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from gatepass.domain.errors import Conflict
from gatepass.domain.text import is_visible
from gatepass.model.columns import Column, Kind, Set
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services.access import Caller
from gatepass.services.records import audit, money, refusals, removal, rules, states, values
from gatepass.services.records.change import Change
from gatepass.services.records.finding import Key, lock, locked, missing
from gatepass.services.records.privileges import Right, require
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row, new_id
from gatepass.store.values import amount

Values = Mapping[str, Value]
"""By Column.logical: lookups as the id that they point to, money and decimals as Decimal, choices as numbers."""
_CLEARED = frozenset({Kind.TEXT, Kind.MEMO, Kind.BOOLEAN})


def create(tx: WriteTx, caller: Caller, table: Table, values: Values, record_id: UUID | None = None) -> UUID:
    """A new record; its id. Raises Refused, Conflict (id or key taken), NotFound (a lookup to nowhere)."""
    require(caller, Right.CREATE, table)
    rules.check_access(table)
    record_id = _id_of(table, values, record_id)
    rules.check_making(table, own_id=record_id is not None)
    if record_id is not None and rows.find(tx, table, record_id):
        raise refusals.exists()
    rules.hold_parent(tx, table, values)
    change = Change(tx, caller, table, record_id or new_id(), None, _blank(tx, caller, table), _given(table, values))
    change.after["id"] = change.id
    _apply(change, values)
    rows.add(tx, table, change.after)
    audit.write_down(change)
    return change.id


def update(
    tx: WriteTx, caller: Caller, table: Table, key: Key, values: Values, *, expected: int | None = None
) -> UUID:  # fmt: skip
    """Change a record; its id. With `expected`, only when its version is that one: the row is locked first, so one writer wins.

    Raises NotFound, Conflict (VersionStale, KeyTaken), Refused.
    """
    _may_change(caller, table)
    before = locked(tx, table, key)
    _check_version(before, expected)
    return _change(tx, caller, table, before, values)


def upsert(
    tx: WriteTx, caller: Caller, table: Table, key: Key, values: Values, *, expected: int | None = None,
    may_create: bool = True, may_update: bool = True,
) -> tuple[UUID, bool]:  # fmt: skip
    """Change the record of this id or alternate key, or make it; its id, and whether it was made."""
    if before := lock(tx, table, key):
        if not may_update:
            raise refusals.exists()
        _may_change(caller, table)
        _check_version(before, expected)
        return _change(tx, caller, table, before, values), False
    if not may_create or expected is not None:
        raise missing(table, key)
    try:
        return _make(tx, caller, table, key, values), True
    except Conflict:
        # Somebody may have made it since we looked: it is there now.
        if not may_update or not (before := lock(tx, table, key)):
            raise
        _may_change(caller, table)
        return _change(tx, caller, table, before, values), False


def _make(tx: WriteTx, caller: Caller, table: Table, key: Key, values: Values) -> UUID:
    if isinstance(key, UUID):
        return create(tx, caller, table, values, key)
    return create(tx, caller, table, {**values, **key})


def delete(tx: WriteTx, caller: Caller, table: Table, key: Key, *, expected: int | None = None) -> None:
    """Remove a record, with those that hang on it. Raises NotFound, Conflict (VersionStale, RecordInUse), Refused."""
    require(caller, Right.DELETE, table)
    rules.check_access(table)
    before = locked(tx, table, key, to_remove=True)
    _check_version(before, expected)
    removal.remove(tx, caller, table, before)


def _may_change(caller: Caller, table: Table) -> None:
    require(caller, Right.WRITE, table)
    rules.check_access(table)


def _check_version(before: Row, expected: int | None) -> None:
    if expected is not None and before["version"] != expected:
        raise refusals.stale()


# The row as it shall be


def _change(tx: WriteTx, caller: Caller, table: Table, before: Row, values: Values) -> UUID:
    change = Change(tx, caller, table, before["id"], before, dict(before), _given(table, values))
    if "changed_by" in before:
        change.after["changed_by"] = caller.user_id
    _apply(change, values)
    changes = {name: value for name, value in change.after.items() if value != before[name]}
    if table.by_logical.get("modifiedon") and "changed" in before:
        changes["changed"] = tx.now
    changes.pop("version", None)
    rows.change(tx, table, change.id, changes)
    audit.write_down(change)
    return change.id


def _apply(change: Change, given: Values) -> None:
    table = change.table
    for logical, value in given.items():
        column = _column(table, logical)
        if column.kind is Kind.ID and column.name == "id":
            continue
        _check_settable(change, column, value)
        if column.kind is not Kind.MONEY:
            change.after[column.name] = _stored(change, column, value)
    states.settle(change)
    money.settle(change, given)
    rules.check(change)
    _check_required(change)
    _check_keys(change)


def _stored(change: Change, column: Column, value: Value) -> Any:
    """Null clears a text or a flag that has a default; a new record gets its defaults anyway."""
    if value is None and column.required:
        if column.default is None or not (change.new or column.kind in _CLEARED):
            raise refusals.needed(change.table, column)
        return values.default(change.table, column)
    return values.stored(change.tx, change.table, column, value)


def _blank(tx: WriteTx, caller: Caller, table: Table) -> dict[str, Any]:
    """A row of defaults."""
    row = _defaults(table)
    people = dict.fromkeys({"created_by", "changed_by", "owner"} & row.keys(), caller.user_id)
    moments = dict.fromkeys({"created", "changed"} & row.keys(), tx.now)
    return {**row, **people, **moments}


@cache
def _defaults(table: Table) -> Mapping[str, Any]:
    return {column.name: values.default(table, column) for column in table.columns if column.stored}


def _given(table: Table, given: Values) -> frozenset[str]:
    return frozenset(_column(table, logical).name for logical in given)


def _column(table: Table, logical: str) -> Column:
    try:
        return table.by_logical[logical]
    except KeyError:
        raise refusals.unknown(table, logical) from None


def _id_of(table: Table, given: Values, record_id: UUID | None) -> UUID | None:
    """The id that the caller wants for a new record, wherever it was said."""
    inside = given.get(table.id_name)
    if inside is None:
        return record_id
    if not isinstance(inside, UUID) or (record_id and inside != record_id):
        raise refusals.invalid(table, table.primary_key, "is not the id in the address")
    return inside


def _check_settable(change: Change, column: Column, value: Value) -> None:
    """A value that is there already may be said again: clients send back what they have read."""
    allowed = column.settable is Set.ALWAYS or (column.settable is Set.CREATE and change.new)
    if column.source is None and allowed:
        return
    if column.source is None and not change.new and _same(change, column, value):
        return
    raise refusals.broken(rules.why_not(change.table, column))


def _same(change: Change, column: Column, value: Value) -> bool:
    if column.kind is Kind.MONEY:
        currency = money.currency_of(change.table, change.after)
        before = change.was(column.name)
        return before is not None and currency is not None and amount(before, currency) == value
    return values.stored(change.tx, change.table, column, value) == change.was(column.name)


def _check_required(change: Change) -> None:
    """What the caller can give is named before what follows from it."""
    missing = [one for one in change.table.columns if one.stored and one.required and _is_missing(change, one)]
    if missing:
        raise refusals.needed(change.table, min(missing, key=lambda one: one.settable is Set.NEVER))


def _is_missing(change: Change, column: Column) -> bool:
    """Null; or of a text that has no default nothing that anybody could see."""
    value = change.after[column.name]
    unseen = column.kind is Kind.TEXT and column.default is None and change.changes(column.name)
    return value is None or (unseen and not is_visible(value))


def _check_keys(change: Change) -> None:
    """Those that the caller can give; of what is ours alone, the rules see to it."""
    for column in _keys(change.table):
        value = change.after[column.name]
        if value is None or not change.changes(column.name):
            continue
        holder = rows.id_by(change.tx, change.table, {column.name: value})
        if holder not in {None, change.id}:
            raise refusals.taken(change.table, column)


@cache
def _keys(table: Table) -> Sequence[Column]:
    return [one for one in table.shown if one.stored and one.unique]
