"""The payment page in a real browser, without any script of its own; and the forms behind it."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser import ARGUMENTS, chromium_path
from tests.sandbox.conftest import Merchant, Sandbox, serving

CARD = {
    "email": "a@b.example",
    "cc-number": "4242 4242 4242 4242",
    "cc-exp": "12 / 34",
    "cc-csc": "123",
    "cc-name": "A B",
}


@pytest.fixture
async def visitor() -> AsyncIterator[Page]:
    """A browser with scripts of pages switched off, which must be enough."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        context = await browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
        page = await context.new_page()
        page.set_default_timeout(8_000)
        yield page
        await browser.close()


@pytest.fixture
async def shop() -> AsyncIterator[str]:
    """Where buyers come from and go back to."""

    async def thanks(request: Request) -> Response:
        return HTMLResponse(f"<title>{request.url.path}</title>{request.url.query}")

    async with serving(Starlette(routes=[Route("/{path}", thanks)])) as url:
        yield url


async def at_shop(sandbox: Sandbox, shop: str, **more: Any) -> Any:
    urls = {"success_url": f"{shop}/thanks?s={{CHECKOUT_SESSION_ID}}", "cancel_url": f"{shop}/back"}
    return await sandbox.session(**urls | more)


async def submit(sandbox: Sandbox, session: Any, **changes: str) -> Any:
    """Send the form of the payment page."""
    return await sandbox.raw.post(f"/c/pay/{session.id}", data=CARD | changes)


async def fill(page: Page, **changes: str) -> None:
    for name, value in (CARD | changes).items():
        await page.fill(f"#{name}", value)


async def test_a_buyer_pays_and_comes_back(sandbox: Sandbox, shop: str, visitor: Page) -> None:
    session = await at_shop(sandbox, shop, customer_email="t.yamada@litware.example")
    await visitor.goto(session.url)
    await expect(visitor.get_by_text("No money moves and no card is real.")).to_be_visible()
    await expect(visitor.get_by_label("Email")).to_have_value("t.yamada@litware.example")
    for name in ("cc-number", "cc-exp", "cc-csc", "cc-name"):
        field = visitor.locator(f"#{name}")
        await expect(field).to_have_value("")
        assert (await field.get_attribute("name"), await field.get_attribute("autocomplete")) == (name, name)

    await fill(visitor)
    await visitor.get_by_role("button", name="Pay €12.00").click()

    await visitor.wait_for_url(f"{shop}/thanks?s={session.id}")
    assert (await sandbox.reread(session)).payment_status == "paid"
    await visitor.goto(session.url)
    await expect(visitor.get_by_role("heading", name="€12.00 has been paid")).to_be_visible()
    await expect(visitor.get_by_role("link", name="Continue to Contoso Events")).to_be_visible()


async def test_a_decline_keeps_what_was_typed_and_another_card_pays(sandbox: Sandbox, shop: str, visitor: Page) -> None:
    session = await at_shop(sandbox, shop)
    await visitor.goto(session.url)
    await fill(visitor, **{"cc-number": "4000000000009995"})
    await visitor.get_by_role("button", name=re.compile("^Pay ")).click()

    await expect(visitor.get_by_role("alert")).to_contain_text("Nothing was charged")
    await expect(visitor.get_by_role("alert")).to_contain_text("Your card has insufficient funds.")
    await expect(visitor.locator("#cc-name")).to_have_value("A B")
    await expect(visitor.locator("#cc-csc")).to_have_value("")
    await visitor.get_by_role("button", name="4242 4242 4242 4242", exact=True).click()
    await expect(visitor.locator("#cc-number")).to_have_value("4242 4242 4242 4242")
    await expect(visitor.locator("#email")).to_have_value("a@b.example")
    await visitor.get_by_role("button", name=re.compile("^Pay ")).click()
    await visitor.wait_for_url(f"{shop}/thanks?s={session.id}")


