"""A provider takes so many calls a second and no more: buyers first, and nobody knocks while it asks for rest."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gatepass.store import tables
from tests.running import Running, running

CALLS_PER_S = 20


@pytest.fixture
async def paced(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """Few calls a second, as with an account in test mode."""
    async with running(database_url, tmp_path, GATEPASS_PROVIDER_CALLS_PER_S=f"{CALLS_PER_S}") as system:
        yield system
        await system.check_promises()


async def test_a_backlog_is_settled_at_the_pace_and_a_buyer_does_not_stand_behind_it(paced: Running) -> None:
    orders = [await paced.register() for _ in range(3 * CALLS_PER_S)]
    buyer = await paced.register()
    await paced.sandbox.hold_deliveries()
    for order in orders:
        await paced.pay(order)
    told = time.monotonic()
    delivery = asyncio.create_task(paced.sandbox.deliver())
    await paced.until(lambda: _paid(paced))

    await paced.open_pay_page(buyer)

    assert await _paid(paced) < len(orders)
    await delivery
    for order in orders:
        await paced.until_status(order, "completed")
    # One look each; what was not called for a while may be called at once.
    assert time.monotonic() - told > 2


async def _paid(system: Running) -> int:
    """How many orders are settled."""
    settled = sa.select(sa.func.count()).where(tables.purchase.c.status == "completed")
    return await system.store.read(lambda tx: tx.execute(settled).scalar_one())


async def test_a_provider_that_asks_to_wait_a_moment_is_left_alone_for_it(paced: Running) -> None:
    first, second = await paced.register(), await paced.register()
    await paced.sandbox.control("faults", api={"status": 429, "retry_after_s": 2, "remaining": 1})
    refused = time.monotonic()
    assert (await paced.client.get(first.pay_url)).status_code == 503

    await paced.pay(second)

    assert time.monotonic() - refused >= 2
    await paced.pay(first)
    for order in (first, second):
        await paced.until_status(order, "completed")


async def test_a_provider_that_asks_for_a_long_rest_is_told_as_down_and_not_called(paced: Running) -> None:
    first, second = await paced.register(), await paced.register()
    await paced.sandbox.control("faults", api={"status": 429, "retry_after_s": 30, "remaining": 1})
    assert (await paced.client.get(first.pay_url)).status_code == 503
    asked = time.monotonic()

    said = await paced.client.get(second.pay_url)

    assert said.status_code == 503
    assert "Nothing was charged. Your seats are held." in said.text
    assert time.monotonic() - asked < 1
    # The sandbox would have answered: its fault was for one call.
    assert await paced.sandbox.look("ledger") == []
    assert (await paced.sandbox.stripe("checkout/sessions"))["data"] == []
