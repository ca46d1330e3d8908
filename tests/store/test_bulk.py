"""Many rows by one statement: every type comes back as it was given, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gatepass.store import Store, WriteTx, tables
from gatepass.store.tables import new_id

NOW = datetime(2026, 11, 21, 8, 30, 0, 7, UTC)
TRICKY = ["", 'O\'Hara "x" \\ %(rows)s ? :a {b}', "日本 🎟", "line\nbreak\ttab", "\u0000 inside JSON", None, 7, True]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store of its own."""
    found = Store.open(database_url)
    yield found
    found.close()


def _job(dedupe: str | None, payload: Any = ()) -> dict[str, Any]:
    return {
        "id": new_id(), "kind": "test", "dedupe": dedupe, "payload": payload, "state": "done", "due": NOW,
        "attempt": 2_000_000_000, "failures": 0, "created": NOW,
    }  # fmt: skip


def _notification(body: bytes) -> dict[str, Any]:
    return {
        "id": new_id(), "provider": "stripe", "event_ref": f"evt_{new_id()}", "kind": "it's %s", "object_ref": None,
        "live": True, "about": "other", "body": body, "state": "ignored", "received": NOW,
    }  # fmt: skip


def _all(store: Store, table: sa.Table) -> dict[UUID, dict[str, Any]]:
    return {row["id"]: dict(row) for row in store.read_now(lambda tx: tx.rows(sa.select(table)))}


def test_values_of_every_type_come_back_as_they_were(store: Store) -> None:
    jobs = [_job(None, TRICKY), _job("d", {"a": [TRICKY]})]
    heard = [_notification(bytes(range(256)) * 9), _notification(b"")]

    def unit(tx: WriteTx) -> None:
        tx.insert_many(tables.job, jobs)
        tx.insert_many(tables.notification, heard)

    store.write_now(unit)

    kept = _all(store, tables.job) | _all(store, tables.notification)
    for row in (*jobs, *heard):
        assert {name: kept[row["id"]][name] for name in row} == row


def test_a_row_that_is_known_is_left_out_and_its_neighbours_are_kept(store: Store) -> None:
    store.write_now(lambda tx: tx.insert_many(tables.job, [_job("known")], unless="dedupe"))

    store.write_now(
        lambda tx: tx.insert_many(tables.job, [_job("a"), _job("known"), _job("a"), _job("b")], unless="dedupe")
    )

    assert sorted(row["dedupe"] for row in _all(store, tables.job).values()) == ["a", "b", "known"]
    with pytest.raises(IntegrityError):
        store.write_now(lambda tx: tx.insert_many(tables.job, [_job("c"), _job("known")]))


def test_changes_are_set_or_added_row_by_row(store: Store) -> None:
    first, second, third = (_job(name) | {"attempt": 5} for name in "abc")

    def unit(tx: WriteTx) -> None:
        tx.insert_many(tables.job, [first, second, third])
        changes = [
            {"attempt": 1, "last_error": "why", "done": NOW, "id": first["id"]},
            {"attempt": -2, "last_error": None, "done": None, "id": third["id"]},
        ]
        tx.change_many(tables.job, changes, plus=("attempt",))
        tx.change_many(tables.job, [])

    store.write_now(unit)

    kept = _all(store, tables.job)
    found = [
        (kept[row["id"]]["attempt"], kept[row["id"]]["last_error"], kept[row["id"]]["done"])
        for row in (first, second, third)
    ]
    assert found == [(6, "why", NOW), (5, None, None), (3, None, None)]


def test_one_trip_writes_all_of_its_tables_and_nothing_when_it_fails(store: Store) -> None:
    person = {"name": "n", "value": "v"}

    def unit(tx: WriteTx) -> None:
        with tx.one_trip():
            tx.insert_many(tables.job, [_job("a")], unless="dedupe")
            tx.insert_many(tables.setting, [person])
            tx.insert_many(tables.notification, [_notification(b"x")])

    def failing(tx: WriteTx) -> None:
        with tx.one_trip():
            tx.insert_many(tables.job, [_job("b")])
            raise ZeroDivisionError

    store.write_now(unit)
    with pytest.raises(ZeroDivisionError):
        store.write_now(failing)

    assert [row["dedupe"] for row in _all(store, tables.job).values()] == ["a"]
    assert len(_all(store, tables.notification)) == 1
