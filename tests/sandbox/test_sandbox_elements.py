"""What Stripe.js does with the publishable key: one intent, for whoever knows its client secret, checked by Stripe's own file."""

from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Sandbox

KEY = "pk_test_sandbox"
CARD = {"payment_method_data[type]": "card", "payment_method_data[card][exp_month]": "12",
        "payment_method_data[card][exp_year]": "2034", "payment_method_data[card][cvc]": "123"}  # fmt: skip


async def intent(sandbox: Sandbox, **more: Any) -> dict[str, str]:
    made = await sandbox.api.v1.payment_intents.create_async(
        {"amount": 1200, "currency": "eur", "automatic_payment_methods": {"enabled": True}, "metadata": {"a": "b"}}
        | more
    )
    return {"id": made.id, "client_secret": made.client_secret}


async def confirm(sandbox: Sandbox, one: dict[str, str], data: dict[str, str]) -> httpx.Response:
    own = {"key": KEY, "client_secret": one["client_secret"]}
    url = f"/v1/payment_intents/{one['id']}/confirm"
    return await sandbox.raw.post(url, data=own | data, headers={"Authorization": ""})


async def test_a_buyer_pays_with_the_client_secret(sandbox: Sandbox) -> None:
    one = await intent(sandbox)

    answer = await confirm(sandbox, one, CARD | {"payment_method_data[card][number]": "4242 4242 4242 4242"})

    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert answer.headers["access-control-allow-origin"] == "*"
    # What is the merchant's own stays with the merchant.
    assert (answer.json()["metadata"], answer.json()["latest_charge"]) == ({}, None)


@pytest.mark.parametrize(
    ("number", "code", "decline"),
    [
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000000069", "expired_card", None),
        ("4000000000000127", "incorrect_cvc", None),
        ("4000000000000119", "processing_error", None),
        ("4242424242424241", "incorrect_number", None),
    ],
)
async def test_declines_have_their_codes(sandbox: Sandbox, number: str, code: str, decline: str | None) -> None:
    one = await intent(sandbox)

    answer = await confirm(sandbox, one, CARD | {"payment_method_data[card][number]": number})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("decline_code")) == (402, code, decline)


async def test_a_debit_is_paid_later(sandbox: Sandbox) -> None:
    one = await intent(sandbox)
    debit = {"payment_method_data[type]": "sepa_debit", "payment_method_data[sepa_debit][iban]": "AT611904300234573201"}
    assert (await confirm(sandbox, one, debit)).json()["status"] == "processing"

    settled = await sandbox.raw.post("/_sandbox/settle_async", json={"session": one["id"]})

    assert settled.json() == {"session": one["id"], "payment_status": "succeeded"}


@pytest.mark.parametrize("wrong", [{"client_secret": "pi_x_secret_y"}, {"key": "pk_test_other"}])
async def test_nobody_else_sees_or_pays_it(sandbox: Sandbox, wrong: dict[str, str]) -> None:
    one = await intent(sandbox)
    own = {"key": KEY, "client_secret": one["client_secret"]} | wrong
    no_key = {"Authorization": ""}

    seen = await sandbox.raw.get(f"/v1/payment_intents/{one['id']}", params=own, headers=no_key)
    card = CARD | {"payment_method_data[card][number]": "4242424242424242"}
    paid = await sandbox.raw.post(f"/v1/payment_intents/{one['id']}/confirm", data=own | card, headers=no_key)
    listed = await sandbox.raw.get("/v1/payment_intents", params={"key": KEY}, headers=no_key)

    assert seen.status_code in {401, 404}
    assert paid.status_code in {401, 404}
    assert listed.status_code == 401
