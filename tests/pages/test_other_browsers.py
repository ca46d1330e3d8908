"""The main path in Firefox and WebKit, where Playwright has them: `playwright install firefox webkit`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from .conftest import PAID_CARD, PATIENCE_MS, POOR_CARD, Buyer, Demo


@pytest.fixture(params=["firefox", "webkit"])
def other(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in another browser than Chromium."""
    with sync_playwright() as playwright:
        kind = getattr(playwright, request.param)
        if not Path(kind.executable_path).exists():
            pytest.skip(f"Playwright has no {request.param} on this machine")
        browser = kind.launch()
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def test_from_the_form_to_the_ticket(demo: Demo, other: Page) -> None:
    buyer = Buyer(other)
    buyer.registers(demo.page_url)
    buyer.pays(POOR_CARD)
    other.get_by_role("link", name="Cancel and go back").click()
    expect(other.get_by_role("heading", name="Nothing was charged")).to_be_visible()
    other.get_by_role("link", name="Pay €120.00").click()
    buyer.pays(PAID_CARD)

    expect(other.get_by_role("heading", level=1)).to_contain_text("You’re in, Anna")
    other.get_by_role("link", name="What happened to my payment").click()
    expect(other.get_by_role("heading", name="Yes, once: €120.00.")).to_be_visible()


def test_back_from_the_payment_page_shows_what_was_typed(demo: Demo, other: Page) -> None:
    Buyer(other).registers(demo.page_url)
    other.wait_for_url(f"{demo.sandbox_url}/**")

    other.go_back()
    other.get_by_role("button", name="Change").click()

    expect(other.get_by_label("First name")).to_have_value("Anna")
