"""A whole event is called off: a forecast first, then everybody gets their money back, once, through crashes too."""

import asyncio

import pytest

from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.domain.money import Money
from gatepass.domain.purchase import Status
from gatepass.services import cancellations
from gatepass.services.cancellations import Forecast, run_time, spoken
from gatepass.store import figures, purchases
from gatepass.store.tables import new_id
from tests.running import Running


async def _call_off(here: Running) -> Forecast:
    return await cancellations.call_off(here.store, here.event.id, "The hall burnt down", "anna")


async def test_everybody_gets_their_money_back(gatepass: Running) -> None:
    paid = [await gatepass.paid(pass_name="Rare") for _ in range(3)]
    free = await gatepass.register(pass_name="Free")
    looking = await gatepass.register()
    page = await gatepass.open_pay_page(looking)
    held = await gatepass.register(pass_name="Rare")

    forecast = await gatepass.store.read(lambda tx: cancellations.forecast(tx, gatepass.event.id))
    assert forecast.cash == {"EUR": 3 * 24900}
    assert sum(forecast.orders.values()) == 6
    assert await _call_off(gatepass) == forecast

    for order in paid:
        await gatepass.until_refunded(order, "succeeded")
    await gatepass.until(lambda: all(len(gatepass.mails_to(order.email)) == 2 for order in paid))
    for order in (*paid, free, looking, held):
        await gatepass.until_status(order, "cancelled")
    await gatepass.until(lambda: any("is cancelled" in subject for subject in gatepass.mails_to(free.email)))
    await gatepass.until_quiet()
    assert (await gatepass.sandbox.pay(page))["status"] == "expired"
    assert (await gatepass.post_registration(gatepass.body())).status_code == 409
    assert (await gatepass.pass_now("Rare")).left == 10
    await gatepass.check_promises()


@pytest.mark.parametrize("policy", ["seat_else_refund", "attention"])
async def test_money_that_was_on_its_way_goes_back_when_it_comes(gatepass: Running, policy: str) -> None:
    await gatepass.change_event(late_policy=policy)
    order = await gatepass.register()
    page = await gatepass.pay(order, "AT611904300234573201")

    async def waiting() -> bool:
        return [row.state.value for row in await gatepass.payments(order.id)] == ["processing"]

    await gatepass.until(waiting)
    await _call_off(gatepass)
    await gatepass.until_status(order, "cancelled")

    await gatepass.sandbox.control("settle_async", session=page["session"])

    await gatepass.until_refunded(order, "succeeded")
    assert [one.cause.value for one in await gatepass.refunds(order)] == ["event_cancelled"]
    await gatepass.until(lambda: gatepass.mails_to(order.email))
    assert all("goes back to you" in subject for subject in gatepass.mails_to(order.email))
    await gatepass.check_promises()


async def test_a_forecast_counts_what_is_left_of_each_payment(gatepass: Running) -> None:
    whole, part, disputed, both = [await gatepass.paid(pass_name="Rare") for _ in range(4)]
    await gatepass.register(pass_name="Free")
    by_hand, waits = await gatepass.register(), await gatepass.register()
    await gatepass.finalize(by_hand.id, 100000001)
    await gatepass.refund(whole)
    for order in (part, both):
        await gatepass.refund(order, amount=Money(9900, "EUR"))
    for order in (whole, part, both):
        await gatepass.until_refunded(order, "succeeded")
    for order in (disputed, both):
        (payment,) = await gatepass.payments(order.id)
        await gatepass.sandbox.control("disputes", payment=payment.intent_ref)

    async def told() -> bool:
        return await gatepass.attention() == ["dispute", "dispute"]

    await gatepass.until(told)
    await gatepass.command("reconcile", "--apply")

    for _ in range(2):
        forecast = await gatepass.store.read(lambda tx: cancellations.forecast(tx, gatepass.event.id))
        assert forecast.cash == {"EUR": 24900 - 9900 + 12050}
        assert forecast.orders == {Status.COMPLETED: 5, Status.AWAITING_PAYMENT: 1}
        fees = [row.fee for order in (whole, part, disputed, both) for row in await gatepass.payments(order.id)]
        assert forecast.fees == {"EUR": sum(fee.minor for fee in fees if fee)}
        assert forecast.fees_unknown == 1
        await gatepass.store.write(figures.sum_up)
    assert (await gatepass.purchase(waits.id)).status is Status.AWAITING_PAYMENT
    await gatepass.check_promises()


async def test_money_that_a_bank_holds_is_not_asked_for_again(gatepass: Running) -> None:
    orders = [await gatepass.paid(pass_name="Rare") for _ in range(2)]
    (payment,) = await gatepass.payments(orders[0].id)
    await gatepass.sandbox.control("disputes", payment=payment.intent_ref)

    async def told() -> bool:
        return await gatepass.attention() == ["dispute"]

    await gatepass.until(told)

    assert (await _call_off(gatepass)).cash == {"EUR": 24900}

    await gatepass.until_refunded(orders[1], "succeeded")
    await gatepass.until_status(orders[0], "cancelled")
    assert await gatepass.refunds(orders[0]) == []
    await gatepass.check_promises()


async def test_the_command_forecasts_first_and_changes_nothing(gatepass: Running) -> None:
    await gatepass.paid(pass_name="Rare")

    said, _, code = await gatepass.command("call-off", gatepass.event.readable_id)

    assert code == 0
    first, counted, cash, *_ = said.splitlines()
    assert (first, counted.split()) == (f"{gatepass.event.name}: 1 orders end", ["1", "completed"])
    assert cash == "Cash needed at the provider: 249.00 EUR"
    assert "Fees that the provider keeps: not known yet of 1 payment (" in said
    assert "It takes at least 10 seconds.\nNothing was done." in said
    assert (await gatepass.post_registration(gatepass.body())).status_code == 200


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        (0, "10 seconds"), (49, "10 seconds"), (100, "20 seconds"), (349, "1 minute"), (3_100, "10 minutes and 20 seconds"),
        (18_000, "1 hour"), (25_017, "1 hour and 23 minutes"), (36_010, "2 hours"),
    ],
)  # fmt: skip
def test_the_forecast_says_how_long_the_run_takes(orders: int, said: str) -> None:
    assert spoken(run_time(orders)) == said


async def test_it_is_called_off_once_and_with_a_reason(gatepass: Running) -> None:
    await gatepass.paid()
    with pytest.raises(Refused, match="why the event"):
        await cancellations.call_off(gatepass.store, gatepass.event.id, "", "anna")
    with pytest.raises(NotFound):
        await cancellations.call_off(gatepass.store, new_id(), "No reason", "anna")

    answers = await asyncio.gather(*(_call_off(gatepass) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(answer, Forecast) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 4
    await gatepass.until_quiet()
    await gatepass.check_promises()


async def test_the_run_goes_on_where_it_stopped(gatepass: Running) -> None:
    """More orders than one batch holds; the job comes twice, as after a crash."""
    await asyncio.gather(*(gatepass.register(pass_name="Free") for _ in range(cancellations.BATCH + 20)))
    await _call_off(gatepass)

    async def all_cancelled() -> bool:
        await gatepass.hasten("refund_event")
        return not await gatepass.store.read(lambda tx: purchases.count_by_status(tx, gatepass.event.id))

    await gatepass.until(all_cancelled)
    await gatepass.check_promises()
