"""A unit of work is answered only after its commit.

A unit is a plain function of a transaction; it cannot await, so it cannot call a provider while the transaction is open.
SQLite has one writer lane that commits all units waiting at that moment together. On PostgreSQL the units that fight for
one row share a lane in the same way; the others have a few lanes of their own, one transaction each.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from gatepass.domain.errors import GatepassError
from gatepass.store.engine import GENERAL_LANES, READERS, ReadTx, WriteTx, engines, hold_still, one_writer, unavailable
from gatepass.store.lanes import Lane, Ticket

GROUP_LIMIT = 128
"""Units in one commit."""

T = TypeVar("T")
C = TypeVar("C")
Outcome = T | GatepassError
GroupUnit = Callable[[WriteTx, Sequence[C]], Sequence[Outcome[T]]]


class Store:
    """Reads, and writes on lanes. Open one per process with `Store.open`."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self._writer, self._reader = writer, reader
        self._readers = ThreadPoolExecutor(READERS, "gatepass-read")
        self._grouped = Lane(writer, GROUP_LIMIT, self._after_commit)
        alone = one_writer(writer)
        self._glances = None if alone else Lane(reader, GROUP_LIMIT, self._after_commit)
        self._general = [self._grouped] if alone else self._start_general_lanes()
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
            raise unavailable(error) from error

    async def snapshot(self, query: Callable[[ReadTx], T]) -> T:
        """`read` whose statements all see the same moment: for what is told of several tables."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.snapshot_now, query)

    def snapshot_now(self, query: Callable[[ReadTx], T]) -> T:
        """The same in this thread."""
        try:
            with self._reader.connect() as connection:
                hold_still(connection)
                return query(ReadTx(connection))
        except DBAPIError as error:
            raise unavailable(error) from error

    async def write(self, unit: Callable[[WriteTx], T]) -> T:
        """Run `unit` in a transaction; returns what it returned once that is on disk. What it raises undoes it alone."""
        loop = asyncio.get_running_loop()
        ticket = Ticket(unit, None, grouped=False, loop=loop, future=loop.create_future())
        self._general[0].submit(ticket)
        return cast("T", await ticket.future)

    async def write_together(self, unit: GroupUnit[C, T], command: C) -> T:
        """Run a set-based unit for `command` and for all others that wait: one transaction, one statement per table.

        `unit` gets the commands and answers each with a result or with the refusal that its caller shall see.
        """
        return await self._grouped_on(self._grouped, unit, command)

    async def _grouped_on(self, lane: Lane, unit: Callable[..., Any], command: Any) -> Any:
        loop = asyncio.get_running_loop()
        ticket = Ticket(unit, command, grouped=True, loop=loop, future=loop.create_future())
        lane.submit(ticket)
        return await ticket.future

    def write_now(self, unit: Callable[[WriteTx], T]) -> T:
        """Run `unit` in this thread: for commands and tests, not for the server."""
        with self._writer.begin() as connection:
            tx = WriteTx(connection)
            answer = unit(tx)
            tx.finish()
            return answer

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

    def _start_general_lanes(self) -> list[Lane]:
        first = Lane(self._writer, 1, self._after_commit)
        return [first, *(Lane(self._writer, 1, self._after_commit, first.waiting) for _ in range(GENERAL_LANES - 1))]

    def _after_commit(self, loop: asyncio.AbstractEventLoop, tx: WriteTx) -> None:
        if tx.added_jobs:
            loop.call_soon_threadsafe(self.on_jobs)
