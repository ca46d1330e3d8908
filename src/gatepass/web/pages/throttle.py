"""Slows down whoever does too much. In memory: each process counts for itself, and forgets at a restart."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

ORDERS_WINDOW_S = 600.0
FORMS_PER_ORDER = 10
"""Looked through, changed, and without a script once for each person more."""
MOST_KEYS = 10_000
"""Remembered at once: the oldest make room."""


@dataclass(slots=True)
class Throttle:
    """At most `most` times of one key within `window_s` seconds."""

    most: int
    """0: no limit."""
    window_s: float
    clock: Callable[[], float] = time.monotonic
    _times: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def wait_s(self, key: str) -> int:
        """Seconds that this key has to wait; 0: it may go on."""
        recent = self._recent(key)
        return int(recent[0] + self.window_s - self.clock()) + 1 if self.most and len(recent) >= self.most else 0

    def count(self, key: str) -> None:
        """Once more."""
        recent = [*self._recent(key), self.clock()]
        self._times.pop(key, None)
        if len(self._times) >= MOST_KEYS:
            self._times.pop(next(iter(self._times)))
        self._times[key] = recent

    def _recent(self, key: str) -> list[float]:
        since = self.clock() - self.window_s
        return [at for at in self._times.get(key, ()) if at > since]


@dataclass(slots=True)
class AtMostEvery:
    """Lets one through per key and `pause_s` seconds."""

    pause_s: float
    clock: Callable[[], float] = time.monotonic
    _last: dict[object, float] = field(default_factory=dict[object, float])

    def may(self, key: object) -> bool:
        """True once, then False until the pause is over."""
        now = self.clock()
        if now - self._last.get(key, -self.pause_s) < self.pause_s:
            return False
        if len(self._last) >= MOST_KEYS:
            self._last.clear()
        self._last[key] = now
        return True
