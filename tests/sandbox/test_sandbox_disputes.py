"""Disputes from the buyer's bank to their end: with evidence, with time, by hand; and the money that moves meanwhile."""

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import Sandbox

NINE_DAYS_S = 9 * 24 * 3600


async def paid(sandbox: Sandbox, amount: int = 1200) -> Any:
    session = await sandbox.session(amount)
    await sandbox.pay(session)
    return session


async def row(sandbox: Sandbox, session: Any) -> dict[str, Any]:
    """What the ledger says of one payment."""
    return next(r for r in await sandbox.look("ledger") if r["session"] == session.id)


async def told(sandbox: Sandbox) -> list[str]:
    """What was told of disputes, oldest first."""
    head = "charge.dispute."
    return [kind.removeprefix(head) for kind in await sandbox.event_types() if kind.startswith(head)]


async def test_a_dispute_takes_the_money_and_the_fee(sandbox: Sandbox) -> None:
    session = await paid(sandbox)
    intent = (await sandbox.reread(session)).payment_intent
    charge = (await sandbox.api.v1.payment_intents.retrieve_async(intent)).latest_charge
    opened = await sandbox.control("disputes", payment=charge)

    assert (opened["status"], opened["amount"], opened["reason"]) == ("needs_response", 1200, "fraudulent")
    assert opened["evidence_details"]["due_by"] - opened["created"] == NINE_DAYS_S
    lines = await sandbox.api.v1.balance_transactions.list_async({"source": opened["id"], "expand": ["data.source"]})
    assert [(line.amount, line.fee, line.net) for line in lines.data] == [(-1200, 1500, -2700)]
    assert lines.data[0].reporting_category == "dispute"
    assert lines.data[0].source.id == opened["id"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await sandbox.api.v1.refunds.create_async({"payment_intent": intent})
    assert refused.value.code == "charge_disputed"
    again = await sandbox.raw.post("/_sandbox/disputes", json={"payment": session.id})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("text", "status", "reinstated"), [("winning_evidence", "won", 1200), ("losing_evidence", "lost", 0)]
)
async def test_evidence_decides_after_a_while(sandbox: Sandbox, text: str, status: str, reinstated: int) -> None:
    session = await paid(sandbox)
    opened = await sandbox.control("disputes", payment=session.id)
    disputes = sandbox.api.v1.disputes
    staged = await disputes.update_async(
        opened["id"], {"evidence": {"customer_name": "A B"}, "submit": False, "metadata": {"purchase": "9"}}
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    sent = await disputes.update_async(opened["id"], {"evidence": {"uncategorized_text": text}})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert (sent.evidence.customer_name, sent.metadata.to_dict()) == ("A B", {"purchase": "9"})

    await sandbox.control("advance", seconds=sandbox.config.async_delay_s + 1)

    assert (await disputes.retrieve_async(opened["id"])).status == status
    line = await row(sandbox, session)
    assert (line["dispute_withdrawn"], line["dispute_reinstated"], line["dispute_status"]) == (1200, reinstated, status)
    ended = ["funds_reinstated", "closed"] if reinstated else ["closed"]
    assert await told(sandbox) == ["created", "funds_withdrawn", "updated", "updated", *ended]
    closed = await sandbox.merchant.wait_for("charge.dispute.closed")
    sandbox.contract.check_object(closed["data"]["object"])
    assert closed["data"]["previous_attributes"] == {"status": "under_review"}
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        await disputes.update_async(opened["id"], {"evidence": {"customer_name": "C"}})
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        await disputes.close_async(opened["id"])


async def test_evidence_is_submitted_once(sandbox: Sandbox) -> None:
    opened = await sandbox.control("disputes", payment=(await paid(sandbox)).id)
    disputes = sandbox.api.v1.disputes
    await disputes.update_async(opened["id"], {"evidence": {"uncategorized_text": "they were here"}})
    with pytest.raises(stripe.InvalidRequestError, match="once"):
        await disputes.update_async(opened["id"], {"evidence": {"uncategorized_text": "really"}})
    noted = await disputes.update_async(opened["id"], {"metadata": {"a": "1"}})
    assert (noted.metadata.to_dict(), noted.status) == ({"a": "1"}, "under_review")
    assert (await sandbox.control(f"disputes/{opened['id']}", result="won"))["status"] == "won"


async def test_the_merchant_gives_up(sandbox: Sandbox) -> None:
    session = await paid(sandbox)
    opened = await sandbox.control("disputes", payment=session.id)
    assert (await sandbox.api.v1.disputes.close_async(opened["id"])).status == "lost"
    assert (await row(sandbox, session))["dispute_reinstated"] == 0
    again = await sandbox.raw.post(f"/_sandbox/disputes/{opened['id']}", json={"result": "won"})
    assert again.status_code == 409


@pytest.mark.parametrize(("inquiry", "status"), [(False, "lost"), (True, "warning_closed")])
async def test_without_an_answer_time_decides(sandbox: Sandbox, inquiry: bool, status: str) -> None:
    opened = await sandbox.control("disputes", payment=(await paid(sandbox)).id, inquiry=inquiry)
    await sandbox.control("advance", seconds=NINE_DAYS_S + 1)
    assert (await sandbox.api.v1.disputes.retrieve_async(opened["id"])).status == status


async def test_an_inquiry_moves_no_money_and_ends_with_a_refund(sandbox: Sandbox) -> None:
    session = await paid(sandbox)
    opened = await sandbox.control("disputes", payment=session.id, inquiry=True, reason="general")
    assert (opened["status"], opened["is_charge_refundable"]) == ("warning_needs_response", True)
    assert opened["payment_method_details"]["card"]["case_type"] == "inquiry"
    refund = await sandbox.api.v1.refunds.create_async({"charge": opened["charge"]})
    assert refund.status == "succeeded"
    assert (await sandbox.api.v1.disputes.retrieve_async(opened["id"])).status == "warning_closed"
    assert await told(sandbox) == ["created", "closed"]
    assert (await row(sandbox, session))["dispute_withdrawn"] == 0


async def test_an_inquiry_becomes_a_dispute(sandbox: Sandbox) -> None:
    session = await paid(sandbox)
    opened = await sandbox.control("disputes", payment=session.id, inquiry=True)
    answered = await sandbox.api.v1.disputes.update_async(opened["id"], {"evidence": {"uncategorized_text": "Hello"}})
    assert answered.status == "warning_under_review"
    after = await sandbox.control(f"disputes/{opened['id']}", result="escalated")
    assert (after["id"], after["status"], after["is_charge_refundable"]) == (opened["id"], "needs_response", False)
    assert (await row(sandbox, session))["dispute_withdrawn"] == 1200
    assert await told(sandbox) == ["created", "updated", "updated", "funds_withdrawn"]
    assert (await sandbox.control(f"disputes/{opened['id']}", result="lost"))["status"] == "lost"


async def test_a_dispute_that_is_won_frees_the_money_for_a_refund(sandbox: Sandbox) -> None:
    session = await paid(sandbox)
    opened = await sandbox.control("disputes", payment=session.id)
    await sandbox.control(f"disputes/{opened['id']}", result="won")
    await sandbox.api.v1.refunds.create_async({"charge": opened["charge"], "amount": 500})
    line = await row(sandbox, session)
    moved = line["amount_received"] - line["amount_refunded"] - line["dispute_withdrawn"] + line["dispute_reinstated"]
    assert line["net"] == moved - line["fees"] == 700 - 43 - 1500


async def test_only_what_was_not_refunded_is_disputed(sandbox: Sandbox) -> None:
    session = await paid(sandbox)
    await sandbox.control("refunds", payment=session.id, amount=200)
    assert (await sandbox.control("disputes", payment=session.id))["amount"] == 1000
    too_much = await sandbox.raw.post("/_sandbox/disputes", json={"payment": (await paid(sandbox)).id, "amount": 1201})
    assert (too_much.status_code, too_much.json()["error"]["param"]) == (400, "amount")


async def test_disputes_are_found_by_time_and_payment(sandbox: Sandbox) -> None:
    opened = await sandbox.control("disputes", payment=(await paid(sandbox)).id)
    other = await sandbox.control("disputes", payment=(await paid(sandbox)).id)

    async def found(**filters: Any) -> list[str]:
        return [d.id for d in (await sandbox.api.v1.disputes.list_async(filters)).data]

    assert await found() == [other["id"], opened["id"]]
    assert await found(charge=opened["charge"]) == [opened["id"]]
    assert await found(payment_intent=other["payment_intent"], created={"gte": other["created"]}) == [other["id"]]
    assert await found(created={"gt": other["created"] + 5}) == []
    page = await sandbox.api.v1.disputes.list_async({"expand": ["data.charge.balance_transaction"], "limit": 1})
    assert (page.data[0].charge.balance_transaction.fee, page.has_more) == (43, True)


@pytest.mark.parametrize("payment", ["cs_test_none", "pi_none", "we_sandboxdefault"])
async def test_what_was_not_paid_cannot_be_disputed_or_refunded(sandbox: Sandbox, payment: str) -> None:
    session = await sandbox.session()
    for name in (payment, session.id):
        for call in ("disputes", "refunds"):
            assert (await sandbox.raw.post(f"/_sandbox/{call}", json={"payment": name})).status_code == 409
