"""Events and their way to the merchant: signed, repeated until heard, and everything that can go wrong with them."""

import asyncio
import time
from typing import Any

import httpx
import pytest
import stripe

from gatepass.sandbox.delivery import signature
from tests.sandbox.conftest import SECRET, Merchant, Sandbox
from tests.sandbox.contract import Contract


def test_the_signature_is_the_official_one() -> None:
    body = '{"id": "evt_1"}'
    theirs = stripe.WebhookSignature.generate_signature_header(body, SECRET, timestamp=1_700_000_000)
    assert signature(body.encode(), SECRET, 1_700_000_000) == theirs
    assert stripe.WebhookSignature.verify_header(body, signature(body.encode(), SECRET, int(time.time())), SECRET, 300)


def test_the_check_against_the_description_can_fail(contract: Contract) -> None:
    contract.needed()
    whole = {"object": "refund", "id": "re_1", "amount": 1, "created": 1, "currency": "eur"}
    contract.check_object(whole)
    for broken in ({"amount": "1"}, {"charge": 7}, {"created": None}):
        with pytest.raises(AssertionError):
            contract.check_object(whole | broken)
    with pytest.raises(AssertionError):
        contract.check_object({"object": "refund"})


async def test_what_happens_is_told_in_stripes_shape(sandbox: Sandbox) -> None:
    session = await sandbox.session(metadata={"purchase": "9"})
    await sandbox.pay(session, "4000000000000002")
    await sandbox.pay(session)
    completed = await sandbox.merchant.wait_for("checkout.session.completed")

    told = completed["data"]["object"]
    assert (told["id"], told["payment_status"], told["metadata"]) == (session.id, "paid", {"purchase": "9"})
    assert completed["api_version"] == stripe.api_version
    assert sandbox.merchant.types().count("payment_intent.payment_failed") == 1
    for event, _, _ in sandbox.merchant.heard:
        sandbox.contract.check_object(event["data"]["object"])
        sandbox.contract.expect("/components/schemas/event", event)


