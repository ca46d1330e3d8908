"""The line to Dynamics: forwards, does to chosen calls what a cloud does, and remembers when each call left."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from gatepass import server
from tests.torture.proxy import Call, _read, _written

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Trouble(StrEnum):
    """What happens to one call."""

    THROTTLED = "429 with Retry-After: 1"
    ERROR = "500"
    BAD = "400 with a reason"
    UNAUTHORIZED = "401: the token was rotated"
    RESET = "reset before the effect"
    RESET_AFTER = "reset after the effect"
    GARBAGE = "200 with a page instead of JSON"


_AFTER = {Trouble.RESET_AFTER, Trouble.GARBAGE}


@dataclass(frozen=True, slots=True)
class Left:
    """One call that reached the line."""

    at: float
    name: str
    trouble: Trouble | None


@dataclass
class Line:
    """`troubles`: kinds of calls (`token`, `read`, `look`, `finalize`) and what the next ones of them meet."""

    upstream: str
    client: httpx.AsyncClient
    url: str = ""
    down: bool = False
    troubles: dict[str, list[Trouble]] = field(default_factory=dict[str, list[Trouble]])
    calls: list[Left] = field(default_factory=list[Left])
    without: str | None = None
    """A property that is null in what is read."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """These of every answer are so."""
    under_way: int = 0
    most_at_once: int = 0

    def count(self, name: str) -> int:
        """How many calls of a kind there were."""
        return sum(call.name == name for call in self.calls)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one call."""
        self.under_way += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, httpx.HTTPError):
            await self._serve(reader, writer)
        self.under_way -= 1
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = await _read(reader)
        name = _name(call.method, call.target)
        waiting = self.troubles.get(name, [])
        trouble = waiting.pop(0) if waiting else None
        self.calls.append(Left(time.monotonic(), name, trouble))
        self.most_at_once = max(self.most_at_once, self.under_way)
        if self.down or trouble is Trouble.RESET:
            writer.transport.abort()
            return
        answer = b"" if trouble and trouble not in _AFTER else await self._forward(call)
        if trouble is Trouble.RESET_AFTER:
            writer.transport.abort()
            return
        writer.write(_ANSWERS.get(trouble, answer) if trouble else answer)
        await writer.drain()

    async def _forward(self, call: Call) -> bytes:
        url = self.upstream + call.target
        answer = await self.client.request(call.method, url, headers=call.headers, content=call.body)
        kept = {name: value for name, value in answer.headers.items() if name != "content-encoding"} | self.headers
        return _written(answer.status_code, kept, self._left_out(answer))

    def _left_out(self, answer: httpx.Response) -> bytes:
        if not self.without or "eventpurchases" not in str(answer.url):
            return answer.content
        return json.dumps(answer.json() | {self.without: None}).encode()


_ANSWERS = {
    Trouble.THROTTLED: _written(429, {"retry-after": "1"}, b'{"error": {"code": "0x80072322", "message": "Slow."}}'),
    Trouble.ERROR: _written(500, {}, b'{"error": {"code": "0x80040216", "message": "An unexpected error occurred."}}'),
    Trouble.BAD: _written(400, {}, b'{"error": {"code": "0x80040265", "message": "The event is archived."}}'),
    Trouble.UNAUTHORIZED: _written(401, {}, b""),
    Trouble.GARBAGE: _written(200, {"content-type": "text/html"}, b"<h1>It works!</h1>"),
}


def _name(method: str, target: str) -> str:
    if "/oauth2/" in target:
        return "token"
    if "finalizeregistrationpayment" in target:
        return "finalize"
    if "eventpurchases" in target:
        return "read" if _GUID.search(target.partition("?")[0]) else "look"
    return f"{method} {target}"


@asynccontextmanager
async def line_to(upstream: str) -> AsyncGenerator[Line]:
    """A line that does nothing bad yet."""
    listening = server.listen("127.0.0.1", 0)
    async with httpx.AsyncClient(timeout=30, verify=False) as client:
        line = Line(upstream, client, server.address(listening))
        async with await asyncio.start_server(line.serve, sock=listening):
            yield line
