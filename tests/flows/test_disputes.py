"""A buyer's bank takes the money back, or asks about it: in sight, the seat flagged, the evidence kept, the end recorded."""

from typing import Any

import pytest
import sqlalchemy as sa

from gatepass.domain.dispute import Dispute
from gatepass.domain.errors import Conflict
from gatepass.store import disputes, records, tables
from tests.flows.test_timeline import buyers
from tests.running import Order, Running


async def _disputes(here: Running, order: Order) -> list[Dispute]:
    return await here.store.read(lambda tx: disputes.of_purchase(tx, order.id))


async def _until_disputed(here: Running, order: Order, state: str) -> Dispute:
    async def found() -> Dispute | None:
        every = await _disputes(here, order)
        return every[-1] if every and every[-1].state.value == state else None

    return await here.until(found)


async def _flagged(here: Running, order: Order) -> bool:
    own = sa.select(tables.registration.c.disputed).where(tables.registration.c.purchase_id == order.id)
    return any(await here.store.read(lambda tx: tx.execute(own).scalars().all()))


async def _dispute(here: Running, order: Order, **wanted: Any) -> Any:
    (payment,) = await here.payments(order.id)
    return await here.sandbox.control("disputes", payment=payment.intent_ref, **wanted)


async def test_a_dispute_stands_in_sight_with_its_evidence_and_flags_the_seat(gatepass: Running) -> None:
    order = await gatepass.paid(seats=2)
    await gatepass.until(lambda: gatepass.mails_to(order.email))
    await gatepass.until_quiet()

    await _dispute(gatepass, order)

    one = await _until_disputed(gatepass, order, "needs_response")
    assert one.due is not None
    assert await gatepass.attention() == ["dispute"]
    assert await _flagged(gatepass, order)
    bundle: Any = await gatepass.until(lambda: gatepass.store.read(lambda tx: disputes.evidence(tx, one.id)))
    assert bundle["attendees"][0]["email"] == order.email
    assert bundle["attendees"][0]["code"]
    assert bundle["mails"][0]["sent"]
    assert bundle["payments"][0]["state"] == "succeeded"
    assert {"purchase.completed", "payment.succeeded"} <= {entry["what"] for entry in bundle["timeline"]}
    with pytest.raises(Conflict, match="dispute"):
        await gatepass.refund(order)
    await gatepass.check_promises()


@pytest.mark.parametrize(("result", "left"), [("won", []), ("lost", ["dispute_lost"])])
async def test_the_end_of_a_dispute_is_recorded_and_takes_the_flag_away(
    gatepass: Running, result: str, left: list[str]
) -> None:
    order = await gatepass.paid()
    opened = await _dispute(gatepass, order)
    await _until_disputed(gatepass, order, "needs_response")

    await gatepass.sandbox.control(f"disputes/{opened['id']}", result=result)

    one = await _until_disputed(gatepass, order, result)
    assert one.closed is not None
    assert await gatepass.attention() == left
    assert not await _flagged(gatepass, order)
    assert (await gatepass.purchase(order.id)).status.value == "completed"
    await gatepass.check_promises()


async def test_a_bank_that_only_asks_leaves_the_money_where_it_is(gatepass: Running) -> None:
    order = await gatepass.paid()

    await _dispute(gatepass, order, inquiry=True)

    one = await _until_disputed(gatepass, order, "needs_response")
    assert one.inquiry
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")
    await gatepass.check_promises()


async def test_a_disputed_card_told_ten_times_in_any_order_is_one_dispute(gatepass: Running) -> None:
    await gatepass.sandbox.hold_deliveries()
    order = await gatepass.register()
    await gatepass.pay(order, "4000000000000259")

    await gatepass.sandbox.deliver(times=10, shuffled=True)
    await gatepass.sandbox.control("reset_faults")

    await _until_disputed(gatepass, order, "needs_response")
    await gatepass.until_status(order, "completed")
    assert len(await _disputes(gatepass, order)) == 1
    assert await _flagged(gatepass, order)
    await gatepass.check_promises()


async def _reason(here: Running, kind: str) -> str:
    rows = await here.store.read(records.needing_attention)
    return next(row["reason"] for row in rows if row["kind"] == kind)