async def test_three_d_secure_is_a_page_of_its_own(sandbox: Sandbox, shop: str, visitor: Page) -> None:
    session = await at_shop(sandbox, shop)
    await visitor.goto(session.url)
    await fill(visitor, **{"cc-number": "4000002500003155"})
    await visitor.get_by_role("button", name=re.compile("^Pay ")).click()
    await visitor.get_by_role("button", name=re.compile("^Fail")).click()
    await expect(visitor.get_by_role("alert")).to_contain_text("unable to authenticate")
    await fill(visitor, **{"cc-number": "4000002500003155"})
    await visitor.get_by_role("button", name=re.compile("^Pay ")).click()
    await visitor.get_by_role("button", name=re.compile("^Complete")).click()
    await visitor.wait_for_url(f"{shop}/thanks?s={session.id}")


async def test_a_buyer_may_turn_back(sandbox: Sandbox, shop: str, visitor: Page) -> None:
    session = await at_shop(sandbox, shop)
    await visitor.goto(session.url)
    await visitor.get_by_role("link", name="Cancel and go back").click()
    await visitor.wait_for_url(f"{shop}/back")
    assert (await sandbox.reread(session)).status == "open"


async def test_nobody_is_kept_out(sandbox: Sandbox) -> None:
    session, closed = await sandbox.session(), await sandbox.session()
    await sandbox.pay(closed)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        for scheme, width in (("light", 360), ("dark", 1280)):
            context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
            page = await context.new_page()
            for path in (session.url, closed.url, f"{sandbox.config.base_url}/", f"{session.url}/3ds"):
                await page.goto(path)
                found = await Axe().run(page)
                assert found.violations_count == 0, f"{path} {scheme} {width}: {found.generate_report()}"
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{path} is {wide} wide at {width}"
            await page.goto(session.url)
            await page.get_by_role("button", name=re.compile("^Pay ")).click()
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            await context.close()
        await browser.close()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("email", "nobody", "Enter your email address"),
        ("cc-number", "", "Enter a card number."),
        ("cc-number", "4242424242424241", "Your card number is incorrect."),
        ("cc-exp", "13 / 34", "Enter the date as on the card"),
        ("cc-exp", "01 / 24", "Your card has expired."),
        ("cc-csc", "12", "Enter the 3 digits"),
        ("cc-name", "", "Enter the name on the card."),
    ],
)
async def test_a_mistake_is_shown_where_it_is(sandbox: Sandbox, field: str, value: str, message: str) -> None:
    session = await sandbox.session()
    answer = await submit(sandbox, session, **{field: value})
    assert answer.status_code == 422
    assert answer.text.count(message) == 2
    assert f'id="{field}-error"' in answer.text
    assert (await sandbox.reread(session)).payment_intent is None


async def test_two_windows_pay_once(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    answers = await asyncio.gather(*(submit(sandbox, session) for _ in range(6)))
    assert {(a.status_code, a.headers["location"]) for a in answers} == {(303, session_thanks(session))}
    assert (await sandbox.event_types()).count("charge.succeeded") == 1
    assert [row["amount_received"] for row in await sandbox.look("ledger")] == [1200]


async def test_a_page_that_is_over_says_so(sandbox: Sandbox) -> None:
    expired = await sandbox.session()
    await sandbox.api.v1.checkout.sessions.expire_async(expired.id)
    answer = await sandbox.raw.get(f"/c/pay/{expired.id}")
    assert (answer.status_code, "This payment page has expired" in answer.text) == (410, True)
    assert (await submit(sandbox, expired)).status_code == 303
    waiting = await sandbox.session()
    await sandbox.pay(waiting, "AT611904300234573201")
    assert "is on its way" in (await sandbox.raw.get(f"/c/pay/{waiting.id}")).text
    assert (await sandbox.raw.get("/c/pay/cs_test_none")).status_code == 404


async def test_a_link_makes_sessions_until_it_is_used_up(sandbox: Sandbox) -> None:
    line = {"price_data": {"currency": "jpy", "unit_amount": 36000, "product_data": {"name": "Tokyo"}}, "quantity": 1}
    given = {
        "line_items": [line],
        "restrictions": {"completed_sessions": {"limit": 1}},
        "inactive_message": "Sold <out>",
    }
    message = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "See you in Tokyo"}}
    link = await sandbox.api.v1.payment_links.create_async(given | {"after_completion": message})
    path = urlsplit(link.url).path
    first, second = await sandbox.raw.get(path), await sandbox.raw.get(path)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] != second.headers["location"]

    paid = await sandbox.raw.post(first.headers["location"], data=CARD)
    shown = await sandbox.raw.get(paid.headers["location"])
    assert "See you in Tokyo" in shown.text
    assert "¥36,000 has been paid" in shown.text
    closed = await sandbox.raw.get(path)
    assert (closed.status_code, "Sold &lt;out&gt;" in closed.text) == (410, True)
    # A page that was open before can still be paid: Stripe promises nothing else.
    assert (await sandbox.raw.post(second.headers["location"], data=CARD)).status_code == 303
    assert len([row for row in await sandbox.look("ledger") if row["amount_received"] == 36000]) == 2
    assert (await sandbox.raw.get("/l/plink_none")).status_code == 404


