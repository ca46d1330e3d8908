"""Every page in every state: usable by all, whole on a phone, light and dark, and nothing from a foreign host.

`make screenshots` keeps a picture of each.
"""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from gatepass.look import STATIC
from gatepass.model.choices import YES

from .conftest import DEBIT_LATER, PAID_CARD, POOR_CARD, Buyer, Demo, Window
from .test_embed import fill_in, step_in
from .test_languages import way_out_of_the_list
from .test_order import back_from_payment
from .test_payment_step import on_the_step, paid_on_the_page, pays
from .test_staff import signs_in

AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
MAX_FIRST_VISIT_BYTES = 60_000
MAX_STYLE_BYTES = 28 * 1024
Scene = Callable[[Demo, Page], None]


def home(demo: Demo, page: Page) -> None:
    page.goto(demo.base_url)


def details(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)


def errors(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    page.get_by_role("button", name="One more").click()
    page.locator("output", has_text="2").wait_for()
    Buyer(page).fill_in(("Zoë", "Müller", "zoe@example"))
    Buyer(page).review()


def too_much(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    Buyer(page).fill_in(("Zoë", "Müller", "zoe@example.com"))
    page.evaluate(
        """() => { document.querySelector("[name=people]").value = 11;
             document.querySelector("[name=att1-q1]").value = "x".repeat(501); }"""
    )
    Buyer(page).review()


def a_pass_sold_out(demo: Demo, page: Page) -> None:
    url = demo.event()
    demo.sql(
        "update pass set sold = allocation where name = 'Full pass' and event_id = (select id from event where readable_id = ?)",
        url.rpartition("/")[2],
    )
    page.goto(url)


def review(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    page.get_by_role("button", name="One more").click()
    page.locator("output", has_text="2").wait_for()
    Buyer(page).fill_in(("Zoë", "Müller", "zoe@example.com"), ("محمد", "علي", "m@example.com"))
    Buyer(page).review()


def sold_out(demo: Demo, page: Page) -> None:
    page.goto(demo.event(capacity=5, sold=5))


def waiting_list(demo: Demo, page: Page) -> None:
    page.goto(demo.event(capacity=5, sold=5, waitlistthisevent=YES))


def waiting_list_errors(demo: Demo, page: Page) -> None:
    waiting_list(demo, page)
    Buyer(page).fill_in(("Zoë", "", "zoe@example"))
    page.get_by_role("button", name="Wait for a seat").click()


def waiting_list_joined(demo: Demo, page: Page) -> None:
    waiting_list(demo, page)
    Buyer(page).fill_in(("Zoë", "Müller", "zoe@example.com"))
    page.get_by_label("Pass").select_option(index=1)
    page.get_by_role("button", name="Wait for a seat").click()


def waiting_list_leaving(demo: Demo, page: Page) -> None:
    with httpx.Client(base_url=demo.base_url, trust_env=False, timeout=20) as web:
        page.goto(way_out_of_the_list(demo, web))


def waiting_list_left(demo: Demo, page: Page) -> None:
    waiting_list_leaving(demo, page)
    page.get_by_role("button", name="Leave the waiting list").click()


def no_other_card(demo: Demo, page: Page) -> None:
    url = back_from_payment(demo, Buyer(page))
    detail = ("order.tried_too_often", "{}", "2026-11-21T12:00:00.000000Z")
    demo.sql(
        "insert into timeline_entry (id, purchase_id, kind, detail, at) values (?, ?, ?, ?, ?)",
        uuid4().hex,
        demo.newest_order(),
        *detail,
    )
    page.goto(url)


def own_passes(demo: Demo, page: Page) -> None:
    details(demo, page)
    page.get_by_role("button", name="One more").click()
    page.locator("output", has_text="2").wait_for()
    page.get_by_label("Pass", exact=True).select_option(index=2)


def cancelled_event(demo: Demo, page: Page) -> None:
    page.goto(demo.event(status="cancelled"))


def unknown_event(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.base_url}/e/nothing")


def awaiting(demo: Demo, page: Page) -> None:
    back_from_payment(demo, Buyer(page))


def declined(demo: Demo, page: Page) -> None:
    Buyer(page).registers(demo.page_url)
    Buyer(page).pays(POOR_CARD)
    page.get_by_role("link", name="Cancel and go back").click()
    page.wait_for_load_state()


def confirming(demo: Demo, page: Page) -> None:
    Buyer(page).registers(demo.page_url)
    Buyer(page).pays(DEBIT_LATER)


def confirmed(demo: Demo, page: Page) -> None:
    review(demo, page)
    page.get_by_role("button", name="Pay ").click()
    Buyer(page).pays(PAID_CARD)
    page.get_by_role("heading", name="Your tickets").wait_for()


def sent_again(demo: Demo, page: Page) -> None:
    Buyer(page).registers(demo.page_url, "Online")
    page.goto(f"{page.url}?again")
    page.get_by_text("This form has made its order already").wait_for()


def by_hand(demo: Demo, page: Page) -> None:
    Buyer(page).registers(demo.event(payment_enabled=0))


def _ended(demo: Demo, page: Page, status: str) -> None:
    url = back_from_payment(demo, Buyer(page))
    demo.sql("update payment set state = 'expired' where purchase_id = ?", demo.newest_order())
    demo.sql("update purchase set status = ? where id = ?", status, demo.newest_order())
    page.goto(url)


def expired(demo: Demo, page: Page) -> None:
    _ended(demo, page, "expired")


def paid_late(demo: Demo, page: Page) -> None:
    _ended(demo, page, "paid_late")


def cancelled(demo: Demo, page: Page) -> None:
    _ended(demo, page, "cancelled")


def staff_sign_in(demo: Demo, page: Page) -> None:
    signs_in(demo, page, "not it")


def staff_home(demo: Demo, page: Page) -> None:
    demo.sql(
        "insert or ignore into attention (id, kind, dedupe, purchase_id, reason, opened) select '0123456789abcdef0123456789abcdef',"
        " 'paid_late', 'look', id, '120.00 EUR arrived after the seats were given away. Refund it, or make room and seat them.',"
        " created from purchase limit 1"
    )
    signs_in(demo, page)
    page.get_by_role("heading", name="Live events").wait_for()


def to_timeline(page: Page) -> None:
    page.get_by_role("link", name="What happened to my payment").click()
    page.get_by_role("heading", name="What happened").wait_for()


def timeline_awaiting(demo: Demo, page: Page) -> None:
    awaiting(demo, page)
    to_timeline(page)


def timeline_declined(demo: Demo, page: Page) -> None:
    declined(demo, page)
    to_timeline(page)


def timeline_confirming(demo: Demo, page: Page) -> None:
    confirming(demo, page)
    to_timeline(page)


def timeline_paid(demo: Demo, page: Page) -> None:
    declined(demo, page)
    page.get_by_role("link", name="Pay €120.00").click()
    Buyer(page).pays(PAID_CARD)
    page.get_by_role("heading", name="Your ticket").wait_for()
    to_timeline(page)


def timeline_expired(demo: Demo, page: Page) -> None:
    expired(demo, page)
    to_timeline(page)


def staff_purchases(demo: Demo, page: Page) -> None:
    signs_in(demo, page)
    page.goto(f"{demo.base_url}/staff/purchases")


def staff_finds_nothing(demo: Demo, page: Page) -> None:
    signs_in(demo, page)
    page.goto(f"{demo.base_url}/staff/purchases?q=GP-0000-0000")


def staff_purchase(demo: Demo, page: Page) -> None:
    timeline_paid(demo, page)
    order = demo.newest_order()
    signs_in(demo, page)
    page.goto(f"{demo.base_url}/staff/purchases/{order}")
    page.locator("summary", has_text="payment.succeeded").click()


def staff_refund(demo: Demo, page: Page) -> None:
    timeline_paid(demo, page)
    order = demo.newest_order()
    signs_in(demo, page)
    page.goto(f"{demo.base_url}/staff/purchases/{order}/refund")
    page.get_by_label("What some people paid").check()
    page.get_by_label("Why?").fill("x")
    page.get_by_role("button", name="See what it means").click()
    page.get_by_role("alert").wait_for()


def staff_refund_shown(demo: Demo, page: Page) -> None:
    timeline_paid(demo, page)
    order = demo.newest_order()
    signs_in(demo, page)
    page.goto(f"{demo.base_url}/staff/purchases/{order}/refund")
    page.get_by_label("Why?").fill("She is ill")
    page.get_by_role("button", name="See what it means").click()
    page.get_by_role("button", name="Give it back").wait_for()


def returned(demo: Demo, page: Page) -> None:
    timeline_paid(demo, page)
    demo.sql(
        "update purchase set status = 'cancelled', hold_until = null where id = ?", demo.newest_order().replace("-", "")
    )
    page.goto(page.url.removesuffix("/timeline"))


def payment_step(demo: Demo, page: Page) -> None:
    buyer = Buyer(page)
    on_the_step(buyer, paid_on_the_page(demo))


def payment_step_declined(demo: Demo, page: Page) -> None:
    payment_step(demo, page)
    pays(page, POOR_CARD)
    page.get_by_role("alert").wait_for()


def embedded(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.told['gallery']}/test")
    page.get_by_text("frame-src lets").wait_for()


def embedded_payment(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.told['gallery']}/plain")
    fill_in(page)
    page.get_by_role("button", name="Continue to payment").click()
    step_in(page).get_by_role("button", name="Pay €120.00", disabled=False).wait_for()


def embed_check(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.base_url}/embed/check")
    page.get_by_label("Content-Security-Policy").fill("default-src 'self'")
    page.get_by_role("button", name="Test it").click()
    page.get_by_role("heading", name="Change these lines").wait_for()


def asking(demo: Demo, page: Page) -> None:
    """A question of each kind, each unanswered."""
    url = demo.event()
    demo.ask(url, "Badge name", 100000000, required=True)
    demo.ask(url, "First time here?", 100000001, required=True)
    demo.ask(url, "Meals", 100000002, "Lunch", "Dinner", required=True)
    demo.ask(url, "Size", 100000003, "S", "M", "L", "XL", "XXL", "XXXL", required=True)
    page.goto(url)
    Buyer(page).review()


def picking_a_language(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    page.locator(".picker summary").click()


def not_yet_open(demo: Demo, page: Page) -> None:
    page.goto(demo.event(registration_opens="2027-06-01T09:00:00.000000Z"))


def registration_closed(demo: Demo, page: Page) -> None:
    page.goto(demo.event(registration_closes="2020-01-01T00:00:00.000000Z"))


def over(demo: Demo, page: Page) -> None:
    page.goto(demo.event(starts="2020-01-01 09:00:00.000000", ends="2020-01-01 17:00:00.000000"))


def receipt(demo: Demo, page: Page) -> None:
    confirmed(demo, page)
    page.get_by_role("link", name="Receipt").click()
    page.get_by_text("Paid with").wait_for()


def one_ticket(demo: Demo, page: Page) -> None:
    confirmed(demo, page)
    page.get_by_role("link", name="Open this ticket alone").first.click()
    page.get_by_role("heading", name="Your ticket, ").wait_for()


def cancel_by_organizer(demo: Demo, page: Page) -> None:
    confirmed(demo, page)
    page.get_by_role("link", name="Cancel the order").click()
    page.get_by_role("link", name="Write to the organizer").wait_for()


def cancel_unpaid(demo: Demo, page: Page) -> None:
    awaiting(demo, page)
    page.get_by_role("link", name="Cancel the order").click()
    page.get_by_role("link", name="Keep it").wait_for()


def link_sent(demo: Demo, page: Page) -> None:
    awaiting(demo, page)
    page.get_by_role("button", name="Send me the link").click()
    page.get_by_role("heading", name="The link is on its way").wait_for()


def staff_people(demo: Demo, page: Page) -> None:
    staff_home(demo, page)
    page.goto(f"{demo.base_url}/staff/people")


def staff_audit(demo: Demo, page: Page) -> None:
    staff_home(demo, page)
    page.goto(f"{demo.base_url}/staff/audit")


def staff_second_factor(demo: Demo, page: Page) -> None:
    staff_home(demo, page)
    page.goto(f"{demo.base_url}/staff/account/second-factor")
    page.get_by_role("button", name="Set it up").click()


ATTENDEES = (
    home, details, picking_a_language, asking, errors, a_pass_sold_out, review, not_yet_open, sold_out, registration_closed,
    over, cancelled_event, unknown_event, awaiting, declined, confirming, confirmed, receipt, one_ticket,
    cancel_unpaid, cancel_by_organizer, link_sent, sent_again, by_hand, expired, paid_late, cancelled, returned, timeline_awaiting,
    timeline_declined, timeline_confirming, timeline_paid, timeline_expired, own_passes, waiting_list,
    waiting_list_errors, waiting_list_joined, waiting_list_leaving, waiting_list_left, too_much, no_other_card,
)  # fmt: skip
STAFF = (
    staff_sign_in, staff_home, staff_purchases, staff_finds_nothing, staff_purchase, staff_refund, staff_refund_shown,
    staff_people, staff_audit, staff_second_factor,
)  # fmt: skip
PAYING = (payment_step, payment_step_declined, embedded, embedded_payment, embed_check)
SCENES = (*ATTENDEES, *PAYING, *STAFF)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_every_page_is_for_everybody(demo: Demo, page: Page, scene: Scene) -> None:
    scene(demo, page)
    page.wait_for_load_state()

    assert page.evaluate("[...document.querySelectorAll('input:not([type=hidden])')].every(one => one.labels.length)")
    for width, scheme in ((320, "light"), (1280, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", ["/", "/e/nothing", "/orders/x", "/orders/x/timeline", "/staff/sign-in"])
def test_every_page_carries_its_headers(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in {"no-referrer", "same-origin"}
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "permissions-policy" in headers


def test_a_first_visit_is_light_and_nothing_moves(demo: Demo, window: Callable[..., Window]) -> None:
    """At most 60 kB over the wire, and no shift, also where the reader's own time is written beside the event's."""
    page = window(timezone_id="America/New_York").page
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.goto(demo.page_url, wait_until="networkidle")
    page.wait_for_timeout(300)

    assert 10_000 < sum(sizes) <= MAX_FIRST_VISIT_BYTES
    shifts = """new Promise(done => {
      let sum = 0;
      new PerformanceObserver(list => { for (const one of list.getEntries()) sum += one.value; })
        .observe({ type: "layout-shift", buffered: true });
      setTimeout(() => done(sum), 200);
    })"""
    assert page.evaluate(shifts) == 0


def test_the_style_sheet_stays_small() -> None:
    assert (STATIC / "gatepass.css").stat().st_size <= MAX_STYLE_BYTES


def test_forms_may_lead_to_the_payment_page_and_nowhere_else(demo: Demo, web: httpx.Client) -> None:
    policy = web.get(demo.page_url).headers["content-security-policy"]
    (targets,) = [part.split()[1:] for part in policy.split(";") if part.split()[0] == "form-action"]
    assert set(targets) == {"'self'", demo.base_url, demo.sandbox_url}


def test_by_keyboard_from_the_first_field_to_the_ticket(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    keys = page.keyboard
    tab_to(page, "input[type=radio]")
    keys.press("ArrowDown")
    expect(page.get_by_role("radio", name="Online")).to_be_checked()
    keys.press("ArrowUp")
    tab_to(page, "#att1-given")
    for text in ("Anna", "Schneider", "anna@fabrikam.example"):
        keys.type(text)
        keys.press("Tab")
    presses_enter(page)
    expect(page.get_by_role("heading", name="Is everything right?")).to_be_visible()
    tab_to(page, ".button.primary")
    presses_enter(page)
    page.wait_for_url(f"{demo.sandbox_url}/**")
    tab_to(page, f"button[name=fill][value='{PAID_CARD}']")
    presses_enter(page)
    tab_to(page, ".button.primary")
    presses_enter(page)
    page.get_by_role("heading", name="Your ticket").wait_for()
    tab_to(page, ".ticket a")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Your ticket, Anna")).to_be_visible()


def presses_enter(page: Page) -> None:
    """On something that leads to another page."""
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.wait_for_load_state()


def tab_to(page: Page, selector: str) -> None:
    """As somebody without a mouse: one element after the other, each in sight."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            box = page.locator(":focus").bounding_box()
            assert box
            assert box["width"] > 1
            return
    raise AssertionError(f"the Tab key does not reach {selector}")
