"""Was I charged? Every situation of a payment has its answer, and its story tells nothing that is not so."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from gatepass.domain.money import Money
from gatepass.domain.purchase import order_reference, reference_tail
from gatepass.domain.refund import Cause, Refund, RefundState
from gatepass.services import timeline
from gatepass.store import ReadTx, WriteTx, records, refunds, tables
from gatepass.store import timeline as entries
from tests.flows.test_attention import paid_late_without_a_seat
from tests.running import API_TOKEN, STAFF, Order, Running, altered, running

DECLINED, DEBIT = "4000000000009995", "AT611904300234573201"
NOTHING = "No. Nothing was charged."


async def link(gatepass: Running, order: Order) -> str:
    """The buyer's own address."""
    purchase = await gatepass.purchase(order.id)
    return gatepass.installation.desk.links.order(order.id, purchase.created)


async def buyers(gatepass: Running, order: Order) -> dict[str, Any]:
    """What the buyer is told."""
    answer = await gatepass.client.get(f"{await link(gatepass, order)}/timeline.json")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def programs(gatepass: Running, order: Order, token: str = "token-of-a-reader") -> dict[str, Any]:
    """What a support program is told."""
    answer = await ask(gatepass, str(order.id), token)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ask(gatepass: Running, purchase_id: str, token: str | None) -> httpx.Response:
    url = f"{gatepass.base_url}/api/gatepass/v1/purchases/{purchase_id}/timeline"
    return await gatepass.client.get(url, headers={"Authorization": f"Bearer {token}"} if token else {})


def kinds(story: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in story["moments"] if not one["ahead"]]


def titles(story: dict[str, Any]) -> list[str]:
    return [one["title"] for one in story["moments"]]


def said(story: dict[str, Any]) -> tuple[str, str]:
    return story["answer"]["charged"], story["answer"]["title"]


def in_order(wanted: list[str], found: list[str]) -> bool:
    rest = iter(found)
    return all(one in rest for one in wanted)


# Before the money


async def test_unpaid_nothing_was_charged_and_the_hold_has_an_end(gatepass: Running) -> None:
    order = await gatepass.register(seats=2)
    story = await buyers(gatepass, order)
    assert said(story) == ("no", NOTHING)
    assert "You can pay until" in story["answer"]["next"]
    assert kinds(story) == ["purchase.created"]
    assert titles(story)[-2:] == ["The hold ends", "Tickets by mail"]

    await gatepass.open_pay_page(order)
    for _ in range(3):
        await gatepass.open_pay_page(order)

    story = await buyers(gatepass, order)
    assert said(story) == ("no", NOTHING)
    assert kinds(story) == ["purchase.created", "pay_page.opened"]
    assert not story["settled"]


async def test_declined_nothing_was_charged_and_it_stays_in_the_story(gatepass: Running) -> None:
    order = await gatepass.register()
    await gatepass.pay(order, DECLINED)

    async def told() -> bool:
        return "payment.declined" in kinds(await buyers(gatepass, order))

    await gatepass.until(told)
    story = await buyers(gatepass, order)
    assert said(story) == ("no", NOTHING)
    assert "not enough money on the card" in story["answer"]["text"]
    assert story["answer"]["next"].startswith("You can try again, or use another way to pay, until ")

    await gatepass.pay(order)
    await gatepass.until_status(order, "completed")

    story = await buyers(gatepass, order)
    assert said(story) == ("charged", "Yes, once: €120.50.")
    assert in_order(["pay_page.opened", "payment.declined", "payment.succeeded"], kinds(story))
    assert kinds(story).count("payment.declined") == 1


async def test_nobody_answers_and_nobody_claims_to_know(gatepass: Running) -> None:
    order = await gatepass.register()
    await gatepass.open_pay_page(order)
    await gatepass.sandbox.control("faults", api={"status": 500})
    await gatepass.look_up_now()

    async def told() -> bool:
        return (await buyers(gatepass, order))["answer"]["charged"] == "not_known"

    await gatepass.until(told)
    story = await buyers(gatepass, order)
    assert "Stripe does not answer" in story["answer"]["title"]
    assert any(one["title"].startswith("We asked Stripe") and one["ahead"] for one in story["moments"])

    await gatepass.sandbox.control("reset_faults")
    await gatepass.look_up_now()
    await gatepass.pay(order)
    await gatepass.until_status(order, "completed")
    assert said(await buyers(gatepass, order))[0] == "charged"


# Money


