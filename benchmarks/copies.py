"""Paid orders by the hundred thousand: some were opened and paid by buyers, the others are copies of them, on both sides.

A copy has ids, references and a mail address of its own, in Gatepass and at the sandbox, so that each of them is looked
up, completed and written to by itself.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from benchmarks.system import System
from gatepass.store import ReadTx, Store, WriteTx, tables
from gatepass.store.tables import new_id

CHUNK = 500
"""Orders copied in one transaction."""
_OURS = (tables.purchase, tables.attendee, tables.payment, tables.timeline_entry, tables.job)
_THEIRS = ('"payment_intent":"(\\w+)"', '"latest_charge":"(\\w+)"', '"balance_transaction":"(\\w+)"')
"""How a session names its intent, that its charge, and that what it brought."""
Rows = Mapping[sa.Table, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Order:
    """One that was paid: our rows, the sandbox's, and a pattern of the names in them that a copy has otherwise."""

    rows: Rows
    objects: Sequence[Sequence[Any]]
    names: "re.Pattern[str]"

    def copy(self, number: int) -> "_Order":
        """The same with names of its own."""
        names = self._names_of(number)
        rows = {
            table: [{name: self._swapped(value, names) for name, value in row.items()} for row in self.rows[table]]
            for table in _OURS
        }
        return _Order(rows, [[self._swapped(value, names) for value in row] for row in self.objects], self.names)

    def _names_of(self, number: int) -> Mapping[str, str]:
        ids = {str(row["id"]): str(new_id()) for table in _OURS for row in self.rows[table]}
        references = {row[0]: f"{row[0][:-7]}{number:07x}" for row in self.objects}
        return ids | references | {one["email"]: f"{number}.{one['email']}" for one in self.rows[tables.attendee]}

    def _swapped(self, value: Any, names: Mapping[str, str]) -> Any:
        match value:
            case UUID():
                return UUID(names[text]) if (text := str(value)) in names else value
            case str():
                return self.names.sub(lambda found: names[found.group()], value)
            case dict() | list():
                return msgspec.json.decode(self._swapped(msgspec.json.encode(value).decode(), names))
            case _:
                return value


def copy(system: System, count: int) -> None:
    """So many more orders, like those that were paid, in turn."""
    store = Store.open(system.database_url)
    with closing(sqlite3.connect(system.sandbox_db, timeout=30)) as sandbox:
        try:
            orders = [_order(sandbox, rows) for rows in store.read_now(_paid)]
            for first in range(0, count, CHUNK):
                numbers = range(first, min(first + CHUNK, count))
                _write(store, sandbox, [orders[at % len(orders)].copy(at) for at in numbers])
        finally:
            store.close()


def _write(store: Store, sandbox: sqlite3.Connection, copies: Sequence[_Order]) -> None:
    with sandbox:
        sandbox.executemany(
            "insert into object (id, kind, created, hidden, body) values (?, ?, ?, ?, ?)",
            [row for one in copies for row in one.objects],
        )
    store.write_now(lambda tx: _insert(tx, [one.rows for one in copies]))


def _insert(tx: WriteTx, orders: Sequence[Rows]) -> None:
    for table in _OURS:
        tx.execute(sa.insert(table), [row for rows in orders for row in rows[table]])
    for rows in orders:
        for person in rows[tables.attendee]:
            _hold(tx, tables.event, rows[tables.purchase][0]["event_id"])
            _hold(tx, tables.event_pass, person["pass_id"])


def _hold(tx: WriteTx, table: sa.Table, at: UUID) -> None:
    tx.execute(sa.update(table).where(table.c.id == at).values(held=table.c.held + 1))


def _paid(tx: ReadTx) -> list[Rows]:
    """The rows of each purchase that has a payment, and the job that would look it up."""
    found = {row["id"]: {table: [] for table in _OURS} for row in tx.rows(sa.select(tables.purchase))}
    owners = dict[str, UUID]()
    for table in _OURS[:-1]:
        for row in tx.rows(sa.select(table)):
            owner = row["id"] if table is tables.purchase else row["purchase_id"]
            owners[str(row["id"])] = owner
            found[owner][table].append(row)
    for row in tx.rows(sa.select(tables.job)):
        if owner := owners.get(str(row["payload"].get("payment_id"))):
            found[owner][tables.job].append(row)
    return [rows for rows in found.values() if rows[tables.payment]]


def _order(sandbox: sqlite3.Connection, rows: Rows) -> _Order:
    wanted, objects = str(rows[tables.payment][0]["session_ref"]), list[Any]()
    for names_the_next in (*_THEIRS, ""):
        row = sandbox.execute("select id, kind, created, hidden, body from object where id = ?", [wanted]).fetchone()
        objects.append(row)
        match = re.search(names_the_next, row[-1])
        assert match, f"{wanted} names no other"
        wanted = match.group(match.lastindex or 0)
    own = [str(row["id"]) for table in _OURS for row in rows[table]] + [row[0] for row in objects]
    own += [one["email"] for one in rows[tables.attendee]]
    return _Order(rows, objects, re.compile("|".join(map(re.escape, own))))
