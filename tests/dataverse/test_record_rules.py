"""The rules of each table hold for writes from outside, with the way out in the refusal. On both databases."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from gatepass.services import purchases
from gatepass.services.records.rules.setup import is_origin
from gatepass.store import rows
from tests.dataverse.book import CANCELLED, ENDS, STARTS, Book, T
from tests.running import Running


@pytest.fixture
def book(gatepass: Running) -> Book:
    return Book(gatepass)


TIMES: dict[str, Any] = {"msevtmgt_starttime": STARTS, "msevtmgt_endtime": ENDS}


async def _session(book: Book, event: UUID, **values: Any) -> UUID:
    return await book.create("session", msevtmgt_name="Opening", msevtmgt_event=event, **TIMES | values)


async def test_capacity_never_goes_below_what_is_held_and_sold(book: Book, gatepass: Running) -> None:
    event = gatepass.event.id
    await gatepass.register(seats=3)
    await gatepass.register(seats=2, pass_name="Free")
    change = partial(book.update, "event", event)

    await book.refused("RuleBroken", change(msevtmgt_maximumeventcapacity=4), "5 seats that are held or sold")
    await change(msevtmgt_maximumeventcapacity=5)
    sold_out = await gatepass.post_registration(gatepass.body())
    assert sold_out.status_code == 409

    full = partial(book.update, "pass", gatepass.pass_id("Full"))
    await book.refused("RuleBroken", full(msevtmgt_noofpassesallocated=2), "3 of these passes are held or sold")
    await full(msevtmgt_noofpassesallocated=3)
    await book.refused("RuleBroken", book.delete("pass", gatepass.pass_id("Full")), "held or sold", "Refund")
    await book.delete("pass", gatepass.pass_id("Rare"))
    await gatepass.check_promises()


async def test_a_new_price_counts_for_new_orders_only(book: Book, gatepass: Running) -> None:
    before = await gatepass.register()
    await book.update("pass", gatepass.pass_id("Full"), msevtmgt_passprice=Decimal("99.99"))
    after = await gatepass.register()
    assert [(await gatepass.purchase(one.id)).total.minor for one in (before, after)] == [12050, 9999]
    price = partial(book.update, "pass", gatepass.pass_id("Full"))
    await book.refused("RuleBroken", price(msevtmgt_passprice=Decimal("-1")), "below zero")
    await book.refused("RuleBroken", price(msevtmgt_passprice=Decimal("1.005")), "more decimals than EUR")
    yen = await book.currency("JPY")
    await book.refused("RuleBroken", price(transactioncurrencyid=yen), "the currency of its event")


async def test_the_currency_of_an_event_is_fixed_by_the_first_order(book: Book, gatepass: Running) -> None:
    yen, euro = await book.currency("JPY"), await book.currency("EUR")
    event = await book.event(transactioncurrencyid=euro)
    ticket = await book.event_pass(event, msevtmgt_passprice=Decimal(50))
    await book.update("event", event, transactioncurrencyid=yen)
    row = await book.row("pass", ticket)
    assert (row["price_minor"], row["currency"]) == (50, "JPY")
    await gatepass.register()
    await book.refused(
        "RuleBroken", book.update("event", gatepass.event.id, transactioncurrencyid=yen), "once there are orders"
    )


async def test_an_event_has_its_times_and_its_zone(book: Book) -> None:
    await book.refused("RuleBroken", book.event(msevtmgt_eventenddate=STARTS), "must end after")
    await book.refused("RuleBroken", book.event(msevtmgt_eventtimezonename="Mars/Base"), "Europe/Berlin")
    await book.refused("RuleBroken", book.event(msevtmgt_eventtimezonename="../etc/passwd"), "time zone")
    await book.refused("RuleBroken", book.event(gatepass_color="red}b"), "such as #0a7f6f")
    event = await book.event(msevtmgt_eventtimezonename="Asia/Tokyo", gatepass_color="#0A7F6f")
    await book.refused("RuleBroken", book.update("event", event, msevtmgt_eventenddate=datetime(2020, 1, 1)))


async def test_payments_need_a_provider(book: Book, gatepass: Running) -> None:
    await book.refused("RuleBroken", book.event(msevtmgt_enablepaymentgateway=True), "needs a payment provider")
    event = await book.event(msevtmgt_paymentproviderid=gatepass.provider_id)
    assert (await book.row("event", event))["payment_enabled"] is True
    await book.refused("RuleBroken", book.update("event", event, msevtmgt_paymentproviderid=None), "payment provider")
    await book.update("event", event, msevtmgt_paymentproviderid=None, msevtmgt_enablepaymentgateway=False)


async def test_an_event_with_orders_is_called_off_and_not_only_marked(book: Book, gatepass: Running) -> None:
    await gatepass.register()
    cancel = partial(book.update, msevtmgt_publishstatus=CANCELLED)
    await book.refused("RuleBroken", cancel("event", gatepass.event.id), "gatepass call-off")
    empty = await book.event()
    await cancel("event", empty)
    await book.refused("RuleBroken", book.update("event", empty, msevtmgt_publishstatus=100000003), "stays so")
    (_, change) = await book.audit(f"event:{empty}")
    assert change["detail"] == {"before": {"status": "draft"}, "after": {"status": "cancelled"}}


async def test_what_is_on_sale_is_not_inactive(book: Book, gatepass: Running) -> None:
    """Nothing is accepted that would have no effect: an inactive pass would still be sold."""
    live, seats = gatepass.event.id, gatepass.event.passes[0].id
    await book.refused("RuleBroken", book.update("pass", seats, statecode=1), "msevtmgt_noofpassesallocated")
    await book.refused("RuleBroken", book.update("event", live, statecode=1), "msevtmgt_publishstatus")
    draft = await book.event()
    await book.update("event", draft, statecode=1)
    await book.refused("RuleBroken", book.update("event", draft, msevtmgt_publishstatus=100000003), "inactive")
    await book.refused("RuleBroken", book.update("event", draft, gatepass_imageurl="javascript:alert(1)"), "https")


async def test_an_order_keeps_its_number(book: Book, gatepass: Running) -> None:
    order = await gatepass.register()
    await book.refused("RuleBroken", book.update("purchase", order.id, msevtmgt_name="another"), "msevtmgt_name")


async def test_providers_can_be_paid_by(book: Book) -> None:
    make = partial(
        book.create, "payment_provider", msevtmgt_name="Stripe", msevtmgt_paymentpageurl="https://x.example/pay?"
    )
    provider = await make()
    row = await book.row("payment_provider", provider)
    assert (row["kind"], row["timeout_minutes"], row["live"]) == ("stripe", 30, False)
    await book.refused("RuleBroken", make(gatepass_kind="cash"), "There are: stripe")
    await book.refused("NumberOutOfRange", make(msevtmgt_paymenttimeout=0), "from 1 to 1440")
    for page in ("javascript:alert(1)", "http://x.example/pay?", "//x.example", "https://a@x.example", "https://["):
        await book.refused("RuleBroken", make(msevtmgt_paymentpageurl=page), "msevtmgt_paymentpageurl", "https address")
    await book.refused("ValueMissing", book.create("payment_provider", msevtmgt_name="x"), "msevtmgt_paymentpageurl")


async def test_sites_have_origins_and_get_a_token(book: Book) -> None:
    make = partial(book.create, "web_application", msevtmgt_name="Site")
    site = await make(
        msevtmgt_origin="https://www.contoso.com http://localhost:*",
        gatepass_returnurl="https://www.contoso.com/thanks",
    )
    row = await book.row("web_application", site)
    assert row["origins"] == ["https://www.contoso.com", "http://localhost:*"]
    assert len(row["token"]) > 40
    assert row["token"] not in str(await book.audit(f"web_application:{site}"))
    await book.refused("RuleBroken", make(msevtmgt_origin="http://contoso.com"), "is no origin")
    await book.refused(
        "RuleBroken",
        make(msevtmgt_origin="https://a.example", gatepass_returnurl="https://b.example"),
        "one of the origins",
    )
    await book.refused("RuleBroken", book.update("web_application", site, msevtmgt_token="mine"), "made here")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("https://a.example", True), ("https://a.example:8443", True), ("http://localhost:*", True), ("http://127.0.0.1:80", True),
        ("http://a.example", False), ("https://a.example/", False), ("https://a.example:*", False), ("https://u@a.example", False),
        ("https://", False), ("*", False), ("https://a.example:99999", False), ("https://[::1", False),
        ("https://日本.example", False), ("https://xn--wgv71a.example", True), ("https://*", False), ("https://*.a.example", False),
        ("https://a.example;script-src", False), ('https://a.example"><b>', False), ("https://a.example?", False),
    ],
)  # fmt: skip
def test_origins(text: str, good: bool) -> None:
    assert is_origin(text) is good


async def test_a_session_stays_within_its_event(book: Book) -> None:
    event, other = await book.event(msevtmgt_maximumeventcapacity=50), await book.event(msevtmgt_maximumeventcapacity=5)
    session = await _session(book, event, msevtmgt_sessionmaxcapacity=50)
    await book.refused(
        "RuleBroken", book.update("session", session, msevtmgt_sessionmaxcapacity=51), "The event takes 50"
    )
    await book.refused(
        "RuleBroken", book.update("event", event, msevtmgt_maximumeventcapacity=49), "A session of this event takes 50"
    )
    await book.refused("RuleBroken", book.update("session", session, msevtmgt_event=other), "The event takes 5")
    await book.refused("RuleBroken", _session(book, event, msevtmgt_endtime=STARTS), "must end after")


async def test_a_session_takes_no_more_people_than_it_has_places(book: Book) -> None:
    event = await book.event()
    session = await _session(book, event, msevtmgt_sessionmaxcapacity=1)
    ada, bob = [await book.create("contact", firstname=name) for name in ("Ada", "Bob")]
    make = partial(book.create, "session_registration", msevtmgt_sessionid=session)
    seat = await make(msevtmgt_contactid=ada)
    assert (await book.row("session_registration", seat))["event_id"] == event
    await book.refused("RuleBroken", make(msevtmgt_contactid=ada), "registered for the session already")
    await book.refused("RuleBroken", make(msevtmgt_contactid=bob), "session is full")
    await book.refused("RuleBroken", make(msevtmgt_contactid=bob, msevtmgt_event=await book.event()), "another event")
    waits = await make(msevtmgt_contactid=bob, statuscode=100000001)
    await book.refused("RuleBroken", book.update("session_registration", waits, statuscode=1), "session is full")
    assert (await book.row("session", session))["registrationcount"] == 1

    await book.update("session_registration", seat, msevtmgt_iscanceled=True)
    row = await book.row("session_registration", seat)
    assert (row["state"], row["reason"], row["iscanceled"]) == (1, 2, True)
    await book.update("session_registration", waits, statuscode=1)
    await book.refused("RuleBroken", book.update("session_registration", seat, statecode=0), "session is full")
    await book.refused(
        "RuleBroken", book.update("session_registration", seat, msevtmgt_iscanceled=False), "session is full"
    )
    await book.delete("session_registration", waits)
    await book.update("session_registration", seat, msevtmgt_iscanceled=False)
    row = await book.row("session", session)
    assert (row["registrationcount"], row["version"]) == (1, 1)


async def test_only_who_is_registered_is_let_in(book: Book, gatepass: Running) -> None:
    order = await gatepass.register(pass_name="Free")
    registration = await _registration_of(book, order.id)
    arrive = partial(book.create, "check_in", msevtmgt_registrationid=registration)
    entry = await arrive()
    row = await book.row("check_in", entry)
    assert row["event_id"] == gatepass.event.id
    assert row["contact_id"] == (await book.row("registration", registration))["contact_id"]
    assert row["checkintime"] is not None
    assert (await book.row("event", gatepass.event.id))["checkincount"] == 1
    assert (await book.row("registration", registration))["status"] == "registered"
    await book.refused("RuleBroken", arrive(), "Checked in already, at")
    await book.update("check_in", entry, msevtmgt_checkouttime=ENDS)
    again = await arrive()
    await book.delete("check_in", again)
    await book.refused("RuleBroken", arrive(msevtmgt_checkintype=100000000), "needs the session")
    foreign = await _session(book, await book.event())
    await book.refused(
        "RuleBroken", arrive(msevtmgt_checkintype=100000000, msevtmgt_sessionattended=foreign), "another event"
    )
    await book.delete("check_in", entry)
    assert (await book.row("event", gatepass.event.id))["checkincount"] == 0

    stranger = await book.create("contact", firstname="Eve")
    await book.refused("RuleBroken", arrive(msevtmgt_contact=stranger), "another contact's")
    session = await _session(book, gatepass.event.id)
    attend = partial(
        book.create, "session_registration", msevtmgt_sessionid=session, msevtmgt_registrationid=registration
    )
    await book.refused("RuleBroken", attend(msevtmgt_contactid=stranger), "another contact's")
    await attend(msevtmgt_contactid=row["contact_id"])

    # A free order has no money to give back: its registration ends alone.
    await book.run(lambda tx: purchases.release(tx, {order.id: None}))
    await book.refused("RuleBroken", arrive(), "cancelled")


async def _registration_of(book: Book, purchase_id: UUID) -> UUID:
    found = await book.gatepass.store.read(lambda tx: rows.id_by(tx, T["registration"], {"purchase_id": purchase_id}))
    assert found is not None
    return found


async def test_questions_with_choices_have_some(book: Book) -> None:
    ask = partial(book.create, "custom_field", msevtmgt_text="Meal?")
    await ask()
    await book.refused("RuleBroken", ask(msevtmgt_type=100000003), "needs choices")
    await book.refused("RuleBroken", ask(msevtmgt_type=100000002, msevtmgt_choices=" \n "), "needs choices")
    field = await ask(msevtmgt_type=100000003, msevtmgt_choices="Meat\nVegan")
    await book.refused("RuleBroken", book.update("custom_field", field, msevtmgt_choices=None), "needs choices")


async def test_currencies_are_those_that_can_be_charged(book: Book) -> None:
    make = partial(book.create, "transactioncurrency", currencyname="x", currencysymbol="x")
    await book.refused("RuleBroken", make(isocurrencycode="XYZ"), "ISO 4217")
    await book.currency("KWD")
    await book.refused("KeyTaken", make(isocurrencycode="KWD"))


async def test_a_contact_is_known_by_mail_and_names(book: Book) -> None:
    first = await book.create("contact", firstname="Ada", lastname="Byron", emailaddress1="Ada@Example.org")
    row = await book.row("contact", first)
    assert row["fullname"] == "Ada Byron"
    second = await book.create("contact", firstname="Ada", lastname="Byron", emailaddress1="ada@example.org")
    assert row["match_key"] is not None
    assert (await book.row("contact", second))["match_key"] is None
    await book.update("contact", first, lastname="Lovelace")
    assert (await book.row("contact", first))["fullname"] == "Ada Lovelace"
    await book.update("contact", second, emailaddress1="ada@example.org")
    assert (await book.row("contact", second))["match_key"] == row["match_key"]
    nameless = await book.create("contact", telephone1="555 0100")
    assert (await book.row("contact", nameless))["match_key"] is None
