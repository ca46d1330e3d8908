"""Every page in every state: usable by all, whole on a phone, light and dark, and nothing from a foreign host.

GATEPASS_SHOTS=<directory> keeps a picture of each.
"""

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from .conftest import DEBIT_LATER, PAID_CARD, POOR_CARD, Buyer, Demo
from .test_order import back_from_payment
from .test_staff import signs_in

AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
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
    page.get_by_role("button", name="Give it back").click()
    page.get_by_role("alert").wait_for()


def returned(demo: Demo, page: Page) -> None:
    timeline_paid(demo, page)
    demo.sql(
        "update purchase set status = 'cancelled', hold_until = null where id = ?", demo.newest_order().replace("-", "")
    )
    page.goto(page.url.removesuffix("/timeline"))


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


SCENES = (
    home, details, errors, a_pass_sold_out, review, sold_out, cancelled_event, unknown_event, awaiting, declined, confirming,
    confirmed, by_hand, expired, paid_late, cancelled, timeline_awaiting, timeline_declined, timeline_confirming, timeline_paid,
    timeline_expired, staff_sign_in, staff_home, staff_purchases, staff_finds_nothing, staff_purchase, staff_refund, staff_people,
    staff_audit, staff_second_factor, returned,
)  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_every_page_is_for_everybody(demo: Demo, page: Page, scene: Scene) -> None:
    scene(demo, page)
    page.wait_for_load_state()

    assert page.evaluate("[...document.querySelectorAll('input:not([type=hidden])')].every(one => one.labels.length)")
    for width, scheme in product((320, 1280), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        keep_picture(page, f"{scene.__name__}-{width}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()


def keep_picture(page: Page, name: str) -> None:
    if directory := os.environ.get("GATEPASS_SHOTS"):
        page.screenshot(path=Path(directory) / f"{name}.png", full_page=True)


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


def test_a_first_visit_is_light(demo: Demo, page: Page) -> None:
    """At most 120 kB before compression, of which htmx is a third."""
    sizes: list[int] = []
    page.on("response", lambda answer: sizes.append(len(answer.body())))
    page.goto(demo.page_url, wait_until="networkidle")
    assert sum(sizes) < 120_000
