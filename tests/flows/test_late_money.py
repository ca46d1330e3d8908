"""Money that comes after the seats were given away: by the policy of the event, and decided together with the seats."""

import pytest

from gatepass.domain.errors import Conflict
from gatepass.domain.money import Money
from tests.running import Order, Running


async def _late(gatepass: Running, policy: str) -> tuple[Running, Order]:
    """Pay for an event's only seat, unheard; the hold ends, and the money is told of afterwards, by `_told`."""
    here = await gatepass.at(("One", 5000, 1))
    await here.change_event(late_policy=policy)
    await here.sandbox.hold_deliveries()
    order = await here.register(pass_name="One")
    await here.pay(order)
    # As if the provider's own expiry had been asked for and had come too late: nobody looks before the seat is free.
    await here.free_the_seats_of(order)
    return here, order


async def _too_late(gatepass: Running, policy: str, becomes: str) -> tuple[Running, Order, Order]:
    """The same, and somebody else holds the seat when the money is told of."""
    here, order = await _late(gatepass, policy)
    other = await here.register(pass_name="One")
    await _told(here)
    await here.until_status(order, becomes)
    return here, order, other


async def _frees(here: Running, other: Order) -> None:
    """The hold of the other ends."""
    await here.let_hold_end(other)
    await here.until_status(other, "expired")


async def _told(here: Running) -> None:
    await here.sandbox.deliver()
    await here.sandbox.control("reset_faults")
    await here.until_quiet()


@pytest.mark.parametrize("policy", ["seat_else_refund", "seat_else_waitlist", "seat_else_attention"])
async def test_a_free_seat_is_given_again(gatepass: Running, policy: str) -> None:
    here, order = await _late(gatepass, policy)

    await _told(here)

    await here.until_status(order, "completed")
    assert await here.attention() == []
    await here.check_promises()


@pytest.mark.parametrize("policy", ["seat_else_refund", "refund"])
async def test_without_a_seat_the_money_goes_back(gatepass: Running, policy: str) -> None:
    here, order, other = await _too_late(gatepass, policy, "cancelled")

    await here.until(lambda: any("goes back to you" in one for one in here.mails_to(order.email)))
    (refund,) = await here.refunds(order)
    assert (refund.cause.value, refund.state.value) == ("paid_late", "succeeded")
    assert (await here.purchase(other.id)).status.value == "awaiting_payment"
    assert [person.code for person in await here.tickets(order.id)] == [None]
    await here.check_promises()


@pytest.mark.parametrize("policy", ["seat_else_attention", "attention"])
async def test_a_person_decides_where_the_policy_says_so(gatepass: Running, policy: str) -> None:
    here, *_ = await _too_late(gatepass, policy, "paid_late")

    assert await here.attention() == ["paid_late"]
    await here.check_promises()


async def test_who_waits_gets_the_next_seat_that_is_free(gatepass: Running) -> None:
    here, order, other = await _too_late(gatepass, "seat_else_waitlist", "waitlisted")
    assert here.mails_to(order.email) == []

    await _frees(here, other)
    await here.hasten("seat_waiting")

    await here.until_status(order, "completed")
    await here.until(lambda: here.mails_to(order.email))
    await here.check_promises()


async def test_who_waits_in_vain_gets_the_money_back_when_the_event_begins(gatepass: Running) -> None:
    here, order, _ = await _too_late(gatepass, "seat_else_waitlist", "waitlisted")

    await here.change_event(starts=here.event.starts.replace(year=2020))
    await here.hasten("seat_waiting")

    await here.until_status(order, "cancelled")
    await here.until(lambda: any("goes back to you" in one for one in here.mails_to(order.email)))
    await here.check_promises()


async def test_an_order_that_was_refunded_is_never_seated_again(gatepass: Running) -> None:
    """A second page is paid after the order was given back: that money goes back too, though there is room."""
    order = await gatepass.paid(pass_name="Rare")
    page = await gatepass.lost_page(order)
    await gatepass.refund(order)
    await gatepass.until_status(order, "cancelled")

    await gatepass.sandbox.pay(page)

    await gatepass.until_refunded(order, "succeeded", "succeeded")
    assert (await gatepass.purchase(order.id)).status.value == "cancelled"
    assert (await gatepass.pass_now("Rare")).left == 10
    await gatepass.check_promises()


async def test_who_waits_and_gets_the_money_back_is_not_seated(gatepass: Running) -> None:
    here, order, other = await _too_late(gatepass, "seat_else_waitlist", "waitlisted")
    with pytest.raises(Conflict, match="no seats yet"):
        await here.refund(order, amount=Money(100, "EUR"))

    await here.refund(order, amount=Money(5000, "EUR"), keep_seats=True)
    await here.until_refunded(order, "succeeded")
    await _frees(here, other)
    await here.hasten("seat_waiting")
    await here.until_quiet()

    assert (await here.purchase(order.id)).status.value == "cancelled"
    await here.check_promises()


async def test_who_waits_and_has_the_bank_take_the_money_back_is_not_seated(gatepass: Running) -> None:
    here, order, other = await _too_late(gatepass, "seat_else_waitlist", "waitlisted")
    (payment,) = await here.payments(order.id)
    dispute = await here.sandbox.control("disputes", payment=payment.intent_ref)
    await here.sandbox.control(f"disputes/{dispute['id']}", result="lost")
    await here.until(lambda: _asks(here, "dispute_lost"))

    await _frees(here, other)
    await here.hasten("seat_waiting")

    await here.until_status(order, "cancelled")
    assert await here.refunds(order) == []
    await here.check_promises()


async def _asks(here: Running, kind: str) -> bool:
    return kind in await here.attention()


async def test_a_person_makes_room_and_seats_who_paid_late(gatepass: Running) -> None:
    here, order, other = await _too_late(gatepass, "attention", "paid_late")
    assert (await here.finalize(order.id, 100000001)).status_code == 204
    assert (await here.purchase(order.id)).status.value == "paid_late"

    await _frees(here, other)
    assert (await here.finalize(order.id, 100000001)).status_code == 204

    await here.until_status(order, "completed")
    assert await here.attention() == []
    await here.check_promises()


@pytest.mark.parametrize("policy", ["seat_else_refund", "refund"])
async def test_a_part_refunded_before_the_payment_was_heard_of_cancels_nothing(gatepass: Running, policy: str) -> None:
    """A bank debit: its success is lost, the goodwill of 1 euro is told."""
    await gatepass.change_event(late_policy=policy)
    order = await gatepass.register(pass_name="Rare")
    page = await gatepass.pay(order, "AT611904300234573201")

    async def waiting() -> bool:
        return [row.state.value for row in await gatepass.payments(order.id)] == ["processing"]

    await gatepass.until(waiting)
    await gatepass.sandbox.drop_deliveries()
    await gatepass.sandbox.control("settle_async", session=page["session"])
    await gatepass.sandbox.control("reset_faults")
    (payment,) = await gatepass.payments(order.id)

    await gatepass.sandbox.control("refunds", payment=payment.intent_ref, amount=100)

    await gatepass.until_refunded(order, "succeeded")
    await gatepass.until_status(order, "completed")
    assert ((await gatepass.pass_now("Rare")).held, (await gatepass.pass_now("Rare")).sold) == (0, 1)
    await gatepass.check_promises()
