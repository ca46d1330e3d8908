"""All state of the sandbox: one SQLite file, short transactions, documents with a few columns for looking up."""

import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gatepass.sandbox.config import SandboxConfig
from gatepass.sandbox.errors import invalid, no_such
from gatepass.sandbox.faults import DeliveryFault, Faults
from gatepass.sandbox.objects import Obj

BUSY_TIMEOUT_S = 10
FARTHEST_AHEAD_S = 100 * 366 * 24 * 3600
# Generated columns stand before the long body: a query of them never reads it.
_SCHEMA = """
create table if not exists object (
  seq integer primary key autoincrement,
  id text not null unique,
  kind text not null,
  created integer not null,
  status text generated always as (body ->> '$.status') stored,
  payment_status text generated always as (body ->> '$.payment_status') stored,
  payment_intent text generated always as (body ->> '$.payment_intent') stored,
  payment_link text generated always as (body ->> '$.payment_link') stored,
  charge text generated always as (body ->> '$.charge') stored,
  currency text generated always as (body ->> '$.currency') stored,
  amount integer generated always as (coalesce(body ->> '$.amount_total', body ->> '$.amount')) stored,
  amount_received integer generated always as (body ->> '$.amount_received') stored,
  amount_refunded integer generated always as (body ->> '$.amount_refunded') stored,
  metadata text generated always as (body -> '$.metadata') stored,
  hidden text not null,
  body text not null
);
create index if not exists object_kind on object (kind, seq);
create index if not exists object_created on object (kind, created);
create index if not exists object_intent on object (payment_intent) where payment_intent is not null;
create index if not exists object_link on object (payment_link) where payment_link is not null;
create table if not exists delivery (
  id integer primary key autoincrement,
  event text not null,
  endpoint text not null,
  due real not null,
  first real not null,
  attempts integer not null default 0,
  state text not null,
  answer text,
  fault text not null
);
create index if not exists delivery_due on delivery (due) where state = 'pending';
create index if not exists delivery_event on delivery (event);
create table if not exists idempotency (
  key text primary key, fingerprint text not null, created real not null,
  request text not null, status integer not null, body blob not null
);
create table if not exists timer (id integer primary key autoincrement, due real not null, action text not null, object text not null);
create index if not exists timer_due on timer (due);
create table if not exists lie (object text primary key, members text not null);
create table if not exists setting (name text primary key, value text not null);
"""

Row = sqlite3.Row


@dataclass(slots=True)
class Tx:
    """One look at the store, or one change of it. `now` is the sandbox's clock in seconds since 1970."""

    config: SandboxConfig
    db: sqlite3.Connection
    now: float
    fault: DeliveryFault
    faults: Faults
    request: dict[str, str | None] = field(default_factory=lambda: {"id": None, "idempotency_key": None})
    woke: bool = False

    @property
    def at(self) -> int:
        """Now, as Stripe writes times: whole seconds, by a clock that may be wrong."""
        return int(self.now) + self.faults.clock.skew_s

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self.db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        return self.db.execute(sql, values).fetchone()

    def run(self, sql: str, *values: Any) -> int:
        """Returns how many rows changed."""
        return self.db.execute(sql, values).rowcount

    def find(self, identity: str, kind: str | None = None) -> Obj | None:
        """The object with this id, whatever its kind unless one is named."""
        row = self.row("select kind, body from object where id = ?", identity)
        return msgspec.json.decode(row["body"]) if row and kind in (None, row["kind"]) else None

    def get(self, kind: str, identity: str, param: str = "id", status: int = 404) -> Obj:
        """Raises `resource_missing` as Stripe does: 404 for the object itself, 400 for one that a parameter names."""
        found = self.find(identity, kind)
        if found is None:
            raise no_such(kind, identity, param, status)
        return found

    def hidden(self, identity: str) -> Obj:
        """What the sandbox knows of an object and the API does not show."""
        row = self.row("select hidden from object where id = ?", identity)
        return msgspec.json.decode(row["hidden"]) if row else {}

    def add(self, obj: Obj, hidden: Obj | None = None) -> Obj:
        values = (obj["id"], obj["object"], obj.get("created", self.at), _text(hidden or {}), _text(obj))
        self.run("insert into object (id, kind, created, hidden, body) values (?, ?, ?, ?, ?)", *values)
        return obj

    def save(self, obj: Obj) -> Obj:
        self.run("update object set body = ?, created = ? where id = ?", _text(obj), obj.get("created", 0), obj["id"])
        return obj

    def hide(self, identity: str, **members: Any) -> None:
        """Change some of what stays hidden."""
        self.run("update object set hidden = ? where id = ?", _text(self.hidden(identity) | members), identity)

    def where(self, kind: str, column: str, value: str) -> list[Obj]:
        """All objects of `kind` with this value in a column, oldest first. `column` is never a user's text."""
        sql = f"select body from object where kind = ? and {column} = ? order by seq"
        return [msgspec.json.decode(row["body"]) for row in self.rows(sql, kind, value)]

    def later(self, delay_s: float, action: str, identity: str) -> None:
        """Do `action` on an object after a while of the sandbox's clock."""
        self.run("insert into timer (due, action, object) values (?, ?, ?)", self.now + delay_s, action, identity)


class Store:
    """The file. One connection behind one lock; every operation is short and synchronous."""

    def __init__(self, config: SandboxConfig) -> None:
        config.database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._config = config
        self._lock = threading.RLock()
        self._db = _connect(config.database)
        self._offset_s = float(self._setting("clock_offset_s") or 0)
        self.faults = msgspec.json.decode(self._setting("faults") or "{}", type=Faults)
        self.on_event: Callable[[], None] = lambda: None

    @property
    def now(self) -> float:
        return time.time() + self._offset_s

    @contextmanager
    def change(self, fault: DeliveryFault | None = None) -> Generator[Tx]:
        """One transaction: all of it or nothing. Wakes the deliverer when it wrote events."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                tx = self._tx(fault)
                yield tx
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
        if tx.woke:
            self.on_event()

    @contextmanager
    def look(self) -> Generator[Tx]:
        with self._lock:
            yield self._tx(None)

    def advance(self, seconds: float) -> float:
        """Move the sandbox's clock; returns its new time. Raises `invalid` where it would leave the century."""
        ahead_s = self._offset_s + seconds
        if not 0 <= ahead_s <= FARTHEST_AHEAD_S:
            raise invalid(
                f"Invalid seconds: the clock would be {ahead_s:g} s ahead; 100 years are the most.", "seconds"
            )
        # Stored first: a clock that cannot be stored never counts.
        self._set("clock_offset_s", str(ahead_s))
        self._offset_s = ahead_s
        return self.now

    def set_faults(self, faults: Faults) -> None:
        self._set("faults", msgspec.json.encode(faults).decode())
        self.faults = faults

    def close(self) -> None:
        self._db.close()

    def _tx(self, fault: DeliveryFault | None) -> Tx:
        return Tx(self._config, self._db, self.now, fault or self.faults.deliveries, self.faults)

    def _setting(self, name: str) -> str | None:
        row = self._db.execute("select value from setting where name = ?", (name,)).fetchone()
        return row["value"] if row else None

    def _set(self, name: str, value: str) -> None:
        with self.change() as tx:
            tx.run("insert or replace into setting (name, value) values (?, ?)", name, value)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    db.executescript(_SCHEMA)
    return db


def _text(value: Obj | Sequence[Any]) -> str:
    return msgspec.json.encode(value).decode()