async def test_the_policy_lets_the_form_lead_home_and_nowhere_else(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    policy = (await sandbox.raw.get(f"/c/pay/{session.id}")).headers["content-security-policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'"
    assert set(parts["form-action"].split()) == {
        "'self'", "https://shop.example", "http://127.0.0.1:*", "http://localhost:*",
    }  # fmt: skip
    assert "script-src" not in parts


async def test_what_a_merchant_writes_is_text(sandbox: Sandbox) -> None:
    nasty = {"currency": "eur", "unit_amount": 500, "product_data": {"name": "<script>alert(1)</script>"}}
    session = await sandbox.session(line_items=[{"price_data": nasty, "quantity": 2}])
    text = (await sandbox.raw.get(f"/c/pay/{session.id}")).text
    assert "<script>" not in text
    assert "Pay €10.00" in text


@pytest.mark.parametrize(("notify", "heard"), [("twice", 2), ("never", 0), ("now", 1)])
async def test_the_buyer_chooses_when_the_merchant_is_told(
    sandbox: Sandbox, merchant: Merchant, notify: str, heard: int
) -> None:
    session = await sandbox.session()
    await submit(sandbox, session, notify=notify)
    await sandbox.api.v1.products.create_async({"name": "a later event"})
    await merchant.wait_for("product.created")
    await asyncio.sleep(0.1)
    assert merchant.types().count("checkout.session.completed") == heard


async def test_the_panel_shows_and_switches(sandbox: Sandbox) -> None:
    session = await sandbox.session()
    await sandbox.pay(session, "AT611904300234573201")
    assert "Let the bank answer" in (await sandbox.raw.get("/")).text
    await sandbox.raw.post("/_sandbox/panel", data={"do": "settle", "session": session.id})
    assert (await sandbox.reread(session)).payment_status == "paid"
    await sandbox.raw.post("/_sandbox/panel", data={"do": "deliveries", "mode": "hold", "times": "2", "shuffle": "on"})
    await sandbox.raw.post("/_sandbox/panel", data={"do": "api", "status": "429", "remaining": "3"})
    faults = (await sandbox.look("state"))["faults"]
    assert (faults["deliveries"]["mode"], faults["deliveries"]["times"]) == ("hold", 2)
    assert (faults["api"]["status"], faults["api"]["remaining"]) == (429, 3)
    await sandbox.raw.post("/_sandbox/panel", data={"do": "reset"})
    assert (await sandbox.look("state"))["faults"]["deliveries"]["mode"] == "normal"
    assert (await sandbox.raw.get("/healthz")).text == "ok"
    assert (await sandbox.raw.get("/static/gatepass.css")).status_code == 200


def session_thanks(session: Any) -> str:
    return f"https://shop.example/thanks?session={session.id}"
