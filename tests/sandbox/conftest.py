"""A real sandbox on a real port, the official SDK, and a check of every answer against Stripe's own description."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepass.sandbox.app import SandboxConfig, create_app
from tests.sandbox.contract import Contract

KEY = "sk_test_51sandbox"
SECRET = "whsec_sandbox"
PATIENCE_S = 8.0


@dataclass
class Merchant:
    """The other end of the webhooks: keeps what it hears, answers what it is told to answer."""

    url: str = ""
    heard: list[tuple[dict[str, Any], str, bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    tolerance_s: int = 10**9

    async def hear(self, request: Request) -> Response:
        body = await request.body()
        event = stripe.Webhook.construct_event(body, request.headers["stripe-signature"], SECRET, self.tolerance_s)
        self.heard.append((event.to_dict(), request.headers["stripe-signature"], body))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    def types(self) -> list[str]:
        return [event["type"] for event, _, _ in self.heard]

    async def wait_for(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The last event of a type, once `count` of them were heard."""
        async with asyncio.timeout(PATIENCE_S):
            while self.types().count(kind) < count:
                await asyncio.sleep(0.01)
        return [event for event, _, _ in self.heard if event["type"] == kind][-1]


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox and its friends. `raw` sends what the SDK would not."""

    config: SandboxConfig
    api: Any
    raw: httpx.AsyncClient
    merchant: Merchant
    contract: Contract

    async def control(self, what: str, **body: Any) -> Any:
        answer = await self.raw.post(f"/_sandbox/{what}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def look(self, what: str, **query: Any) -> Any:
        answer = await self.raw.get(f"/_sandbox/{what}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    async def session(self, amount: int = 1200, currency: str = "eur", **more: Any) -> Any:
        """An open session of one line."""
        return await self.api.v1.checkout.sessions.create_async(order(amount, currency, **more))

    async def pay(self, session: Any, card: str = "4242424242424242", **more: Any) -> Any:
        return await self.control("pay", session=session.id, card=card, **more)

    async def reread(self, session: Any, *expand: str) -> Any:
        return await self.api.v1.checkout.sessions.retrieve_async(session.id, {"expand": list(expand)})

    async def event_types(self) -> list[str]:
        """All events, oldest first."""
        page = await self.api.v1.events.list_async({"limit": 100})
        return [event.type for event in page.data][::-1]


def order(amount: int = 1200, currency: str = "eur", **more: Any) -> dict[str, Any]:
    """Parameters of a session; `more` adds or replaces, None takes away."""
    product = {"name": "Contoso Summit, day pass"}
    price = {"currency": currency, "unit_amount": amount, "product_data": product}
    given = {
        "mode": "payment",
        "success_url": "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/back",
        "line_items": [{"price_data": price, "quantity": 1}],
    } | more
    return {name: value for name, value in given.items() if value is not None}


@asynccontextmanager
async def serving(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    """The app on a port of this machine, with its lifespan; yields its address."""
    # Named as TCP: asyncio switches the 40 ms of Nagle off only then.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    # Started and stopped by hand: on its own it would take its time, for each of many tests.
    await server.startup([listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        await server.lifespan.shutdown()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(config: SandboxConfig, merchant: Merchant, contract: Contract) -> AsyncIterator[Sandbox]:
    """A sandbox on the port that its base_url names."""
    hooks = {"response": [contract.check]}
    async with serving(create_app(config), int(config.base_url.rpartition(":")[2])) as url:
        transport = stripe.HTTPXClient(timeout=5)
        transport._client_async.event_hooks = hooks
        api = stripe.StripeClient(KEY, base_addresses={"api": url}, http_client=transport, max_network_retries=0)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, event_hooks=hooks, timeout=10, verify=False) as raw:
            yield Sandbox(config, api, raw, merchant, contract)
            await transport.close_async()


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract.load()


@pytest.fixture
async def merchant() -> AsyncIterator[Merchant]:
    heard = Merchant()
    async with serving(Starlette(routes=[Route("/hook", heard.hear, methods=["POST"])])) as url:
        heard.url = f"{url}/hook"
        yield heard


@pytest.fixture
def config(tmp_path: Path, merchant: Merchant) -> SandboxConfig:
    plain = SandboxConfig(tmp_path / "sandbox.db", f"http://127.0.0.1:{free_port()}", KEY, SECRET)
    return replace(plain, webhook_url=merchant.url, async_delay_s=3600)


@pytest.fixture
async def sandbox(config: SandboxConfig, merchant: Merchant, contract: Contract) -> AsyncIterator[Sandbox]:
    async with running(config, merchant, contract) as system:
        yield system


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The SDK hands its body to httpx in a way that httpx calls old; that is not ours to change."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"))