async def test_an_event_is_a_picture_of_its_moment(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.pay(session)
    await sandbox.api.v1.refunds.create_async({"payment_intent": (await sandbox.reread(session)).payment_intent})
    charged = (await sandbox.merchant.wait_for("charge.succeeded"))["data"]["object"]
    refunded = (await sandbox.merchant.wait_for("charge.refunded"))["data"]["object"]
    assert (charged["id"], charged["amount_refunded"], refunded["amount_refunded"]) == (refunded["id"], 0, 1200)


async def test_an_event_names_the_request_that_made_it(sandbox: Sandbox) -> None:
    await sandbox.api.v1.products.create_async({"name": "x"}, {"idempotency_key": "my-key"})
    event = await sandbox.merchant.wait_for("product.created")
    assert event["request"]["idempotency_key"] == "my-key"
    assert event["request"]["id"].startswith("req_")


async def test_it_is_told_again_until_it_is_heard(sandbox: Sandbox) -> None:
    sandbox.merchant.answers = [500, 302]
    await sandbox.api.v1.products.create_async({"name": "x"})
    await sandbox.merchant.wait_for("product.created", 1)
    await sandbox.control("advance", seconds=2)
    await sandbox.merchant.wait_for("product.created", 2)
    await sandbox.control("advance", seconds=3)
    await sandbox.merchant.wait_for("product.created", 3)

    bodies = {body for _, _, body in sandbox.merchant.heard}
    assert len(bodies) == 1
    delivery = await delivered(sandbox)
    assert (delivery["attempts"], delivery["answer"]) == (3, "200")
    await sandbox.control("advance", seconds=4_000)
    await asyncio.sleep(0.4)
    assert len(sandbox.merchant.heard) == 3


async def test_a_retry_waits_and_is_signed_anew(sandbox: Sandbox) -> None:
    sandbox.merchant.answers = [503]
    await sandbox.api.v1.products.create_async({"name": "x"})
    await sandbox.merchant.wait_for("product.created", 2)
    (_, first, _), (_, second, _) = sandbox.merchant.heard
    assert first != second


async def test_events_are_found_by_type_time_and_success(sandbox: Sandbox) -> None:
    events = sandbox.api.v1.events
    await sandbox.control("faults", deliveries={"mode": "drop"})
    lost = await sandbox.api.v1.products.create_async({"name": "lost"})
    await sandbox.control("reset_faults")
    price = await sandbox.api.v1.prices.create_async({"product": lost.id, "currency": "eur", "unit_amount": 500})
    await sandbox.merchant.wait_for("price.created")
    await delivered(sandbox)

    async def found(**filters: Any) -> list[str]:
        return [e.data.object.id for e in (await events.list_async(filters)).data]

    assert await found(delivery_success=False) == [lost.id]
    assert await found(delivery_success=True) == [price.id]
    assert await found(type="product.created") == [lost.id]
    assert await found(types=["product.created", "price.created"]) == [price.id, lost.id]
    assert await found(types=["charge.failed"]) == []
    newest = (await events.list_async()).data[0]
    assert await found(created={"gt": newest.created + 5}) == []
    assert (await events.retrieve_async(newest.id)).pending_webhooks == 0
    assert sandbox.merchant.types() == ["price.created"]


async def test_each_endpoint_hears_what_it_asked_for_with_its_own_secret(sandbox: Sandbox) -> None:
    given = {"url": sandbox.merchant.url, "enabled_events": ["price.created"], "api_version": "2025-01-01.test"}
    endpoint = await sandbox.api.v1.webhook_endpoints.create_async(given)
    product = await sandbox.api.v1.products.create_async({"name": "x"})
    await sandbox.api.v1.prices.create_async({"product": product.id, "currency": "eur", "unit_amount": 500})
    async with asyncio.timeout(5):
        while not [d for d in await deliveries(sandbox) if d["endpoint"] == endpoint.id and d["attempts"]]:
            await asyncio.sleep(0.02)
    mine = [d for d in await deliveries(sandbox) if d["endpoint"] == endpoint.id]
    # The merchant checks with the secret of the configured endpoint, so this one's own secret fails there.
    assert [(d["type"], d["answer"]) for d in mine] == [("price.created", "500")]


async def test_held_events_wait_for_a_flush(sandbox: Sandbox) -> None:
    await sandbox.control("faults", deliveries={"mode": "hold"})
    paid, other = await sandbox.session(), await sandbox.session()
    await sandbox.pay(paid)
    await sandbox.pay(other)
    await asyncio.sleep(0.4)
    assert sandbox.merchant.heard == []

    done = await sandbox.control("flush", times=3, shuffled=True, session=paid.id)

    assert {a["status"] for a in done["attempts"]} == {"200"}
    assert len(sandbox.merchant.heard) == len(done["attempts"])
    assert sandbox.merchant.types().count("checkout.session.completed") == 3
    told = {
        e["data"]["object"].get("payment_intent") or e["data"]["object"]["id"] for e, _, _ in sandbox.merchant.heard
    }
    assert told == {(await sandbox.reread(paid)).payment_intent}
    await sandbox.control("reset_faults")
    await sandbox.merchant.wait_for("checkout.session.completed", 4)


async def test_a_flush_repeats_what_was_heard_only_when_asked(sandbox: Sandbox) -> None:
    await sandbox.api.v1.products.create_async({"name": "x"})
    await delivered(sandbox)
    assert (await sandbox.control("flush"))["attempts"] == []
    assert len((await sandbox.control("flush", again=True))["attempts"]) == 1
    assert len(sandbox.merchant.heard) == 2


async def test_dropped_events_never_come_but_can_be_sent_by_hand(sandbox: Sandbox) -> None:
    await sandbox.control("faults", deliveries={"mode": "drop"})
    session = await sandbox.session()
    await sandbox.pay(session)
    await sandbox.control("reset_faults")
    assert (await sandbox.control("flush"))["attempts"] == []
    event = (await sandbox.api.v1.events.list_async({"type": "checkout.session.completed"})).data[0]
    done = await sandbox.control("redeliver", event=event.id, times=2)
    assert [a["status"] for a in done["attempts"]] == ["200", "200"]
    assert sandbox.merchant.types() == ["checkout.session.completed"] * 2


async def test_deliveries_can_be_late_and_double(sandbox: Sandbox) -> None:
    await sandbox.control("faults", deliveries={"delay_s": 60, "times": 2})
    await sandbox.api.v1.products.create_async({"name": "x"})
    await asyncio.sleep(0.4)
    assert sandbox.merchant.heard == []
    await sandbox.control("advance", seconds=61)
    await sandbox.merchant.wait_for("product.created", 2)


@pytest.mark.parametrize("fault", ["bad_signature", "old_timestamp"])
async def test_signatures_can_be_wrong_or_old(sandbox: Sandbox, fault: str) -> None:
    merchant = strict(sandbox.merchant)
    await sandbox.control("faults", deliveries={fault: True})
    await sandbox.api.v1.products.create_async({"name": "x"})
    async with asyncio.timeout(5):
        while not (await deliveries(sandbox))[0]["attempts"]:
            await asyncio.sleep(0.02)
    assert merchant.heard == []
    assert (await deliveries(sandbox))[0]["answer"] == "500"
    await sandbox.control("reset_faults")
    await merchant.wait_for("product.created")


async def test_sessions_expire_by_the_sandbox_clock(sandbox: Sandbox) -> None:
    session = await sandbox.session(expires_at=int(time.time()) + 1860)
    await sandbox.pay(session, "4000000000000002")
    await sandbox.control("advance", seconds=1861)
    assert (await sandbox.reread(session)).status == "expired"
    told = await sandbox.merchant.wait_for("checkout.session.expired")
    assert told["data"]["object"]["id"] == session.id
    assert "payment_intent.canceled" in await sandbox.event_types()


async def test_a_test_may_lie_about_an_amount_or_make_an_event_up(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.control(f"objects/{session.id}", amount_total=1)
    assert (await sandbox.reread(session)).amount_total == 1
    made_up = {"object": "checkout.session", "id": "cs_test_unknown"}
    event = await sandbox.control("events", type="checkout.session.completed", object=made_up)
    assert (await sandbox.merchant.wait_for("checkout.session.completed"))["id"] == event["id"]
    assert (await sandbox.raw.post("/_sandbox/objects/cs_test_unknown", json={})).status_code == 404


async def test_the_ledger_says_what_was_taken_and_given_back(sandbox: Sandbox) -> None:
    paid, open_ = await sandbox.session(metadata={"purchase": "9"}), await sandbox.session()
    await sandbox.pay(paid)
    intent = (await sandbox.reread(paid)).payment_intent
    await sandbox.api.v1.refunds.create_async({"payment_intent": intent, "amount": 200})
    lone = await sandbox.api.v1.payment_intents.create_async(
        {"amount": 700, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    )
    rows = {row["session"] or row["intent"]: row for row in await sandbox.look("ledger")}

    assert set(rows) == {paid.id, open_.id, lone.id}
    money = {name: (row["amount_received"], row["amount_refunded"]) for name, row in rows.items()}
    assert money == {paid.id: (1200, 200), open_.id: (0, 0), lone.id: (700, 0)}
    assert rows[paid.id]["metadata"] == {"purchase": "9"}
    assert len(await sandbox.look("ledger", paid="true")) == 2


async def test_a_fault_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    for wrong in ({"deliveries": {"mode": "maybe"}}, {"weather": {"rain": True}}, {"api": {"status": 418}}):
        answer = await sandbox.raw.post("/_sandbox/faults", json=wrong)
        assert answer.status_code == 400, wrong


async def test_a_dead_merchant_does_not_hurt(sandbox: Sandbox) -> None:
    given = {"url": "http://127.0.0.1:9/nobody", "enabled_events": ["*"]}
    await sandbox.api.v1.webhook_endpoints.create_async(given)
    await sandbox.api.v1.products.create_async({"name": "x"})
    async with asyncio.timeout(5):
        while "ConnectError" not in [d["answer"] for d in await deliveries(sandbox)]:
            await asyncio.sleep(0.02)
    await sandbox.merchant.wait_for("product.created")


async def test_a_session_is_read_quickly(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    path, start, calls = f"/v1/checkout/sessions/{session.id}", time.perf_counter(), 200
    async with httpx.AsyncClient(base_url=sandbox.config.base_url, headers=sandbox.raw.headers, verify=False) as client:
        for _ in range(calls):
            assert (await client.get(path)).status_code == 200
    # Client and server share this process; a tenth of the aim still catches a query without an index.
    assert calls / (time.perf_counter() - start) > 100


async def deliveries(sandbox: Sandbox) -> list[dict[str, Any]]:
    return (await sandbox.look("deliveries"))["data"]


async def delivered(sandbox: Sandbox) -> dict[str, Any]:
    """The newest delivery, once it is done."""
    async with asyncio.timeout(5):
        while (await deliveries(sandbox))[0]["state"] != "delivered":
            await asyncio.sleep(0.02)
    return (await deliveries(sandbox))[0]


def strict(merchant: Merchant) -> Merchant:
    """One that looks at the age of a signature as well."""
    merchant.tolerance_s = 300
    return merchant
