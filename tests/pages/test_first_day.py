"""From an empty database to the first paid registration in a real browser, by clicks alone."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.system import free_port, process, wait_for
from tests.flows.test_pictures import png

from .conftest import PAID_CARD, PATIENCE_MS, Buyer

MAIL, PASSWORD = "first@contoso.example", "plum kettle orbit harbour"
STEP_S = 30
"""An authenticator's code is another one after so many seconds, and the next one is taken too."""


@dataclass(frozen=True)
class Bare:
    """`gatepass serve` on an empty database, and a payment provider next door that has never heard of it."""

    first_link: str
    base_url: str
    provider_key: str


@contextmanager
def bare(directory: Path) -> Iterator[Bare]:
    """Both as somebody starts them who has read the README."""
    port, provider = free_port(), free_port()
    nowhere = "http://127.0.0.1:9/nowhere"
    shop = [
        "gatepass",
        "sandbox",
        "--port",
        str(provider),
        "--webhook-url",
        nowhere,
        "--data-dir",
        str(directory / "theirs"),
    ]
    variables = {
        "GATEPASS_STRIPE_API_BASE": f"http://127.0.0.1:{provider}", "GATEPASS_BASE_URL": f"http://127.0.0.1:{port}",
        "GATEPASS_STAFF_SECOND_FACTOR": "required", "GATEPASS_DATABASE_URL": f"sqlite:///{directory / 'own.db'}",
        "GATEPASS_PULL_SECONDS": "0",
    }  # fmt: skip
    with process(shop) as run:
        assert run.stdout
        key = next(line for line in iter(run.stdout.readline, b"") if line.startswith(b"GATEPASS_STRIPE_SECRET_KEY="))
        with _served(directory, port, variables) as said:
            link = re.search(r"http\S+/staff/first/\S+", said)
            assert link, said
            yield Bare(link[0], f"http://127.0.0.1:{port}", key.decode().strip().partition("=")[2])


