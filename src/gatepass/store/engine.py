"""A unit of work is answered only after its commit. With `bulk`, the only file that knows whether it is SQLite or PostgreSQL.

A unit is a plain function of a transaction; it cannot await, so it cannot call a provider while the transaction is open.
SQLite has one writer lane that commits all units waiting at that moment together. On PostgreSQL the units that fight for
one row share a lane in the same way; the others have a few lanes of their own, one transaction each.
"""

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy import event as events
from sqlalchemy.engine import Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from gatepass.domain.errors import GatepassError, Unavailable
from gatepass.store import bulk, words

GROUP_LIMIT = 128
"""Units in one commit."""
GENERAL_LANES = 3
"""PostgreSQL: transactions at once beside the grouped lane."""
READERS = 4
"""Reads at once."""
TRIES = 6
"""For a transaction that lost against another one (deadlock, serialization, lock)."""
MAPPED_BYTES = 1 << 36
"""SQLite: as much of the file as a wide look may map; address space only."""
BUSY_TIMEOUT_MS = 30_000
"""SQLite: how long to wait for another process that writes."""

_RETRY_STATES = {"40001", "40P01", "55P03", "23505"}
"""Serialization, deadlock, lock, and a key that another node was faster to take: the next try will see its row."""
_RETRY_WORDS = ("database is locked", "UNIQUE constraint failed")
"""The same in SQLite's words."""

T = TypeVar("T")
C = TypeVar("C")
Row = Mapping[str, Any]
Outcome = T | GatepassError
GroupUnit = Callable[["WriteTx", Sequence[C]], Sequence[Outcome[T]]]


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

    def change_many(self, table: sa.Table, rows: Sequence[Row], *, plus: tuple[str, ...] = ()) -> None:
        """Change rows by their `id`, the last column of each; columns in `plus` are added to what is there."""
        if rows:
            self._bulk(bulk.change(self._database, table, tuple(rows[0]), plus), rows)

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

    def mark(self, statement: str) -> None:
        """SAVEPOINT, RELEASE or ROLLBACK TO: one unit's refusal never undoes its neighbour."""
        self._connection.exec_driver_sql(statement)


