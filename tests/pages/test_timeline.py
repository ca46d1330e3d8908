"""Was I charged? The page says it to the buyer, keeps saying the truth while it is open, and asks nobody else."""

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import expect

from .conftest import DEBIT_LATER, PAID_CARD, Buyer, Demo, Window
from .test_order import back_from_payment, heading
from .test_staff import signs_in


def to_timeline(buyer: Buyer) -> None:
    buyer.page.get_by_role("link", name="What happened to my payment").click()
    expect(buyer.page.get_by_role("heading", name="What happened")).to_be_visible()


def test_from_nothing_to_charged_without_a_reload(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    buyer.registers(demo.page_url)
    buyer.pays(DEBIT_LATER)
    to_timeline(buyer)
    assert heading(buyer.page) == "Not yet: your bank is confirming €120.00."
    buyer.page.evaluate("window.notReloaded = true")

    ref = demo.sql("select session_ref from payment where purchase_id = ?", demo.newest_order())[0]["session_ref"]
    web.post(f"{demo.sandbox_url}/_sandbox/settle_async", json={"session": ref}).raise_for_status()

    expect(buyer.page.get_by_role("heading", level=1)).to_have_text("Yes, once: €120.00.", timeout=40_000)
    expect(buyer.page.get_by_role("status")).to_contain_text("Yes, once: €120.00.")
    assert buyer.page.title().startswith("Yes, once")
    assert buyer.page.evaluate("window.notReloaded") is True


def test_times_are_the_events_and_become_the_readers(
    demo: Demo, window: Callable[..., Window], web: httpx.Client
) -> None:
    far = Buyer(window(timezone_id="Asia/Tokyo").page)
    url = back_from_payment(demo, far)
    to_timeline(far)

    expect(far.page.get_by_text("Times in your own time zone (Asia/Tokyo)")).to_be_visible()
    assert far.page.locator("time[data-local]").count() == 0
    told = far.page.locator("ol.timeline time").first
    assert "Europe/Berlin" in (told.get_attribute("title") or "")
    served = web.get(f"{url}/timeline").text
    assert "Times in <bdi>Berlin (CE" in served
    assert re.search(
        r'<time datetime="[^"]+\+00:00" data-local="minutes">\w{3} \d+ \w{3}, \d+:\d\d [AP]M</time>', served
    )

    order = web.get(url).text
    assert re.search(r'Held until <time datetime="[^"]+">\d+:\d\d [AP]M CES?T on \w{3}', order)
    assert re.search(r'data-local="sentence">\d+:\d\d [AP]M CES?T on \w{3}', served)
    expect(far.page.get_by_text(re.compile(r"You can pay until \d+:\d\d.[AP]M GMT\+9 on "))).to_be_visible()

    near = Buyer(window(timezone_id="Europe/Berlin").page)
    near.page.goto(f"{url}/timeline")
    expect(near.page.get_by_text("Times in Berlin (CE")).to_be_visible()


def test_without_a_script_it_is_whole_and_looks_again(demo: Demo, buyer: Buyer, window: Callable[..., Window]) -> None:
    url = back_from_payment(demo, buyer)
    page = window(java_script_enabled=False, viewport={"width": 360, "height": 740}).page

    page.goto(f"{url}/timeline")

    assert heading(page) == "No. Nothing was charged."
    expect(page.get_by_text("You can pay until")).to_be_visible()
    assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_was_seen_is_not_sent_again(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    url = back_from_payment(demo, buyer)
    poll = re.search(r'hx-get="([^"]+)"', web.get(f"{url}/timeline").text)
    assert poll

    again = web.get(poll[1].replace("&amp;", "&"))

    assert again.status_code == 200
    assert "hx-swap-oob" not in again.text


def test_by_keyboard_to_the_payment(demo: Demo, buyer: Buyer) -> None:
    url = back_from_payment(demo, buyer)
    buyer.page.goto(f"{url}/timeline")

    for _ in range(10):
        buyer.page.keyboard.press("Tab")
        if buyer.page.evaluate("document.activeElement.textContent.trim()") == "Go to the payment":
            break
    buyer.page.keyboard.press("Enter")
    buyer.page.wait_for_url(url)


def test_staff_search_and_read_what_the_buyer_reads(demo: Demo, buyer: Buyer) -> None:
    buyer.registers(demo.page_url, person=("Ana", "Gomes", "ana.gomes@fabrikam.example"))
    buyer.pays(PAID_CARD)
    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in")
    to_timeline(buyer)
    reference = buyer.page.locator("code").first.inner_text()
    signs_in(demo, buyer.page)

    buyer.page.get_by_role("link", name="Purchases").click()
    buyer.page.get_by_label("Name, mail address, order or provider reference").fill("Ana.Gomes@fabrikam.example")
    buyer.page.keyboard.press("Enter")
    buyer.page.get_by_role("row").filter(has_text=reference).get_by_role("link").click()

    expect(buyer.page.get_by_role("heading", level=1)).to_have_text(reference)
    expect(buyer.page.get_by_role("heading", name="Yes, once: €120.00.")).to_be_visible()
    expect(buyer.page.get_by_text("Stripe sent checkout.session.completed")).to_be_visible()
    buyer.page.locator("summary", has_text="notification.applied").first.click()
    expect(buyer.page.get_by_text("evt_").first).to_be_visible()


def test_staff_sign_in_leads_back_to_the_purchase(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    back_from_payment(demo, buyer)
    order = demo.newest_order()

    assert web.get(f"/staff/purchases/{order}").headers["location"].endswith(f"next=%2Fstaff%2Fpurchases%2F{order}")
    assert web.get(f"/staff/purchases/{order}/state").status_code == 401
