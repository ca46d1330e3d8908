"""Everything that a line to the provider can do to each call: it heals, acts once, and the buyer reads a page."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import DATABASES, fresh_database
from tests.running import Order, Running, running
from tests.torture.options import LONG
from tests.torture.proxy import SLOW, Fault, Proxy, proxying
from tests.torture.settling import hasten_all, settle

START, FETCH, FIND = "POST /v1/checkout/sessions", "GET /v1/checkout/sessions/{}", "GET /v1/checkout/sessions?"
END, REFUND, REFUNDS = "POST /v1/checkout/sessions/{}/expire", "POST /v1/refunds", "GET /v1/refunds?"
DISPUTES, EVENTS = "GET /v1/disputes?", "GET /v1/events?"
CALLS = (START, FETCH, FIND, END, REFUND, REFUNDS, DISPUTES, EVENTS)
PATIENCE_S = 60.0


def _tortures() -> Sequence[Any]:
    """Every fault on both databases; in short, a few of them, each on one."""
    if LONG:
        return [(kind, fault) for kind in DATABASES for fault in Fault]
    return [("sqlite", Fault.RESET_AFTER), ("postgresql", Fault.HANG_AFTER), ("sqlite", Fault.GARBAGE)]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("kind", "fault"), _tortures())
async def test_every_call_gets_over_every_fault(
    kind: str, fault: Fault, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    # The SDK tries each call twice by itself: two faults in a row reach us. Two long silences are one patience too many.
    times = 1 if fault in SLOW else 2
    async with _on_a_bad_line(fresh_database(kind, tmp_path, request), tmp_path) as (here, line):
        lost = await _with_an_unheard_page(here, line)
        ending, paying = [await here.register() for _ in range(2)]
        await here.open_pay_page(ending)
        ours, theirs, disputed = [await here.paid() for _ in range(3)]

        line.faults |= dict.fromkeys(CALLS, (fault, times))
        await here.refund(ours)
        await here.sandbox.control("refunds", payment=await _money_of(here, theirs))
        await here.sandbox.control("disputes", payment=await _money_of(here, disputed))
        await here.let_hold_end(ending)
        await asyncio.gather(
            _open_until_it_works(here, paying),
            _until(here, lambda: _all_met(line)),
        )
        await here.sandbox.pay(await here.open_pay_page(paying))
        await _until(here, lambda: _are(here, {paying: "completed", ending: "expired", ours: "cancelled"}))
        await _until(here, lambda: _are(here, {theirs: "cancelled", disputed: "completed", lost: "expired"}))
        await settle(here)

        await here.check_promises()
        for order in (ours, theirs):
            assert [one.state.value for one in await here.refunds(order)] == ["succeeded"]
        (payment,) = await here.payments(paying.id)
        assert payment.number == 1
        assert set(await here.attention()) <= {"dispute", "dispute_lost"}


@pytest.mark.parametrize(
    "lie",
    [
        {"amount_total": 1},
        {"currency": "usd"},
        {"livemode": True},
        {"metadata": {"order_id": "01999999-0000-7000-8000-000000000000"}},
    ],
)
async def test_what_does_not_fit_completes_nothing_and_stands_in_sight(gatepass: Running, lie: dict[str, Any]) -> None:
    order = await gatepass.register()
    page = await gatepass.open_pay_page(order)
    session = page.rpartition("/")[2]
    await gatepass.sandbox.control(f"tamper/{session}", **lie)

    await gatepass.sandbox.pay(page)
    await gatepass.until(gatepass.attention)
    await gatepass.look_up_now()
    await gatepass.until_quiet()

    assert (await gatepass.purchase(order.id)).status.value != "completed"
    assert {person.code for person in await gatepass.tickets(order.id)} == {None}


@asynccontextmanager
async def _on_a_bad_line(database_url: str, directory: Path) -> AsyncIterator[tuple[Running, Proxy]]:
    async with (
        proxying("") as line,
        running(database_url, directory, GATEPASS_STRIPE_API_BASE=line.url, GATEPASS_PULL_SECONDS="30") as here,
    ):
        line.upstream = here.sandbox.url
        yield here, line


async def _with_an_unheard_page(here: Running, line: Proxy) -> Order:
    """An order whose page was asked for in vain, and whose hold is over: whether there is a page must be found out."""
    order = await here.register()
    line.faults[START] = (Fault.ERROR, 2)
    assert await _refused_with_a_page(await here.client.get(order.pay_url))
    await here.let_hold_end(order)
    return order


async def _open_until_it_works(here: Running, order: Order) -> None:
    await here.until(lambda: _opens(here, order), PATIENCE_S)


async def _opens(here: Running, order: Order) -> bool:
    answer = await here.client.get(order.pay_url)
    return answer.status_code == 302 or not await _refused_with_a_page(answer)


async def _refused_with_a_page(answer: httpx.Response) -> bool:
    assert answer.status_code == 503, f"{answer.status_code}: {answer.text}"
    assert int(answer.headers["retry-after"]) > 0
    assert "Nothing was charged." in answer.text
    return True


async def _until(here: Running, what: Any) -> None:
    """Wait, with no pause before anything is tried again."""

    async def hastened() -> bool:
        await hasten_all(here)
        await asyncio.sleep(0.2)
        return bool(await what())

    await here.until(hastened, PATIENCE_S)


async def _all_met(line: Proxy) -> bool:
    """A second time there may be none: what an answer did not say is often found in another."""
    return line.met.keys() >= set(CALLS)


async def _are(here: Running, wanted: dict[Order, str]) -> bool:
    return all([(await here.purchase(order.id)).status.value == status for order, status in wanted.items()])


async def _money_of(here: Running, order: Order) -> str:
    (payment,) = await here.payments(order.id)
    assert payment.intent_ref
    return payment.intent_ref
