"""Paid orders by the hundred thousand: some were opened and paid by buyers, the others are copies of them, on both sides.

A copy has ids, references and a mail address of its own, in Gatepass and at the sandbox, so that each of them is looked
up, completed and written to by itself.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from benchmarks.system import System
from gatepass.store import ReadTx, Store, WriteTx, tables
from gatepass.store.tables import new_id

CHUNK = 500
"""Orders copied in one transaction."""
_OF_PURCHASE = (tables.purchase, tables.attendee, tables.payment, tables.timeline_entry, tables.job)
_SESSION, _INTENT, _CHARGE = '"payment_intent":"(\\w+)"', '"latest_charge":"(\\w+)"', '"balance_transaction":"(\\w+)"'
Names = Mapping[str, str]
Rows = Mapping[sa.Table, Sequence[dict[str, Any]]]


def copy(system: System, count: int) -> None:
    """So many more orders, like those that were paid, in turn."""
    store = Store.open(system.database_url)
    with closing(sqlite3.connect(system.sandbox_db, timeout=30)) as sandbox:
        try:
            originals = store.read_now(_originals)
            theirs = [_objects(sandbox, rows[tables.payment][0]["session_ref"]) for rows in originals]
            for first in range(0, count, CHUNK):
                numbers = range(first, min(first + CHUNK, count))
                chosen = [(originals[at % len(originals)], theirs[at % len(originals)], at) for at in numbers]
                _write(store, sandbox, [(rows, objects, _names(rows, objects, at)) for rows, objects, at in chosen])
        finally:
            store.close()


def _write(store: Store, sandbox: sqlite3.Connection, chosen: Sequence[tuple[Rows, Sequence[Any], Names]]) -> None:
    with sandbox:
        sandbox.executemany(
            "insert into object (id, kind, created, hidden, body) values (?, ?, ?, ?, ?)",
            [tuple(_swapped(value, names) for value in row) for _, objects, names in chosen for row in objects],
        )
    store.write_now(lambda tx: _insert(tx, [(rows, names) for rows, _, names in chosen]))


def _insert(tx: WriteTx, chosen: Sequence[tuple[Rows, Names]]) -> None:
    for table in _OF_PURCHASE:
        tx.execute(
            sa.insert(table),
            [
                {name: _swapped(value, names) for name, value in row.items()}
                for rows, names in chosen
                for row in rows[table]
            ],
        )
    for rows, _ in chosen:
        for person in rows[tables.attendee]:
            _hold(tx, tables.event, rows[tables.purchase][0]["event_id"])
            _hold(tx, tables.event_pass, person["pass_id"])


def _hold(tx: WriteTx, table: sa.Table, at: UUID) -> None:
    tx.execute(sa.update(table).where(table.c.id == at).values(held=table.c.held + 1))


def _originals(tx: ReadTx) -> list[Rows]:
    """The rows of each opened purchase."""
    found: dict[UUID, dict[sa.Table, list[dict[str, Any]]]] = {}
    for row in tx.rows(sa.select(tables.purchase)):
        found[row["id"]] = {table: [] for table in _OF_PURCHASE} | {tables.purchase: [dict(row)]}
    payments = dict[str, UUID]()
    for table in (tables.attendee, tables.payment, tables.timeline_entry):
        for row in tx.rows(sa.select(table)):
            found[row["purchase_id"]][table].append(dict(row))
            payments[str(row["id"])] = row["purchase_id"]
    for row in tx.rows(sa.select(tables.job).where(tables.job.c.dedupe.is_not(None))):
        if owner := payments.get(str(row["payload"].get("payment_id"))):
            found[owner][tables.job].append(dict(row))
    return [rows for rows in found.values() if rows[tables.payment]]


def _objects(sandbox: sqlite3.Connection, session: str) -> list[Any]:
    """The session, its intent, its charge and what that brought."""
    found, wanted = list[Any](), session
    for next_one in (_SESSION, _INTENT, _CHARGE, None):
        row = sandbox.execute("select id, kind, created, hidden, body from object where id = ?", [wanted]).fetchone()
        found.append(row)
        if next_one is None:
            break
        match = re.search(next_one, row[-1])
        assert match, f"{wanted} names no other"
        wanted = match.group(1)
    return found


def _names(rows: Rows, objects: Sequence[Any], number: int) -> Names:
    """What is called otherwise in the copy with this number."""
    ids = {str(row["id"]): str(new_id()) for table in _OF_PURCHASE for row in rows[table]}
    references = {row[0]: f"{row[0][:-7]}{number:07x}" for row in objects}
    mails = {person["email"]: f"{number}.{person['email']}" for person in rows[tables.attendee]}
    return ids | references | mails


def _swapped(value: Any, names: Names) -> Any:
    match value:
        case UUID():
            return UUID(names.get(str(value), str(value)))
        case str():
            return "".join(_pieces(value, names))
        case dict() | list():
            return msgspec.json.decode(_swapped(msgspec.json.encode(value).decode(), names))
        case _:
            return value


def _pieces(text: str, names: Names) -> Iterator[str]:
    at = 0
    for found in re.finditer("|".join(map(re.escape, names)), text):
        yield text[at : found.start()]
        yield names[found.group()]
        at = found.end()
    yield text[at:]
