"""Service protection limits, as Dataverse has them: per user, in a sliding window of five minutes, per web server.

Requests, time spent on them, and how many at once (learn.microsoft.com, "Service protection API limits"). What is over is
refused with 429, the documented code and Retry-After; nothing of it has happened.
"""

import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from uuid import UUID

from gatepass.domain.errors import Unavailable

WINDOW_S = 300
LEAST_RETRY_AFTER_S = 1
FORGET_ABOVE = 1000
"""Users that are remembered, before those who have gone quiet are forgotten."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Per user and window; 0: no limit."""

    requests: int = 6000
    seconds: int = 1200
    at_once: int = 52


@dataclass(slots=True)
class _Usage:
    """What one user has asked for: (when it ended, seconds it took), oldest first."""

    ended: deque[tuple[float, float]] = field(default_factory=deque[tuple[float, float]])
    seconds: float = 0.0
    running: int = 0

    def forget(self, before: float) -> None:
        while self.ended and self.ended[0][0] < before:
            self.seconds -= self.ended.popleft()[1]


class Protection:
    """The limits of one process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._users: dict[UUID, _Usage] = {}

    @contextmanager
    def admit(self, user: UUID) -> Generator[dict[str, str]]:
        """While a request runs; gives the headers that tell what is left. Raises Unavailable (429) when it is too much."""
        usage = self._usage(user)
        self._check(usage)
        began = time.monotonic()
        usage.running += 1
        try:
            yield self._left(usage)
        finally:
            usage.running -= 1
            now = time.monotonic()
            usage.ended.append((now, now - began))
            usage.seconds += now - began

    def _usage(self, user: UUID) -> _Usage:
        before = time.monotonic() - WINDOW_S
        if len(self._users) > FORGET_ABOVE:
            quiet = [at for at, one in self._users.items() if not one.running and not (one.forget(before) or one.ended)]
            for at in quiet:
                del self._users[at]
        usage = self._users.setdefault(user, _Usage())
        usage.forget(before)
        return usage

    def _check(self, usage: _Usage) -> None:
        limits, asked = self._limits, len(usage.ended) + usage.running
        if limits.at_once and usage.running >= limits.at_once:
            raise _too_much("TooManyAtOnce", f"Number of concurrent requests exceeded the limit of {limits.at_once}.")
        if limits.requests and asked >= limits.requests:
            text = f"Number of requests exceeded the limit of {limits.requests} over time window of {WINDOW_S} seconds."
            raise _too_much("TooManyRequests", text, usage)
        if limits.seconds and usage.seconds >= limits.seconds:
            text = (
                f"Combined execution time of incoming requests exceeded limit of {limits.seconds * 1000} milliseconds "
                f"over time window of {WINDOW_S} seconds. Decrease number of concurrent requests or reduce the duration "
                "of requests and try again later."
            )
            raise _too_much("TooMuchTime", text, usage)

    def _left(self, usage: _Usage) -> dict[str, str]:
        found: dict[str, str] = {}
        if self._limits.requests:
            found["x-ms-ratelimit-burst-remaining-xrm-requests"] = str(
                self._limits.requests - len(usage.ended) - usage.running
            )
        if self._limits.seconds:
            found["x-ms-ratelimit-time-remaining-xrm-requests"] = f"{self._limits.seconds - usage.seconds:.2f}"
        return found


def _too_much(code: str, message: str, usage: _Usage | None = None) -> Unavailable:
    """Refused until the oldest request in the window is forgotten."""
    wait_s = usage.ended[0][0] + WINDOW_S - time.monotonic() if usage and usage.ended else 0
    return Unavailable(code, message, retry_after_s=max(LEAST_RETRY_AFTER_S, ceil(wait_s)))
