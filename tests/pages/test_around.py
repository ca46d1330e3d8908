"""Around a purchase: calendar, receipt, tickets to pass on, the link on another device, and the way to cancel."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect

from gatepass.services.calendar import MAX_LINE_BYTES, Entry, text_of
from gatepass.web.pages.markdown import to_html

from .conftest import PAID_CARD, Buyer, Demo
from .test_languages import OURS, mail_to
from .test_registration import form


def free_order(demo: Demo, web: httpx.Client, email: str = "anna@fabrikam.example") -> str:
    typed = form(demo, **{"pass": demo.pass_id("Online"), "agreed": "0.00 EUR", "att1_email": email})
    return web.post(demo.page_url, data=typed).headers["location"]


def unpaid_order(demo: Demo, web: httpx.Client) -> str:
    location = web.post(demo.page_url, data=form(demo)).headers["location"]
    return parse_qs(urlsplit(location).query)["returnUrl"][0]


def status(demo: Demo) -> str:
    return demo.sql("select status from purchase where id = ?", demo.newest_order())[0]["status"]


def test_a_paid_order_has_all_that_a_buyer_needs(demo: Demo, buyer: Buyer, web: httpx.Client) -> None:
    buyer.registers(demo.page_url, person=("Ana", "Gomes", "ana.paid@example.com"))
    buyer.pays(PAID_CARD)
    expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("You’re in, Ana")
    order = buyer.page.url

    entry = web.get(f"{order}/calendar.ics")
    assert entry.headers["content-type"].startswith("text/calendar")
    assert "DTSTART:20270610T070000Z" in entry.text
    receipt = web.get(f"{order}/receipt").text
    assert "Total paid" in receipt
    assert re.search(r"pi_\w+", receipt)
    assert "Only the organizer" not in web.get(f"{order}/cancel").text
    assert web.post(f"{order}/cancel", headers=OURS).headers["location"].endswith("/cancel")
    assert status(demo) == "completed"

    mail = mail_to(demo.mail_dir, "ana.paid@example.com", "Your pass")
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "text/calendar",
    ]  # fmt: skip
    html = mail.get_body(("html",))
    assert html
    for part in (html.get_content(), receipt):
        assert re.search(r"GP-\w{4}-\w{4}", part)
    assert "/tickets/" in html.get_content()


def test_a_ticket_can_be_passed_on_without_the_order(demo: Demo, web: httpx.Client) -> None:
    order = free_order(demo, web)
    link = re.search(r'href="([^"]*/tickets/[^"]+)"', web.get(order).text)
    assert link

    ticket = web.get(link[1])
    assert 'class="qr"' in ticket.text
    assert "/orders/" not in ticket.text

    web.post(f"{order}/cancel", headers=OURS)
    assert "This ticket does not open the door" in web.get(link[1]).text
    assert web.get(link[1].replace("/tickets/", "/orders/")).status_code == 404


def test_the_link_comes_by_mail_once_an_hour(demo: Demo, web: httpx.Client) -> None:
    order = free_order(demo, web, "back@example.com")
    unasked = web.get(f"{order}/mail")
    assert (unasked.status_code, unasked.headers["location"]) == (303, urlsplit(order).path)
    for _ in range(3):
        assert web.post(f"{order}/mail", headers=OURS).status_code == 303

    mail = mail_to(demo.mail_dir, "back@example.com", "The link to your order")
    plain = mail.get_body(("plain",))
    assert plain
    found = re.search(r"http\S+/orders/\S+", plain.get_content())
    assert found
    with httpx.Client(trust_env=False) as another_device:
        assert "You’re in" in another_device.get(found[0]).text
    sent = demo.sql("select count(*) from job where kind = 'send_link' and dedupe like ?", f"%{_uuid(demo)}")
    assert sent[0][0] == 1


def _uuid(demo: Demo) -> str:
    at = demo.newest_order().replace("-", "")
    return f"{at[:8]}-{at[8:12]}-{at[12:16]}-{at[16:20]}-{at[20:]}"


@pytest.mark.parametrize("make", [free_order, unpaid_order])
def test_what_is_free_or_not_paid_can_be_cancelled(demo: Demo, web: httpx.Client, make) -> None:
    order = make(demo, web)
    assert web.post(f"{order}/cancel", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 422
    assert status(demo) != "cancelled"

    assert "Cancel order" in web.get(f"{order}/cancel").text
    assert web.post(f"{order}/cancel", headers=OURS).status_code == 303

    assert status(demo) == "cancelled"
    assert "This order was cancelled" in web.get(order).text
    assert web.post(f"{order}/cancel", headers=OURS).headers["location"].endswith("/cancel")


def test_before_the_opening_there_is_a_date_to_keep(demo: Demo, web: httpx.Client) -> None:
    url = demo.event(registration_opens="2027-06-01T09:00:00.000000Z")

    closed = web.get(url)
    assert closed.status_code == 200
    assert "Registration has not opened yet" in closed.text
    entry = web.get(f"{url}/calendar.ics").text
    assert "DTSTART:20270601T090000Z" in entry
    assert "BEGIN:VALARM" in entry
    refused = web.post(url, data=form(demo))
    assert "Registration has not opened yet" in refused.text


@pytest.mark.parametrize(("color", "rule"), [("#0b7a6b", ":root{--event:#0b7a6b}\n"), ("red}*{x:1", ""), (None, "")])
def test_an_event_sets_its_colour_and_nothing_else(demo: Demo, web: httpx.Client, color: str | None, rule: str) -> None:
    url = demo.event(color=color[:7] if color else None)
    assert web.get(f"{url}/theme.css").text == rule


LINE = st.text(st.characters(blacklist_categories=["Cs"]))


@given(LINE, LINE)
def test_a_calendar_entry_survives_any_name(title: str, place: str) -> None:
    at = datetime(2027, 6, 10, 9, tzinfo=UTC)
    text = text_of(Entry("1@gatepass", title, at, at + timedelta(hours=1), place, "https://example.com/"), at)

    lines = text.split("\r\n")
    assert all(len(line.encode()) <= MAX_LINE_BYTES for line in lines)
    names = [line.partition(":")[0] for line in text.replace("\r\n ", "").split("\r\n")]
    assert names == [
        "BEGIN", "VERSION", "PRODID", "METHOD", "BEGIN", "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "LOCATION",
        "URL", "END", "END", "",
    ]  # fmt: skip


@given(st.text() | st.text("<>[]()!\"'&;:/ *_`#\nabjavscriptonerror=", max_size=80))
def test_a_story_never_runs_and_never_fetches(story: str) -> None:
    tags = set(re.findall(r"<\s*(/?\w+)", to_html(story)))
    assert {tag.strip("/") for tag in tags} <= {
        "p", "em", "strong", "a", "ul", "ol", "li", "code", "pre", "blockquote", "h2", "h3", "h4", "hr", "br",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("story", "html"),
    [
        ("**bold**", "<p><strong>bold</strong></p>\n"),
        ("<b onclick=x>", "<p>&lt;b onclick=x&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        ("[x](https://a.example/)", '<p><a href="https://a.example/">x</a></p>\n'),
        ("# Big", "<h2>Big</h2>\n"),
        ("![x](https://a.example/x.png)", '<p>!<a href="https://a.example/x.png">x</a></p>\n'),
    ],
)
def test_markdown_is_what_it_should_be(story: str, html: str) -> None:
    assert str(to_html(story)) == html