async def test_paid_it_is_told_from_the_hold_to_the_mail(gatepass: Running) -> None:
    order = await gatepass.register(seats=2)
    paid = await gatepass.pay(order)
    await gatepass.client.get(paid["success_url"], follow_redirects=True)
    await gatepass.until_status(order, "completed")
    await gatepass.until(lambda: gatepass.mails_to(order.email))
    await gatepass.until_quiet()

    story = await buyers(gatepass, order)

    assert said(story) == ("charged", "Yes, once: €241.00.")
    assert story["charged"] == {"minor": 24100, "currency": "EUR"}
    wanted = ["purchase.created", "pay_page.opened", "payment.succeeded", "purchase.completed", "mail.sent"]
    assert in_order(wanted, kinds(story))
    assert "detail" not in story["moments"][0]
    assert "purchaseId" not in story
    assert not [one for one in kinds(story) if one.startswith(("notification", "audit", "attention"))]


async def test_staff_and_programs_see_every_notification_with_its_event_id(gatepass: Running) -> None:
    order = await gatepass.register()
    page = await gatepass.open_pay_page(order)
    await gatepass.sandbox.pay(page)
    await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()

    story = await programs(gatepass, order)

    told = {one["detail"]["event"] for one in story["moments"] if one["kind"].startswith("notification.")}
    applied = {ref for ref, (state, _) in (await gatepass.notifications()).items() if state == "applied"}
    assert told == applied != set()
    assert story["purchaseId"] == str(order.id)
    assert next(one for one in story["moments"] if one["kind"] == "payment.succeeded")["detail"]["session"] in page


async def test_a_bank_debit_is_being_confirmed_then_charged(gatepass: Running) -> None:
    order = await gatepass.register()
    paid = await gatepass.pay(order, DEBIT)

    async def told() -> bool:
        return said(await buyers(gatepass, order))[0] == "being_confirmed"

    await gatepass.until(told)
    story = await buyers(gatepass, order)
    assert story["answer"]["title"] == "Not yet: your bank is confirming €120.50."
    assert "Please do not pay again." in story["answer"]["text"]

    await gatepass.sandbox.control("settle_async", session=paid["session"])
    await gatepass.until_status(order, "completed")
    story = await buyers(gatepass, order)
    assert said(story) == ("charged", "Yes, once: €120.50.")
    assert in_order(["payment.succeeded", "purchase.completed"], kinds(story))


async def test_a_free_order_and_one_paid_elsewhere(gatepass: Running) -> None:
    free, cash = await gatepass.register(pass_name="Free"), await gatepass.register()
    assert (await gatepass.finalize(cash.id, 100000001)).status_code == 204

    assert said(await buyers(gatepass, free)) == ("no", "No: your order is free.")
    assert said(await buyers(gatepass, cash)) == ("charged", "Yes: €120.50, paid another way.")
    audited = [one for one in (await programs(gatepass, cash))["moments"] if one["kind"] == "audit"]
    assert [one["title"] for one in audited] == ["program: finalize"]
    assert audited[0]["staffOnly"] is True


