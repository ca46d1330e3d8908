"""The payment step in a real browser: the fields stand in the provider's frame, and the page says what became of each try."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from .conftest import DEBIT_LATER, PAID_CARD, POOR_CARD, Buyer, Demo, Window

SECURE_CARD = "4000002760003184"


@pytest.fixture
def event_url(demo: Demo) -> str:
    return paid_on_the_page(demo)


def paid_on_the_page(demo: Demo) -> str:
    """The address of an event that is paid on our own page."""
    (provider,) = demo.sql("select id from payment_provider where way = 'page'")
    return demo.event(payment_provider_id=provider["id"])


def pays(page: Page, card: str) -> None:
    """Type a card into the provider's frame, and press Pay."""
    fields = page.frame_locator("#fields iframe")
    fields.get_by_label("Card number").fill(card)
    if card[0].isdigit():
        fields.get_by_label("Valid until").fill("12 / 34")
        fields.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay €120.00").click()


def on_the_step(buyer: Buyer, url: str) -> None:
    buyer.registers(url)
    expect(buyer.page).to_have_url(re.compile(r"/orders/[^/]+/pay$"))
    expect(buyer.page.get_by_role("button", name="Pay €120.00")).to_be_enabled()


def test_paid_on_the_page(buyer: Buyer, event_url: str) -> None:
    on_the_step(buyer, event_url)
    expect(buyer.page.get_by_role("timer")).to_have_text(re.compile(r"Your seats are held for \d+:\d\d more"))

    pays(buyer.page, PAID_CARD)

    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in")


def test_declined_stays_with_the_reason_then_another_card_works(buyer: Buyer, event_url: str) -> None:
    on_the_step(buyer, event_url)
    pays(buyer.page, POOR_CARD)

    notice = buyer.page.get_by_role("alert")
    expect(notice).to_contain_text("not enough money on the card")
    expect(notice).to_contain_text("Your seats are still held")
    expect(notice).to_be_focused()
    assert "/pay" in buyer.page.url
    expect(buyer.page.get_by_role("button", name="Open")).to_be_visible()
    expect(buyer.page.get_by_role("button", name="Send me the link")).to_be_visible()
    pays(buyer.page, PAID_CARD)
    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in")


@pytest.mark.parametrize(("press", "then"), [("Complete", "You’re in"), ("Fail", "")])
def test_the_banks_own_step_comes_over_the_page(buyer: Buyer, event_url: str, press: str, then: str) -> None:
    on_the_step(buyer, event_url)
    pays(buyer.page, SECURE_CARD)

    buyer.page.frame_locator("dialog iframe").get_by_role("button", name=press).click()

    if then:
        expect(buyer.page.get_by_role("heading", level=1)).to_contain_text(then)
    else:
        expect(buyer.page.get_by_role("alert")).to_contain_text("confirmation was not given")
        expect(buyer.page.locator("dialog")).to_have_count(0)


def test_a_bank_that_takes_days(demo: Demo, buyer: Buyer, event_url: str, web: httpx.Client) -> None:
    on_the_step(buyer, event_url)
    pays(buyer.page, DEBIT_LATER)

    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Your bank is confirming the payment")
    ref = demo.sql("select session_ref from payment where purchase_id = ?", demo.newest_order())[0]["session_ref"]
    web.post(f"{demo.sandbox_url}/_sandbox/settle_async", json={"session": ref}).raise_for_status()
    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in", timeout=40_000)


def test_two_tabs_pay_once(demo: Demo, buyer: Buyer, event_url: str) -> None:
    on_the_step(buyer, event_url)
    other = buyer.page.context.new_page()
    other.goto(buyer.page.url)
    expect(other.get_by_role("button", name="Pay €120.00")).to_be_enabled()
    pays(buyer.page, PAID_CARD)
    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in")

    pays(other, PAID_CARD)

    expect(other.get_by_role("heading", level=1)).to_contain_text("You’re in")
    assert len(demo.sql("select id from payment where purchase_id = ?", demo.newest_order())) == 1


def test_a_mistake_in_the_fields_asks_no_bank(demo: Demo, buyer: Buyer, event_url: str) -> None:
    on_the_step(buyer, event_url)

    buyer.page.get_by_role("button", name="Pay €120.00").click()

    expect(buyer.page.get_by_role("alert")).to_contain_text("Your card number is incomplete.")
    (row,) = demo.sql("select reason_code from payment where purchase_id = ?", demo.newest_order())
    assert row["reason_code"] is None


def test_where_the_script_is_blocked_or_there_is_none_the_other_ways_are_there(
    window: Callable[..., Window], event_url: str, demo: Demo
) -> None:
    blocked = window()
    blocked.page.route("**/v3/", lambda route: route.abort())
    buyer = Buyer(blocked.page)
    buyer.registers(event_url)
    expect(buyer.page.get_by_role("alert")).to_contain_text("blocks them")
    expect(buyer.page.get_by_role("button", name="Pay €120.00")).to_be_hidden()

    plain = Buyer(window(java_script_enabled=False).page)
    plain.page.goto(buyer.page.url)
    # A browser that is only told to run no script keeps what is for those that cannot to itself.
    assert "<noscript>" in plain.page.content()
    assert "These fields need JavaScript" in plain.page.content()
    plain.page.get_by_role("button", name="Open").click()
    plain.page.wait_for_url(f"{demo.sandbox_url}/c/pay/**")
    plain.pays(PAID_CARD)
    expect(plain.page.get_by_role("heading", level=1)).to_contain_text("You’re in")


def test_more_time_keeps_the_card_that_is_being_typed(demo: Demo, buyer: Buyer, event_url: str) -> None:
    on_the_step(buyer, event_url)
    card = buyer.page.frame_locator("#fields iframe").get_by_label("Card number")
    card.fill(PAID_CARD)

    buyer.page.get_by_role("button", name="Give me more time").click()

    expect(buyer.page.get_by_role("timer")).to_have_text(re.compile(r"held for 4[45]:\d\d more"))
    expect(buyer.page.locator("#said")).to_have_text("You have 15 minutes more.")
    expect(buyer.page.get_by_role("button", name="Give me more time")).to_have_count(0)
    assert card.input_value().replace(" ", "") == PAID_CARD


def test_the_end_of_the_hold_is_said_in_time(demo: Demo, buyer: Buyer, event_url: str) -> None:
    on_the_step(buyer, event_url)
    for seconds, said in ((302, "held for 5:00 more"), (62, "held for 1:00 more")):
        until = (
            (datetime.now(UTC) + timedelta(seconds=seconds + 2)).replace(tzinfo=None).isoformat(timespec="microseconds")
        )
        demo.sql("update purchase set hold_until = ? where id = ?", f"{until}Z", demo.newest_order())
        buyer.page.reload()
        expect(buyer.page.locator("#said")).to_have_text(re.compile(said))


def test_more_time_works_without_a_script(demo: Demo, window: Callable[..., Window]) -> None:
    page = window(java_script_enabled=False).page
    Buyer(page).registers(paid_on_the_page(demo))

    page.get_by_role("button", name="Give me more time").click()

    assert page.url.endswith("/pay")
    expect(page.get_by_role("button", name="Give me more time")).to_have_count(0)
