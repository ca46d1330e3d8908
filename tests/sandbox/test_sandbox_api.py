"""Every call, made by the official SDK; each answer is compared with Stripe's own description on its way."""

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import KEY, Sandbox, order


async def test_a_session_keeps_what_it_was_given(sandbox: Sandbox) -> None:
    made = await sandbox.session(
        2400, metadata={"purchase": "9"}, client_reference_id="GP-9", customer_email="a@b.example"
    )
    session = await sandbox.reread(made, "line_items", "line_items.data.price.product")

    assert (session.status, session.payment_status, session.livemode) == ("open", "unpaid", False)
    assert (session.amount_total, session.currency, session.payment_intent) == (2400, "eur", None)
    assert session.metadata.to_dict() == {"purchase": "9"}
    assert session.url == f"{sandbox.config.base_url}/c/pay/{session.id}"
    assert session.line_items.data[0].price.product.name == "Contoso Summit, day pass"
    assert session.expires_at - session.created == 24 * 3600
    assert sandbox.contract.checked >= 2


async def test_metadata_of_the_intent_reaches_its_charge_and_not_the_session(sandbox: Sandbox) -> None:
    made = await sandbox.session(metadata={"of": "session"}, payment_intent_data={"metadata": {"of": "intent"}})
    await sandbox.pay(made)
    session = await sandbox.reread(made, "payment_intent.latest_charge.balance_transaction")

    assert session.metadata.to_dict() == {"of": "session"}
    assert session.payment_intent.metadata.to_dict() == {"of": "intent"}
    assert session.payment_intent.latest_charge.metadata.to_dict() == {"of": "intent"}
    assert session.payment_intent.latest_charge.balance_transaction.amount == 1200
    assert session.payment_intent.amount_received == 1200


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"line_items": [{"price": "price_1", "quantity": 1, "size": "9"}]}, "parameter_unknown", "line_items[0][size]"),
        ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"mode": None}, "parameter_missing", "mode"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"mode": "subscription"}, None, "mode"),
        ({"mode": "gift"}, None, "mode"),
        ({"success_url": "thanks"}, "url_invalid", "success_url"),
        ({"expires_at": "soon"}, "parameter_invalid_integer", "expires_at"),
        ({"expires_at": int(time.time()) + 600}, None, "expires_at"),
        ({"expires_at": int(time.time()) + 90_000}, None, "expires_at"),
        ({"client_reference_id": "x" * 201}, None, "client_reference_id"),
        ({"customer_email": ""}, "parameter_invalid_empty", "customer_email"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ({"metadata": {f"k{i}": "v" for i in range(51)}}, None, "metadata"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "resource_missing", "line_items[0][price]"),
        ({"expand": ["customer_details"]}, None, "expand"),
    ],
)  # fmt: skip
async def test_what_stripe_refuses_is_refused(sandbox: Sandbox, change: Any, code: str | None, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.session(**change)

    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)
    assert (await sandbox.look("state"))["objects"].get("checkout.session") is None


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "eur", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (1005, "kwd", None),
        (1050, "isk", None),
        (1050, "ugx", None),
        (1000, "zzz", None),
        (-1, "eur", "parameter_invalid_integer"),
    ],
)
async def test_amounts_that_cannot_be_charged_are_refused(
    sandbox: Sandbox, amount: int, currency: str, code: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.session(amount, currency)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("amount", "currency"), [(50, "eur"), (36000, "jpy"), (1010, "kwd"), (100_000, "isk"), (175_00, "huf")]
)
async def test_amounts_at_the_edge_are_taken(sandbox: Sandbox, amount: int, currency: str) -> None:
    assert (await sandbox.session(amount, currency)).amount_total == amount


