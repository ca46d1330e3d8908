"""How one worker shares its places: what was told together is asked once, and nobody waits for a provider that hangs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gatepass.domain.purchase import Status
from gatepass.services.places import MONEY
from gatepass.store import payments
from gatepass.worker import Worker
from tests.running import Order, Running, running

LOOKS = {"path_contains": "v1/checkout/sessions/", "method": "GET"}
PLENTY = 50


async def test_all_events_about_one_payment_that_wait_together_are_one_look_at_the_provider(
    database_url: str, tmp_path: Path
) -> None:
    async with running(database_url, tmp_path, with_worker=False) as gatepass:
        order = await gatepass.register()
        await gatepass.pay(order)
        await gatepass.until(lambda: _waiting(gatepass, 2))
        await gatepass.sandbox.control("faults", api=LOOKS | {"hang_s": 0.01, "remaining": PLENTY})

        async with _worker(gatepass):
            await gatepass.until_status(order, "completed")
            await gatepass.until_quiet()

        state = await gatepass.sandbox.look("state")
        assert PLENTY - state["faults"]["api"]["remaining"] == 1
        assert "new" not in [found[0] for found in (await gatepass.notifications()).values()]
        assert len(gatepass.mails_to(order.email)) == 1


async def test_a_provider_that_hangs_keeps_no_mail_waiting(database_url: str, tmp_path: Path) -> None:
    """More is told than there are places for, and none of it is answered."""
    async with running(database_url, tmp_path, with_worker=False) as gatepass:
        order = await gatepass.register()
        await gatepass.pay(order)
        await gatepass.until(lambda: _waiting(gatepass, 2))
        session = await _session(gatepass, order)
        for number in range(MONEY.places):
            await gatepass.notify(_completed(number, session))
        await gatepass.sandbox.control("faults", api=LOOKS | {"hang_s": 5, "remaining": PLENTY})

        async with _worker(gatepass):
            free = await gatepass.register(pass_name="Free")
            await gatepass.until(lambda: gatepass.mails_to(free.email))

            assert (await gatepass.purchase(order.id)).status is Status.AWAITING_PAYMENT
            await gatepass.sandbox.control("reset_faults")
            await gatepass.until_status(order, "completed")
            await gatepass.until_quiet()


async def _session(gatepass: Running, order: Order) -> str:
    (payment,) = await gatepass.store.read(lambda tx: payments.of_purchase(tx, order.id))
    return payment.session_ref or ""


def _completed(number: int, session: str) -> dict[str, Any]:
    about = {"id": session, "object": "checkout.session"}
    return {"id": f"evt_{number}", "type": "checkout.session.completed", "data": {"object": about}}


async def _waiting(gatepass: Running, count: int) -> bool:
    states = [found[0] for found in (await gatepass.notifications()).values()]
    return states.count("new") >= count


@asynccontextmanager
async def _worker(gatepass: Running) -> AsyncIterator[None]:
    here = gatepass.installation
    worker = Worker(here.desk, here.mailer, here.postman, here.plan)
    running_ = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await running_