@dataclass(slots=True)
class _Ticket:
    """One waiting caller: a unit alone (`command` is the unit's own business), or a command for a grouped unit."""

    unit: Callable[..., Any]
    command: Any
    grouped: bool
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Store:
    """Reads, and writes on lanes. Open one per process with `Store.open`."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer, self._reader = writer, reader
        self._readers = ThreadPoolExecutor(READERS, "gatepass-read")
        self._grouped = _Lane(writer, GROUP_LIMIT, self._after_commit)
        one_writer = writer.dialect.name == "sqlite"
        self._glances = None if one_writer else _Lane(reader, GROUP_LIMIT, self._after_commit)
        self._general = [self._grouped] if one_writer else self._start_general_lanes()
        self.on_jobs: Callable[[], None] = lambda: None
        """Called on the event loop after a commit that added jobs: a hint for the worker in this process."""

    @classmethod
    def open(cls, url: str) -> "Store":
        """`sqlite:///path` or `postgresql://...`; does not migrate."""
        return cls(*engines(url))

    async def read(self, query: Callable[[ReadTx], T]) -> T:
        """Run `query` on a reading connection."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, query)

    async def glance(self, query: Callable[[ReadTx, Sequence[C]], Sequence[T]], key: C) -> T:
        """`read` for a look by key on a hot path, for all who ask at that moment: `query` gets the keys, one answer each.

        On SQLite there is nothing to wait for, and the look takes less time than handing it to another thread would.
        """
        if self._glances is None:
            return self.read_now(lambda tx: query(tx, [key]))[0]
        return await self._grouped_on(self._glances, query, key)

    def read_now(self, query: Callable[[ReadTx], T]) -> T:
        """The same in this thread."""
        try:
            with self._reader.connect() as connection:
                return query(ReadTx(connection))
        except DBAPIError as error:
            raise _unavailable(error) from error

    async def snapshot(self, query: Callable[[ReadTx], T]) -> T:
        """`read` whose statements all see the same moment: for what is told of several tables."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.snapshot_now, query)

    def snapshot_now(self, query: Callable[[ReadTx], T]) -> T:
        """The same in this thread."""
        try:
            with self._reader.connect() as connection:
                # SQLite's readers begin a transaction anyway; PostgreSQL's see each statement's own moment.
                if connection.dialect.name == "postgresql":
                    connection.execution_options(isolation_level="REPEATABLE READ")
                return query(ReadTx(connection))
        except DBAPIError as error:
            raise _unavailable(error) from error

    async def write(self, unit: Callable[[WriteTx], T]) -> T:
        """Run `unit` in a transaction; returns what it returned once that is on disk. What it raises undoes it alone."""
        loop = asyncio.get_running_loop()
        ticket = _Ticket(unit, None, grouped=False, loop=loop, future=loop.create_future())
        self._general[0].submit(ticket)
        return cast("T", await ticket.future)

    async def write_together(self, unit: GroupUnit[C, T], command: C) -> T:
        """Run a set-based unit for `command` and for all others that wait: one transaction, one statement per table.

        `unit` gets the commands and answers each with a result or with the refusal that its caller shall see.
        """
        return await self._grouped_on(self._grouped, unit, command)

    async def _grouped_on(self, lane: "_Lane", unit: Callable[..., Any], command: Any) -> Any:
        loop = asyncio.get_running_loop()
        ticket = _Ticket(unit, command, grouped=True, loop=loop, future=loop.create_future())
        lane.submit(ticket)
        return await ticket.future

    def write_now(self, unit: Callable[[WriteTx], T]) -> T:
        """Run `unit` in this thread: for commands and tests, not for the server."""
        with self._writer.begin() as connection:
            return unit(WriteTx(connection))

    def close(self) -> None:
        """Finish what waits, then close the connections."""
        lanes = {self._grouped, *self._general, *([self._glances] if self._glances else [])}
        for lane in lanes:
            lane.stop()
        for lane in lanes:
            lane.join()
        self._readers.shutdown()
        self._writer.dispose()
        self._reader.dispose()

    def _start_general_lanes(self) -> "list[_Lane]":
        first = _Lane(self._writer, 1, self._after_commit)
        return [first, *(_Lane(self._writer, 1, self._after_commit, first.waiting) for _ in range(GENERAL_LANES - 1))]

    def _after_commit(self, loop: asyncio.AbstractEventLoop, tx: WriteTx) -> None:
        if tx.added_jobs:
            loop.call_soon_threadsafe(self.on_jobs)


class _Lane:
    """A thread with one connection. Takes what waits, up to `limit`, and commits it together."""

    def __init__(
        self,
        engine: Engine,
        limit: int,
        after_commit: Callable[[asyncio.AbstractEventLoop, WriteTx], None],
        waiting: "queue.SimpleQueue[_Ticket | None] | None" = None,
    ) -> None:
        self._engine, self._limit, self._after_commit = engine, limit, after_commit
        self.waiting: queue.SimpleQueue[_Ticket | None] = waiting or queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gatepass-lane", daemon=True)
        self._thread.start()

    def submit(self, ticket: _Ticket) -> None:
        self.waiting.put(ticket)

    def stop(self) -> None:
        """One of the lanes that share this queue ends after what waits now."""
        self.waiting.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        while tickets := self._take():
            self._serve(tickets)

    def _take(self) -> list[_Ticket]:
        """Wait for one ticket, then take all that wait already; empty means stop."""
        tickets: list[_Ticket] = []
        ticket = self.waiting.get()
        while ticket is not None:
            tickets.append(ticket)
            if len(tickets) == self._limit:
                return tickets
            try:
                ticket = self.waiting.get_nowait()
            except queue.Empty:
                return tickets
        if tickets:
            self.waiting.put(None)
        return tickets

    def _serve(self, tickets: Sequence[_Ticket]) -> None:
        try:
            answers, tx = self._commit(tickets)
        except Exception as error:
            # Alone it is the unit's own failure; in a group each ticket gets its own transaction and its own answer.
            if len(tickets) == 1 or isinstance(error, Unavailable):
                _deliver(tickets, [error] * len(tickets))
            else:
                for ticket in tickets:
                    self._serve([ticket])
            return
        self._after_commit(tickets[0].loop, tx)
        _deliver(tickets, answers)

    def _commit(self, tickets: Sequence[_Ticket]) -> tuple[Sequence[Any], WriteTx]:
        for attempt in range(1, TRIES + 1):
            committing = False
            try:
                with self._engine.connect() as connection:
                    tx = WriteTx(connection)
                    answers = _answer(tx, tickets)
                    committing = True
                    connection.commit()
                return answers, tx
            except DBAPIError as error:
                if attempt == TRIES or not _worth_another_try(error, committing=committing):
                    raise _unavailable(error) from error
                time.sleep(random.uniform(0.5, 1) * 0.002 * 2**attempt)  # noqa: S311
        raise AssertionError


def _answer(tx: WriteTx, tickets: Sequence[_Ticket]) -> Sequence[Any]:
    """Run every ticket of one transaction; a grouped unit once for all its commands."""
    if len(tickets) == 1:
        return [_alone(tx, tickets[0])]
    answers: list[Any] = [None] * len(tickets)
    for unit, places in _by_unit(tickets).items():
        if tickets[places[0]].grouped:
            for place, answer in zip(places, unit(tx, [tickets[i].command for i in places]), strict=True):
                answers[place] = answer
        else:
            for place in places:
                answers[place] = _in_savepoint(tx, tickets[place])
    return answers


def _by_unit(tickets: Sequence[_Ticket]) -> dict[Callable[..., Any], list[int]]:
    groups: dict[Callable[..., Any], list[int]] = {}
    for place, ticket in enumerate(tickets):
        groups.setdefault(ticket.unit, []).append(place)
    return groups


def _alone(tx: WriteTx, ticket: _Ticket) -> Any:
    return ticket.unit(tx, [ticket.command])[0] if ticket.grouped else ticket.unit(tx)


def _in_savepoint(tx: WriteTx, ticket: _Ticket) -> Any:
    tx.mark("SAVEPOINT unit")
    try:
        answer = ticket.unit(tx)
    except DBAPIError:
        raise
    except Exception as error:  # the caller's to judge: it travels to the future it belongs to
        tx.mark("ROLLBACK TO unit")
        tx.mark("RELEASE unit")
        return error
    tx.mark("RELEASE unit")
    return answer


def _deliver(tickets: Sequence[_Ticket], answers: Sequence[Any]) -> None:
    """Wake the loop once per group, not once per caller."""
    loop = tickets[0].loop
    try:
        loop.call_soon_threadsafe(_resolve, tickets, answers)
    except RuntimeError:
        # The loop is closed: nobody waits any more. What was committed is committed.
        return


def _resolve(tickets: Sequence[_Ticket], answers: Sequence[Any]) -> None:
    for ticket, answer in zip(tickets, answers, strict=True):
        if ticket.future.done():
            continue
        if isinstance(answer, Exception):
            ticket.future.set_exception(answer)
        else:
            ticket.future.set_result(answer)


def _worth_another_try(error: DBAPIError, *, committing: bool) -> bool:
    """Lost against another transaction, or the server went away before the commit: nothing has happened yet.

    A connection that breaks during the commit leaves the outcome unknown: the caller hears so, and asks again.
    """
    state: object = getattr(error.orig, "sqlstate", None)
    lost = state in _RETRY_STATES or any(word in str(error.orig) for word in _RETRY_WORDS)
    return lost or (error.connection_invalidated and not committing)


def _unavailable(error: DBAPIError) -> Exception:
    """A sick database is for the caller to try again; a broken statement or rule is our bug and stays what it is."""
    text = str(error.orig)
    sick = error.connection_invalidated or isinstance(error, OperationalError) or "is locked" in text
    if not sick:
        return error
    return Unavailable(
        "DatabaseUnavailable", "The database does not answer right now. Nothing was lost; please try again."
    )


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
        Path(path).parent.mkdir(parents=True, exist_ok=True)
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
