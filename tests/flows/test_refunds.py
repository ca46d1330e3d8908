"""Money that goes back: by staff, by policy, and at the provider's own dashboard. Once each, and never out of sight."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.domain.money import Money
from gatepass.services import refunds
from tests.running import Order, Running

WAITS = "4000000000007726"
COMES_BACK = "4000000000005126"


async def test_a_whole_refund_cancels_the_registrations_and_frees_the_seats(gatepass: Running) -> None:
    order = await gatepass.paid(pass_name="Rare", seats=2)

    await gatepass.refund(order)

    (one,) = await gatepass.until_refunded(order, "succeeded")
    assert one.amount == Money(49800, "EUR")
    await gatepass.until_status(order, "cancelled")
    assert [person.code for person in await gatepass.tickets(order.id)] == [None, None]
    assert (await gatepass.pass_now("Rare")).left == 10
    await gatepass.until(lambda: any("goes back to you" in subject for subject in gatepass.mails_to(order.email)))
    with pytest.raises(Conflict, match="given back already"):
        await gatepass.refund(order)
    await gatepass.check_promises()


async def test_a_refund_may_leave_the_seats(gatepass: Running) -> None:
    order = await gatepass.paid()

    await gatepass.refund(order, keep_seats=True)

    await gatepass.until_refunded(order, "succeeded")
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    assert (await gatepass.tickets(order.id))[0].code
    await gatepass.check_promises()


async def test_one_attendee_of_three_is_refunded_and_only_that_one_loses_the_seat(gatepass: Running) -> None:
    order = await gatepass.paid(pass_name="Rare", seats=3)
    first, second, third = await gatepass.tickets(order.id)

    await gatepass.refund(order, attendees=[second.id])

    (one,) = await gatepass.until_refunded(order, "succeeded")
    assert one.amount == Money(24900, "EUR")
    assert [person.code for person in await gatepass.tickets(order.id)] == [first.code, None, third.code]
    assert (await gatepass.pass_now("Rare")).left == 8
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    with pytest.raises(NotFound, match="holds no registration"):
        await gatepass.refund(order, attendees=[second.id])
    await gatepass.refund(order, attendees=[first.id, third.id])
    await gatepass.until_status(order, "cancelled")
    await gatepass.until_refunded(order, "succeeded", "succeeded")
    await gatepass.check_promises()


async def test_a_part_may_go_back_as_goodwill_but_never_more_than_was_paid(gatepass: Running) -> None:
    order = await gatepass.paid()

    await gatepass.refund(order, amount=Money(2050, "EUR"))

    for amount in (Money(10001, "EUR"), Money(0, "EUR"), Money(-5, "EUR"), Money(100, "USD")):
        with pytest.raises(Refused):
            await gatepass.refund(order, amount=amount)
    with pytest.raises(Refused, match="why the money goes back"):
        await gatepass.refund(order, reason=" ")
    await gatepass.until_refunded(order, "succeeded")
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    await gatepass.check_promises()


async def test_ten_people_press_refund_at_once_and_the_money_goes_back_once(gatepass: Running) -> None:
    order = await gatepass.paid()

    answers = await asyncio.gather(*(gatepass.refund(order) for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(answer, list) for answer in answers) == 1
    assert all(isinstance(answer, (list, GatepassError)) for answer in answers)
    await gatepass.until_refunded(order, "succeeded")
    await gatepass.check_promises()


async def test_what_was_not_paid_cannot_go_back(gatepass: Running) -> None:
    order = await gatepass.register()
    with pytest.raises(NotFound, match="nothing can go back"):
        await gatepass.refund(order)


async def test_a_refund_that_the_bank_takes_days_over(gatepass: Running) -> None:
    order = await gatepass.paid(WAITS)

    await gatepass.refund(order)

    await gatepass.until_refunded(order, "processing")
    await gatepass.sandbox.control("advance", seconds=11)
    await gatepass.until_refunded(order, "succeeded")
    await gatepass.check_promises()


async def test_it_is_found_by_looking_when_no_notification_comes(gatepass: Running) -> None:
    order = await gatepass.paid(WAITS)
    await gatepass.sandbox.drop_deliveries()
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "processing")

    await gatepass.sandbox.control("advance", seconds=11)
    await gatepass.hasten("send_refund")

    await gatepass.until_refunded(order, "succeeded")
    await gatepass.check_promises()


async def test_a_refund_that_comes_back_stands_in_sight(gatepass: Running) -> None:
    order = await gatepass.paid(COMES_BACK)
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")

    await gatepass.sandbox.control("advance", seconds=11)

    (one,) = await gatepass.until_refunded(order, "failed")
    assert one.reason_text
    assert await gatepass.attention() == ["refund_failed"]
    await gatepass.check_promises()


async def test_a_refund_that_came_back_is_answered_by_the_next_that_arrives(gatepass: Running) -> None:
    order = await gatepass.paid(COMES_BACK)
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")
    await gatepass.sandbox.control("advance", seconds=11)
    await gatepass.until_refunded(order, "failed")

    await gatepass.refund(order)
    await gatepass.until_refunded(order, "failed", "succeeded")
    assert await gatepass.attention() == []

    await gatepass.sandbox.control("advance", seconds=11)
    await gatepass.until_refunded(order, "failed", "failed")
    assert await gatepass.attention() == ["refund_failed"]
    await gatepass.check_promises()


async def test_a_refund_that_the_provider_refuses_stands_in_sight(gatepass: Running) -> None:
    """The buyer's bank was faster: disputed money cannot be refunded."""
    order = await gatepass.paid()
    await gatepass.sandbox.drop_deliveries()
    (payment,) = await gatepass.payments(order.id)
    await gatepass.sandbox.control("disputes", payment=payment.intent_ref)

    await gatepass.refund(order)

    await gatepass.until_refunded(order, "failed")
    assert await gatepass.attention() == ["refund_failed"]
    await gatepass.check_promises()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 500, "after_effect": True},
        {"status": 429, "retry_after_s": 1},
        {"reset": True, "after_effect": True},
        {"reset": True},
        {"body": "truncated", "after_effect": True},
        {"body": "no_json"},
    ],
)
async def test_a_bad_line_never_pays_twice(gatepass: Running, fault: dict[str, Any]) -> None:
    order = await gatepass.paid()
    await gatepass.sandbox.control(
        "faults", api={"remaining": 3, "path_contains": "refunds", "method": "POST", **fault}
    )

    await gatepass.refund(order)

    async def pressed() -> bool:
        await gatepass.hasten("send_refund")
        return [one.state.value for one in await gatepass.refunds(order)] == ["succeeded"]

    await gatepass.until(pressed, 30)
    (payment,) = await gatepass.payments(order.id)
    there = await gatepass.sandbox.stripe("refunds", payment_intent=payment.intent_ref)
    assert len(there["data"]) == 1
    await gatepass.check_promises()


