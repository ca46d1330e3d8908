"""The embedded form on pages of another origin: each thing that a host page may do to it, in a real browser."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .conftest import PAID_CARD, PATIENCE_MS, POOR_CARD, Demo

WIDGET = "gatepass-registration"


@pytest.fixture
def host(browser: Browser, demo: Demo) -> Iterator[Callable[[str], Page]]:
    """Opens a host page, remembering errors of scripts, and cookies at the end: there are none of either."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    wrong: list[str] = []

    def opened(name: str) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{demo.told['gallery']}/{name}")
        return page

    yield opened
    cookies = context.cookies()
    context.close()
    assert wrong == []
    assert cookies == []


def fill_in(form: Locator | Any, pass_name: str = "Morning", email: str = "anna@fabrikam.example") -> None:
    form.get_by_role("radio", name=pass_name).first.check()
    form.get_by_label("First name").fill("Anna")
    form.get_by_label("Last name").fill("Schneider")
    form.get_by_label("Email").fill(email)


def step_in(form: Any) -> Any:
    """Our payment step in its frame."""
    return form.frame_locator("iframe[title=Payment]")


def pays(form: Any, card: str = PAID_CARD) -> None:
    step = step_in(form)
    fields = step.frame_locator("#fields iframe")
    fields.get_by_label("Card number").fill(card)
    fields.get_by_label("Valid until").fill("12 / 34")
    fields.get_by_label("Security code").fill("123")
    step.get_by_role("button", name="Pay €120.00").click()


def goes_through(form: Any) -> None:
    """From the first field to the end, without leaving the host page."""
    fill_in(form)
    expect(form.get_by_text("€120.00").last).to_be_visible()
    form.get_by_role("button", name="Continue to payment").click()
    pays(form)
    expect(form.get_by_role("heading", name="You’re in")).to_be_visible()


@pytest.mark.parametrize("name", ["strict", "hostile", "later"])
def test_it_works_whatever_the_host_does(host: Callable[[str], Page], name: str) -> None:
    page = host(name)
    form = page.locator(WIDGET)

    goes_through(form)

    assert page.url.endswith(name)
    expect(form.get_by_role("link", name="Look at your order")).to_be_visible()


def test_it_looks_as_it_should_under_hostile_styles(host: Callable[[str], Page]) -> None:
    form = host("hostile").locator(WIDGET)

    given = form.get_by_label("First name")
    expect(given).to_be_visible()
    styles = given.evaluate(
        "n => { const s = getComputedStyle(n); return [s.fontSize, s.letterSpacing, s.textTransform, s.fontStyle] }"
    )
    assert styles == ["16px", "normal", "none", "normal"]


def test_it_reads_from_the_side_that_the_host_does(host: Callable[[str], Page]) -> None:
    page = host("rtl")
    form = page.locator(WIDGET)

    expect(form.locator("section")).to_have_attribute("dir", "rtl")
    expect(form.get_by_role("button", name="متابعة إلى الدفع")).to_be_visible()
    form.get_by_role("radio").nth(1).check()
    for name, value in (("given", "ليلى"), ("family", "حداد"), ("email", "laila@fabrikam.example")):
        form.locator(f"input[name={name}]").fill(value)
    form.get_by_role("button", name="متابعة إلى الدفع").click()
    step = form.frame_locator("iframe[part=payment-frame]")
    expect(step.get_by_text("الدفع لاحقًا").or_(step.get_by_text("ادفع لاحقًا"))).to_be_visible()
    assert step.locator("html").get_attribute("dir") == "rtl"


def test_in_a_dialog_the_keyboard_suffices(host: Callable[[str], Page]) -> None:
    page = host("dialog")
    page.get_by_role("button", name="Register").first.press("Enter")
    form = page.locator(WIDGET)
    form.get_by_role("radio", name="Listening in").press("Space")
    for _ in range(10):
        page.keyboard.press("Tab")
        if form.get_by_label("First name").evaluate("n => n.getRootNode().activeElement === n"):
            break
    page.keyboard.type("Anna")
    page.keyboard.press("Tab")
    page.keyboard.type("Schneider")
    page.keyboard.press("Tab")
    page.keyboard.type("anna@fabrikam.example")
    page.keyboard.press("Enter")

    expect(form.get_by_text("You are registered")).to_be_visible()
    expect(form.get_by_role("status")).to_be_focused()