async def test_a_question_that_becomes_a_dispute_is_one_everywhere(gatepass: Running) -> None:
    """From then on the bank has the money: no refund may go out on top, and both ledgers say so."""
    order = await gatepass.paid()
    opened = await _dispute(gatepass, order, inquiry=True)
    await _until_disputed(gatepass, order, "needs_response")
    assert "asks about" in await _reason(gatepass, "dispute")

    await gatepass.sandbox.control(f"disputes/{opened['id']}", result="escalated")

    async def escalated() -> bool:
        return not (await _disputes(gatepass, order))[0].inquiry

    await gatepass.until(escalated)
    assert await gatepass.attention() == ["dispute"]
    assert "disputes 120.50 EUR" in await _reason(gatepass, "dispute")
    with pytest.raises(Conflict, match="dispute"):
        await gatepass.refund(order)
    story = await buyers(gatepass, order)
    assert story["answer"]["title"] == "Yes, and the charge of €120.50 is disputed."
    told = [one["title"] for one in story["moments"] if one["kind"] == "dispute.needs_response"]
    assert told == ["The bank asks about the charge of €120.50", "The charge of €120.50 was disputed"]

    await gatepass.sandbox.control(f"disputes/{opened['id']}", result="lost")

    await _until_disputed(gatepass, order, "lost")
    assert await gatepass.attention() == ["dispute_lost"]
    said, _, code = await gatepass.command("reconcile")
    assert code == 0, said
    await gatepass.check_promises()


async def test_money_that_goes_back_twice_is_said(gatepass: Running) -> None:
    """A refund, and the bank on top: the refund is the answer to give, and afterwards what is too much is named."""
    order = await gatepass.paid()
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")

    opened = await _dispute(gatepass, order)
    one = await _until_disputed(gatepass, order, "needs_response")

    assert "120.50 EUR of this payment was refunded: say so to the bank." in await _reason(gatepass, "dispute")
    bundle: Any = await gatepass.until(lambda: gatepass.store.read(lambda tx: disputes.evidence(tx, one.id)))
    (refund,) = await gatepass.refunds(order)
    assert [(row["amount"], row["reference"]) for row in bundle["refunds"]] == [("120.50 EUR", refund.refund_ref)]

    await gatepass.sandbox.control(f"disputes/{opened['id']}", result="lost")
    await _until_disputed(gatepass, order, "lost")
    reason = await _reason(gatepass, "dispute_lost")
    assert "the buyer has got back 120.50 EUR more than was paid" in reason
    assert "seats" not in reason
    answer = (await buyers(gatepass, order))["answer"]
    assert (answer["title"], "€120.50 was given back." in answer["text"]) == (
        "Yes, and the bank gave €120.50 back.",
        True,
    )


async def test_what_a_lost_dispute_leaves_to_give_back_is_not_hidden_by_it(gatepass: Running) -> None:
    """The bank took the money of one of two; the provider refuses to refund what is left of such a charge."""
    order = await gatepass.paid(seats=2)
    opened = await _dispute(gatepass, order, amount=12050)
    await gatepass.sandbox.control(f"disputes/{opened['id']}", result="lost")
    await _until_disputed(gatepass, order, "lost")

    await gatepass.refund(order)
    await gatepass.until_refunded(order, "failed")

    answer = (await buyers(gatepass, order))["answer"]
    assert answer["title"] == "Yes, and €120.50 could not be given back yet."
    assert "The bank of the card holder gave €120.50 back." in answer["text"]
    assert answer["next"]


async def test_money_that_a_bank_gives_to_an_order_that_has_ended_is_not_called_late(gatepass: Running) -> None:
    order = await gatepass.paid()
    opened = await _dispute(gatepass, order)
    await _until_disputed(gatepass, order, "needs_response")
    _, complaint, code = await gatepass.command("release", str(order.id), "--reason", "They will not come")
    assert code == 0, complaint
    assert "stays as it is" not in (await buyers(gatepass, order))["answer"]["text"]

    await gatepass.sandbox.control(f"disputes/{opened['id']}", result="won")
    await _until_disputed(gatepass, order, "won")

    answer = (await buyers(gatepass, order))["answer"]
    assert answer["title"] == "Yes: €120.50, and it is being put right."
    assert answer["text"] == "Your order was cancelled, and this money has not gone back yet."


async def test_a_question_that_ends_does_not_say_that_a_charge_stands(gatepass: Running) -> None:
    order = await gatepass.paid()
    await _dispute(gatepass, order, inquiry=True)
    await _until_disputed(gatepass, order, "needs_response")
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")

    await _until_disputed(gatepass, order, "won")

    titles = [one["title"] for one in (await buyers(gatepass, order))["moments"]]
    assert "The bank asks no more about the charge of €120.50" in titles
