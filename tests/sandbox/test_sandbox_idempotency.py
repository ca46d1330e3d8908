"""One key, one effect (docs.stripe.com/api/idempotent_requests)."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.conftest import Sandbox, order

FORM = {"amount": "999", "currency": "eur"}


async def post(sandbox: Sandbox, key: str, **form: Any) -> httpx.Response:
    return await sandbox.raw.post("/v1/payment_intents", data=FORM | form, headers={"Idempotency-Key": key})


async def count(sandbox: Sandbox, kind: str = "payment_intent") -> int:
    return (await sandbox.look("state"))["objects"].get(kind, 0)


async def test_the_same_key_gets_the_same_answer(sandbox: Sandbox) -> None:
    first, second = await post(sandbox, "k1"), await post(sandbox, "k1")

    assert first.content == second.content
    assert (first.headers["idempotency-key"], second.headers["idempotency-key"]) == ("k1", "k1")
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"] != second.headers["request-id"]
    assert await count(sandbox) == 1


async def test_the_same_key_for_something_else_is_refused(sandbox: Sandbox) -> None:
    await post(sandbox, "k1")
    other = await post(sandbox, "k1", amount="1000")
    elsewhere = await sandbox.raw.post("/v1/products", data={"name": "x"}, headers={"Idempotency-Key": "k1"})
    for answer in (other, elsewhere):
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert await count(sandbox) == 1


async def test_a_key_that_is_in_use_is_409_and_not_kept(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"hang_s": 0.3, "after_effect": True, "remaining": 1})
    slow = asyncio.create_task(post(sandbox, "k1"))
    await asyncio.sleep(0.1)
    refused = await post(sandbox, "k1")
    first, after = await slow, await post(sandbox, "k1")

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (first.status_code, after.status_code) == (200, 200)
    assert first.json()["id"] == after.json()["id"]
    assert await count(sandbox) == 1


async def test_many_at_once_have_one_effect(sandbox: Sandbox) -> None:
    answers = await asyncio.gather(*(post(sandbox, "k1") for _ in range(20)))
    assert {a.status_code for a in answers} <= {200, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 200}) == 1
    assert await count(sandbox) == 1


async def test_a_mistake_in_the_parameters_does_not_use_up_the_key(sandbox: Sandbox) -> None:
    assert (await post(sandbox, "k1", amount="x")).status_code == 400
    assert (await post(sandbox, "k1")).status_code == 200


async def test_a_decline_is_kept(sandbox: Sandbox) -> None:
    given = {"confirm": "true", "payment_method": "pm_card_chargeDeclined"}
    first, second = await post(sandbox, "k1", **given), await post(sandbox, "k1", **given)
    assert (first.status_code, second.headers["idempotent-replayed"]) == (402, "true")
    assert await count(sandbox, "charge") == 1


async def test_a_500_after_the_effect_is_kept_too(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"status": 500, "after_effect": True, "remaining": 1})
    first, second, other = await post(sandbox, "k1"), await post(sandbox, "k1"), await post(sandbox, "k2")
    assert (first.status_code, second.status_code, other.status_code) == (500, 500, 200)
    assert second.headers["idempotent-replayed"] == "true"
    assert await count(sandbox) == 2


async def test_a_500_before_the_effect_leaves_nothing(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"status": 500, "remaining": 1})
    assert (await post(sandbox, "k1")).status_code == 500
    assert await count(sandbox) == 0
    assert (await post(sandbox, "k1")).status_code == 200


async def test_a_key_is_forgotten_after_a_day(sandbox: Sandbox) -> None:
    await post(sandbox, "k1")
    await sandbox.control("advance", seconds=24 * 3600 + 1)
    assert "idempotent-replayed" not in (await post(sandbox, "k1")).headers
    assert await count(sandbox) == 2


async def test_a_key_has_a_limit(sandbox: Sandbox) -> None:
    assert (await post(sandbox, "k" * 256)).status_code == 400
    assert (await post(sandbox, "k" * 255)).status_code == 200


async def test_a_lost_answer_is_found_again_with_the_key(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"hang_s": 0.4, "after_effect": True, "remaining": 1})
    with pytest.raises(httpx.ReadTimeout):
        await sandbox.raw.post(
            "/v1/payment_intents", data=FORM, headers={"Idempotency-Key": "k1"}, timeout=httpx.Timeout(0.1)
        )
    await asyncio.sleep(0.5)
    answer = await post(sandbox, "k1")
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (200, "true")
    assert await count(sandbox) == 1


async def test_the_sdk_gets_over_a_500_by_itself(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"status": 500, "remaining": 1, "path_contains": "checkout"})
    assert (await sandbox.api.v1.products.create_async({"name": "not on this path"})).id
    session = await sandbox.api.v1.checkout.sessions.create_async(order(), {"max_network_retries": 2})
    assert session.status == "open"
    assert await count(sandbox, "checkout.session") == 1


async def test_too_many_requests_are_429(sandbox: Sandbox) -> None:
    await sandbox.control("faults", api={"status": 429, "remaining": 1})
    with pytest.raises(stripe.RateLimitError):
        await sandbox.session()
    assert (await sandbox.session()).status == "open"
