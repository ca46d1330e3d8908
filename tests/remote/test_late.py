"""Late, double and conflicting cases: Dataverse is looked at before a word is said, and nothing is completed twice in silence."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from gatepass.services.remote.helping import ask_again
from gatepass.store import tables
from tests.conftest import DATABASES, fresh_database
from tests.remote.conftest import dynamics_database
from tests.remote.pair import Pair, paired
from tests.running import Order


@pytest_asyncio.fixture(params=DATABASES)
async def refunding(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    """Late money goes back by itself."""
    url = fresh_database(request.param, tmp_path, request)
    policy = {"GATEPASS_DATAVERSE_LATE_MONEY": "refund"}
    async with paired(url, dynamics_database(request, tmp_path), tmp_path, **policy) as both:
        yield both
        await both.check_promises()


async def test_when_the_hold_has_passed_the_page_is_ended_and_dynamics_is_told(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)

    await pair.let_hold_end(order)

    await pair.until_kept(order, status=Status.EXPIRED, told=Word.CANCELLED)
    assert await pair.finalizations(order) == ["awaiting_payment -> cancelled"]
    assert await pair.payment_states(order) == ["expired"]
    assert (await pair.client.get(page)).status_code != 200 or "expired" in (await pair.client.get(page)).text.lower()
    assert (await pair.pay_link(order)).status_code == 410
    assert "This order has ended" in await pair.order_page(order)


async def test_a_hold_that_dynamics_ended_itself_is_not_told_again(pair: Pair) -> None:
    order = await pair.register()
    await pair.open_pay_page(order)
    await pair.dynamics.let_hold_end(order)
    await pair.dynamics.hasten("sweep_holds")
    await pair.dynamics.until_status(order, "expired")

    await pair.let_hold_end(order)

    await pair.until_kept(order, status=Status.EXPIRED, said=Word.CANCELLED, wanted=None)
    assert await pair.finalizations(order) == []


async def test_money_after_our_hold_is_in_time_while_dynamics_still_holds_the_seats(pair: Pair) -> None:
    order = await _paid_unheard(pair)
    # Our hold is over, Dynamics was away and is told nothing; then the money is heard of.
    pair.line.down = True
    unheard = sa.update(tables.payment).where(tables.payment.c.purchase_id == order.id).values(state="expired")
    await pair.store.write(lambda tx: tx.execute(unheard))
    await pair.let_hold_end(order)
    await pair.until_kept(order, status=Status.EXPIRED)
    await pair.sandbox.deliver()
    await pair.until_kept(order, status=Status.PAID_LATE)

    pair.line.down = False

    await pair.until_kept(order, status=Status.COMPLETED, told=Word.COMPLETED)
    assert await pair.finalizations(order) == ["awaiting_payment -> completed"]


async def test_money_for_seats_that_dynamics_gave_away_needs_a_person(pair: Pair) -> None:
    order = await _paid_unheard(pair)
    await _given_away(pair, order)

    await pair.sandbox.deliver()

    await pair.until(lambda: _asked(pair, "paid_late"))
    row = await pair.kept(order)
    assert (row.said, row.wanted, row.told) == (Word.CANCELLED, None, None)
    assert await pair.finalizations(order) == []
    assert "Your payment is being checked" in await pair.order_page(order)
    assert "already paid" in (await pair.pay_link(order)).text or (await pair.pay_link(order)).status_code == 409


async def test_money_for_seats_that_dynamics_gave_away_goes_back_by_itself_where_that_is_set(refunding: Pair) -> None:
    order = await _paid_unheard(refunding)
    await _given_away(refunding, order)

    await refunding.sandbox.deliver()

    await refunding.until_kept(order, status=Status.CANCELLED, wanted=None)
    await refunding.until(lambda: _refunded(refunding, order))
    assert await refunding.finalizations(order) == []
    assert await refunding.attention() == []
    assert "Your money goes back" in await refunding.order_page(order)


async def test_money_for_a_purchase_that_somebody_else_completed_is_never_completed_again_in_silence(
    pair: Pair,
) -> None:
    order = await _paid_unheard(pair)
    assert (await pair.dynamics.finalize(order.id, 100000001)).status_code == 204

    await pair.sandbox.deliver()

    await pair.until(lambda: _asked(pair, "paid_elsewhere"))
    assert await pair.finalizations(order) == ["awaiting_payment -> completed"], "ours was not sent"
    assert (await pair.kept(order)).wanted is None


async def test_a_purchase_that_staff_completed_over_there_cannot_be_paid_and_its_page_is_ended(pair: Pair) -> None:
    order = await pair.register()
    await pair.open_pay_page(order)
    assert (await pair.dynamics.finalize(order.id, 100000001)).status_code == 204

    assert (await pair.pay_link(order)).status_code == 409

    async def ended() -> bool:
        return await pair.payment_states(order) != ["created"]

    await pair.until(ended)
    assert (await pair.kept(order)).confirmed


async def test_a_purchase_that_is_paid_by_hand_over_there_is_not_cancelled_when_our_hold_ends(pair: Pair) -> None:
    order = await pair.register()
    await pair.open_pay_page(order)
    assert (await pair.dynamics.finalize(order.id, 100000001)).status_code == 204

    await pair.let_hold_end(order)

    await pair.until_kept(order, status=Status.EXPIRED, said=Word.COMPLETED, wanted=None)
    assert await pair.finalizations(order) == ["awaiting_payment -> completed"]


async def test_what_became_dearer_after_its_page_was_opened_is_not_confirmed_for_the_old_price(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    await pair.change_dynamics(order, total_minor=99900)

    await pair.sandbox.pay(page)

    await pair.until(lambda: _asked(pair, "underpaid"))
    assert await pair.finalizations(order) == []
    assert "Your payment is being checked" in await pair.order_page(order)
    await pair.change_dynamics(order, total_minor=12050)
    await ask_again(pair.others[0].desk, order.id, "anna")
    await pair.until_kept(order, told=Word.COMPLETED)
    assert await pair.attention() == []


@pytest.mark.parametrize("missing", ["msevtmgt_totalprice", "transactioncurrencyid"])
async def test_without_price_or_currency_nothing_is_guessed(pair: Pair, missing: str) -> None:
    order = await pair.register()
    pair.line.without = missing

    answer = await pair.pay_link(order)

    assert answer.status_code == 422
    assert "cannot be paid yet" in answer.text
    assert await pair.attention() == ["purchase_incomplete"]
    pair.line.without = None
    assert (await pair.pay_link(order)).status_code == 302
    assert await pair.attention() == []


async def test_capitals_of_the_samples_addresses_do_not_matter(pair: Pair) -> None:
    order = await pair.register()

    answer = await pair.client.get(f"{pair.base_url}/gatewayredirect/paywithstripe?PURCHASEID={order.id}")
    told = await pair.client.post(f"{pair.base_url}/gatewayevents/HANDLESTRIPEEVENT", content=b"{}")

    assert answer.status_code == 302
    assert told.status_code == 400, "it is looked at, and not signed"


async def test_an_order_that_dynamics_does_not_know_is_told_so(pair: Pair) -> None:
    answer = await pair.client.get(
        f"{pair.base_url}/GatewayRedirect/PayWithStripe",
        params={"purchaseId": "00000000-0000-7000-8000-00000000beef", "returnUrl": ""},
    )

    assert answer.status_code == 404
    assert "We do not know this order" in answer.text


async def test_two_completion_services_at_once_finalize_once(pair: Pair) -> None:
    await pair.another()
    orders = [await pair.register() for _ in range(8)]
    pages = [await pair.open_pay_page(order) for order in orders]

    await asyncio.gather(*(pair.sandbox.pay(page) for page in pages))

    for order in orders:
        await pair.until_kept(order, told=Word.COMPLETED)
        assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    assert pair.line.count("finalize") == len(orders)


async def _paid_unheard(pair: Pair) -> Order:
    """Paid on the page, and nobody has told us yet."""
    order = await pair.register()
    page = await pair.open_pay_page(order)
    await pair.sandbox.hold_deliveries()
    await pair.sandbox.pay(page)
    return order


async def _given_away(pair: Pair, order: Order) -> None:
    """Dynamics' own hold ends first."""
    await pair.dynamics.let_hold_end(order)
    await pair.dynamics.hasten("sweep_holds")
    await pair.dynamics.until_status(order, "expired")


async def _asked(pair: Pair, kind: str) -> bool:
    return kind in await pair.attention()


async def _refunded(pair: Pair, order: Order) -> bool:
    own = sa.select(tables.refund.c.state).where(tables.refund.c.purchase_id == order.id)
    return [row["state"] for row in await pair.store.read(lambda tx: tx.rows(own))] == ["succeeded"]
