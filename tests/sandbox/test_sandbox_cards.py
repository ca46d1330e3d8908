"""What each official test card does, seen from the API."""

from dataclasses import replace

import pytest

from gatepass.sandbox.app import SandboxConfig
from tests.sandbox.conftest import Merchant, Sandbox, running
from tests.sandbox.contract import Contract

PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]


@pytest.mark.parametrize("card", ["4242424242424242", "5555 5555 5555 4444", "378282246310005", "4000000000005423"])
async def test_good_cards_pay(sandbox: Sandbox, card: str) -> None:
    session = await sandbox.session()
    paid = await sandbox.pay(session, card, email="a@b.example")
    after = await sandbox.reread(session, "payment_intent.latest_charge")

    assert (paid["status"], paid["success_url"]) == ("paid", f"https://shop.example/thanks?session={session.id}")
    assert (after.status, after.payment_status, after.url) == ("complete", "paid", None)
    assert after.customer_details.email == "a@b.example"
    assert after.payment_intent.latest_charge.payment_method_details.card.last4 == card[-4:]
    assert [t for t in await sandbox.event_types() if t in PAID] == PAID


@pytest.mark.parametrize(
    ("card", "code", "reason"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000006975", "card_declined", "card_velocity_exceeded"),
        ("4000000000000341", "card_declined", "generic_decline"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
        ("4000008400001629", "card_declined", "generic_decline"),
        ("4111111111111111", "card_declined", "test_mode_live_card"),
    ],
)
async def test_a_decline_tells_why_and_the_buyer_may_try_again(
    sandbox: Sandbox, card: str, code: str, reason: str
) -> None:
    session = await sandbox.session()
    refused = await sandbox.pay(session, card)
    after = await sandbox.reread(session, "payment_intent")

    assert (refused["status"], refused["code"], refused["decline_code"]) == ("declined", code, reason)
    assert not {"lost", "stolen"} & set(refused["message"].lower().replace(".", "").split())
    assert (after.status, after.payment_intent.status) == ("open", "requires_payment_method")
    assert after.payment_intent.last_payment_error.code == code
    assert {"charge.failed", "payment_intent.payment_failed"} <= set(await sandbox.event_types())
    assert (await sandbox.pay(session))["status"] == "paid"
    assert (await sandbox.reread(session, "payment_intent")).payment_intent.last_payment_error is None


async def test_a_number_that_is_none_asks_no_bank(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    assert (await sandbox.pay(session, "4242424242424241"))["code"] == "incorrect_number"
    assert "payment_intent.created" not in await sandbox.event_types()


@pytest.mark.parametrize("card", ["4000002500003155", "4000002760003184"])
async def test_three_d_secure_fails_and_then_passes(sandbox: Sandbox, card: str) -> None:
    session = await sandbox.session()
    failed = await sandbox.pay(session, card, three_ds="fail")
    assert (failed["status"], failed["code"]) == ("declined", "payment_intent_authentication_failure")
    assert (await sandbox.pay(session, card))["status"] == "paid"
    told = await sandbox.event_types()
    assert told.count("payment_intent.requires_action") == 2
    assert told.count("checkout.session.completed") == 1


@pytest.mark.parametrize(
    ("iban", "event", "status"),
    [
        ("AT61 1904 3002 3457 3201", "checkout.session.async_payment_succeeded", "paid"),
        ("AT861904300235473202", "checkout.session.async_payment_failed", "unpaid"),
    ],
)
async def test_a_bank_debit_settles_later(sandbox: Sandbox, iban: str, event: str, status: str) -> None:
    session = await sandbox.session()
    assert (await sandbox.pay(session, iban))["status"] == "processing"
    waiting = await sandbox.reread(session, "payment_intent")
    assert (waiting.status, waiting.payment_status, waiting.payment_intent.status) == (
        "complete",
        "unpaid",
        "processing",
    )
    assert event not in await sandbox.event_types()

    settled = await sandbox.control("settle_async", session=session.id)

    assert settled["payment_status"] == status
    assert (await sandbox.reread(session)).payment_status == status
    assert (await sandbox.event_types()).count(event) == 1
    assert (await sandbox.raw.post("/_sandbox/settle_async", json={"session": session.id})).status_code == 409


async def test_a_bank_debit_settles_by_itself_when_its_time_has_come(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.pay(session, "AT611904300234573201")
    await sandbox.control("advance", seconds=sandbox.config.async_delay_s + 1)
    assert (await sandbox.reread(session)).payment_status == "paid"


async def test_a_bank_debit_takes_euro_only(sandbox: Sandbox) -> None:
    session = await sandbox.session(1000, "usd")
    answer = await sandbox.raw.post("/_sandbox/pay", json={"session": session.id, "card": "AT611904300234573201"})
    assert (answer.status_code, (await sandbox.reread(session)).status) == (400, "open")


@pytest.mark.parametrize(
    ("card", "reason", "status"),
    [
        ("4000000000000259", "fraudulent", "needs_response"),
        ("4000000000002685", "product_not_received", "needs_response"),
        ("4000000000001976", "general", "warning_needs_response"),
    ],
)
async def test_some_cards_are_disputed_after_paying(sandbox: Sandbox, card: str, reason: str, status: str) -> None:
    session = await sandbox.session()
    assert (await sandbox.pay(session, card))["status"] == "paid"
    intent = (await sandbox.reread(session, "payment_intent.latest_charge")).payment_intent
    disputes = await sandbox.api.v1.disputes.list_async({"payment_intent": intent.id})
    assert [(d.reason, d.status, d.amount) for d in disputes.data] == [(reason, status, 1200)]
    assert (await sandbox.api.v1.disputes.retrieve_async(disputes.data[0].id)).charge == intent.latest_charge.id
    assert intent.latest_charge.disputed
    assert "charge.dispute.created" in await sandbox.event_types()


async def test_a_refund_may_wait(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.pay(session, "4000000000007726")
    refund = await sandbox.api.v1.refunds.create_async(
        {"payment_intent": (await sandbox.reread(session)).payment_intent}
    )
    assert refund.status == "pending"
    await sandbox.control("advance", seconds=sandbox.config.async_delay_s + 1)
    assert (await sandbox.api.v1.refunds.retrieve_async(refund.id)).status == "succeeded"
    assert {"refund.updated", "charge.refund.updated"} <= set(await sandbox.event_types())


async def test_a_refund_may_come_back(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.pay(session, "4000000000005126")
    refund = await sandbox.api.v1.refunds.create_async(
        {"payment_intent": (await sandbox.reread(session)).payment_intent}
    )
    assert (refund.status, await refunded(sandbox)) == ("succeeded", 1200)
    await sandbox.control("advance", seconds=sandbox.config.async_delay_s + 1)
    after = await sandbox.api.v1.refunds.retrieve_async(refund.id)
    assert (after.status, after.failure_reason) == ("failed", "expired_or_canceled_card")
    assert await refunded(sandbox) == 0
    assert "refund.failed" in await sandbox.event_types()


async def test_what_waits_outlives_a_restart(config: SandboxConfig, merchant: Merchant, contract: Contract) -> None:
    async with running(config, merchant, contract) as first:
        session = await first.session()
        await first.pay(session, "AT611904300234573201")
        await first.control("faults", deliveries={"mode": "hold"})
        await first.control("settle_async", session=session.id)
    assert "checkout.session.async_payment_succeeded" not in merchant.types()
    async with running(replace(config, merchant="Fabrikam"), merchant, contract) as second:
        assert (await second.reread(session)).payment_status == "paid"
        await second.control("reset_faults")
        await merchant.wait_for("checkout.session.async_payment_succeeded")


async def refunded(sandbox: Sandbox) -> int:
    """What the ledger says of its only payment."""
    return (await sandbox.look("ledger"))[0]["amount_refunded"]
