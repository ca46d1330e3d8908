"""Attendee pages in every language: nothing is left in English, nobody loses what was typed, mails follow."""

import re
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from gatepass.languages import PSEUDO
from gatepass.model.choices import YES

from .conftest import Buyer, Demo
from .test_registration import form

OURS = {"Sec-Fetch-Site": "same-origin"}
FOREIGN = {"bdi", "code", "time", "script", "style", "option"}
"""Elements that hold a name, an amount, a reference or a time."""
NO_END = {"meta", "link", "img", "input", "br", "use", "path", "rect", "circle"}
SPOKEN = ("aria-label", "alt", "title")


class Plain(HTMLParser):
    """Texts of a page that never went through a catalogue: with plain letters, and no name of somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.found += [value for name in SPOKEN if _plain(value := known.get(name) or "")]
        if tag not in NO_END:
            # A `lang` of its own is the name of a language.
            own = tag in FOREIGN or "prose" in (known.get("class") or "") or ("lang" in known and tag != "html")
            self._inside.append(own)

    def handle_endtag(self, tag: str) -> None:
        if tag not in NO_END:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._inside) and _plain(data):
            self.found.append(data.strip())


def _plain(text: str) -> bool:
    named = re.sub(
        rf"Contoso Summit|{PSEUDO}|Stripe|Online|Full pass|anna@fabrikam.example|(\w{{4}}-){{3}}\w{{4}}", "", text
    )
    return bool(re.search("[A-Za-z]{2,}", named))


def order_of(demo: Demo, web: httpx.Client, pass_name: str, agreed: str) -> str:
    """The path of a new order, made in the pseudo language."""
    typed = form(demo, **{"pass": demo.pass_id(pass_name), "agreed": agreed})
    answer = web.post(f"{demo.page_url}?lang={PSEUDO}", data=typed)
    assert answer.status_code == 303, answer.text
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    return urlsplit(told["returnUrl"][0] if "returnUrl" in told else answer.headers["location"]).path


def way_out_of_the_list(demo: Demo, web: httpx.Client) -> str:
    """The link by which somebody leaves a waiting list."""
    typed = form(demo, att1_email="waits@example.com")
    url = demo.event(capacity=0, waitlistthisevent=YES)
    passes = demo.sql(
        "select p.id from pass p join event e on e.id = p.event_id where e.readable_id = ?", url.rpartition("/")[2]
    )
    assert web.post(f"{url}/waitlist", data=typed | {"pass": passes[0]["id"]}).status_code == 303
    plain = mail_to(demo.mail_dir, "waits@example.com").get_body(("plain",))
    assert plain
    link = re.search(r"https?://\S+/waitlist/\S+", plain.get_content())
    assert link
    return link[0]


def test_every_text_goes_through_a_catalogue(demo: Demo, web: httpx.Client) -> None:
    page, free = urlsplit(demo.page_url).path, order_of(demo, web, "Online", "0.00 EUR")
    waiting = order_of(demo, web, "Full pass", "120.00 EUR")
    ticket = re.search(r'href="[^"]*(/tickets/[^"]+)"', web.get(free).text)
    assert ticket
    paths = [
        "/", page, "/e/nothing", "/nothing", free, waiting, "/orders/x", ticket[1],
        *(f"{order}/{part}" for order in (free, waiting) for part in ("timeline", "receipt", "cancel")),
        urlsplit(demo.event(capacity=0)).path,
        urlsplit(demo.event(status="cancelled")).path,
        urlsplit(demo.event(registration_opens="2027-06-01T00:00:00.000000Z")).path,
    ]  # fmt: skip
    answers = {path: web.get(f"{path}?lang={PSEUDO}") for path in paths}
    for step in ("details", "review", "register"):
        typed = form(demo, step=step, att1_given="", agreed="1.00 EUR") if step == "register" else form(demo, step=step)
        answers[step] = web.post(f"{page}?lang={PSEUDO}", data=typed, follow_redirects=True)
    answers["many"] = web.post(f"{page}?lang={PSEUDO}", data=form(demo, people="11", step="review"))
    answers["waiting"] = web.get(way_out_of_the_list(demo, web), params={"lang": PSEUDO})
    web.post(f"{free}/mail", headers=OURS)
    answers["mail"] = web.get(f"{free}/mail?lang={PSEUDO}")
    for what, answer in answers.items():
        read = Plain()
        read.feed(re.sub(r"<title>.*?</title>", "", answer.text))
        assert read.found == [], what
        assert f'<html lang="{PSEUDO}"' in answer.text, what


def test_the_browsers_language_is_spoken_and_another_can_be_picked(demo: Demo, web: httpx.Client) -> None:
    german = web.get(demo.page_url, headers={"Accept-Language": "de-CH, en;q=0.5"})
    assert '<html lang="de" dir="ltr">' in german.text
    assert "120,00 €" in german.text.replace("\xa0", " ")
    assert german.headers["content-language"] == "de"
    assert "set-cookie" not in german.headers

    arabic = web.get(f"{demo.page_url}?lang=ar", headers={"Accept-Language": "de"}).text
    assert '<html lang="ar" dir="rtl">' in arabic
    assert f'action="{urlsplit(demo.page_url).path}?lang=ar"' in arabic

    assert '<html lang="en"' in web.get(f"{demo.page_url}?lang=xx").text


def test_another_language_keeps_everything_typed(demo: Demo, page: Page) -> None:
    page.goto(demo.page_url)
    Buyer(page).fill_in(("Anna", "Schneider", "anna@fabrikam.example"))
    page.get_by_label("Organization").fill("Fabrikam GmbH")
    page.locator(".picker summary").click()
    page.get_by_role("button", name="Deutsch").click()

    expect(page.get_by_text("42 talks, 9 workshops")).to_be_visible()
    expect(page.get_by_label("Vorname")).to_have_value("Anna")
    expect(page.get_by_label("Organization")).to_have_value("Fabrikam GmbH")
    page.get_by_role("button", name="Weiter zum Prüfen").click()
    page.locator(".picker summary").click()
    page.get_by_role("button", name="العربية").click()
    expect(page.get_by_role("heading", name="هل كل شيء صحيح؟")).to_be_visible()
    expect(page.get_by_text("Anna Schneider")).to_be_visible()


@pytest.mark.parametrize(
    ("code", "subject", "hello"),
    [("de", "Ihre Eintrittskarte für", "Guten Tag Zoë,"), ("ar", "تذكرتك إلى", "مرحبًا \u2068Zoë\u2069،")],
)
def test_an_order_goes_on_in_its_language(demo: Demo, web: httpx.Client, code: str, subject: str, hello: str) -> None:
    address = f"zoe-{code}@example.com"
    typed = form(demo, **{"pass": demo.pass_id("Online"), "agreed": "0.00 EUR"})
    typed |= {"att1_given": "Zoë", "att1_email": address}
    order = web.post(f"{demo.page_url}?lang={code}", data=typed).headers["location"]

    # On another device, whose browser asks for something else.
    assert f'<html lang="{code}"' in web.get(order, headers={"Accept-Language": "en"}).text
    mail = mail_to(demo.mail_dir, address)
    assert str(mail["subject"]).startswith(subject)
    plain = mail.get_body(("plain",))
    assert plain
    assert hello in plain.get_content()


def mail_to(directory: Path, address: str, subject: str = "") -> EmailMessage:
    """The mail that somebody gets, when it comes."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for path in directory.glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            if address in str(mail["to"]) and subject in str(mail["subject"]):
                assert isinstance(mail, EmailMessage)
                return mail
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address}")
