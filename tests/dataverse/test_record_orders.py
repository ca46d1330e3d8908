"""Orders that a program makes over the Web API are paid as any other; who has paid becomes a contact. On both databases."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gatepass.services import purchases, refunds
from gatepass.store import rows, tables
from gatepass.store.tables import DECLARED
from tests.dataverse.book import T
from tests.dataverse.calling import WebApi, api, refused
from tests.running import Order, Running

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
RULE = "0x80040265"


async def _order(api: WebApi, **more: Any) -> Order:
    """Contract section 4: a purchase with its sum, its event and its currency."""
    here = api.here
    euro = await here.store.read(lambda tx: rows.id_by(tx, T["transactioncurrency"], {"iso_code": "EUR"}))
    body = {
        "msevtmgt_name": "Order 41",
        "msevtmgt_totalprice": 61.70,
        "msevtmgt_EventId@odata.bind": f"/msevtmgt_events({here.event.id})",
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro})",
    }
    made = await api.make("msevtmgt_eventpurchases", **(body | more))
    link = f"{here.base_url}/GatewayRedirect/PayWithStripe?purchaseId={made}"
    return Order(UUID(made), "awaiting_payment", link, "")


async def test_an_order_made_over_the_web_api_is_paid_on_the_providers_page(api: WebApi) -> None:
    here = api.here
    order = await _order(api)
    stored = await here.purchase(order.id)
    assert (str(stored.total), stored.items, stored.status.value, stored.live) == (
        "61.70 EUR",
        "Order 41",
        "awaiting_payment",
        False,
    )
    assert stored.hold_until
    assert stored.hold_until - stored.created == timedelta(minutes=30)

    assert "Only the payment is missing" in await _page(here, order)

    await here.pay(order)
    await here.until_status(order, "completed")

    (payment,) = await here.payments(order.id)
    assert (payment.state.value, str(payment.amount)) == ("succeeded", "61.70 EUR")
    await here.until_quiet()
    assert await _letters(here, order) == []
    found = await api.get(
        f"msevtmgt_eventpurchases({order.id})?$select=msevtmgt_paymentstatus,msevtmgt_paid,msevtmgt_totalprice"
    )
    assert (found.json()["msevtmgt_paymentstatus"], found.json()["msevtmgt_paid"]) == (100000001, True)
    assert "€61.70 paid" in await _page(here, order)

    wish = refunds.Wish(order.id, "Asked for it", "anna")
    await refunds.refund(here.store, here.installation.desk.management, wish)
    await here.until_refunded(order, "succeeded")
    await here.until_quiet()
    assert "€61.70 goes back" in await _page(here, order)
    await here.check_promises()


async def test_an_order_made_over_the_web_api_is_finalized_by_the_action(api: WebApi) -> None:
    paid, cancelled = await _order(api), await _order(api)
    assert (await api.here.finalize(paid.id, 100000001)).status_code == 204
    assert (await api.here.finalize(cancelled.id, 100000000)).status_code == 204
    assert (await api.here.purchase(paid.id)).status.value == "completed"
    assert (await api.here.purchase(cancelled.id)).status.value == "cancelled"


async def test_an_order_whose_hold_ends_expires(api: WebApi) -> None:
    order = await _order(api)
    await api.here.let_hold_end(order)
    await api.here.until_status(order, "expired")
    assert "The payment did not arrive in time" in await _page(api.here, order)


async def test_money_moves_through_the_actions_only(api: WebApi) -> None:
    order = await _order(api)
    at = f"msevtmgt_eventpurchases({order.id})"
    for body in (
        {"msevtmgt_paymentstatus": 100000001}, {"msevtmgt_totalprice": 1}, {"msevtmgt_paid": True},
        {"gatepass_status": 700000001}, {"statecode": 1},
    ):  # fmt: skip
        refused(await api.patch(at, body), 400, RULE, "msevtmgt_finalizeregistrationpayment")
    refused(await api.delete(at), 400, RULE, "gatepass refund")
    assert (await api.patch(at, {"msevtmgt_name": "Order 42", "msevtmgt_totalprice": 61.7})).status_code == 204
    stored = await api.here.purchase(order.id)
    assert (stored.status.value, stored.total.minor) == ("awaiting_payment", 6170)
    refused(await api.post("gatepass_payments", {"gatepass_amount": 1}), 400, RULE, "read-only")
    refused(await api.post("gatepass_refunds", {"gatepass_amount": 1}), 400, RULE, "gatepass refund")


async def test_what_no_order_can_be(api: WebApi) -> None:
    event = f"/msevtmgt_events({api.here.event.id})"
    post = api.post
    name = "msevtmgt_eventpurchases"
    refused(await post(name, {"msevtmgt_EventId@odata.bind": event}), 400, "0x80048d19", "msevtmgt_totalprice")
    refused(await post(name, {"msevtmgt_totalprice": 5}), 400, "0x80048d19", "msevtmgt_eventid")
    zero = {"msevtmgt_EventId@odata.bind": event, "msevtmgt_totalprice": 0}
    refused(await post(name, zero), 400, RULE, "events API")
    refused(await post(name, zero | {"msevtmgt_totalprice": 1.005}), 400, RULE, "more decimals")
    chosen = {"msevtmgt_totalprice": 5, "msevtmgt_eventpurchaseid": "9a4e0b7c-11f3-4a57-b1ce-6de2f7b2dd03"}
    refused(await post(name, zero | chosen), 400, RULE, "is made here")
    refused(await post("msevtmgt_eventregistrations", {"msevtmgt_EventId@odata.bind": event}), 400, RULE, "events API")


async def test_who_has_paid_is_a_contact_once(api: WebApi) -> None:
    here = api.here
    first = await _registered(here, seats=2)
    await here.pay(first)
    await here.until_status(first, "completed")
    free = await _registered(here, pass_name="Free")
    people = {}
    for order in (first, free):
        people[order] = await _people(here, order)
        buyer = people[order][0]
        row = await _row(here, "purchase", order.id)
        assert row["contact_id"] == buyer["contact_id"]
        assert all(one["contact_id"] == one["attendee_contact"] for one in people[order])
    assert people[first][0]["contact_id"] == people[free][0]["contact_id"]
    assert people[first][0]["contact_id"] != people[first][1]["contact_id"]
    contact = await _row(here, "contact", people[first][0]["contact_id"])
    assert (contact["fullname"], contact["emailaddress1"]) == ("Ada Byron", "grace@example.org")
    waiting = await _registered(here)
    assert (await _row(here, "purchase", waiting.id))["contact_id"] is None


async def test_registrations_stay_on_record(api: WebApi) -> None:
    order = await api.here.register(pass_name="Free")
    (person,) = await _people(api.here, order)
    at = f"msevtmgt_eventregistrations({person['id']})"
    refused(await api.delete(at), 400, RULE, "gatepass release")
    refused(await api.patch(at, {"statuscode": 2}), 400, RULE, "gatepass release")
    assert (await api.patch(at, {"msevtmgt_memo": "Needs a ramp"})).status_code == 204
    refused(await api.delete(f"contacts({person['contact_id']})"), 405, "0x80040227", "associated with another record")
    await api.here.store.write(lambda tx: purchases.release(tx, {order.id: None}))


async def _registered(here: Running, **wanted: Any) -> Order:
    body = here.body(email="grace@example.org", **wanted)
    said = (await here.post_registration(body)).json()
    return Order(UUID(said["purchaseId"]), said["status"], said["redirectUrl"] or "", "grace@example.org")


async def _page(here: Running, order: Order) -> str:
    """What the buyer reads: the order's page, and the story behind it."""
    link = here.installation.desk.links.order(order.id, (await here.purchase(order.id)).created)
    story = await here.client.get(f"{link}/timeline")
    assert story.status_code == 200, story.text
    page = await here.client.get(link)
    assert page.status_code == 200, page.text
    return re.sub("<[^>]*>", "", page.text)


async def _people(here: Running, order: Order) -> list[Any]:
    registration, attendee = DECLARED["registration"].c, DECLARED["attendee"].c
    asked = (
        sa.select(registration.id, registration.contact_id, attendee.contact_id.label("attendee_contact"))
        .where(registration.purchase_id == order.id, attendee.id == registration.attendee_id)
        .order_by(attendee.position)
    )
    return await here.store.read(lambda tx: tx.rows(asked))


async def _row(here: Running, table: str, record_id: UUID) -> Any:
    return await here.store.read(lambda tx: rows.find(tx, T[table], record_id))


async def _letters(here: Running, order: Order) -> list[Any]:
    mails = sa.select(tables.mail).where(tables.mail.c.purchase_id == order.id)
    return await here.store.read(lambda tx: tx.rows(mails))


async def test_money_that_comes_late_for_an_order_without_attendees_still_pays_it(api: WebApi) -> None:
    here = api.here
    order = await _order(api)
    await here.sandbox.hold_deliveries()
    await here.pay(order)
    await here.free_the_seats_of(order)
    await here.sandbox.deliver()
    await here.sandbox.control("reset_faults")
    await here.until_status(order, "completed")
