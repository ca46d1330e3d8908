"""kill -9 at any moment: what was answered with success is there, and everything that was begun ends well."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import sqlalchemy as sa

from gatepass import app, server
from gatepass.sandbox.app import SandboxConfig, create_app
from gatepass.store import Store, events, tables
from tests.running import NOTIFY, STRIPE_KEY, WEBHOOK_SECRET, Order, Running, Sandbox, environment, fill

LOAD_ROUNDS, FLOW_ROUNDS = 5, 3
BUYERS = 24
START_S = 15.0
WORK = ("apply_notification", "end_payment", "send_confirmation", "look_up_payment", "sweep_holds", "forget_done_jobs")


@dataclass
class Killable:
    """`gatepass serve` as a process of its own; `here` looks at it from outside."""

    here: Running
    port: int
    variables: dict[str, str]
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Serve, and return once it does."""
        command = [sys.executable, "-m", "gatepass", "serve", "--port", str(self.port)]
        self.process = await asyncio.create_subprocess_exec(
            *command, env=os.environ | self.variables, stderr=asyncio.subprocess.DEVNULL
        )
        deadline = asyncio.get_running_loop().time() + START_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await self.here.client.get(f"{self.here.base_url}/readyz")).status_code == 200:
                    return
            assert self.process.returncode is None, "it ended by itself"
            assert asyncio.get_running_loop().time() < deadline, "it does not serve"
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """No goodbye."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()


async def test_no_acknowledged_registration_is_ever_lost(database_url: str, tmp_path: Path) -> None:
    async with _killable(database_url, tmp_path) as system:
        acknowledged: set[str] = set()
        for _ in range(LOAD_ROUNDS):
            await system.start()
            buyers = [asyncio.create_task(_register_until_it_dies(system.here, acknowledged)) for _ in range(BUYERS)]
            before = len(acknowledged)
            await system.here.until(lambda before=before: len(acknowledged) > before)
            await asyncio.sleep(random.uniform(0, 0.4))
            await system.kill()
            await asyncio.gather(*buyers)

        kept = await system.here.store.read(
            lambda tx: {str(at) for at in tx.execute(sa.select(tables.purchase.c.id)).scalars()}
        )
        assert len(acknowledged) > LOAD_ROUNDS * BUYERS / 2
        assert acknowledged <= kept
        await system.start()
        await _lease_over(system.here)
        await system.here.check_promises()


async def test_a_payment_survives_a_crash_at_any_line(database_url: str, tmp_path: Path) -> None:
    """Buyers pay while the process dies; afterwards those who had no page open their link again. All end completed."""
    async with _killable(database_url, tmp_path) as system:
        here = system.here
        orders: list[Order] = []
        for _ in range(FLOW_ROUNDS):
            await system.start()
            new = [await here.register() for _ in range(4)]
            orders += new
            paying = [asyncio.create_task(_try_to_pay(here, order)) for order in new]
            await asyncio.sleep(random.uniform(0, 0.5))
            await system.kill()
            await asyncio.gather(*paying)

        await system.start()
        await _lease_over(here)
        for order in orders:
            if not await _paid(here, order):
                await here.pay(order)
        await here.sandbox.deliver()
        await _lease_over(here)
        for order in orders:
            await here.until_status(order, "completed")
        for order in orders:
            assert len({ticket.code for ticket in await here.tickets(order.id)}) == 1
            await here.until(lambda order=order: here.mails_to(order.email))
            assert len(here.mails_to(order.email)) == 1
            settled = [payment for payment in await here.payments(order.id) if payment.state.value == "succeeded"]
            assert len(settled) == 1
        assert await here.attention() == []
        await here.check_promises()


@asynccontextmanager
async def _killable(database_url: str, directory: Path) -> AsyncIterator[Killable]:
    reserved, there = server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0)
    base, sandbox_url = server.address(reserved), server.address(there)
    port = reserved.getsockname()[1]
    reserved.close()
    store = Store.open(database_url)
    event_id, provider_id = await store.write(lambda tx: fill(tx, base))
    event = await store.read(lambda tx: events.get(tx, event_id))
    organization: UUID = await store.write(app.organization_id)
    assert event is not None
    sandbox = create_app(
        SandboxConfig(directory / "sandbox.db", sandbox_url, STRIPE_KEY, WEBHOOK_SECRET, base + NOTIFY)
    )
    async with server.serving([(sandbox, there)]), httpx.AsyncClient(timeout=30) as client:
        here = Running(
            store, base, organization, client, Sandbox(sandbox_url, client), event, provider_id,
            directory / "mail", cast("Any", None),
        )  # fmt: skip
        system = Killable(
            here, port, environment(database_url, base, sandbox_url) | {"GATEPASS_DATA_DIR": str(directory)}
        )
        try:
            yield system
        finally:
            await system.kill()
            store.close()


async def _register_until_it_dies(here: Running, acknowledged: set[str]) -> None:
    with contextlib.suppress(httpx.HTTPError):
        while True:
            answer = await here.post_registration(here.body(pass_name=random.choice(["Full", "Free"])))
            if answer.status_code == 409:
                return
            assert answer.status_code == 200, answer.text
            acknowledged.add(answer.json()["purchaseId"])


async def _try_to_pay(here: Running, order: Order) -> None:
    with contextlib.suppress(httpx.HTTPError):
        await here.pay(order)


async def _paid(here: Running, order: Order) -> bool:
    lines = await here.sandbox.look("ledger")
    return any(line["metadata"].get("order_id") == str(order.id) and line["amount_received"] for line in lines)


async def _lease_over(here: Running) -> None:
    """The minute has passed after which another node takes over what the dead one had begun."""
    for kind in WORK:
        await here.hasten(kind)
