"""The custom API msevtmgt_finalizeregistrationpayment, by the rules of product.md and in Dataverse's own words."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from gatepass.store import records, tables
from tests.running import API_TOKEN, STAFF, Running

pytestmark = pytest.mark.asyncio(loop_scope="module")
CANCELLED, COMPLETED = 100000000, 100000001
READER = "token-of-a-reader"


async def test_completed_is_204_and_gives_the_ticket(shared: Running) -> None:
    order = await shared.register()

    answer = await shared.finalize(order.id, COMPLETED)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["odata-version"] == "4.0"
    assert (await shared.purchase(order.id)).status.value == "completed"
    (payment,) = await shared.payments(order.id)
    assert (payment.provider, payment.state.value, payment.amount.minor) == ("external", "succeeded", 12050)
    await shared.until(lambda: shared.mails_to(order.email))


@pytest.mark.parametrize("word", [COMPLETED, CANCELLED])
async def test_the_same_word_again_changes_nothing(shared: Running, word: int) -> None:
    order = await shared.register()

    answers = [await shared.finalize(order.id, word) for _ in range(3)]
    tickets = await shared.tickets(order.id)
    answers += await asyncio.gather(*(shared.finalize(order.id, word) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {204}
    assert await shared.tickets(order.id) == tickets
    assert len(await shared.payments(order.id)) == (1 if word == COMPLETED else 0)


async def test_cancelled_frees_the_seat(shared: Running) -> None:
    here = await shared.at(("Full", 100, 1))
    order = await here.register()
    assert (await here.post_registration(here.body())).status_code == 409

    assert (await here.finalize(order.id, CANCELLED)).status_code == 204

    assert ((await here.pass_now("Full")).held, (await here.pass_now("Full")).sold) == (0, 0)
    await here.register()


async def test_cancelled_after_completed_is_refused(shared: Running) -> None:
    order = await shared.register()
    await shared.finalize(order.id, COMPLETED)

    _refused(await shared.finalize(order.id, CANCELLED), 400, "0x80040265", "Refund it")

    assert (await shared.purchase(order.id)).status.value == "completed"


async def test_completed_after_cancelled_gets_its_seat_again_or_stands_in_sight(shared: Running) -> None:
    here = await shared.at(("Full", 100, 1))
    late, later = await here.register(), None
    await here.finalize(late.id, CANCELLED)
    assert (await here.finalize(late.id, COMPLETED)).status_code == 204
    assert (await here.purchase(late.id)).status.value == "completed"

    there = await shared.at(("Full", 100, 1))
    later = await there.register()
    await there.finalize(later.id, CANCELLED)
    await there.register()
    assert (await there.finalize(later.id, COMPLETED)).status_code == 204
    assert (await there.purchase(later.id)).status.value == "paid_late"
    assert {ticket.code for ticket in await there.tickets(later.id)} == {None}
    _refused(await there.finalize(later.id, CANCELLED), 400, "0x80040265", "Refund it")


async def test_completed_again_after_the_money_went_back_invents_no_money(shared: Running) -> None:
    here = await shared.at(("Full", 100, 9))
    order = await here.register()
    await here.finalize(order.id, COMPLETED)
    await here.refund(order)
    await here.store.write(
        lambda tx: records.call_attention(
            tx, "refund_due", "A question.", dedupe=f"due:{order.id}", purchase_id=order.id
        )
    )

    assert [(await here.finalize(order.id, COMPLETED)).status_code for _ in range(3)] == [204, 204, 204]

    assert (await here.purchase(order.id)).status.value == "cancelled"
    assert len(await here.payments(order.id)) == 1
    assert (await here.attention()).count("completed_again") == 1
    assert "refund_due" in await here.attention(), "a repeated word answers no question"
    assert (await here.pass_now("Full")).sold == 0


async def test_completing_by_hand_ends_the_open_page_at_the_provider(shared: Running) -> None:
    order = await shared.register()
    page = await shared.open_pay_page(order)
    session = page.rpartition("/")[2]
    assert (await shared.sandbox.stripe(f"checkout/sessions/{session}"))["status"] == "open"

    await shared.finalize(order.id, COMPLETED)

    await _until_ended(shared, session)
    states = {payment.provider: payment.state.value for payment in await shared.payments(order.id)}
    assert states == {"external": "succeeded", "stripe": "expired"}
    assert (await shared.purchase(order.id)).status.value == "completed"


async def test_cancelling_by_hand_ends_the_open_page_at_the_provider(shared: Running) -> None:
    order = await shared.register()
    page = await shared.open_pay_page(order)

    await shared.finalize(order.id, CANCELLED)

    await _until_ended(shared, page.rpartition("/")[2])
    assert (await shared.purchase(order.id)).status.value == "cancelled"


# Refusals


async def test_an_unknown_purchase_is_404_in_dataverses_words(shared: Running) -> None:
    unknown = uuid4()

    _refused(await shared.finalize(unknown, COMPLETED), 404, "0x80040217", f"With Id = {unknown} Does Not Exist")
    assert await _audit(shared, unknown) == [("program", "completed", "PurchaseUnknown")]


BAD_PAYLOADS: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"msevtmgt_purchaseid=1",
    "half": b'{"msevtmgt_purchaseid":',
    "a list": b"[]",
    "no purchase": b'{"msevtmgt_paymentstatus":100000001}',
    "no status": b'{"msevtmgt_purchaseid":"7c0f6a52-0000-4000-8000-000000000001"}',
    "no GUID": b'{"msevtmgt_purchaseid":"1","msevtmgt_paymentstatus":100000001}',
    "a number for a GUID": b'{"msevtmgt_purchaseid":1,"msevtmgt_paymentstatus":100000001}',
    "NUL": b'{"msevtmgt_purchaseid":"\\u0000","msevtmgt_paymentstatus":100000001}',
    "a surrogate": b'{"msevtmgt_purchaseid":"\\ud800","msevtmgt_paymentstatus":100000001}',
    "long": b'{"msevtmgt_purchaseid":"' + b"x" * 50_000 + b'","msevtmgt_paymentstatus":100000001}',
    "a word for a status": b'{"msevtmgt_purchaseid":"7c0f6a52-0000-4000-8000-000000000001","msevtmgt_paymentstatus":"paid"}',
    "null for a status": b'{"msevtmgt_purchaseid":"7c0f6a52-0000-4000-8000-000000000001","msevtmgt_paymentstatus":null}',
    "a fraction": b'{"msevtmgt_purchaseid":"7c0f6a52-0000-4000-8000-000000000001","msevtmgt_paymentstatus":1.5}',
    "deep": b'{"a":' * 9000 + b"1" + b"}" * 9000,
    "not UTF-8": b'{"msevtmgt_purchaseid":"\xff","msevtmgt_paymentstatus":100000001}',
    "UTF-16": '{"msevtmgt_purchaseid":"1"}'.encode("utf-16"),
}


@pytest.mark.parametrize("what", BAD_PAYLOADS)
async def test_a_payload_that_is_none_is_400(shared: Running, what: str) -> None:
    _refused(await _post(shared, BAD_PAYLOADS[what]), 400, "0x80048d19", "Error identified in Payload")


async def test_a_payload_that_is_too_large_is_413(shared: Running) -> None:
    _refused(await _post(shared, b" " * 70_000), 413, "0x80048d19", "larger")


@pytest.mark.parametrize("status", [0, 1, 2, 100000002, -100000001, 2**40, 10**30])
async def test_another_status_is_outside_the_valid_range(shared: Running, status: int) -> None:
    order = await shared.register()

    answer = await shared.finalize(order.id, status)

    _refused(answer, 400, "0x8004431a", "")
    assert (await shared.purchase(order.id)).status.value == "awaiting_payment"


# Who may


async def test_without_a_token_it_is_401_with_the_way_to_one(shared: Running) -> None:
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"},
                    {"Authorization": f"Bearer {API_TOKEN}x"}, {"Cookie": "gatepass_staff=wrong"}):  # fmt: skip
        answer = await shared.client.post(_url(shared), json=_words(uuid4()), headers=headers)
        _refused(answer, 401, "0x80040220", "")
        assert answer.headers["www-authenticate"].startswith("Bearer authorization_uri=")


async def test_a_reader_may_not_finalize(shared: Running) -> None:
    order = await shared.register()

    _refused(await shared.finalize(order.id, COMPLETED, token=READER), 403, "0x80040220", "privilege")

    assert (await shared.purchase(order.id)).status.value == "awaiting_payment"


@pytest.mark.parametrize("version", ["v9.0", "v9.1", "v9.2"])
async def test_every_version_of_the_web_api_answers(shared: Running, version: str) -> None:
    order = await shared.register()

    answer = await _post_words(shared, _words(order.id), version)

    assert answer.status_code == 204


async def test_what_is_not_there_is_told_in_dataverses_shape(shared: Running) -> None:
    other = await shared.client.post(f"{shared.base_url}/api/data/v8.2/msevtmgt_finalizeregistrationpayment", json={})
    segment = await shared.client.post(f"{shared.base_url}/api/data/v9.1/msevtmgt_nothing", json={})
    method = await shared.client.get(_url(shared))

    for answer in (other, segment):
        _refused(answer, 404, "0x8006088a", "Resource not found")
    assert method.status_code in {404, 405}
    assert method.json()["error"]["code"]


async def test_staff_who_are_signed_in_may_from_our_own_pages_only(shared: Running) -> None:
    async with httpx.AsyncClient(base_url=shared.base_url) as browser:
        form = {"email": STAFF[0], "password": STAFF[1]}
        assert (await browser.post("/staff/sign-in", data=form)).status_code == 303
        path = "/api/data/v9.1/msevtmgt_finalizeregistrationpayment"
        order = await shared.register()

        for foreign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                        {"Sec-Fetch-Site": "same-site"}):  # fmt: skip
            _refused(await browser.post(path, json=_words(order.id), headers=foreign), 403, "0x80040220", "")
        assert (await shared.purchase(order.id)).status.value == "awaiting_payment"

        own = await browser.post(path, json=_words(order.id), headers={"Origin": shared.base_url})

        assert own.status_code == 204
    assert await _audit(shared, order.id) == [(STAFF[0], "completed", "awaiting_payment -> completed")]


async def test_every_call_is_audited_with_its_caller(shared: Running) -> None:
    order = await shared.register()
    await shared.finalize(order.id, COMPLETED)
    await shared.finalize(order.id, COMPLETED)
    await shared.finalize(order.id, CANCELLED)

    assert await _audit(shared, order.id) == [
        ("program", "completed", "awaiting_payment -> completed"),
        ("program", "completed", "completed -> completed"),
        ("program", "cancelled", "PurchaseState"),
    ]


def _url(here: Running, version: str = "v9.1") -> str:
    return f"{here.base_url}/api/data/{version}/msevtmgt_finalizeregistrationpayment"


def _words(purchase_id: UUID, status: int = COMPLETED) -> dict[str, Any]:
    return {"msevtmgt_purchaseid": str(purchase_id), "msevtmgt_paymentstatus": status}


async def _post(here: Running, content: bytes) -> httpx.Response:
    return await here.client.post(_url(here), content=content, headers={"Authorization": f"Bearer {API_TOKEN}"})


async def _post_words(here: Running, words: dict[str, Any], version: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {API_TOKEN}"}
    return await here.client.post(_url(here, version), json=words, headers=headers)


async def _until_ended(here: Running, session: str) -> None:
    async def ended() -> bool:
        return (await here.sandbox.stripe(f"checkout/sessions/{session}"))["status"] == "expired"

    await here.until(ended)
    await here.until_quiet()


async def _audit(here: Running, purchase_id: UUID) -> list[tuple[str, str, str]]:
    entry = tables.audit.c
    wanted = sa.select(tables.audit).where(entry.subject == f"purchase:{purchase_id}").order_by(entry.id)
    rows = await here.store.read(lambda tx: tx.rows(wanted))
    return [(row["actor"], row["detail"]["said"], row["detail"]["outcome"]) for row in rows]


def _refused(answer: httpx.Response, status: int, code: str, says: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["code"] == code
    assert says in answer.json()["error"]["message"]
    assert answer.headers["odata-version"] == "4.0"