@pytest.mark.parametrize("outcome", ["succeeds", "pending"])
async def test_a_whole_refund_at_the_dashboard_arrives_here(gatepass: Running, outcome: str) -> None:
    order = await gatepass.paid(pass_name="Rare")
    (payment,) = await gatepass.payments(order.id)

    await gatepass.sandbox.control("refunds", payment=payment.intent_ref, outcome=outcome)

    await gatepass.until_status(order, "cancelled")
    await gatepass.sandbox.control("advance", seconds=11)
    (one,) = await gatepass.until_refunded(order, "succeeded")
    assert one.cause.value == "provider"
    assert (await gatepass.pass_now("Rare")).left == 10
    assert await gatepass.attention() == []
    await gatepass.check_promises()


async def test_a_refund_at_the_dashboard_that_failed_before_we_heard_of_it_stands_in_sight(gatepass: Running) -> None:
    order = await gatepass.paid()
    await gatepass.sandbox.hold_deliveries()
    (payment,) = await gatepass.payments(order.id)
    refund = await gatepass.sandbox.control("refunds", payment=payment.intent_ref, outcome="pending")
    await gatepass.sandbox.control(f"refunds/{refund['id']}", result="failed")

    await gatepass.sandbox.deliver(times=2, shuffled=True)

    await gatepass.until_refunded(order, "failed")
    assert await gatepass.attention() == ["refund_failed"]
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    await gatepass.check_promises()


async def test_a_part_refunded_at_the_dashboard_asks_whose_seat_it_is(gatepass: Running) -> None:
    order = await gatepass.paid(seats=2)
    (payment,) = await gatepass.payments(order.id)

    await gatepass.sandbox.control("refunds", payment=payment.intent_ref, amount=12050)

    await gatepass.until(gatepass.attention)
    await gatepass.until_refunded(order, "succeeded")
    assert await gatepass.attention() == ["refund_elsewhere"]
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    await gatepass.check_promises()


