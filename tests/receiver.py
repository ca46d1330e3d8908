"""An integrator's server: a real one, on a socket of its own, that answers as a test wants it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepass import server


@dataclass(frozen=True, slots=True)
class Received:
    """One POST."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """What it says, once the official library has found the signature right."""
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Receiver:
    """Answers with `status` and `headers`, after `open` is set."""

    url: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def of_kind(self, kind: str) -> list[Received]:
        return [one for one in self.received if one.said["type"] == kind]

    async def answer(self, request: Request) -> Response:
        self.received.append(Received(request.url.path, dict(request.headers), await request.body()))
        await self.open.wait()
        return Response(status_code=self.status, headers=self.headers)


@asynccontextmanager
async def receiver(**how: Any) -> AsyncIterator[Receiver]:
    """Listens inside the block; what hangs is let go at its end."""
    listening = server.listen("127.0.0.1", 0)
    found = Receiver(server.address(listening), **how)
    found.open.set()
    application = Starlette(routes=[Route("/{path:path}", found.answer, methods=["GET", "POST"])])
    async with server.serving([(application, listening)]):
        yield found
        found.open.set()


@asynccontextmanager
async def raw_receiver(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any], **options: Any
) -> AsyncIterator[int]:
    """A server that does with each connection what `talk` does; its port."""
    listening = await asyncio.start_server(talk, "127.0.0.1", 0, **options)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
