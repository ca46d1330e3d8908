"""Transactions on SQLite or PostgreSQL. With `bulk`, the only file that knows which it is."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy import event as events
from sqlalchemy.engine import Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from gatepass.domain.errors import Refused, Unavailable
from gatepass.store import bulk, words

GENERAL_LANES = 3
"""PostgreSQL: transactions at once beside the grouped lane."""
READERS = 4
"""Reads at once."""
MAPPED_BYTES = 1 << 36
"""SQLite: as much of the file as a wide look may map; address space only."""
BUSY_TIMEOUT_MS = 30_000
"""SQLite: how long to wait for another process that writes."""

_RETRY_STATES = {"40001", "40P01", "55P03", "23505"}
"""Serialization, deadlock, lock, and a key that another node was faster to take: the next try will see its row."""
_RETRY_WORDS = ("database is locked", "UNIQUE constraint failed")
"""The same in SQLite's words."""
_OUT_OF_RANGE, _TOO_COMPLEX = "22003", "54"
_TOO_COMPLEX_WORDS = ("parser stack overflow", "Expression tree is too large", "too many SQL variables")
"""The class of PostgreSQL's program limits, in SQLite's words."""

Row = Mapping[str, Any]


class ReadTx:
    """A consistent look at the database; cannot write."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: sa.Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement; `parameters` may be a list of rows."""
        return cast("CursorResult[Any]", self._connection.execute(statement, parameters))

    def rows(self, statement: sa.Executable, parameters: Any = None) -> list[Row]:
        """All rows, each by the names of its columns."""
        return cast("list[Row]", self.execute(statement, parameters).mappings().all())

    def row(self, statement: sa.Executable, parameters: Any = None) -> Row | None:
        """The only row, or None."""
        return cast("Row | None", self.execute(statement, parameters).mappings().one_or_none())

    def read_widely(self) -> None:
        """Whole tables are about to be read: SQLite maps its file, instead of copying it page by page."""
        if not self.postgresql:
            self._connection.exec_driver_sql(f"PRAGMA mmap_size={MAPPED_BYTES}")
            self._connection.exec_driver_sql("PRAGMA temp_store=MEMORY")

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT, in the words of this database."""
        return _insert_into(self._connection.dialect.name, table)

    @property
    def postgresql(self) -> bool:
        """For the few statements that differ, all of them in this package."""
        return self._connection.dialect.name == "postgresql"


class WriteTx(ReadTx):
    """A transaction that writes. `now` is the database's clock, one value for the whole transaction, UTC."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.added_jobs = False
        self._held_back: list[tuple[bulk.Bulk, Sequence[Row]]] | None = None
        self._last: list[tuple[sa.Table, Row]] = []
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """UTC. On SQLite the machine's clock: there the database is the machine."""
        if self._now is None:
            self._now = self._clock() if self.postgresql else datetime.now(UTC)
        return self._now

    def _clock(self) -> datetime:
        moment: datetime = self._connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)

    def insert_many(self, table: sa.Table, rows: Sequence[Row], *, unless: str | None = None) -> None:
        """New rows, all with the same columns. `unless` names unique columns: a row whose values are known is left out."""
        if rows:
            self._bulk(bulk.insertion(self._database, table, tuple(rows[0]), unless), rows)

    def insert_new(self, table: sa.Table, rows: Sequence[Row], *, unless: str) -> int:
        """The same at once, also inside `one_trip`; how many were not known."""
        statement = bulk.insertion(self._database, table, tuple(rows[0]), unless)
        return self._connection.exec_driver_sql(statement.text, statement.bind(rows)).rowcount

    def change_many(self, table: sa.Table, rows: Sequence[Row], *, plus: tuple[str, ...] = ()) -> None:
        """Change rows by their `id`, the last column of each; columns in `plus` are added to what is there."""
        if rows:
            self._bulk(bulk.change(self._database, table, tuple(rows[0]), plus), rows)

    def insert_last(self, table: sa.Table, row: Row) -> None:
        """A new row that nothing in this transaction looks for: written before the commit, with all others of its table."""
        self._last.append((table, row))

    def finish(self) -> None:
        """Write what was left for the end. Whoever commits calls it."""
        for table in dict.fromkeys(table for table, _ in self._last):
            self.insert_many(table, [row for of, row in self._last if of is table])
        self._last.clear()

    @contextmanager
    def savepoint(self) -> Generator[None]:
        """What a refusal leaves in this block is undone; what was done before it stays."""
        kept = len(self._last)
        self._mark("SAVEPOINT part")
        try:
            yield
        except DBAPIError:
            # The whole transaction is lost, and with it the savepoint.
            raise
        except Exception:
            del self._last[kept:]
            self._mark("ROLLBACK TO part")
            self._mark("RELEASE part")
            raise
        self._mark("RELEASE part")

    @contextmanager
    def one_trip(self) -> Generator[None]:
        """What `insert_many` and `change_many` write in this block goes to PostgreSQL as one statement, at its end.

        Each of them sees the database as it was before the block, and none may touch a row of another. A block inside
        another one belongs to it.
        """
        if self._held_back is not None:
            yield
            return
        self._held_back = [] if self.postgresql else None
        try:
            yield
        finally:
            held_back, self._held_back = self._held_back, None
        if held_back:
            self._connection.exec_driver_sql(*bulk.together(held_back))

    def _bulk(self, statement: bulk.Bulk, rows: Sequence[Row]) -> None:
        if self._held_back is not None:
            self._held_back.append((statement, rows))
        else:
            self._connection.exec_driver_sql(statement.text, statement.bind(rows))

    @property
    def _database(self) -> str:
        return self._connection.dialect.name

    def _mark(self, statement: str) -> None:
        self._connection.exec_driver_sql(statement)


