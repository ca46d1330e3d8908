"""Register, pay, be told, finalize: the stories that everything else stands on."""

import asyncio

import pytest

from tests.running import Running


async def test_a_paid_registration_is_confirmed(gatepass: Running) -> None:
    order = await gatepass.register(seats=2)
    assert order.status == "Redirect"

    await gatepass.pay(order)

    await gatepass.until_status(order, "completed")
    tickets = await gatepass.tickets(order.id)
    assert len({ticket.code for ticket in tickets} - {None}) == 2
    await gatepass.until(lambda: gatepass.mails_to(order.email))
    assert gatepass.mails_to(order.email) == ["Your passes for Contoso Summit"]
    sold = await gatepass.pass_now("Full")
    assert (sold.held, sold.sold) == (0, 2)


async def test_a_free_registration_is_completed_at_once(gatepass: Running) -> None:
    order = await gatepass.register(pass_name="Free")

    assert (order.status, order.pay_url) == ("Success", "")
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    await gatepass.until(lambda: gatepass.mails_to(order.email))


@pytest.mark.parametrize("shuffled", [False, True])
async def test_a_payment_told_ten_times_completes_once(gatepass: Running, shuffled: bool) -> None:
    order = await gatepass.register()
    await gatepass.sandbox.hold_deliveries()
    await gatepass.pay(order)

    await gatepass.sandbox.deliver(times=10, shuffled=shuffled)

    await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()
    assert len(await gatepass.tickets(order.id)) == 1
    assert gatepass.mails_to(order.email) == ["Your pass for Contoso Summit"]


async def test_a_payment_that_nobody_tells_is_found(gatepass: Running) -> None:
    await gatepass.sandbox.drop_deliveries()
    order = await gatepass.register()
    await gatepass.pay(order)

    await gatepass.look_up_now()

    await gatepass.until_status(order, "completed")


async def test_the_buyer_who_comes_back_sees_the_truth_before_the_notification(gatepass: Running) -> None:
    await gatepass.sandbox.hold_deliveries()
    order = await gatepass.register()
    paid = await gatepass.pay(order)

    back = await gatepass.client.get(paid["success_url"], follow_redirects=True)

    assert back.status_code == 200
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    await gatepass.sandbox.deliver()
    await gatepass.until_quiet()


async def test_a_return_address_is_no_proof_of_payment(gatepass: Running) -> None:
    order = await gatepass.register()
    page = await gatepass.open_pay_page(order)
    session = page.rpartition("/")[2]
    listed = await gatepass.client.get(
        f"{gatepass.sandbox.url}/v1/checkout/sessions/{session}", headers={"Authorization": "Bearer sk_test_51gatepass"}
    )

    await gatepass.client.get(listed.json()["success_url"], follow_redirects=True)

    assert (await gatepass.purchase(order.id)).status.value == "awaiting_payment"


async def test_the_link_opened_ten_times_at_once_makes_one_session(gatepass: Running) -> None:
    order = await gatepass.register()

    pages = await asyncio.gather(*(gatepass.open_pay_page(order) for _ in range(10)))
    again = [await gatepass.open_pay_page(order) for _ in range(10)]

    assert len({*pages, *again}) == 1
    listed = await gatepass.client.get(
        f"{gatepass.sandbox.url}/v1/checkout/sessions", headers={"Authorization": "Bearer sk_test_51gatepass"}
    )
    assert len(listed.json()["data"]) == 1


async def test_a_declined_card_is_recorded_and_another_one_pays(gatepass: Running) -> None:
    order = await gatepass.register()
    declined = await gatepass.pay(order, card="4000000000009995")
    assert declined["decline_code"] == "insufficient_funds"

    async def reason() -> str | None:
        return (await gatepass.payments(order.id))[0].reason_code

    assert await gatepass.until(reason) == "insufficient_funds"
    assert (await gatepass.purchase(order.id)).status.value == "awaiting_payment"
    await gatepass.pay(order)
    await gatepass.until_status(order, "completed")
    (payment,) = await gatepass.payments(order.id)
    assert (payment.state.value, payment.reason_code) == ("succeeded", None)
    assert payment.charge_ref


