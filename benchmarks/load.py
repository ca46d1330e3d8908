"""The load generator: a lean HTTP/1.1 client in a process of its own, so that the server's interpreter is not its.

`run(plan)` starts the process, hands it the plan on stdin and reads the outcome from its stdout.
"""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from time import perf_counter
from typing import cast

import msgspec

WARM_UP_S = 0.5
"""Before counting starts, where requests may repeat."""
PATIENCE_S = 60.0
"""For a whole plan; half of it for requests that are sent once."""


class Plan(msgspec.Struct):
    """Whole requests as bytes, over keep-alive connections; each sends its next one when it has been answered."""

    host: str
    port: int
    connections: int
    requests: list[bytes]
    seconds: float | None = None
    """How long to go round and round; None: each request once."""
    keep: bool = False
    """Hand back the raw answers."""
    per_s: float | None = None
    """At this pace, whatever the answers take, as far as the connections suffice; None: as fast as they are answered."""


class Outcome(msgspec.Struct):
    """What came of it. `began` and `ended` are of the machine's monotonic clock."""

    began: float
    ended: float
    statuses: dict[int, int]
    p50_ms: float
    p99_ms: float
    lost: int
    """Connections that broke."""
    answers: list[bytes]

    def count(self, *statuses: int) -> int:
        """How many were answered with one of these."""
        return sum(self.statuses.get(status, 0) for status in statuses)

    def rate(self, status: int) -> float:
        """Answers of this status per second."""
        return self.count(status) / max(self.ended - self.began, 1e-9)

    def errors(self, status: int) -> int:
        """Everything that was not answered with this status."""
        return sum(self.statuses.values()) - self.count(status) + self.lost


def run(plan: Plan) -> Outcome:
    """In a process of its own."""
    spawned = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(
        spawned, input=msgspec.msgpack.encode(plan), stdout=subprocess.PIPE, check=True, timeout=PATIENCE_S
    )
    return msgspec.msgpack.decode(done.stdout, type=Outcome)


def request(method: str, target: str, port: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole request; underscores in names of headers become dashes."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Load:
    """All connections of one plan, and what they have seen."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests: Iterator[bytes] = cycle(plan.requests) if plan.seconds else iter(plan.requests)
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._answers: list[bytes] = []
        self._lost = self._sent = 0
        self._open = plan.connections
        self._ended = asyncio.Event()
        self._last = self._from = 0.0

    async def run(self) -> Outcome:
        """Until time or requests are over."""
        self._last = self._from = perf_counter() + (WARM_UP_S if self._plan.seconds else 0)
        self._until = self._from + (self._plan.seconds or PATIENCE_S / 2)
        loop, plan = asyncio.get_running_loop(), self._plan
        for _ in range(plan.connections):
            await loop.create_connection(lambda: _Connection(self), plan.host, plan.port)
        await self._ended.wait()
        return self._outcome()

    def next(self) -> bytes | None:
        """What to send now; None: it is over."""
        return next(self._requests, None) if perf_counter() < self._until else None

    def wait_s(self) -> float:
        """How long the next request has to wait for its turn."""
        turn = self._from + self._sent / self._plan.per_s if self._plan.per_s else 0.0
        self._sent += 1
        return turn - perf_counter()

    def answered(self, begun: float, status: int, answer: bytes) -> None:
        """Count an answer, if it was asked for after the warm-up."""
        now = perf_counter()
        if begun >= self._from or not self._plan.seconds:
            self._latencies.append(now - begun)
            self._statuses[status] += 1
            self._last = now
        if self._plan.keep:
            self._answers.append(answer)

    def closed(self, *, waiting: bool) -> None:
        """A connection has ended; `waiting` for an answer is a loss."""
        self._lost += waiting
        self._open -= 1
        if not self._open:
            self._ended.set()

    def _outcome(self) -> Outcome:
        sorted_ms = sorted(one * 1000 for one in self._latencies) or [0.0]
        p50, p99 = (sorted_ms[min(len(sorted_ms) - 1, int(len(sorted_ms) * part))] for part in (0.5, 0.99))
        statuses = dict(self._statuses)
        return Outcome(self._from, self._last, statuses, round(p50, 2), round(p99, 2), self._lost, self._answers)


class _Connection(asyncio.Protocol):
    """One keep-alive connection: a request, its answer, the next request."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._got = b""
        self._begun = 0.0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0 or len(self._got) < head + 4 + _length(self._got[:head]):
            return
        answer, self._got, self._waiting = self._got, b"", False
        self._load.answered(self._begun, int(answer[9:12]), answer)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.closed(waiting=self._waiting)

    def _send(self) -> None:
        following = self._load.next()
        if following is None:
            self._transport.close()
            return
        if (pause := self._load.wait_s()) > 0:
            asyncio.get_running_loop().call_later(pause, self._write, following)
        else:
            self._write(following)

    def _write(self, following: bytes) -> None:
        self._waiting, self._begun = True, perf_counter()
        self._transport.write(following)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])


def main() -> None:
    """Plan on stdin, outcome on stdout."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        new_event_loop = asyncio.new_event_loop
    plan = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Plan)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        outcome = runner.run(_Load(plan).run())
    # Not sys.stdout: with PYTHONUNBUFFERED it may write only a part.
    with open(sys.stdout.fileno(), "wb", closefd=False) as out:
        out.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
