"""The buyer's page of an order tells the truth, whatever came back or did not."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.running import altered

from .conftest import DEBIT_LATER, PAID_CARD, POOR_CARD, Buyer, Demo


def back_from_payment(demo: Demo, buyer: Buyer, url: str | None = None) -> str:
    """Registers, and comes back unpaid; the order's address."""
    buyer.registers(url or demo.page_url)
    buyer.page.get_by_role("link", name="Cancel and go back").click()
    buyer.page.wait_for_load_state()
    assert buyer.page.url.startswith(f"{demo.base_url}/orders/")
    return buyer.page.url


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def test_coming_back_unpaid_the_seat_is_held_and_can_be_paid(demo: Demo, buyer: Buyer) -> None:
    back_from_payment(demo, buyer)

    expect(buyer.page.get_by_text("Awaiting payment")).to_be_visible()
    expect(buyer.page.get_by_text("Held until")).to_be_visible()
    buyer.page.get_by_role("link", name="Pay €120.00").click()
    buyer.pays(PAID_CARD)
    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in")


def test_a_declined_card_was_not_charged_and_another_works(demo: Demo, buyer: Buyer) -> None:
    buyer.registers(demo.page_url)
    buyer.pays(POOR_CARD)
    buyer.page.get_by_role("link", name="Cancel and go back").click()

    expect(buyer.page.get_by_role("heading", name="Nothing was charged")).to_be_visible()
    expect(buyer.page.get_by_text("not enough money").first).to_be_visible()
    buyer.page.get_by_role("link", name="Pay €120.00").click()
    buyer.pays(PAID_CARD)
    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in")


def test_a_bank_debit_is_confirmed_later_without_a_reload(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    buyer.registers(demo.page_url)
    buyer.pays(DEBIT_LATER)

    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Your bank is confirming the payment")
    buyer.page.evaluate("window.notReloaded = true")
    order = demo.newest_order()
    ref = demo.sql("select session_ref from payment where purchase_id = ?", order)[0]["session_ref"]
    web.post(f"{demo.sandbox_url}/_sandbox/settle_async", json={"session": ref}).raise_for_status()

    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in", timeout=40_000)
    expect(buyer.page.get_by_role("status")).to_contain_text("You are in")
    assert buyer.page.evaluate("window.notReloaded") is True
    assert buyer.page.title().startswith("You are in")


def test_the_page_asks_ever_more_rarely(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    url = back_from_payment(demo, buyer)

    first = buyer.page.content()
    later = web.get(f"{url}/state?times=99").text

    assert 'hx-trigger="every 2s"' in first or 'hx-trigger="every 3s"' in first
    assert 'hx-trigger="every 60s"' in later
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in web.get(url).text


def test_what_was_seen_is_not_sent_again(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    url = back_from_payment(demo, buyer)
    poll = re.search(r'hx-get="([^"]+)"', web.get(url).text)
    assert poll

    again = web.get(poll[1].replace("&amp;", "&"))

    assert again.status_code == 200
    assert "hx-swap-oob" not in again.text


@pytest.mark.parametrize(
    ("status", "title", "words"),
    [
        ("expired", "The seats of this order are free again", "Nothing was charged."),
        ("cancelled", "This order was cancelled", "Nothing was charged."),
        ("paid_late", "Your payment is being checked", "Please do not pay again."),
    ],
)
def test_an_order_that_ended_says_what_became_of_the_money(
    demo: Demo, buyer: Buyer, web: httpx.Client, status: str, title: str, words: str
) -> None:
    url = back_from_payment(demo, buyer)
    order = demo.newest_order()
    demo.sql("update payment set state = 'expired' where purchase_id = ?", order)
    demo.sql("update purchase set status = ? where id = ?", status, order)

    buyer.page.goto(url)

    assert heading(buyer.page) == title
    expect(buyer.page.get_by_text(words).first).to_be_visible()
    assert buyer.page.get_by_role("link", name="Pay €120.00").count() == 0


def test_money_that_does_not_fit_is_never_called_nothing(demo: Demo, buyer: Buyer) -> None:
    url = back_from_payment(demo, buyer)
    order = demo.newest_order()
    demo.sql(
        "update payment set state = 'failed', reason_code = 'mismatch', reason_text = 'x' where purchase_id = ?", order
    )
    for status in ("awaiting_payment", "expired"):
        demo.sql("update purchase set status = ? where id = ?", status, order)
        buyer.page.goto(url)
        assert heading(buyer.page) == "Your payment is being checked"
        assert buyer.page.get_by_text("Nothing was charged").count() == 0
        assert buyer.page.get_by_role("link", name="Pay €120.00").count() == 0


def test_without_a_payment_page_it_says_how_it_is_confirmed(demo: Demo, buyer: Buyer) -> None:
    url = demo.event(payment_enabled=0)

    buyer.registers(url)

    expect(buyer.page.get_by_text("Awaiting confirmation")).to_be_visible()
    expect(buyer.page.get_by_text("the organizer tells you how to pay")).to_be_visible()


def test_a_damaged_link_opens_nothing(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    url = back_from_payment(demo, buyer)

    for token in (altered(url), f"{demo.base_url}/orders/{demo.newest_order()}"):
        assert web.get(token).status_code == 404
        assert web.get(f"{token}/state").status_code == 404
