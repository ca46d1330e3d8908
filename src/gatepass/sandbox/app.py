"""The local Stripe: its API, its payment pages, its webhooks and its control panel, as one app."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from gatepass.look import Look
from gatepass.sandbox import endpoints, script, timers
from gatepass.sandbox.api import Api
from gatepass.sandbox.config import SandboxConfig
from gatepass.sandbox.control import Control
from gatepass.sandbox.dashboard import Dashboard
from gatepass.sandbox.delivery import Deliverer
from gatepass.sandbox.errors import errors_logged
from gatepass.sandbox.pages import Pages
from gatepass.sandbox.panel import Panel
from gatepass.sandbox.store import Store

__all__ = ["SandboxConfig", "create_app"]

TICK_S = 0.2


def create_app(config: SandboxConfig) -> Starlette:
    """The whole sandbox. Deliveries and timers run while the app's lifespan does."""
    store = Store(config)
    deliverer = Deliverer(store)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        with store.change() as tx:
            endpoints.keep_default(tx, config)
        tasks = [asyncio.create_task(deliverer.run()), asyncio.create_task(_tick(store))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        store.close()

    routes = [
        *Api(store, config.secret_key, config.publishable_key).routes(),
        *Pages(store, config).routes(),
        *script.routes(),
        *Control(store, deliverer, config.base_url).routes(),
        *Dashboard(store, config.base_url).routes(),
        *Panel(store, deliverer, config).routes(),
        Route("/healthz", _health),
        Mount("/static", Look()),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _tick(store: Store) -> None:
    while True:
        with errors_logged("timers"):
            timers.run_due(store)
        await asyncio.sleep(TICK_S)


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")
