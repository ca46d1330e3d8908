"""A buyer who cancels an order, or is led to pay it: it ends only when nothing can be paid for it any more."""

from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa

from gatepass.store import tables
from tests.flows.test_corrections import filled_in, last_seat, orders, page_at_the_provider, send
from tests.flows.test_waitlist import OURS
from tests.running import Running


async def order_and_page(system: Running) -> tuple[str, str]:
    """Addresses of an order that is not paid, and of its page at the provider."""
    answer = await send(system, filled_in(system), "register")
    return parse_qs(urlsplit(answer.headers["location"]).query)["returnUrl"][0], await page_at_the_provider(
        system, answer
    )


async def test_the_page_of_a_cancelled_order_takes_no_money_any_more(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    order, page = await order_and_page(system)

    answer = await system.client.post(f"{order}/cancel", headers=OURS)

    assert answer.status_code == 303
    session = await system.sandbox.stripe(f"checkout/sessions/{page.rpartition('/')[2]}")
    assert session["status"] == "expired"
    assert list((await orders(system)).values()) == ["cancelled"]
    assert (await system.pass_now("Rare")).held == 0


async def test_money_that_was_faster_keeps_the_order(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    order, page = await order_and_page(system)
    await system.sandbox.drop_deliveries()
    await system.sandbox.pay(page)

    answer = await system.client.post(f"{order}/cancel", headers=OURS)

    assert answer.headers["location"].endswith("/cancel")
    assert list((await orders(system)).values()) == ["completed"]
    assert "Nothing was charged" not in (await system.client.get(order)).text
    await system.check_promises()


async def test_nothing_is_cancelled_while_nobody_knows_whether_it_was_paid(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    order, page = await order_and_page(system)
    await system.sandbox.drop_deliveries()
    await system.sandbox.pay(page)
    await system.sandbox.control("faults", api={"status": 500})

    answer = await system.client.post(f"{order}/cancel", headers=OURS)

    assert (answer.status_code, "Nothing was charged" in answer.text) == (503, False)
    assert "not cancelled yet" in answer.text
    assert list((await orders(system)).values()) == ["awaiting_payment"]
    await system.sandbox.control("reset_faults")
    await system.client.post(f"{order}/cancel", headers=OURS)
    assert list((await orders(system)).values()) == ["completed"]


async def test_the_form_may_lead_to_the_payment_page_of_another_service(gatepass: Running) -> None:
    """A browser would not follow the redirect of the last step else, and say nothing."""
    elsewhere = sa.update(tables.payment_provider).values(payment_page_url="https://pay.fabrikam.example/start?")
    await gatepass.store.write(lambda tx: tx.execute(elsewhere))

    page = await gatepass.client.get(f"{gatepass.base_url}/e/{gatepass.event.readable_id}")

    (forms,) = [one for one in page.headers["content-security-policy"].split("; ") if one.startswith("form-action")]
    assert "https://pay.fabrikam.example" in forms.split()