async def test_a_bank_debit_holds_the_seat_until_the_bank_says_yes(gatepass: Running) -> None:
    order = await gatepass.register()
    paid = await gatepass.pay(order, card="AT611904300234573201")

    async def processing() -> bool:
        return (await gatepass.payments(order.id))[0].state.value == "processing"

    await gatepass.until(processing)
    assert (await gatepass.purchase(order.id)).hold_until is None
    assert (await gatepass.client.get(order.pay_url)).status_code == 409
    await gatepass.sandbox.control("settle_async", session=paid["session"])
    await gatepass.until_status(order, "completed")


async def test_a_bank_debit_that_fails_opens_a_new_attempt(gatepass: Running) -> None:
    order = await gatepass.register()
    paid = await gatepass.pay(order, card="AT861904300235473202")

    async def state(wanted: str) -> bool:
        return (await gatepass.payments(order.id))[0].state.value == wanted

    await gatepass.until(lambda: state("processing"))
    await gatepass.sandbox.control("settle_async", session=paid["session"])
    await gatepass.until(lambda: state("failed"))
    assert (await gatepass.purchase(order.id)).hold_until is not None

    await gatepass.pay(order)
    await gatepass.until_status(order, "completed")
    assert [payment.state.value for payment in await gatepass.payments(order.id)] == ["failed", "succeeded"]


async def test_a_hold_that_ends_frees_the_seat_and_ends_the_session(gatepass: Running) -> None:
    order = await gatepass.register(pass_name="Rare")
    page = await gatepass.open_pay_page(order)

    await gatepass.let_hold_end(order)

    await gatepass.until_status(order, "expired")
    rare = await gatepass.pass_now("Rare")
    assert (rare.held, rare.sold) == (0, 0)
    refused = await gatepass.sandbox.client.get(page)
    assert "Pay " not in refused.text.split("<main", 1)[-1].split("</main", 1)[0] or refused.status_code >= 400
    again = await gatepass.client.get(order.pay_url)
    assert again.status_code == 410


async def test_a_payment_at_the_last_moment_wins_over_the_end_of_the_hold(gatepass: Running) -> None:
    await gatepass.sandbox.drop_deliveries()
    order = await gatepass.register()
    await gatepass.pay(order)

    await gatepass.let_hold_end(order)

    await gatepass.until_status(order, "completed")


async def test_money_that_comes_too_late_gets_its_seat_again(gatepass: Running) -> None:
    order = await gatepass.register(pass_name="Rare")
    await gatepass.let_hold_end(order)
    await gatepass.until_status(order, "expired")

    assert (await gatepass.finalize(order.id, 100000001)).status_code == 204

    assert (await gatepass.purchase(order.id)).status.value == "completed"
    assert (await gatepass.pass_now("Rare")).sold == 1


async def test_money_that_finds_no_seat_stands_in_sight_and_sends_no_ticket(gatepass: Running) -> None:
    late = await gatepass.register(pass_name="Rare")
    await gatepass.let_hold_end(late)
    await gatepass.until_status(late, "expired")
    for _ in range(10):
        await gatepass.register(pass_name="Rare")

    assert (await gatepass.finalize(late.id, 100000001)).status_code == 204

    assert (await gatepass.purchase(late.id)).status.value == "paid_late"
    assert await gatepass.attention() == ["paid_late"]
    await gatepass.until_quiet()
    assert gatepass.mails_to(late.email) == []


async def test_a_hundred_buyers_want_the_last_ten_seats(gatepass: Running) -> None:
    body = gatepass.body(pass_name="Rare")

    answers = await asyncio.gather(*(gatepass.post_registration(body) for _ in range(100)))

    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert [answer.status_code for answer in answers].count(200) == 10
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert refused["errorCode"] == "PassSoldOut"
    assert "Rare is sold out" in refused["Message"]