@contextmanager
def _served(directory: Path, port: int, variables: dict[str, str]) -> Iterator[str]:
    """What it says at its first start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEPASS_")}
    command = [sys.executable, "-m", "gatepass", "serve", "--port", str(port), "--data-dir", str(directory / "own")]
    said = directory / "said.txt"
    with said.open("wb") as errors:
        run = subprocess.Popen(command, env=kept | variables, stderr=errors)
    try:
        wait_for(port, run)
        yield said.read_text()
    finally:
        run.terminate()
        run.wait(PATIENCE_MS / 1000)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that stops at whatever a page complains of."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, complaints = context.new_page(), list[str]()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def test_from_an_empty_database_to_the_first_paid_registration_by_clicks(tmp_path: Path, page: Page) -> None:
    with bare(tmp_path) as here:
        secret = makes_the_first_account(page, here)
        signs_out_and_in(page, secret)
        switches_payments_on(page)
        connects_the_provider(page, here)
        lets_a_site_in(page)
        plans_an_event(page)
        address = goes_live(page)
        buys_a_pass(page, address)
        sees_it_paid(page, here)


def clicks(page: Page, name: str) -> None:
    """A link or a button of this name."""
    page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).first.click()
    page.wait_for_load_state()


def fills_in(page: Page, **texts: str) -> None:
    """Fields by the words before them, which stand for blanks with _."""
    for label, text in texts.items():
        page.get_by_label(re.compile(rf"^{re.escape(label.replace('_', ' '))}( optional)?$")).fill(text)


def goes_to(page: Page, name: str) -> None:
    """By the menu."""
    page.get_by_role("navigation", name="Staff").get_by_role("link", name=name, exact=True).click()
    page.wait_for_load_state()


def makes_the_first_account(page: Page, here: Bare) -> str:
    """With a second factor, which this installation asks for; its secret."""
    page.goto(here.first_link)
    fills_in(page, Email=MAIL, Name="First", New_password=PASSWORD)
    clicks(page, "Make the account")
    signs_in(page)
    clicks(page, "Set it up")
    secret = page.locator("code").first.inner_text()
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).now())
    clicks(page, "Turn it on")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    clicks(page, "I have them")
    return secret


def signs_in(page: Page) -> None:
    fills_in(page, Email=MAIL, Password=PASSWORD)
    clicks(page, "Sign in")


def signs_out_and_in(page: Page, secret: str) -> None:
    clicks(page, "Sign out")
    page.goto(f"{page.url.partition('/staff')[0]}/staff")
    signs_in(page)
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).at(int(time.time()) + STEP_S))
    clicks(page, "Sign in")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def switches_payments_on(page: Page) -> None:
    goes_to(page, "Feature switches")
    page.get_by_role("listitem").filter(has_text="Enable payments").get_by_role("button", name="Switch on").click()


def connects_the_provider(page: Page, here: Bare) -> None:
    goes_to(page, "Payment providers")
    clicks(page, "New payment provider")
    fills_in(page, Provider_name="Our Stripe")
    clicks(page, "Make it")
    fills_in(page, Secret_key=here.provider_key)
    clicks(page, "Store this key")
    expect(page.get_by_text("Stripe accepts it")).to_be_visible()
    clicks(page, "Register the webhook")
    clicks(page, "Check the connection")
    findings = page.get_by_role("region", name="Connection, just now")
    expect(findings.get_by_text("Broken")).to_have_count(0)
    expect(findings.get_by_text("Fine")).not_to_have_count(0)


def lets_a_site_in(page: Page) -> None:
    goes_to(page, "Web applications")
    clicks(page, "New web application")
    fills_in(page, Name="Shop", Origins="https://shop.example")
    clicks(page, "Make it")
    expect(page.get_by_role("heading", name="The token")).to_be_visible()


def plans_an_event(page: Page) -> None:
    goes_to(page, "Events")
    clicks(page, "New event")
    fills_in(
        page, Event_name="Winter School", Place="Spreehalle, Berlin", Description="Three days.", Places_in_all="40"
    )
    fills_in(page, Event_start_date="2027-12-01T09:00", Event_end_date="2027-12-03T17:00", Time_zone="Europe/Berlin")
    page.get_by_label("Currency").select_option(label="EUR")
    clicks(page, "Make the event")
    page.get_by_label("Another picture").set_input_files({"name": "hall.png", "mimeType": "image/png", "buffer": png()})
    clicks(page, "Put it on the page")
    clicks(page, "Add a pass")
    fills_in(page, Name="Full pass", Price="743.00", Places="30")
    clicks(page, "Add the pass")
    clicks(page, "Add a question")
    fills_in(page, Question="Badge name")
    clicks(page, "Add the question")


def goes_live(page: Page) -> str:
    """Nothing is missing; the address of its page."""
    expect(page.get_by_text("costs €743.00")).to_be_visible()
    clicks(page, "Go live")
    expect(page.get_by_role("status")).to_contain_text("The event is live")
    return page.get_by_label("Address of the registration page").inner_text()


def buys_a_pass(page: Page, address: str) -> None:
    page.goto(address)
    buyer = Buyer(page)
    buyer.fill_in(("Anna", "Schneider", "anna@fabrikam.example"))
    page.get_by_label("Badge name").fill("Anna S.")
    buyer.review()
    clicks(page, "Pay ")
    buyer.pays(PAID_CARD)
    page.get_by_role("heading", name="Your ticket").wait_for()


def sees_it_paid(page: Page, here: Bare) -> None:
    page.goto(f"{here.base_url}/staff")
    goes_to(page, "Purchases")
    row = page.get_by_role("row", name="Anna Schneider")
    expect(row).to_contain_text("Completed")
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="€743.00 was charged")).to_be_visible()
    expect(page.get_by_role("region", name="Attendees")).to_contain_text("Badge name")
    expect(page.get_by_role("region", name="Attendees")).to_contain_text("Anna S.")
    goes_to(page, "Events")
    clicks(page, "Winter School")
    expect(page.get_by_text("Notifications of Our Stripe arrive.")).to_be_visible()
    expect(page.get_by_role("link", name="Put it right")).to_have_count(0)
