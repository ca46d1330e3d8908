"""The completion service by the seed's drawing: a link that opens the payment page or says why not, and a careful inbox."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest

from gatepass.providers.stripe import API_VERSION, MAX_AGE_S, MAX_AHEAD_S
from gatepass.services.notifications import MAX_BODY_BYTES
from gatepass.store import records
from tests.running import NOTIFY, SITE, WEBHOOK_SECRET, Order, Running, query, signature

own_loop = pytest.mark.asyncio(loop_scope="module")
CANCELLED, COMPLETED = 100000000, 100000001


# The link that opens the payment page


@own_loop
async def test_the_link_leads_to_the_providers_page_and_is_never_cached(shared: Running) -> None:
    order = await shared.register()

    answer = await shared.client.get(order.pay_url)

    assert answer.status_code == 302
    assert answer.headers["location"].startswith(shared.sandbox.url)
    assert "no-store" in answer.headers["cache-control"]


@own_loop
async def test_a_link_that_dynamics_issued_works_without_a_signature(shared: Running) -> None:
    order = await shared.register()

    assert (await _pay(shared, purchaseId=order.id)).status_code == 302
    assert (await _pay(shared, PURCHASEID=f"{{{order.id}}}")).status_code == 302


@own_loop
async def test_a_paid_order_cannot_be_paid_again(shared: Running) -> None:
    order = await shared.register()
    await shared.finalize(order.id, COMPLETED)

    _page(await _pay(shared, purchaseId=order.id), 409, "This order is paid")


@own_loop
async def test_a_free_order_has_nothing_to_pay(shared: Running) -> None:
    order = await shared.register(pass_name="Free")

    _page(await _pay(shared, purchaseId=order.id), 409, "This order is paid")


@own_loop
async def test_a_cancelled_order_is_gone(shared: Running) -> None:
    order = await shared.register()
    await shared.finalize(order.id, CANCELLED)

    _page(await _pay(shared, purchaseId=order.id), 410, "This order was cancelled")


@own_loop
async def test_an_order_whose_hold_ended_is_gone(shared: Running) -> None:
    order = await shared.register()
    await shared.let_hold_end(order)
    await shared.hasten("sweep_holds")
    await shared.until_status(order, "expired")

    _page(await _pay(shared, purchaseId=order.id), 410, "This order has ended")


@own_loop
async def test_an_unknown_order_is_404(shared: Running) -> None:
    _page(await _pay(shared, purchaseId=uuid4()), 404, "We do not know this order")


BAD_GUIDS = [
    "",
    "1",
    "x" * 36,
    "../etc/passwd",
    "%00",
    "\0",
    "x" * 5000,
    "\ud83d\ude00",
    "{}",
    "<script>alert(1)</script>",
    "' or 1=1 --",
]


@own_loop
@pytest.mark.parametrize("guid", BAD_GUIDS, ids=lambda text: repr(text)[:20])
async def test_a_damaged_id_is_400(shared: Running, guid: str) -> None:
    answer = await _pay(shared, purchaseId=guid.encode("utf-16", "surrogatepass").decode("utf-16"))

    _page(answer, 400, "This link is not complete")
    assert "<script>alert" not in answer.text


@own_loop
async def test_a_link_without_id_is_400(shared: Running) -> None:
    _page(await _pay(shared), 400, "This link is not complete")
    for raw in ("purchaseId=%ff%fe", "purchaseId=%ed%a0%80", "purchaseId=%", "%00=%00", "purchaseId[]=1"):
        answer = await shared.client.get(f"{shared.base_url}/GatewayRedirect/PayWithStripe?{raw}")
        _page(answer, 400, "This link is not complete")


@own_loop
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        f"{SITE}.evil.example/",
        f"{SITE}@evil.example/",
        "javascript:alert(1)",
        "//evil.example",
    ],
)
async def test_a_foreign_return_address_opens_nothing(shared: Running, url: str) -> None:
    order = await shared.register()

    _page(await _pay(shared, purchaseId=order.id, returnUrl=url), 400, "This link leads to an unknown address")

    assert await shared.payments(order.id) == []


@own_loop
async def test_a_changed_signature_opens_nothing(shared: Running) -> None:
    order, other = await shared.register(), await shared.register()
    good = query(order.pay_url)["signature"]

    for wrong in (
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        query(other.pay_url)["signature"],
        "ä",
        "\0",
        "x" * 5000,
    ):
        _page(await _pay(shared, purchaseId=order.id, signature=wrong), 400, "This link was changed")
    assert await shared.payments(order.id) == []
    assert (await _pay(shared, purchaseId=order.id, signature=good)).status_code == 302


@own_loop
async def test_an_unknown_provider_is_a_readable_404(shared: Running) -> None:
    order = await shared.register()

    answer = await shared.client.get(
        f"{shared.base_url}/GatewayRedirect/PayWithPigeons", params={"purchaseId": str(order.id)}
    )

    _page(answer, 404, "This did not work")


@own_loop
async def test_the_buyer_comes_back_to_the_address_in_the_link(shared: Running) -> None:
    order = await shared.register()
    wanted = f"{SITE}/thanks?order=1&x=ä"
    opened = await _pay(shared, purchaseId=order.id, returnUrl=wanted)

    paid = await shared.sandbox.pay(opened.headers["location"])
    back = await shared.client.get(paid["success_url"])

    assert (back.status_code, unquote(back.headers["location"])) == (303, wanted)
    await shared.until_status(order, "completed")


@own_loop
@pytest.mark.parametrize("token", ["x", "x.1.y", "%00", "%ff", "a" * 3000, "order"])
async def test_a_damaged_way_back_is_a_readable_404(shared: Running, token: str) -> None:
    _page(await shared.client.get(f"{shared.base_url}/GatewayRedirect/Return/{token}"), 404, "This did not work")


@own_loop
async def test_an_order_link_is_no_way_back_from_payment(shared: Running) -> None:
    """Tokens are made for one purpose."""
    answer = await _register_for_order_link(shared)

    _page(await shared.client.get(f"{shared.base_url}/GatewayRedirect/Return/{answer}"), 404, "This did not work")


# The inbox: who may put something in


@own_loop
@pytest.mark.parametrize("path", [NOTIFY, "/WebhookEventListener"])
async def test_a_signed_event_is_kept_and_answered(shared: Running, path: str) -> None:
    event = _event("customer.created")

    answer = await shared.notify(event, path=path)

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await shared.notifications())[event["id"]][0] == "ignored"


@own_loop
async def test_a_secret_that_is_being_replaced_still_counts(shared: Running) -> None:
    for secret in (WEBHOOK_SECRET, "whsec_older"):
        assert (await shared.notify(_event("charge.refunded"), secret=secret)).status_code == 200
    assert (await shared.notify(_event("charge.refunded"), secret="whsec_even_older")).status_code == 400


def _headers() -> dict[str, str | None]:
    """Signatures of b"{}" that are none."""
    now = int(time.time())
    good = signature(b"{}", WEBHOOK_SECRET, now)
    digest = good.partition("v1=")[2]
    return {
        "none": None,
        "empty": "",
        "garbage": "garbage",
        "no time": f"v1={digest}",
        "no digest": f"t={now}",
        "empty digest": f"t={now},v1=",
        "only the test scheme": f"t={now},v0={digest}",
        "of another body": signature(b"{ }", WEBHOOK_SECRET, now),
        "of another time": f"t={now - 1},v1={digest}",
        "time in words": f"t=now,v1={digest}",
        "time negative": f"t=-{now},v1={digest}",
        "time huge": f"t={'9' * 400},v1={digest}",
        "time in other digits": f"t=١٢٣,v1={digest}".encode().decode("latin-1"),
        "upper case": f"t={now},v1={digest.upper()}",
        "commas": "," * 5000,
        "equals": "=" * 5000,
        "not ASCII": f"t={now},v1=é",
        "much": f"t={now}" + ",v1=0" * 2000,
    }


@own_loop
@pytest.mark.parametrize("what", _headers())
async def test_what_stripe_did_not_sign_is_refused(shared: Running, what: str) -> None:
    header = _headers()[what]
    headers = [] if header is None else [(b"stripe-signature", header.encode("latin-1"))]

    answer = await shared.client.post(f"{shared.base_url}{NOTIFY}", content=b"{}", headers=headers)

    assert answer.status_code == 400, answer.text
    assert answer.text.strip()
    assert WEBHOOK_SECRET not in answer.text


@own_loop
async def test_several_signatures_in_one_header_need_one_that_fits(shared: Running) -> None:
    """As Stripe sends while a secret is rolled."""
    event = _event("customer.created")
    body = json.dumps(event).encode()
    at = int(time.time())
    right, wrong = signature(body, WEBHOOK_SECRET, at), signature(body, "whsec_unknown", at).partition(",")[2]

    answer = await shared.notify(body, headers={"Stripe-Signature": f"{wrong},{right},v0=abc"})

    assert answer.status_code == 200


@own_loop
async def test_an_old_or_a_future_signature_is_a_replay(shared: Running) -> None:
    for age in (MAX_AGE_S + 5, -MAX_AHEAD_S - 5, 10**9):
        event = _event("checkout.session.completed")
        assert (await shared.notify(event, age_s=age)).status_code == 400
        assert event["id"] not in await shared.notifications()
    for age in (MAX_AGE_S - 5, -MAX_AHEAD_S + 5):
        assert (await shared.notify(_event("charge.refunded"), age_s=age)).status_code == 200


@own_loop
async def test_a_body_that_is_too_large_is_not_read(shared: Running) -> None:
    assert (await shared.notify(b" " * (MAX_BODY_BYTES + 1))).status_code == 413


SIGNED_NONSENSE = {
    "nothing": b"",
    "no JSON": b"hello",
    "half": b'{"id":"evt_1"',
    "a list": b"[]",
    "no id": b'{"type":"charge.refunded"}',
    "no type": b'{"id":"evt_1"}',
    "id is a number": b'{"id":1,"type":"charge.refunded"}',
    "a type too long to keep": b'{"id":"evt_4","type":"' + b"x" * 101 + b'"}',
    "an id too long to keep": b'{"id":"' + b"e" * 256 + b'","type":"x"}',
    "NUL in the id": b'{"id":"evt_\\u0000","type":"x"}',
    "a thin event": b'{"id":"evt_2","type":"v1.thin","data":{}}',
    "deep": b'{"id":"evt_3","type":"x","data":' * 5000 + b"1" + b"}" * 5000,
    "not UTF-8": b'{"id":"evt_\xff","type":"x"}',
    "a lone surrogate": b'{"id":"evt_\\ud800","type":"x"}',
}


@own_loop
@pytest.mark.parametrize("what", SIGNED_NONSENSE)
async def test_signed_nonsense_is_refused(shared: Running, what: str) -> None:
    assert (await shared.notify(SIGNED_NONSENSE[what])).status_code == 400


SIGNED_ODDITIES: dict[str, Any] = {
    "no data": {"type": "ping"},
    "an object without id": {"type": "invoice.upcoming", "data": {"object": {"object": "invoice"}}},
    "an object with a null id": {"type": "invoice.upcoming", "data": {"object": {"object": "invoice", "id": None}}},
    "metadata null": {"type": "charge.updated", "data": {"object": {"id": "ch_1", "metadata": None}}},
    "metadata of numbers": {"type": "x.y", "data": {"object": {"id": "x_1", "metadata": {"a": 1}}}},
    "a long id": {"type": "x.y", "data": {"object": {"id": "c" * 600}}},
    "NUL in an id": {"type": "x.y", "data": {"object": {"id": "ch_\0"}}},
    "NUL in the hint": {"type": "x.y", "data": {"object": {"id": "ch_1", "metadata": {"payment_id": "\0"}}}},
}


@own_loop
@pytest.mark.parametrize("what", SIGNED_ODDITIES)
async def test_a_signed_event_of_an_odd_shape_is_never_our_failure(shared: Running, what: str) -> None:
    """A 5xx would make the provider send it again for days."""
    event = _event("x") | SIGNED_ODDITIES[what]

    assert (await shared.notify(event)).status_code == 200

    assert (await shared.notifications())[event["id"]][0] == "ignored"


@own_loop
async def test_an_unknown_provider_has_no_inbox(shared: Running) -> None:
    assert (await shared.notify(_event("x"), path="/GatewayEvents/HandlePigeonsEvent")).status_code == 404


# The inbox: what becomes of what was put in


@own_loop
async def test_a_kind_that_says_nothing_to_us_is_kept_and_left_alone(shared: Running) -> None:
    event = _event("customer.subscription.created")

    assert (await shared.notify(event)).status_code == 200

    assert (await shared.notifications())[event["id"]][0] == "ignored"
    assert not await _reasons(shared, event["id"])


@own_loop
async def test_an_event_of_live_mode_is_ignored_by_a_test_installation(shared: Running) -> None:
    order = await shared.register()
    await shared.open_pay_page(order)
    (payment,) = await shared.payments(order.id)
    event = _event("checkout.session.completed", payment.session_ref, str(payment.id)) | {"livemode": True}

    await shared.notify(event)

    assert await _state(shared, event["id"]) == "ignored"
    assert (await shared.purchase(order.id)).status.value == "awaiting_payment"


@own_loop
@pytest.mark.parametrize("hint", [None, "0f6f15f9-6eed-4ce6-a8dc-d80385cc7efc", "not a GUID", "7" * 300])
async def test_an_event_about_an_unknown_payment_stands_in_sight(shared: Running, hint: str | None) -> None:
    event = _event("checkout.session.completed", f"cs_test_{uuid4().hex}", hint)

    assert (await shared.notify(event)).status_code == 200

    assert await _state(shared, event["id"]) == "quarantined"
    assert len(await _reasons(shared, event["id"])) == 1


@own_loop
async def test_an_event_only_says_where_to_look(shared: Running) -> None:
    """Even with the right signature "completed" is believed only when the provider says so, asked anew."""
    order = await shared.register()
    await shared.open_pay_page(order)
    (payment,) = await shared.payments(order.id)
    event = _event("checkout.session.completed", payment.session_ref, str(payment.id))
    event["data"]["object"] |= {"status": "complete", "payment_status": "paid", "amount_total": 12050}

    await shared.notify(event)

    assert await _state(shared, event["id"]) == "applied"
    assert (await shared.purchase(order.id)).status.value == "awaiting_payment"


@own_loop
async def test_an_event_that_mixes_two_payments_completes_neither(shared: Running) -> None:
    """The session of one buyer with the payment id of another one."""
    paid, unpaid = await shared.register(), await shared.register()
    await shared.pay(paid)
    await shared.until_status(paid, "completed")
    await shared.open_pay_page(unpaid)
    (theirs,), (ours,) = await shared.payments(paid.id), await shared.payments(unpaid.id)

    await shared.notify(event := _event("checkout.session.completed", theirs.session_ref, str(ours.id)))

    assert await _state(shared, event["id"]) in {"applied", "quarantined"}
    assert (await shared.purchase(unpaid.id)).status.value == "awaiting_payment"
    assert len(await shared.tickets(paid.id)) == 1


@pytest.fixture
async def held(gatepass: Running) -> tuple[Running, Order, dict[str, Any]]:
    """A buyer has paid, and nobody knows it yet."""
    order = await gatepass.register()
    await gatepass.sandbox.hold_deliveries()
    return gatepass, order, await gatepass.pay(order)


@pytest.mark.parametrize("lie", [{"amount_total": 1}, {"currency": "jpy"}, {"livemode": True}, {"amount_total": 12051}])
async def test_money_that_is_not_what_was_due_sends_no_ticket(
    held: tuple[Running, Order, dict[str, Any]], lie: dict[str, Any]
) -> None:
    here, order, paid = held
    await here.sandbox.control(f"objects/{paid['session']}", **lie)

    await here.sandbox.deliver(times=2)
    await here.until_quiet()

    assert {state for state, _ in (await here.notifications()).values()} <= {"quarantined", "ignored"}
    assert (await here.purchase(order.id)).status.value == "awaiting_payment"
    assert {ticket.code for ticket in await here.tickets(order.id)} == {None}
    assert here.mails_to(order.email) == []
    assert await here.attention() == ["payment_mismatch"]
    _page(await here.client.get(order.pay_url), 409, "Your payment is being checked")


async def test_an_event_that_is_faster_than_our_own_call(gatepass: Running) -> None:
    """The provider opens the page, the buyer pays, the notification comes, and only then our call is answered."""
    order = await gatepass.register()
    await gatepass.sandbox.control(
        "faults", api={"hang_s": 1.5, "after_effect": True, "remaining": 1, "path_contains": "checkout/sessions"}
    )
    opening = asyncio.create_task(gatepass.client.get(order.pay_url))
    session = await gatepass.until(lambda: _only_session(gatepass))
    await gatepass.sandbox.pay(session)

    await gatepass.until_status(order, "completed")
    assert not opening.done()

    assert (await opening).status_code in {302, 409}
    await gatepass.until_quiet()
    assert await gatepass.attention() == []
    (payment,) = await gatepass.payments(order.id)
    assert (payment.state.value, payment.session_ref) == ("succeeded", session)
    await gatepass.until(lambda: gatepass.mails_to(order.email))
    assert len(gatepass.mails_to(order.email)) == 1


async def _only_session(here: Running) -> str | None:
    lines = await here.sandbox.look("ledger")
    return lines[0]["session"] if lines else None


def _event(kind: str, session: str | None = "ch_1", payment_id: str | None = None) -> dict[str, Any]:
    metadata = {"payment_id": payment_id} if payment_id else {}
    return {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "api_version": API_VERSION,
        "type": kind,
        "livemode": False,
        "data": {"object": {"id": session, "object": "checkout.session", "metadata": metadata}},
    }


async def _pay(here: Running, **params: Any) -> httpx.Response:
    asked = {name: str(value) for name, value in params.items()}
    return await here.client.get(f"{here.base_url}/GatewayRedirect/PayWithStripe", params=asked)


def _page(answer: httpx.Response, status: int, title: str) -> None:
    """A page for people, that nobody may keep."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert "no-store" in answer.headers["cache-control"]
    assert title in answer.text
    assert "Traceback" not in answer.text


async def _state(here: Running, event_id: str) -> str:
    async def handled() -> str | None:
        state = (await here.notifications())[event_id][0]
        return None if state == "new" else state

    return await here.until(handled)


async def _reasons(here: Running, about: str) -> list[str]:
    rows = await here.store.read(lambda tx: records.needing_attention(tx, 10_000))
    return [row["reason"] for row in rows if about in row["reason"]]


async def _register_for_order_link(here: Running) -> str:
    order = await here.register()
    purchase = await here.purchase(UUID(str(order.id)))
    return here.installation.desk.links.order(purchase.id, purchase.created).rpartition("/")[2]
