"""The line to Dynamics: forwards, does to chosen calls what a cloud does, and remembers when each call left."""

import asyncio
import contextlib
import json
import re
import ssl
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

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
    HANG = "taken, and never answered"
    HANG_AFTER = "taken, done, and never answered"


QUICK = tuple(one for one in Trouble if one not in {Trouble.HANG, Trouble.HANG_AFTER})
"""Those that whoever calls knows of at once."""
_AFTER = {Trouble.RESET_AFTER, Trouble.GARBAGE, Trouble.HANG_AFTER}
_SILENT = {Trouble.HANG, Trouble.HANG_AFTER}
SILENCE_S = 45.0
"""Longer than anybody waits for an answer (dataverse/client.py)."""


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
    slow_s: float = 0.0
    """Every call takes so much longer."""
    storm: tuple[Trouble, ...] = ()
    share: float = 0.0
    """This share of all calls meets one of the storm."""
    dice: Random = field(default_factory=lambda: Random(1))
    under_way: int = 0
    most_at_once: int = 0

    def count(self, name: str) -> int:
        """How many calls of a kind there were."""
        return sum(call.name == name for call in self.calls)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, call by call."""
        with contextlib.suppress(
            ConnectionError, asyncio.IncompleteReadError, httpx.HTTPError, ValueError, RuntimeError
        ):
            while await self._serve(await _read(reader), writer):
                pass
        with contextlib.suppress(ConnectionError):
            writer.close()

    async def _serve(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        """False: the connection was reset."""
        name = _name(call.method, call.target)
        trouble = self._trouble(name)
        self.calls.append(Left(time.monotonic(), name, trouble))
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            answer = await self._answer(call, trouble)
        finally:
            self.under_way -= 1
        if answer is None:
            writer.transport.abort()
            return False
        writer.write(answer.replace(b"connection: close", b"connection: keep-alive", 1))
        await writer.drain()
        return True

    def _trouble(self, name: str) -> Trouble | None:
        if waiting := self.troubles.get(name, []):
            return waiting.pop(0)
        return self.dice.choice(self.storm) if self.storm and self.dice.random() < self.share else None

    async def _answer(self, call: Call, trouble: Trouble | None) -> bytes | None:
        if self.down or trouble is Trouble.RESET:
            return None
        await asyncio.sleep(self.slow_s)
        answer = b"" if trouble and trouble not in _AFTER else await self._forward(call)
        if trouble in _SILENT:
            await asyncio.sleep(SILENCE_S)
        if trouble in _SILENT or trouble is Trouble.RESET_AFTER:
            return None
        return _ANSWERS.get(trouble, answer) if trouble else answer

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
async def line_to(upstream: str, secure: ssl.SSLContext | None = None) -> AsyncGenerator[Line]:
    """A line that does nothing bad yet. `secure`: it speaks TLS, as localhost."""
    listening = server.listen("127.0.0.1", 0)
    url = f"https://localhost:{listening.getsockname()[1]}" if secure else server.address(listening)
    async with httpx.AsyncClient(timeout=60, verify=False) as client:
        line = Line(upstream, client, url)
        async with await asyncio.start_server(line.serve, sock=listening, ssl=secure):
            yield line
