"""What staff do at the provider's dashboard, outside our API key; and what the ledger makes of it."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Sandbox


async def paid(sandbox: Sandbox, card: str = "4242424242424242") -> tuple[Any, str]:
    """A paid session and its intent."""
    session = await sandbox.session()
    await sandbox.pay(session, card)
    if card.startswith("AT"):
        await sandbox.control("settle_async", session=session.id)
    return session, (await sandbox.reread(session)).payment_intent


async def row(sandbox: Sandbox, session: Any) -> dict[str, Any]:
    return next(r for r in await sandbox.look("ledger") if r["session"] == session.id)


async def test_a_refund_from_the_dashboard_names_no_request(sandbox: Sandbox) -> None:
    session, intent = await paid(sandbox)
    refund = await sandbox.control("refunds", payment=session.id, amount=400, reason="duplicate")
    assert (refund["status"], refund["amount"], refund["reason"]) == ("succeeded", 400, "duplicate")
    listed = await sandbox.api.v1.refunds.list_async({"payment_intent": intent, "created": {"gte": refund["created"]}})
    assert [r.id for r in listed.data] == [refund["id"]]
    event = await sandbox.merchant.wait_for("refund.created")
    assert event["request"] == {"id": None, "idempotency_key": None}
    changed = (await sandbox.merchant.wait_for("charge.refunded"))["data"]
    assert (changed["previous_attributes"], changed["object"]["amount_refunded"]) == (
        {"amount_refunded": 0, "refunded": False},
        400,
    )
    rest = await sandbox.control("refunds", payment=intent)
    assert rest["amount"] == 800
    over = await sandbox.raw.post("/_sandbox/refunds", json={"payment": intent})
    assert (over.status_code, over.json()["error"]["code"]) == (400, "charge_already_refunded")


@pytest.mark.parametrize(
    ("outcome", "at_first", "at_last"),
    [
        ("succeeds", "succeeded", "succeeded"),
        ("pending", "pending", "succeeded"),
        ("fails", "succeeded", "failed"),
        ("pending_fails", "pending", "failed"),
    ],
)
@pytest.mark.parametrize("by", ["dashboard", "key"])
async def test_a_refund_goes_as_it_is_told(
    sandbox: Sandbox, by: str, outcome: str, at_first: str, at_last: str
) -> None:
    session, intent = await paid(sandbox)
    if by == "dashboard":
        refund = (await sandbox.control("refunds", payment=session.id, outcome=outcome))["id"]
    else:
        await sandbox.control("faults", refunds={"outcome": outcome})
        refund = (await sandbox.api.v1.refunds.create_async({"payment_intent": intent})).id
    refunds = sandbox.api.v1.refunds
    assert (await refunds.retrieve_async(refund)).status == at_first
    line = await row(sandbox, session)
    assert (line["refunded_pending"], line["refunded_succeeded"]) == ((1200, 0) if at_first == "pending" else (0, 1200))

    await sandbox.control("advance", seconds=sandbox.config.async_delay_s + 1)

    after = await refunds.retrieve_async(refund, {"expand": ["failure_balance_transaction", "charge.refunds"]})
    assert (after.status, after.charge.refunds.data[0].id) == (at_last, refund)
    line = await row(sandbox, session)
    assert (line["amount_refunded"], line["refunds_failed"]) == ((0, 1200) if at_last == "failed" else (1200, 0))
    assert line["net"] == line["amount_received"] - line["amount_refunded"] - line["fees"]
    if at_last == "failed":
        assert after.failure_balance_transaction.amount == 1200
        event = await sandbox.merchant.wait_for("refund.failed")
        sandbox.contract.check_object(event["data"]["object"])
        assert not (await sandbox.merchant.wait_for("charge.updated"))["data"]["object"]["refunded"]
    if at_first == "pending":
        updated = (await sandbox.merchant.wait_for("refund.updated"))["data"]
        assert (updated["previous_attributes"], updated["object"]["status"]) == ({"status": "pending"}, at_last)


async def test_the_bank_may_answer_a_refund_by_hand(sandbox: Sandbox) -> None:
    session, _ = await paid(sandbox)
    refund = await sandbox.control("refunds", payment=session.id, outcome="pending")
    path = f"refunds/{refund['id']}"
    assert (await sandbox.control(path, result="succeeded"))["status"] == "succeeded"
    assert (await sandbox.raw.post(f"/_sandbox/{path}", json={"result": "succeeded"})).status_code == 409
    assert (await sandbox.control(path, result="failed"))["status"] == "failed"
    assert (await sandbox.raw.post(f"/_sandbox/{path}", json={"result": "failed"})).status_code == 409


async def test_one_key_refunds_once(sandbox: Sandbox) -> None:
    session, intent = await paid(sandbox)
    given, key = {"payment_intent": intent, "amount": 500}, {"idempotency_key": "refund-1"}
    refunds = sandbox.api.v1.refunds
    first, second = await refunds.create_async(given, key), await refunds.create_async(given, key)
    assert first.id == second.id
    with pytest.raises(stripe.IdempotencyError):
        await refunds.create_async(given | {"amount": 600}, key)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await refunds.create_async(given | {"amount": 701})
    assert (await row(sandbox, session))["refunded_succeeded"] == 500


async def test_a_session_is_expired_from_outside(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    assert (await sandbox.control(f"sessions/{session.id}/expire"))["status"] == "expired"
    event = await sandbox.merchant.wait_for("checkout.session.expired")
    assert event["request"]["id"] is None
    assert (await sandbox.raw.post(f"/_sandbox/sessions/{session.id}/expire", json={})).status_code == 400
    assert (await sandbox.raw.post("/_sandbox/sessions/cs_none/expire", json={})).status_code == 404


@pytest.mark.parametrize(("card", "fee"), [("4242424242424242", 43), ("AT611904300234573201", 35)])
async def test_fees_are_those_of_europe_and_stay(sandbox: Sandbox, card: str, fee: int) -> None:
    session, intent = await paid(sandbox, card)
    await sandbox.control("refunds", payment=intent)
    lines = await sandbox.api.v1.balance_transactions.list_async({"expand": ["data.source"]})
    assert [(line.type, line.amount, line.fee) for line in lines.data] == [("refund", -1200, 0), ("charge", 1200, fee)]
    detail = lines.data[1].fee_details[0]
    assert (detail.type, detail.amount, detail.currency) == ("stripe_fee", fee, "eur")
    line = await row(sandbox, session)
    assert (line["fees"], line["net"], line["charge"]) == (fee, -fee, lines.data[1].source.id)


async def test_lists_are_expanded_and_cut_by_time(sandbox: Sandbox) -> None:
    session, intent = await paid(sandbox)
    await sandbox.session()
    v1 = sandbox.api.v1
    deep = ["data.payment_intent.latest_charge.balance_transaction"]
    sessions = await v1.checkout.sessions.list_async({"expand": deep, "created": {"gte": session.created}})
    unpaid, settled = sessions.data
    assert unpaid.payment_intent is None
    assert settled.payment_intent.latest_charge.balance_transaction.net == 1157
    intents = await v1.payment_intents.list_async({"expand": ["data.latest_charge"], "created": {"lte": 2**33}})
    assert intents.data[0].latest_charge.payment_intent == intent
    charges = await v1.charges.list_async({"expand": ["data.balance_transaction", "data.refunds"]})
    assert (charges.data[0].balance_transaction.type, charges.data[0].refunds.data) == ("charge", [])
    for listing in (v1.charges, v1.payment_intents, v1.checkout.sessions, v1.refunds, v1.balance_transactions):
        assert (await listing.list_async({"created": {"gt": session.created + 100}})).data == []
    assert (await v1.balance_transactions.list_async({"type": "refund"})).data == []


async def test_events_are_kept_for_thirty_days(sandbox: Sandbox) -> None:
    await paid(sandbox)
    events = sandbox.api.v1.events
    group = (await events.list_async({"type": "charge.*"})).data
    assert [event.type for event in group] == ["charge.succeeded"]
    oldest = (await events.list_async({"limit": 100})).data[-1]
    newer = await events.list_async({"ending_before": oldest.id, "limit": 1})
    assert (newer.has_more, newer.data[0].id != oldest.id) == (True, True)
    with pytest.raises(stripe.InvalidRequestError, match="not both"):
        await events.list_async({"type": "charge.failed", "types": ["charge.failed"]})
    await sandbox.control("advance", seconds=30 * 24 * 3600 + 60)
    assert "charge.succeeded" not in await sandbox.event_types()
    with pytest.raises(stripe.InvalidRequestError) as gone:
        await events.retrieve_async(oldest.id)
    assert gone.value.http_status == 404


async def test_a_disabled_endpoint_hears_nothing_more(sandbox: Sandbox) -> None:
    endpoints = sandbox.api.v1.webhook_endpoints
    given = {"url": "http://127.0.0.1:9/nobody", "enabled_events": ["product.created", "price.created"]}
    made = await endpoints.create_async(given)
    await sandbox.control("faults", deliveries={"mode": "hold"})
    await sandbox.api.v1.products.create_async({"name": "x"})
    await endpoints.update_async(made.id, {"disabled": True})
    await sandbox.api.v1.products.create_async({"name": "y"})
    mine = [d for d in (await sandbox.look("deliveries"))["data"] if d["endpoint"] == made.id]
    assert [d["state"] for d in mine] == ["failed"]
    again = await endpoints.update_async(made.id, {"disabled": False, "enabled_events": ["price.created"]})
    assert (again.status, again.enabled_events) == ("enabled", ["price.created"])


async def test_the_panel_refunds_disputes_and_expires(sandbox: Sandbox) -> None:
    session, _ = await paid(sandbox)
    open_ = await sandbox.session()

    async def press(do: str, **form: str) -> int:
        return (await sandbox.raw.post("/_sandbox/panel", data={"do": do} | form)).status_code

    assert await press("refund", session=session.id, amount="4.50", outcome="pending") == 303
    assert (await row(sandbox, session))["refunded_pending"] == 450
    assert await press("refund", session=session.id, amount="4.505") == 400
    assert await press("refund", session=session.id, amount="many") == 400
    assert await press("refund", session=session.id, amount="9", outcome="maybe") == 400
    assert await press("refund", session="cs_none") == 404
    assert await press("dispute", session=session.id) == 303
    dispute = (await row(sandbox, session))["dispute"]
    assert "Dispute: needs response" in (await sandbox.raw.get("/")).text
    assert await press("won", dispute=dispute) == 303
    assert await press("inquire", session=session.id) == 303
    assert (await row(sandbox, session))["dispute_status"] == "warning_needs_response"
    assert await press("expire", session=open_.id) == 303
    assert (await sandbox.reread(open_)).status == "expired"
