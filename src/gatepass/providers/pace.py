"""How fast calls may leave for one provider: so many a second, a buyer's before the worker's, none while it asks to wait."""

import asyncio
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from gatepass.domain.errors import Unavailable

BURST_S = 0.1
"""What was not called for so long may be called at once: a second then never has more than a tenth above the pace."""
WORKERS_TURN = 5
"""Of so many calls that wait one is the worker's, though buyers wait too: what was paid has to be settled as well."""
LONGEST_WAIT_S = 5.0
"""A provider that wants more patience is told as down at once: a buyer is better off with a page that says so."""

_behind: ContextVar[bool] = ContextVar("behind", default=False)


@contextmanager
def behind_buyers() -> Generator[None]:
    """What this task, and those it begins, calls in this block has time: the worker's calls."""
    before = _behind.set(True)
    try:
        yield
    finally:
        _behind.reset(before)


class Pace:
    """A token bucket for the calls of this process."""

    def __init__(self, calls_per_s: int) -> None:
        """`calls_per_s`: at least 1."""
        self._per_s = calls_per_s
        self._most = max(1.0, calls_per_s * BURST_S)
        self._tokens, self._counted = self._most, 0.0
        self._buyers: deque[asyncio.Future[None]] = deque()
        self._workers: deque[asyncio.Future[None]] = deque()
        self._turns = 0
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self) -> None:
        """Wait until a call may leave. Raises Unavailable when the provider wants to be left alone for longer."""
        loop = asyncio.get_running_loop()
        # `pause` puts the moment of the last count into the future.
        if self._counted - loop.time() > LONGEST_WAIT_S:
            raise _fewer()
        turn: asyncio.Future[None] = loop.create_future()
        (self._workers if _behind.get() else self._buyers).append(turn)
        self._let_go()
        await turn

    def pause(self, seconds: float) -> None:
        """No call leaves for so long."""
        now = asyncio.get_running_loop().time()
        self._tokens, self._counted = 0.0, max(self._counted, now + seconds)
        while self._counted - now > LONGEST_WAIT_S and (turn := self._next()):
            turn.set_exception(_fewer())

    def _let_go(self) -> None:
        """Whoever may leave now does; the rest when the next token has come."""
        loop = asyncio.get_running_loop()
        self._count(loop.time())
        while self._tokens >= 1 and (turn := self._next()):
            turn.set_result(None)
            self._tokens -= 1
        if (self._buyers or self._workers) and self._timer is None:
            self._timer = loop.call_at(self._counted + (1 - self._tokens) / self._per_s, self._later)

    def _later(self) -> None:
        self._timer = None
        self._let_go()

    def _count(self, now: float) -> None:
        if now > self._counted:
            self._tokens = min(self._most, self._tokens + (now - self._counted) * self._per_s)
            self._counted = now

    def _next(self) -> "asyncio.Future[None] | None":
        """Who leaves next; whoever gave up meanwhile is passed by."""
        while self._buyers or self._workers:
            workers = self._workers and (not self._buyers or self._turns % WORKERS_TURN == WORKERS_TURN - 1)
            turn = (self._workers if workers else self._buyers).popleft()
            if not turn.done():
                self._turns += 1
                return turn
        return None


def _fewer() -> Unavailable:
    return Unavailable("ProviderDown", "The payment provider asks for fewer calls right now.")