def test_two_on_one_page_do_not_know_of_each_other(host: Callable[[str], Page], demo: Demo) -> None:
    page = host("twice")
    one, other = page.locator(WIDGET).nth(0), page.locator(WIDGET).nth(1)
    fill_in(one)
    expect(other.get_by_label("First name")).to_have_value("")
    one.get_by_role("button", name="Continue to payment").click()
    expect(step_in(one).get_by_role("button", name="Pay €120.00")).to_be_enabled()

    fill_in(other, "Full pass")
    other.get_by_role("button", name="Continue to payment").click()

    # That one is paid on the provider's page: the whole page goes there.
    page.wait_for_url(f"{demo.sandbox_url}/c/pay/**")


def test_a_decline_stays_with_its_reason_and_the_host_hears_of_it(host: Callable[[str], Page]) -> None:
    page = host("plain")
    page.evaluate(
        "window.heard = []; for (const n of ['ready','step','submitted','declined','payment','completed'])"
        "document.addEventListener(`gatepass:${n}`, e => heard.push([n, e.detail]))"
    )
    form = page.locator(WIDGET)
    fill_in(form)
    form.get_by_role("button", name="Continue to payment").click()
    pays(form, POOR_CARD)

    expect(step_in(form).get_by_role("alert")).to_contain_text("not enough money")
    pays(form)
    expect(form.get_by_role("heading", name="You’re in")).to_be_visible()
    heard = page.evaluate("heard.map(([name, detail]) => name + (detail.step ?? detail.state ?? ''))")
    assert heard[-5:] == ["steppayment", "declined", "paymentpaid", "stepdone", "completedpaid"]
    page.evaluate(f"document.querySelector('{WIDGET}').reset()")
    expect(form.get_by_label("First name")).to_have_value("")


def test_mistakes_are_named_where_they_are(host: Callable[[str], Page]) -> None:
    form = host("plain").locator(WIDGET)
    form.get_by_role("button", name="Continue to payment").click()

    expect(form.get_by_role("alert")).to_be_focused()
    form.get_by_role("link", name="Enter the last name.").click()
    expect(form.get_by_label("Last name")).to_be_focused()
    expect(form.get_by_label("Last name")).to_have_attribute("aria-invalid", "true")


def test_several_people_in_one_order(host: Callable[[str], Page], demo: Demo) -> None:
    form = host("plain").locator(WIDGET)
    form.get_by_role("radio", name="Listening in").check()
    form.get_by_role("button", name="One more").click()
    for at, name in enumerate(("Anna", "Bo")):
        form.get_by_label("First name").nth(at).fill(name)
        form.get_by_label("Last name").nth(at).fill("Schneider")
        form.get_by_label("Email").nth(at).fill(f"{name}@fabrikam.example")
    form.get_by_role("button", name="Register").click()

    expect(form.get_by_role("heading", name="You’re in")).to_be_visible()
    assert len(demo.sql("select id from attendee where purchase_id = ?", demo.newest_order())) == 2


def test_the_host_decides_where_each_part_stands_and_how_it_looks(host: Callable[[str], Page]) -> None:
    """The fourth fault of the second seed: no control over the placement of the form."""
    page = host("placed")
    form = page.locator(WIDGET)
    expect(page.locator("#passes").get_by_role("radio", name="Morning")).to_be_visible()
    expect(form.get_by_role("radio")).to_have_count(0)
    expect(form.get_by_text("Our readers sit in row one.")).to_be_visible()
    expect(form.get_by_label("Email")).to_have_value("reader@gazette.example")
    submit = form.get_by_role("button", name="Continue to payment")
    assert submit.evaluate("n => getComputedStyle(n).borderRadius") == "0px"
    page.locator("#passes").get_by_role("radio", name="Morning").check()
    form.get_by_label("First name").fill("Anna")
    form.get_by_label("Last name").fill("Schneider")
    submit.click()

    pays(page.locator("#payment"))

    expect(form.get_by_role("heading", name="You’re in")).to_be_visible()


def test_without_a_shadow_root(host: Callable[[str], Page]) -> None:
    page = host("light")
    form = page.locator(WIDGET)
    goes_through(form)

    assert page.evaluate(f"document.querySelector('{WIDGET}').shadowRoot") is None
    assert page.evaluate("document.adoptedStyleSheets.length") == 0


def test_in_a_frame_the_height_follows(host: Callable[[str], Page]) -> None:
    page = host("iframe")
    form = page.frame_locator("#form").locator(WIDGET)
    expect(form.get_by_label("First name")).to_be_visible()
    before = int(page.locator("#form").get_attribute("height") or 0)
    form.get_by_role("button", name="One more").click()
    expect(page.locator("#form")).not_to_have_attribute("height", str(before))
    form.get_by_role("button", name="One fewer").click()

    goes_through(form)