async def test_a_dashboard_refund_told_ten_times_in_any_order_is_one_refund(gatepass: Running) -> None:
    order = await gatepass.paid()
    (payment,) = await gatepass.payments(order.id)
    await gatepass.sandbox.hold_deliveries()
    await gatepass.sandbox.control("refunds", payment=payment.intent_ref)

    await gatepass.sandbox.deliver(times=10, shuffled=True)

    await gatepass.until_status(order, "cancelled")
    await gatepass.until_refunded(order, "succeeded")
    await gatepass.check_promises()


async def test_a_second_payment_goes_back_by_itself_and_both_stand_in_the_record(gatepass: Running) -> None:
    """Cash at the desk and a card online: one ticket, and the card gets its money back."""
    await gatepass.sandbox.hold_deliveries()
    order = await gatepass.register()
    await gatepass.pay(order)
    assert (await gatepass.finalize(order.id, 100000001)).status_code == 204

    await gatepass.sandbox.deliver(times=2, shuffled=True)
    await gatepass.sandbox.control("reset_faults")

    (one,) = await gatepass.until_refunded(order, "succeeded")
    assert one.cause.value == "paid_twice"
    assert [row.state.value for row in await gatepass.payments(order.id)] == ["succeeded", "succeeded"]
    assert len({ticket.code for ticket in await gatepass.tickets(order.id)}) == 1
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    assert await gatepass.attention() == []
    await gatepass.check_promises()


async def test_money_taken_elsewhere_is_written_down_when_it_goes_back(gatepass: Running) -> None:
    order = await gatepass.register()
    assert (await gatepass.finalize(order.id, 100000001)).status_code == 204

    (one,) = await gatepass.refund(order)

    assert one.state.value == "succeeded"
    assert (await gatepass.purchase(order.id)).status.value == "cancelled"
    await gatepass.check_promises()


async def test_a_refund_of_an_unknown_purchase_is_refused(gatepass: Running) -> None:
    with pytest.raises(NotFound):
        await gatepass.refund(Order(UUID(int=7), "", "", ""))


async def test_a_seat_whose_money_went_back_at_the_dashboard_ends_without_a_second_refund(gatepass: Running) -> None:
    order = await gatepass.paid(seats=2)
    (payment,) = await gatepass.payments(order.id)
    first, second = await gatepass.tickets(order.id)
    with pytest.raises(Conflict, match="still here"):
        await _release(gatepass, order, [first.id])
    await gatepass.sandbox.control("refunds", payment=payment.intent_ref, amount=12050)
    await gatepass.until(gatepass.attention)

    await _release(gatepass, order, [first.id])

    assert [person.code for person in await gatepass.tickets(order.id)] == [None, second.code]
    assert await gatepass.attention() == []
    assert len(await gatepass.refunds(order)) == 1
    await gatepass.check_promises()


async def test_a_free_registration_is_ended(gatepass: Running) -> None:
    order = await gatepass.register(pass_name="Free")

    await _release(gatepass, order, [])

    await gatepass.until_status(order, "cancelled")
    await gatepass.until(lambda: any("is cancelled" in subject for subject in gatepass.mails_to(order.email)))
    with pytest.raises(Conflict, match="Nobody holds"):
        await _release(gatepass, order, [])
    await gatepass.check_promises()


async def test_money_that_the_bank_took_is_not_offered_again(gatepass: Running) -> None:
    order = await gatepass.paid()
    (payment,) = await gatepass.payments(order.id)
    dispute = await gatepass.sandbox.control("disputes", payment=payment.intent_ref)
    await gatepass.sandbox.control(f"disputes/{dispute['id']}", result="lost")
    await gatepass.until(lambda: _lost(gatepass))

    with pytest.raises(Conflict, match="given back already"):
        await gatepass.refund(order)
    await _release(gatepass, order, [])

    assert (await gatepass.purchase(order.id)).status.value == "cancelled"
    assert await gatepass.attention() == ["dispute_lost"]
    await gatepass.check_promises()


async def _lost(here: Running) -> bool:
    return "dispute_lost" in await here.attention()


async def _release(here: Running, order: Order, attendees: list[UUID]) -> None:
    management = here.installation.desk.management
    await refunds.release(here.store, management, order.id, attendees, "Gone at the dashboard", "anna")