@cache
def _insert_into(dialect: str, table: sa.Table) -> Any:
    # Imported where it is needed: a server on one database starts without the other's dialect.
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def engines(url: str) -> tuple[Engine, Engine]:
    """The writing and the reading engine for a database URL."""
    if url.startswith("sqlite:"):
        return _sqlite(url, "BEGIN IMMEDIATE", query_only=False), _sqlite(url, "BEGIN", query_only=True)
    full = url.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1)
    options = {"pool_pre_ping": False, "json_serializer": _encode, "json_deserializer": msgspec.json.decode}
    writer = sa.create_engine(
        full, pool_size=GENERAL_LANES + 2, connect_args={"options": "-c synchronous_commit=on"}, **options
    )
    reader = sa.create_engine(full, pool_size=READERS + 1, isolation_level="AUTOCOMMIT", **options)
    return writer, reader


def _sqlite(url: str, begin: str, *, query_only: bool) -> Engine:
    path = sa.make_url(url).database
    if path:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = sa.create_engine(
        url, pool_size=READERS, connect_args={"check_same_thread": False}, json_serializer=_encode,
        json_deserializer=msgspec.json.decode,
    )  # fmt: skip

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = (
            None  # else sqlite3 begins by itself, deferred: a read-then-write would fail at once
        )
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if query_only:
            connection.execute("PRAGMA query_only=ON")
        for name, function in ((words.FOLD, words.fold), (words.UPPER, words.upper)):
            connection.create_function(name, 1, function, deterministic=True)

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    events.listen(engine, "connect", connected)
    events.listen(engine, "begin", begun)
    return engine


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def one_writer(engine: Engine) -> bool:
    """True where one connection writes at a time: SQLite."""
    return engine.dialect.name == "sqlite"


def hold_still(connection: Connection) -> None:
    """Have all statements of this connection see the same moment."""
    # SQLite's readers begin a transaction anyway; PostgreSQL's see each statement's own moment.
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ")


def worth_another_try(error: DBAPIError, *, committing: bool) -> bool:
    """Lost against another transaction, or the server went away before the commit: nothing has happened yet.

    A connection that breaks during the commit leaves the outcome unknown: the caller hears so, and asks again.
    """
    state: object = getattr(error.orig, "sqlstate", None)
    lost = state in _RETRY_STATES or any(word in str(error.orig) for word in _RETRY_WORDS)
    return lost or (error.connection_invalidated and not committing)


def unavailable(error: DBAPIError) -> Exception:
    """A sick database is for the caller to try again; a broken statement or rule is our bug and stays what it is.

    A question that is larger than the database can follow, or whose sums are, is the caller's.
    """
    text, state = str(error.orig), str(getattr(error.orig, "sqlstate", ""))
    if state == _OUT_OF_RANGE or "integer overflow" in text:
        return Refused("NumberOutOfRange", "A number is larger than any that can be stored.")
    if state.startswith(_TOO_COMPLEX) or any(word in text for word in _TOO_COMPLEX_WORDS):
        return Refused("QueryUnsupported", "The query is larger than the database can follow.")
    sick = error.connection_invalidated or isinstance(error, OperationalError) or "is locked" in text
    if not sick:
        return error
    return Unavailable(
        "DatabaseUnavailable", "The database does not answer right now. Nothing was lost; please try again."
    )