async def test_unknown_ids_are_404_and_name_their_parameter(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.api.v1.checkout.sessions.retrieve_async("cs_test_none")
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (404, "resource_missing", "session")


async def test_only_the_secret_key_opens_the_door(sandbox: Sandbox) -> None:
    url = "/v1/checkout/sessions"
    assert (await sandbox.raw.get(url)).status_code == 200
    assert (await sandbox.raw.get(url, headers={"Authorization": ""}, auth=(KEY, ""))).status_code == 200
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic x"}):
        answer = await sandbox.raw.get(url, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"
    with_password = await sandbox.raw.get(url, auth=("sk_test_other", ""))
    assert with_password.status_code == 401


async def test_a_call_that_does_not_exist_is_told_in_stripes_shape(sandbox: Sandbox) -> None:
    answer = await sandbox.raw.get("/v1/unicorns")
    assert answer.status_code == 404
    assert "Unrecognized request URL (GET: /v1/unicorns)" in answer.json()["error"]["message"]


async def test_lists_go_newest_first_and_page_both_ways(sandbox: Sandbox) -> None:
    made = [(await sandbox.session(1000 + n)).id for n in range(5)][::-1]
    sessions = sandbox.api.v1.checkout.sessions

    first = await sessions.list_async({"limit": 2})
    second = await sessions.list_async({"limit": 2, "starting_after": first.data[-1].id})
    last = await sessions.list_async({"limit": 2, "starting_after": second.data[-1].id})
    back = await sessions.list_async({"limit": 2, "ending_before": last.data[0].id})

    pages = [[s.id for s in page.data] for page in (first, second, last, back)]
    assert pages == [made[:2], made[2:4], made[4:], made[2:4]]
    assert [p.has_more for p in (first, second, last, back)] == [True, True, False, True]
    with pytest.raises(stripe.InvalidRequestError):
        await sessions.list_async({"limit": 101})
    with pytest.raises(stripe.InvalidRequestError):
        await sessions.list_async({"starting_after": "cs_test_none"})


async def test_sessions_are_found_by_their_state_time_and_intent(sandbox: Sandbox) -> None:
    sessions = sandbox.api.v1.checkout.sessions
    paid, open_ = await sandbox.session(), await sandbox.session()
    await sandbox.pay(paid)
    intent = (await sandbox.reread(paid)).payment_intent

    async def found(**filters: Any) -> list[str]:
        return [s.id for s in (await sessions.list_async(filters)).data]

    assert await found(status="open") == [open_.id]
    assert await found(status="complete") == [paid.id]
    assert await found(payment_intent=intent) == [paid.id]
    assert await found(created={"gte": open_.created + 60}) == []
    assert await found(created={"lte": open_.created}) == [open_.id, paid.id]


async def test_a_session_expires_on_call_once(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    expired = await sandbox.api.v1.checkout.sessions.expire_async(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError):
        await sandbox.api.v1.checkout.sessions.expire_async(session.id)
    assert (await sandbox.pay(session))["status"] == "expired"
    assert (await sandbox.event_types()).count("checkout.session.expired") == 1


async def test_products_prices_and_links_live_their_lives(sandbox: Sandbox) -> None:
    v1 = sandbox.api.v1
    product = await v1.products.create_async({"name": "Pass", "metadata": {"a": "1", "b": "2"}})
    price = await v1.prices.create_async({"product": product.id, "currency": "eur", "unit_amount": 900})
    product = await v1.products.update_async(product.id, {"metadata": {"a": "", "c": "3"}})
    assert product.metadata.to_dict() == {"b": "2", "c": "3"}

    given = {"line_items": [{"price": price.id, "quantity": 2}], "metadata": {"purchase": "9"}}
    given |= {
        "after_completion": {"type": "redirect", "redirect": {"url": "https://shop.example/?s={CHECKOUT_SESSION_ID}"}}
    }
    given |= {"restrictions": {"completed_sessions": {"limit": 1}}, "inactive_message": "Too late"}
    link = await v1.payment_links.create_async(given | {"payment_intent_data": {"metadata": {"of": "intent"}}})
    assert link.restrictions.completed_sessions.to_dict() == {"count": 0, "limit": 1}
    lines = await v1.payment_links.line_items.list_async(link.id)
    assert (lines.data[0].quantity, lines.data[0].amount_total) == (2, 1800)

    paid = await sandbox.control("pay", session=link.url)
    sessions = await v1.checkout.sessions.list_async({"payment_link": link.id, "expand": ["data.payment_intent"]})
    assert [s.id for s in sessions.data] == [paid["session"]]
    assert sessions.data[0].metadata.to_dict() == {"purchase": "9"}
    assert sessions.data[0].payment_intent.metadata.to_dict() == {"of": "intent"}
    assert paid["success_url"] == f"https://shop.example/?s={paid['session']}"
    link = await v1.payment_links.retrieve_async(link.id)
    assert link.restrictions.completed_sessions.count == 1

    again = await v1.payment_links.create_async({"line_items": [{"price": price.id, "quantity": 1}]})
    off = await v1.payment_links.update_async(again.id, {"active": False, "inactive_message": "Closed for good"})
    assert (off.active, off.inactive_message) == (False, "Closed for good")
    assert {"payment_link.created", "payment_link.updated", "price.created"} <= set(await sandbox.event_types())


async def test_an_intent_is_paid_over_the_api(sandbox: Sandbox) -> None:
    intents = sandbox.api.v1.payment_intents
    intent = await intents.create_async(
        {"amount": 999, "currency": "eur", "automatic_payment_methods": {"enabled": True}}
    )
    assert intent.status == "requires_payment_method"
    with pytest.raises(stripe.CardError) as declined:
        await intents.confirm_async(intent.id, {"payment_method": "pm_card_chargeDeclinedInsufficientFunds"})
    assert (declined.value.code, declined.value.error.decline_code) == ("card_declined", "insufficient_funds")
    assert declined.value.error.payment_intent.id == intent.id
    intent = await intents.confirm_async(intent.id, {"payment_method": "pm_card_visa"})
    assert (intent.status, intent.amount_received) == ("succeeded", 999)
    charges = await sandbox.api.v1.charges.list_async({"payment_intent": intent.id})
    assert [c.status for c in charges.data] == ["succeeded", "failed"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await intents.cancel_async(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"

    other = await intents.create_async({"amount": 500, "currency": "eur", "metadata": {"a": "1"}})
    other = await intents.update_async(other.id, {"amount": 600, "metadata": {"b": "2"}})
    assert (other.amount, other.metadata.to_dict()) == (600, {"a": "1", "b": "2"})
    assert (await intents.cancel_async(other.id, {"cancellation_reason": "abandoned"})).status == "canceled"
    assert [i.id for i in (await intents.list_async()).data] == [other.id, intent.id]
    secured = await intents.create_async(
        {"amount": 700, "currency": "eur", "confirm": True, "payment_method": "pm_card_threeDSecure2Required"}
    )
    assert (secured.status, secured.next_action.type) == ("requires_action", "redirect_to_url")
    await sandbox.raw.post(secured.next_action.redirect_to_url.url, data={"result": "complete"})
    assert (await intents.retrieve_async(secured.id)).status == "succeeded"


async def test_the_intent_of_a_session_moves_with_its_session_only(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.pay(session, "4000000000000002")
    intent = (await sandbox.reread(session)).payment_intent
    with pytest.raises(stripe.InvalidRequestError):
        await sandbox.api.v1.payment_intents.cancel_async(intent)
    await sandbox.api.v1.checkout.sessions.expire_async(session.id)
    assert (await sandbox.api.v1.payment_intents.retrieve_async(intent)).status == "canceled"


async def test_money_goes_back_in_parts_and_never_twice(sandbox: Sandbox) -> None:
    session = await sandbox.session(1000)
    await sandbox.pay(session)
    intent = (await sandbox.reread(session)).payment_intent
    refunds = sandbox.api.v1.refunds
    part = await refunds.create_async({"payment_intent": intent, "amount": 400, "metadata": {"why": "ill"}})
    with pytest.raises(stripe.InvalidRequestError) as too_much:
        await refunds.create_async({"payment_intent": intent, "amount": 601})
    assert too_much.value.param == "amount"
    await refunds.create_async({"charge": part.charge, "reason": "requested_by_customer"})
    with pytest.raises(stripe.InvalidRequestError) as again:
        await refunds.create_async({"payment_intent": intent})
    assert again.value.code == "charge_already_refunded"

    charge = await sandbox.api.v1.charges.retrieve_async(part.charge)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    listed = await refunds.list_async({"payment_intent": intent, "expand": ["data.balance_transaction"]})
    assert [r.amount for r in listed.data] == [600, 400]
    assert [r.balance_transaction.amount for r in listed.data] == [-600, -400]
    assert (await refunds.retrieve_async(part.id)).metadata.to_dict() == {"why": "ill"}
    with pytest.raises(stripe.InvalidRequestError):
        await refunds.cancel_async(part.id)
    entries = await sandbox.api.v1.balance_transactions.list_async({"type": "refund"})
    assert sorted(e.net for e in entries.data) == [-600, -400]
    assert (await sandbox.api.v1.balance_transactions.retrieve_async(entries.data[0].id)).type == "refund"
    assert (await sandbox.event_types())[-4:] == ["charge.refunded", "refund.created"] * 2


async def test_nothing_is_refunded_before_it_is_paid(sandbox: Sandbox) -> None:
    intent = await sandbox.api.v1.payment_intents.create_async({"amount": 999, "currency": "eur"})
    for given in ({}, {"payment_intent": intent.id}, {"payment_intent": "pi_none"}, {"charge": "ch_none"}):
        with pytest.raises(stripe.InvalidRequestError):
            await sandbox.api.v1.refunds.create_async(given)


async def test_an_order_of_nothing_needs_no_payment(sandbox: Sandbox) -> None:
    session = await sandbox.session(0)
    assert (await sandbox.pay(session))["status"] == "paid"
    after = await sandbox.reread(session)
    assert (after.status, after.payment_status, after.payment_intent) == ("complete", "no_payment_required", None)


async def test_lines_must_share_a_currency(sandbox: Sandbox) -> None:
    lines = order(1000, "eur")["line_items"] + order(1000, "usd")["line_items"]
    with pytest.raises(stripe.InvalidRequestError, match="same currency"):
        await sandbox.session(line_items=lines)


async def test_endpoints_are_made_changed_and_deleted(sandbox: Sandbox) -> None:
    endpoints = sandbox.api.v1.webhook_endpoints
    made = await endpoints.create_async({"url": "http://127.0.0.1:9/x", "enabled_events": ["charge.refunded"]})
    assert made.secret.startswith("whsec_")
    assert "secret" not in await endpoints.retrieve_async(made.id)
    off = await endpoints.update_async(made.id, {"disabled": True, "metadata": {"a": "1"}})
    assert (off.status, off.metadata.to_dict()) == ("disabled", {"a": "1"})
    assert len((await endpoints.list_async()).data) == 2
    assert (await endpoints.delete_async(made.id)).deleted
    assert len((await endpoints.list_async()).data) == 1
