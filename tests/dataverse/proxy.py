"""A TLS-terminating proxy, as one stands in front of every real installation: official clients refuse http://."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepass import server

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "content-encoding"}


@dataclass(frozen=True, slots=True)
class Secure:
    """Where it answers, and the certificate authority to trust."""

    url: str
    ca: Path
    seen: list[str]
    """Requests that went through: method and address."""


@asynccontextmanager
async def secured(target: str, directory: Path) -> AsyncIterator[Secure]:
    """https:// in front of `target`."""
    authority = trustme.CA()
    certificate, ca = authority.issue_cert("localhost"), directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    listening = server.listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    secure = Secure(f"https://localhost:{port}", ca, [])
    async with httpx.AsyncClient(timeout=60) as client:
        forward = _Forward(target, f"localhost:{port}", client, secure.seen)
        application = Starlette(routes=[Route("/{path:path}", forward, methods=METHODS)])
        config = uvicorn.Config(application, log_level="error", lifespan="off")
        config.load()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        config.ssl = context
        async with _serving(uvicorn.Server(config), listening):
            yield secure


@asynccontextmanager
async def _serving(running: uvicorn.Server, listening: object) -> AsyncIterator[None]:
    import asyncio

    task = asyncio.create_task(running.serve(sockets=[listening]))  # type: ignore[list-item]
    while not running.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        running.should_exit = True
        # Clients that keep their connection would have the end of TLS waited for.
        running.force_exit = True
        await task


class _Forward:
    def __init__(self, target: str, host: str, client: httpx.AsyncClient, seen: list[str]) -> None:
        self._target, self._host, self._client, self._seen = target, host, client, seen

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        request = Request(scope, receive)  # type: ignore[arg-type]
        raw = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")  # type: ignore[index]
        self._seen.append(f"{request.method} {raw}")
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
        headers |= {"x-forwarded-proto": "https", "x-forwarded-host": self._host, "host": "inner.invalid"}
        url = httpx.URL(self._target).copy_with(raw_path=raw.encode())
        body = await request.body()
        answer = await self._client.request(request.method, url, headers=headers, content=body)
        kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP}
        await Response(answer.content, answer.status_code, kept)(scope, receive, send)  # type: ignore[arg-type]
