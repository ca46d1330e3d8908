"""One process's share of some work, round by round: take what is due, rest when there is nothing, finish what was begun."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from uuid import uuid4

import structlog

POLL_S = 0.5
"""How often to look without a hint."""
DRAIN_S = 20.0
"""For what is under way when it ends."""

Piece = Coroutine[object, object, bool | None]
"""Of the work. It sees to its own failures. False: its end is no reason to look for more at once."""

log = structlog.get_logger("gatepass.rounds")


def holder() -> str:
    """Who holds a claim, for people who look at the table: machine, process, and which of its workers."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid4().hex[:8]}"


class Rounds:
    """Until `stop`."""

    def __init__(self, name: str, claim: Callable[[], Awaitable[Sequence[Piece]]]) -> None:
        """`claim` takes what is due, as far as there is room; nothing: it is asked again after a rest. `name` is for the log."""
        self._name, self._claim = name, claim
        self._running: set[asyncio.Task[bool | None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self.hinted = False
        """Whether the present look has a reason other than that some time has passed."""

    @property
    def under_way(self) -> int:
        """Pieces of work that have begun and not ended."""
        return len(self._running)

    async def run(self) -> None:
        """Work until `stop`, then finish what was begun."""
        while not self._stopping:
            self.hinted = self._wake.is_set()
            self._wake.clear()
            if not await self._begin():
                await self._rest()
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_S)

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping = True
        self._wake.set()

    def hint(self) -> None:
        """There may be work."""
        self._wake.set()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _begin(self) -> bool:
        try:
            pieces = await self._claim()
        except Exception as error:
            log.warning("rounds.no_claim", of=self._name, error=type(error).__name__)
            return False
        for piece in pieces:
            task = asyncio.create_task(piece)
            self._running.add(task)
            task.add_done_callback(self._ended)
        return bool(pieces)

    def _ended(self, task: asyncio.Task[bool | None]) -> None:
        self._running.discard(task)
        if task.cancelled() or self._failed(task) or task.result() is not False:
            self._wake.set()

    def _failed(self, task: asyncio.Task[bool | None]) -> bool:
        error = task.exception()
        if error:
            log.error("rounds.failed", of=self._name, error=type(error).__name__)
        return error is not None
