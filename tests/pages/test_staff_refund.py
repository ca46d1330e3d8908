"""Staff gives money back in the browser, and the buyer sees it."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.sync_api import expect

from .conftest import PAID_CARD, Buyer, Demo
from .test_staff import signs_in

OWN = {"Sec-Fetch-Site": "same-origin"}


def paid(demo: Demo, buyer: Buyer) -> tuple[str, str]:
    """Its page for the buyer, and its page for staff."""
    buyer.registers(demo.page_url)
    buyer.pays(PAID_CARD)
    expect(buyer.page.get_by_role("heading", name="Your ticket")).to_be_visible()
    url = buyer.page.url
    return url, f"{demo.base_url}/staff/purchases/{UUID(demo.newest_order())}"


def test_everything_goes_back(demo: Demo, buyer: Buyer) -> None:
    order_url, staff_url = paid(demo, buyer)
    page = buyer.page
    signs_in(demo, page)
    page.goto(staff_url)

    page.get_by_role("link", name="Give money back").click()
    page.get_by_label("Why?").fill("She is ill")
    page.get_by_role("button", name="See what it means").click()

    told = page.get_by_role("region", name="€120.00 will go back")
    for line in ("Anna Schneider", "Seats that are free again", "Fees that the provider keeps", "She is ill"):
        expect(told).to_contain_text(line)
    assert not refunds_of(demo)
    told.get_by_role("button", name="Give it back").click()

    expect(page).to_have_url(staff_url)
    page.goto(order_url)
    expect(page.get_by_role("heading", level=1)).to_have_text("€120.00 goes back to you")
    page.goto(f"{staff_url}/refund")
    expect(page.get_by_text("Nothing is left that could go back.")).to_be_visible()


def test_what_is_wrong_is_said_and_what_was_typed_is_kept(demo: Demo, buyer: Buyer) -> None:
    _, staff_url = paid(demo, buyer)
    page = buyer.page
    signs_in(demo, page)
    page.goto(f"{staff_url}/refund")

    page.get_by_role("radio", name="Another amount").check()
    page.get_by_label("Amount in EUR").fill("120.01")
    page.get_by_label("Why?").fill("Goodwill")
    page.get_by_role("button", name="See what it means").click()

    expect(page.get_by_role("alert")).to_contain_text("At most 120.00 EUR can go back")
    expect(page.get_by_label("Why?")).to_have_value("Goodwill")
    page.get_by_label("Amount in EUR").fill("20")
    page.get_by_role("button", name="See what it means").click()
    expect(page.get_by_role("region", name="€20.00 will go back")).to_contain_text("none")
    page.get_by_role("button", name="Give it back").click()
    expect(page).to_have_url(staff_url)
    expect(page.get_by_text("€20.00").first).to_be_visible()


def refunds_of(demo: Demo) -> list[Any]:
    return list(demo.sql("select id from refund where purchase_id = ?", demo.newest_order().replace("-", "")))


@pytest.mark.parametrize(
    "form",
    [{}, {"left": "12000"}, {"what": "people"}, {"what": "amount", "amount": "x"}, {"what": "all", "left": "9" * 400}],
)
def test_a_form_of_nonsense_changes_nothing(demo: Demo, buyer: Buyer, web: httpx.Client, form: dict[str, str]) -> None:
    _, staff_url = paid(demo, buyer)
    told = demo.told["staff"]
    web.post("/staff/sign-in", data={"email": told["email"], "password": told["password"]}, headers=OWN)

    refused = web.post(f"{staff_url}/refund", data=form | {"reason": "x", "sure": "yes"}, headers=OWN)

    assert refused.status_code in {409, 422}
    assert "Nothing was changed" in refused.text
    assert not refunds_of(demo)


def test_only_staff_with_the_role_may(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    _, staff_url = paid(demo, buyer)
    web.cookies.clear()
    assert web.get(f"{staff_url}/refund").status_code == 303
    assert web.post(f"{staff_url}/refund", data={"reason": "x"}).status_code == 303
    told = demo.told["staff"]
    web.post("/staff/sign-in", data={"email": told["email"], "password": told["password"]}, headers=OWN)
    foreign = web.post(f"{staff_url}/refund", data={"reason": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    demo.sql("update staff_user set role = 'viewer'")
    try:
        assert web.get(f"{staff_url}/refund").status_code == 403
        assert web.post(f"{staff_url}/refund", data={"reason": "x"}, headers=OWN).status_code == 403
    finally:
        demo.sql("update staff_user set role = 'administrator'")
