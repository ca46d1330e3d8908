"""One process's share of some work, round by round: take what is due, rest when there is nothing, finish what was begun."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

import structlog

POLL_S = 0.5
"""How often to look without a hint."""
DRAIN_S = 20.0
"""For what is under way when it ends."""

Piece = Coroutine[object, object, None]
"""Of the work. It sees to its own failures."""

log = structlog.get_logger("gatepass.rounds")


class Rounds:
    """Until `stop`."""

    def __init__(self, name: str, claim: Callable[[], Awaitable[Sequence[Piece]]]) -> None:
        """`claim` takes what is due, as far as there is room; nothing: it is asked again after a rest. `name` is for the log."""
        self._name, self._claim = name, claim
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    @property
    def under_way(self) -> int:
        """Pieces of work that have begun and not ended."""
        return len(self._running)

    async def run(self) -> None:
        """Work until `stop`, then finish what was begun."""
        while not self._stopping:
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

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()
