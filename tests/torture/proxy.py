"""A bad line between Gatepass and its payment provider: an HTTP proxy that does to chosen calls what networks do."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from gatepass import server

HANG_S = 9.0
"""Longer than Gatepass waits for an answer (7 s)."""
DRIP_S = 2.0
"""How long a slow answer takes."""
_HOP = {"connection", "content-length", "transfer-encoding", "host"}
_IDS = re.compile(r"\b(cs_test|cs|re|pi|plink|ch|dp|du|evt)_\w+")


class Fault(StrEnum):
    """What happens to one call."""

    ERROR = "500"
    BUSY = "429 with Retry-After"
    RESET = "reset before the effect"
    RESET_AFTER = "reset after the effect"
    HANG = "no answer"
    HANG_AFTER = "no answer after the effect"
    DRIP = "the answer comes drop by drop"
    GARBAGE = "an answer that is no JSON"
    TRUNCATED = "half an answer"
    EMPTY = "an empty answer"


_WITHOUT_EFFECT = {Fault.ERROR, Fault.BUSY, Fault.RESET, Fault.HANG}
SLOW = {Fault.HANG, Fault.HANG_AFTER}


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the provider."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        """Without ids and query: such as `POST /v1/checkout/sessions/{}/expire`; a list ends in `?`."""
        path, asks, query = self.target.partition("?")
        lists = asks and "expand" not in query.partition("=")[0]
        return f"{self.method} {_IDS.sub('{}', path)}{'?' if lists else ''}"


async def _nothing(_: str) -> None:
    """Nobody listens."""


@dataclass
class Proxy:
    """Forwards to `upstream`; `faults` says what calls of a name meet, and how often."""

    upstream: str
    url: str = ""
    faults: dict[str, tuple[Fault, int]] = field(default_factory=dict[str, tuple[Fault, int]])
    met: dict[str, int] = field(default_factory=dict[str, int])
    """How many calls of each name met a fault."""
    passing: Callable[[str], Awaitable[None]] = _nothing
    """Told of each call before it is forwarded, and when its answer has come and was not yet passed on."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one call."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, httpx.HTTPError):
            call = await _read(reader)
            await self._answer(call, self._fault_of(call), writer)
        writer.close()

    def _fault_of(self, call: Call) -> Fault | None:
        fault, left = self.faults.get(call.name, (None, 0))
        if fault is None or not left:
            return None
        self.faults[call.name] = (fault, left - 1)
        self.met[call.name] = self.met.get(call.name, 0) + 1
        return fault

    async def _answer(self, call: Call, fault: Fault | None, writer: asyncio.StreamWriter) -> None:
        if fault in _WITHOUT_EFFECT:
            await _spoil(fault, b"", writer)
            return
        await self.passing(f"before {call.name}")
        async with httpx.AsyncClient(timeout=30, verify=False) as client:
            answer = await client.request(
                call.method, self.upstream + call.target, headers=call.headers, content=call.body
            )
        await self.passing(f"after {call.name}")
        await _spoil(fault, _written(answer.status_code, dict(answer.headers), answer.content), writer)


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Call(method, target, {name: value for name, value in headers.items() if name not in _HOP}, body)


def _written(status: int, headers: dict[str, str], body: bytes) -> bytes:
    kept = {name: value for name, value in headers.items() if name.lower() not in _HOP}
    lines = [f"{name}: {value}" for name, value in {**kept, "connection": "close", "content-length": len(body)}.items()]
    return "\r\n".join([f"HTTP/1.1 {status} -", *lines, "", ""]).encode("latin-1") + body


async def _spoil(fault: Fault | None, answer: bytes, writer: asyncio.StreamWriter) -> None:
    """Answer as the fault says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if fault in {Fault.RESET, Fault.RESET_AFTER}:
        writer.transport.abort()
        return
    if fault in SLOW:
        await asyncio.sleep(HANG_S)
        return
    if fault is Fault.DRIP:
        await _drip(answer, writer)
        return
    writer.write(
        {
            Fault.ERROR: _written(500, {}, b'{"error": {"type": "api_error", "message": "An error occurred."}}'),
            Fault.BUSY: _written(429, {"retry-after": "1"}, b'{"error": {"code": "rate_limit", "message": "Slow."}}'),
            Fault.GARBAGE: _written(200, {"content-type": "text/html"}, b"<h1>It works!</h1>"),
            Fault.EMPTY: _written(200, {}, b""),
            Fault.TRUNCATED: head + b"\r\n\r\n" + body[: len(body) // 2],
        }.get(fault or Fault.DRIP, answer)
    )
    await writer.drain()


async def _drip(answer: bytes, writer: asyncio.StreamWriter) -> None:
    size = len(answer) // 20 + 1
    for start in range(0, len(answer), size):
        writer.write(answer[start : start + size])
        await writer.drain()
        await asyncio.sleep(DRIP_S / 20)


@asynccontextmanager
async def proxying(upstream: str) -> AsyncGenerator[Proxy]:
    """A line to `upstream` that does nothing bad yet."""
    listening = server.listen("127.0.0.1", 0)
    proxy = Proxy(upstream, server.address(listening))
    async with await asyncio.start_server(proxy.serve, sock=listening):
        yield proxy
