"""A provider that lies, breaks off, stammers and has a wrong clock; each as long as it is switched on, and no longer."""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import KEY, Sandbox
from tests.sandbox.test_sandbox_delivery import strict

FORM = {"amount": "999", "currency": "eur"}


async def call(sandbox: Sandbox, method: str = "GET", path: str = "payment_intents", **more: Any) -> httpx.Response:
    """Without the check that answers are Stripe's, on a connection of its own."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=sandbox.config.base_url, headers=headers, verify=False) as client:
        return await client.request(method, f"/v1/{path}", **more)


async def intents(sandbox: Sandbox) -> int:
    return (await sandbox.look("state"))["objects"].get("payment_intent", 0)


@pytest.mark.parametrize(
    "lie", [{"amount_total": 1}, {"currency": "usd"}, {"livemode": True}, {"metadata": {"order_id": "somebody's"}}]
)
async def test_the_api_may_lie_about_an_object_until_it_is_taken_back(sandbox: Sandbox, lie: dict[str, Any]) -> None:
    session, other = await sandbox.session(), await sandbox.session()
    name, told = next(iter(lie.items()))
    truth = session.to_dict()[name]
    await sandbox.control(f"tamper/{session.id}", **lie)

    assert (await sandbox.reread(session)).to_dict()[name] == told
    listed = await sandbox.api.v1.checkout.sessions.list_async()
    assert [s.to_dict()[name] for s in listed.data] == [truth, told]
    assert await sandbox.look("tamper") == {session.id: lie}
    await sandbox.pay(session)
    event = await sandbox.merchant.wait_for("checkout.session.completed")
    assert event["data"]["object"][name] == told
    row = next(r for r in await sandbox.look("ledger") if r["session"] == session.id)
    assert (row["amount_received"], row["currency"], row["metadata"]) == (1200, "eur", {})

    await sandbox.control(f"tamper/{session.id}")

    assert (await sandbox.reread(session)).to_dict()[name] == truth
    assert (await sandbox.reread(other)).to_dict()[name] == truth


async def test_a_lie_about_an_intent_is_told_inside_other_objects_too(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.pay(session)
    intent = (await sandbox.reread(session)).payment_intent
    await sandbox.control(f"tamper/{intent}", amount_received=1, status="processing")
    seen = (await sandbox.reread(session, "payment_intent")).payment_intent
    assert (seen.amount_received, seen.status) == (1, "processing")
    await sandbox.control("reset_faults")
    assert (await sandbox.reread(session, "payment_intent")).payment_intent.amount_received == 1200


async def test_a_lie_is_well_formed(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    for wrong in ({"amount_total": "1"}, {"currency": "xxx"}, {"weather": "rain"}, {"livemode": 1}):
        assert (await sandbox.raw.post(f"/_sandbox/tamper/{session.id}", json=wrong)).status_code == 400
    assert (await sandbox.raw.post("/_sandbox/tamper/cs_none", json={})).status_code == 404
    assert await sandbox.look("tamper") == {}


@pytest.mark.parametrize("body", ["no_json", "truncated", "empty"])
async def test_a_body_may_be_garbage_once_and_its_effect_stays(sandbox: Sandbox, body: str) -> None:
    await sandbox.control("faults", api={"body": body, "remaining": 1, "method": "POST"})
    assert (await call(sandbox)).json()["data"] == []
    key = {"Idempotency-Key": "k1"}
    broken = await call(sandbox, "POST", data=FORM, headers=key)
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    assert (broken.status_code, await intents(sandbox)) == (200, 1)
    again = await call(sandbox, "POST", data=FORM, headers=key)
    assert (again.json()["amount"], again.headers["idempotent-replayed"]) == (999, "true")


@pytest.mark.parametrize("after_effect", [False, True])
async def test_the_line_may_be_cut_before_and_after_the_effect(sandbox: Sandbox, after_effect: bool) -> None:
    await sandbox.control("faults", api={"reset": True, "after_effect": after_effect, "remaining": 1})
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await call(sandbox, "POST", data=FORM, headers={"Idempotency-Key": "k1"})
    assert await intents(sandbox) == int(after_effect)
    again = await call(sandbox, "POST", data=FORM, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, "idempotent-replayed" in again.headers) == (200, after_effect)
    assert await intents(sandbox) == 1


async def test_the_sdk_gets_over_a_cut_line(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"reset": True, "after_effect": True, "remaining": 1})
    made = await sandbox.api.v1.payment_intents.create_async(
        {"amount": 999, "currency": "eur"}, {"max_network_retries": 1}
    )
    assert (made.amount, await intents(sandbox)) == (999, 1)


async def test_too_many_requests_say_when_to_come_again(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"status": 429, "retry_after_s": 7, "remaining": 1})
    answer = await sandbox.raw.get("/v1/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert "retry-after" not in (await sandbox.raw.get("/v1/events")).headers


async def test_a_provider_may_be_unavailable(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"status": 503, "remaining": 1})
    with pytest.raises(stripe.APIError):
        await sandbox.session()


@pytest.mark.parametrize("skew_s", [600, -600])
async def test_the_clock_may_be_wrong(sandbox: Sandbox, skew_s: int) -> None:
    await sandbox.control("faults", clock={"skew_s": skew_s})
    answer = await sandbox.raw.get("/v1/events")
    said = parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert len(answer.headers.get_list("date")) == 1
    assert abs(said - time.time() - skew_s) < 5
    product = await sandbox.api.v1.products.create_async({"name": "x"})
    assert abs(product.created - time.time() - skew_s) < 5
    await sandbox.merchant.wait_for("product.created")
    stamp = int(sandbox.merchant.heard[-1][1].partition(",")[0].removeprefix("t="))
    assert abs(stamp - time.time() - skew_s) < 5
    await sandbox.control("reset_faults")
    strict(sandbox.merchant)
    await sandbox.api.v1.products.create_async({"name": "y"})
    await sandbox.merchant.wait_for("product.created", 2)
    true = parsedate_to_datetime((await sandbox.raw.get("/v1/events")).headers["date"]).timestamp()
    assert abs(true - time.time()) < 5