@pytest.fixture
async def without_mail(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """The mail server does not answer."""
    smtp = {"GATEPASS_SMTP_HOST": "127.0.0.1", "GATEPASS_SMTP_PORT": "9", "GATEPASS_SMTP_TLS": "none"}
    async with running(database_url, tmp_path, **smtp) as system:
        yield system


async def test_a_mail_that_does_not_leave_is_told_with_its_next_try(without_mail: Running) -> None:
    order = await without_mail.register()
    await without_mail.pay(order)
    await without_mail.until_status(order, "completed")

    async def told() -> bool:
        return any(one["kind"] == "retry.confirm" for one in (await buyers(without_mail, order))["moments"])

    await without_mail.until(told)
    story = await buyers(without_mail, order)
    assert said(story) == ("charged", "Yes, once: €120.50.")
    assert story["answer"]["next"] == "The ticket is on its way by mail."
    assert "mail.sent" not in kinds(story)
    retry = next(one for one in (await programs(without_mail, order))["moments"] if one["kind"] == "retry.confirm")
    assert "MailServerDown" in retry["detail"]["last error"]


# Money that has no seat, or goes back


async def test_expired_nothing_was_charged(gatepass: Running) -> None:
    order = await gatepass.register()
    await gatepass.open_pay_page(order)
    await gatepass.let_hold_end(order)
    await gatepass.until_status(order, "expired")

    story = await buyers(gatepass, order)

    assert said(story) == ("no", NOTHING)
    assert "register again" in story["answer"]["next"]
    assert in_order(["pay_page.opened", "purchase.expired"], kinds(story))
    assert "payment.expired" in kinds(story)
    assert story["settled"]


async def test_late_money_is_being_put_right_and_staff_see_why(gatepass: Running) -> None:
    order = await paid_late_without_a_seat(gatepass)

    story = await buyers(gatepass, order)
    assert said(story)[0] == "being_put_right"
    assert "Your money arrived" in story["answer"]["text"]
    assert in_order(["purchase.expired", "purchase.paid_late"], ["purchase.expired", *kinds(story)])
    attention = [one for one in (await programs(gatepass, order))["moments"] if one["kind"] == "attention.opened"]
    assert [one["title"] for one in attention] == ["Needs attention: paid late"]


async def test_charged_twice_one_goes_back(gatepass: Running) -> None:
    await gatepass.sandbox.hold_deliveries()
    order = await gatepass.register()
    await gatepass.pay(order)
    assert (await gatepass.finalize(order.id, 100000001)).status_code == 204
    await gatepass.sandbox.deliver()

    async def given_back() -> bool:
        return "refund.succeeded" in kinds(await buyers(gatepass, order))

    await gatepass.until(given_back)
    story = await buyers(gatepass, order)
    assert said(story) == ("charged", "Yes: €120.50, paid another way.")
    assert "A second payment came, and was given back: €120.50." in story["answer"]["text"]
    refund = sa.update(tables.refund).values(state="processing")
    await gatepass.store.write(lambda tx: tx.execute(refund))
    assert said(await buyers(gatepass, order)) == ("charged_twice", "Twice. €120.50 is going back.")
    await gatepass.store.write(lambda tx: tx.execute(refund.values(state="succeeded")))


async def test_money_that_does_not_fit_is_never_called_nothing(gatepass: Running) -> None:
    await gatepass.sandbox.drop_deliveries()
    order = await gatepass.register()
    paid = await gatepass.pay(order)
    await gatepass.sandbox.control(f"objects/{paid['session']}", amount_total=100)
    await gatepass.client.get(paid["success_url"])

    story = await buyers(gatepass, order)

    assert said(story) == ("being_put_right", "A payment came that does not fit this order.")
    assert "Please do not pay again." in story["answer"]["text"]
    await gatepass.sandbox.control(f"objects/{paid['session']}", amount_total=12050)


async def paid_order(gatepass: Running, seats: int = 1) -> Order:
    order = await gatepass.register(seats=seats)
    await gatepass.pay(order)
    await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()
    return order


@pytest.fixture
async def apart(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """For rows that were put in by hand: the provider's ledger knows nothing of them."""
    async with running(database_url, tmp_path) as system:
        yield system


async def put_refund(gatepass: Running, order: Order, minor: int, state: RefundState, cause: Cause) -> None:
    """As if it had been asked for."""
    (payment,) = await gatepass.payments(order.id)

    def unit(tx: WriteTx) -> None:
        made = Refund(
            uuid4(), order.id, payment.id, "stripe", state, Money(minor, "EUR"), cause, "She fell ill", "anna", "pi_1", tx.now
        )  # fmt: skip
        refunds.add(tx, [made])
        detail = {"refund_id": str(made.id), "amount_minor": minor, "currency": "EUR", "cause": cause.value}
        entries.add(tx, [(order.id, "refund.requested", detail)])

    await gatepass.store.write(unit)


@pytest.mark.parametrize(
    ("minor", "state", "charged", "words"),
    [
        (12050, RefundState.REQUESTED, "being_refunded", "Yes, and €120.50 is on its way back to you."),
        (12050, RefundState.SUCCEEDED, "refunded", "Yes, and all of it was given back: €120.50."),
        (12050, RefundState.FAILED, "being_put_right", "Yes, and €120.50 could not be given back yet."),
        (2050, RefundState.SUCCEEDED, "charged", "Yes, once: €120.50."),
    ],
)
async def test_refunds(apart: Running, minor: int, state: RefundState, charged: str, words: str) -> None:
    order = await paid_order(apart)

    await put_refund(apart, order, minor, state, Cause.STAFF)

    story = await buyers(apart, order)
    assert said(story) == (charged, words)
    assert "refund.requested" in kinds(story)
    assert (f"refund.{state.value}" in kinds(story)) is True
    assert kinds(story).count("refund.requested") == 1
    assert "She fell ill" not in str(story)
    assert "She fell ill" in str(await programs(apart, order))
    if minor == 2050:
        assert "€20.50 was given back" in story["answer"]["text"]


@pytest.mark.parametrize(
    ("state", "inquiry", "charged"),
    [
        ("needs_response", False, "disputed"),
        ("under_review", False, "disputed"),
        ("needs_response", True, "charged"),
        ("won", False, "charged"),
        ("lost", False, "refunded"),
    ],
)
async def test_disputes(apart: Running, state: str, inquiry: bool, charged: str) -> None:
    order = await paid_order(apart)
    (payment,) = await apart.payments(order.id)
    now = datetime.now(UTC)
    row = {
        "id": uuid4(), "purchase_id": order.id, "payment_id": payment.id, "provider": "stripe", "dispute_ref": "dp_1",
        "state": state, "amount_minor": 12050, "currency": "EUR", "reason": "fraudulent", "inquiry": inquiry, "due": now,
        "opened": now, "changed": now, "closed": now if state in {"won", "lost"} else None, "evidence": None,
    }  # fmt: skip
    await apart.store.write(lambda tx: tx.execute(sa.insert(tables.dispute), [row]))

    story = await buyers(apart, order)

    assert said(story)[0] == charged
    assert "dispute.needs_response" in kinds(story)
    assert "fraudulent" not in str(story)


# Who may


async def test_only_the_owner_of_the_link_and_known_programs_are_told(gatepass: Running) -> None:
    order = await gatepass.register()
    url = await link(gatepass, order)
    other = altered(url)

    for wrong in (other, f"{gatepass.base_url}/orders/{order.id}"):
        for what in ("timeline", "timeline.json", "timeline/state"):
            refused = await gatepass.client.get(f"{wrong}/{what}")
            assert refused.status_code == 404
            assert refused.headers["cache-control"] == "no-store"
    for token, status in ((None, 401), ("guessed", 401), (API_TOKEN, 200), ("token-of-a-reader", 200)):
        assert (await ask(gatepass, str(order.id), token)).status_code == status
    assert (await ask(gatepass, str(uuid4()), API_TOKEN)).status_code == 404
    assert (await ask(gatepass, "x", API_TOKEN)).status_code == 404
    for path in (f"/staff/purchases/{order.id}", "/staff/purchases", f"/staff/purchases/{order.id}/timeline.json"):
        refused = await gatepass.client.get(f"{gatepass.base_url}{path}")
        assert (refused.status_code, refused.headers["location"].split("?")[0]) == (303, "/staff/sign-in")


async def test_staff_find_a_purchase_by_reference_mail_and_id(gatepass: Running) -> None:
    order, _ = await gatepass.register(), await gatepass.register()
    reference = order_reference(order.id)
    assert reference_tail(reference.lower()) == order.id.hex[-10:]

    for text in (
        reference,
        reference.lower().replace("-", " "),
        order.email.upper(),
        str(order.id),
        f" {order.id.hex} ",
    ):
        found = await gatepass.store.read(lambda tx, text=text: timeline.search(tx, text))
        assert [row["id"] for row in found] == [order.id], text
    for text in ("GP-0000-0000", "nobody@example.org", "%", "GP-%%%%-%%%%", "GP-____-____", "' or 1=1"):
        assert await gatepass.store.read(lambda tx, text=text: timeline.search(tx, text)) == []
    assert len(await gatepass.store.read(lambda tx: timeline.search(tx, " "))) == 2


async def test_staff_read_everything_on_one_page(gatepass: Running) -> None:
    order = await paid_order(gatepass)
    base = gatepass.base_url
    async with httpx.AsyncClient(timeout=30) as browser:
        await browser.post(f"{base}/staff/sign-in", data={"email": STAFF[0], "password": STAFF[1]})
        page = await browser.get(f"{base}/staff/purchases/{order.id}")
        listed = await browser.get(f"{base}/staff/purchases", params={"q": order.email})
        story = (await browser.get(f"{base}/staff/purchases/{order.id}/timeline.json")).json()
        missing = await browser.get(f"{base}/staff/purchases/{uuid4()}")

    assert page.status_code == 200
    assert "Stripe sent checkout.session.completed" in page.text
    assert order_reference(order.id) in listed.text
    assert story["answer"]["charged"] == "charged"
    assert missing.status_code == 404


async def test_a_story_is_read_at_one_moment(gatepass: Running) -> None:
    """What is committed between two statements is not seen by the second."""

    def look(tx: ReadTx) -> tuple[str | None, str | None]:
        before = records.get_setting(tx, "moment")
        gatepass.store.write_now(lambda other: records.put_setting(other, "moment", "later"))
        return before, records.get_setting(tx, "moment")

    assert await gatepass.store.snapshot(look) == (None, None)
    assert await gatepass.store.read(lambda tx: records.get_setting(tx, "moment")) == "later"
