"""How long a buyer may take, and how often: more time once, so many declined cards, so many orders from one address."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.flows.test_waitlist import joins, sold_out
from tests.running import Order, Running, running
from tests.step import ON_PAGE, PAID, POOR, open_step, pay_on_page

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def system(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """Three declined cards are too many here, and so are four orders from one address."""
    few = {"GATEPASS_MOST_DECLINES": "3", "GATEPASS_ORDERS_PER_CLIENT": "4"}
    async with running(database_url, tmp_path, **ON_PAGE, **few) as found:
        await pay_on_page(found)
        yield found
        await found.check_promises()


async def ask(system: Running, order: Order, **more: str) -> httpx.Response:
    url = f"{await page_of(system, order)}/more-time"
    return await system.client.post(url, data={"on": "order"}, headers=OURS | more)


async def page_of(system: Running, order: Order) -> str:
    purchase = await system.purchase(order.id)
    return system.installation.desk.links.order(order.id, purchase.created)


async def test_more_time_is_given_once_and_takes_no_other_seat(system: Running) -> None:
    order = await system.register(seats=2)
    step = await open_step(system, order)
    before, held = await system.purchase(order.id), (await system.pass_now("Full")).held

    given = await ask(system, order, Accept="application/json")
    again = await ask(system, order, Accept="application/json")
    by_form = await ask(system, order)

    after = await system.purchase(order.id)
    assert before.hold_until
    assert after.hold_until == before.hold_until + timedelta(minutes=15)
    assert (given.status_code, again.status_code, by_form.status_code) == (200, 409, 303)
    assert 44 * 60 < given.json()["seconds"] <= 45 * 60
    assert (await system.pass_now("Full")).held == held
    assert "Give me more time" not in (await system.client.get(await page_of(system, order))).text
    (payment,) = await system.payments(order.id)
    assert payment.expires_at >= after.hold_until
    await step.confirm(PAID)
    await system.until_status(order, "completed")
    timeline = await system.client.get(f"{await page_of(system, order)}/timeline")
    assert "You asked for more time" in timeline.text


async def test_what_has_ended_gets_no_more_time(system: Running) -> None:
    order = await system.register()
    foreign = await ask(system, order, **{"Sec-Fetch-Site": "cross-site"})
    await system.free_the_seats_of(order)

    late = await ask(system, order, Accept="application/json")

    assert (foreign.status_code, late.status_code) == (422, 409)
    assert (await system.purchase(order.id)).status.value == "expired"
    assert (await system.pass_now("Full")).held == 0


async def test_so_many_declined_cards_end_the_step_with_a_way_out(system: Running) -> None:
    await system.change_event(contact_email="help@contoso.example")
    order = await system.register()
    step = await open_step(system, order)
    for _ in range(3):
        assert (await step.confirm(POOR))["decline_code"] == "insufficient_funds"
        await step.look()

    async def ended() -> bool:
        return not (await system.payments(order.id))[0].open

    await system.until(ended)
    refused = await step.confirm(PAID)
    again = await system.client.get(step.url, follow_redirects=True)

    assert refused["code"] == "payment_intent_unexpected_state"
    assert "No other card can be tried" in again.text
    assert "mailto:help@contoso.example" in again.text
    assert "PayWithStripe" not in again.text
    assert len(await system.payments(order.id)) == 1
    assert (await system.purchase(order.id)).status.value == "awaiting_payment", "the seat is still held"
    link = await system.client.get(order.pay_url)
    assert (link.status_code, "Too many cards were declined" in link.text) == (409, True)


async def test_the_providers_page_speaks_the_language_of_the_order(gatepass: Running) -> None:
    for spoken, wanted in (("de", "de"), ("ar", "auto")):
        form = registration(gatepass)
        url = f"{gatepass.base_url}/e/{gatepass.event.readable_id}?lang={spoken}"
        bought = await gatepass.client.post(url, data=form, headers=OURS)
        assert bought.status_code == 303, bought.text
        await gatepass.client.get(bought.headers["location"])
        sessions = await gatepass.sandbox.stripe("checkout/sessions")
        assert sessions["data"][0]["locale"] == wanted


async def test_one_address_makes_only_so_many_orders(system: Running) -> None:
    url = f"{system.base_url}/e/{system.event.readable_id}"
    answers = [await system.client.post(url, data=registration(system), headers=OURS) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [303, 303, 303, 303, 429]
    assert int(answers[-1].headers["retry-after"]) > 500
    assert 'name="att1_email" value="anna@fabrikam.example"' in answers[-1].text, "nothing typed is lost"


async def test_one_address_takes_only_so_many_places_in_the_waiting_list(system: Running) -> None:
    small = await sold_out(system)
    for _ in range(2):
        await small.register(pass_name="Rare")
    answers = [await joins(small, f"Anna{number}") for number in range(5)]

    assert [answer.status_code for answer in answers] == [303, 303, 303, 303, 429]
    assert "Anna4" in answers[-1].text, "nothing typed is lost"


def registration(system: Running) -> dict[str, str]:
    """The last step of the form."""
    return {
        "idempotency_key": uuid4().hex, "people": "1", "pass": str(system.pass_id("Full")), "agreed": "120.50 EUR",
        "att1_given": "Anna", "att1_family": "Schneider", "att1_email": "anna@fabrikam.example", "step": "register",
    }  # fmt: skip