def test_where_no_frame_is_allowed_the_payment_step_opens_on_its_own(host: Callable[[str], Page], demo: Demo) -> None:
    page = host("noframe")
    form = page.locator(WIDGET)
    fill_in(form)
    form.get_by_role("button", name="Continue to payment").click()
    expect(form.get_by_text("cannot be shown within this page")).to_be_visible()

    form.get_by_role("link", name="Go to the payment page").click()

    page.wait_for_url(re.compile(rf"{demo.base_url}/orders/[^/]+/pay"))


def test_where_the_script_is_blocked_the_link_remains(host: Callable[[str], Page], demo: Demo) -> None:
    page = host("blocked")
    page.get_by_role("link", name="Register on the organizer's page").click()

    expect(page).to_have_url(re.compile(rf"{demo.base_url}/e/Contoso_Workshop"))


def test_a_form_that_tests_the_page_it_stands_on(host: Callable[[str], Page]) -> None:
    form = host("test").locator(WIDGET)

    expect(form.get_by_text("frame-src lets")).to_be_visible()
    expect(form.locator("[part=test] [data-state=failed]")).to_have_count(0)


def test_the_line_to_add_is_told(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.base_url}/embed/check")
    page.get_by_label("Content-Security-Policy").fill("default-src 'self'; frame-src 'none'")
    page.get_by_role("button", name="Test it").click()

    expect(page.get_by_text(f"connect-src 'self' {demo.base_url}")).to_be_visible()
    expect(page.get_by_text(f"frame-src {demo.base_url}")).to_be_visible()
    page.get_by_label("Content-Security-Policy").fill(
        f"script-src {demo.base_url}; connect-src {demo.base_url}; frame-src {demo.base_url}"
    )
    page.get_by_role("button", name="Test it").click()
    expect(page.get_by_role("heading", name="Everything is let in")).to_be_visible()


def test_only_listed_sites_may_frame_it(web: httpx.Client, demo: Demo) -> None:
    token, event = demo.told["events_api"]["token"], demo.told["event"]["readable_event_id"]

    framed = web.get(f"/embed/{event}", params={"token": token})

    assert "frame-ancestors 'self' http://localhost:*" in framed.headers["content-security-policy"]
    assert web.get(f"/embed/{event}", params={"token": "made up"}).status_code == 401
    foreign = {"Origin": "https://evil.example"}
    refused = web.get(f"/embed/v1/events/{event}", params={"emApplicationtoken": token}, headers=foreign)
    assert refused.status_code == 403 or refused.json()["errorCode"] == "OriginForeign"
    assert "access-control-allow-origin" not in refused.headers


def test_the_script_writes_no_markup_and_keeps_nothing(web: httpx.Client) -> None:
    script = web.get("/embed/v1.js")

    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "cookie =", "localStorage", "eval("):
        assert word not in script.text.replace("no innerHTML", "")


def test_each_attendee_may_have_a_pass_of_their_own(host: Callable[[str], Page], demo: Demo) -> None:
    form = host("strict").locator(WIDGET)
    form.get_by_role("radio", name="Morning").check()
    form.get_by_role("button", name="One more").click()
    for at, given in enumerate(("Anna", "Priya")):
        form.get_by_label("First name").nth(at).fill(given)
        form.get_by_label("Last name").nth(at).fill("Raman")
        form.get_by_label("Email").nth(at).fill(f"{given}@fabrikam.example")

    form.get_by_label("Pass", exact=True).select_option(label="Whole day · €249.00")

    expect(form.get_by_text("€369.00")).to_be_visible()
    form.get_by_role("button", name="Continue to payment").click()
    expect(step_in(form).get_by_role("button", name="Pay €369.00")).to_be_visible()
    order = demo.sql("select items from purchase where id = ?", demo.newest_order())[0]
    assert set(order["items"].split(", ")) == {"1 × Morning", "1 × Whole day"}


def test_the_page_for_site_owners_speaks_their_language(page: Page, demo: Demo) -> None:
    for language, title in (("de", "Lässt Ihre Seite das Formular zu?"), ("ar", "هل تسمح صفحتك بالنموذج؟")):
        page.goto(f"{demo.base_url}/embed/check?lang={language}")
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        page.get_by_label("Content-Security-Policy").fill("script-src 'self'")
        page.get_by_role("button").last.click()
        expect(page.locator(".checklist li[data-state=failed]")).to_have_count(1)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
