"""Every page of the staff app, taken from the table of routes: usable by all, whole on a phone, light and dark."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from gatepass.web.staff import door
from gatepass.web.staff.routes import PAGES

from .conftest import PAID_CARD, PATIENCE_MS, Buyer, Demo
from .test_look import AXE
from .test_staff import signs_in

NO_PAGES = {
    "/staff/sign-in/elsewhere", "/staff/sign-in/back", "/staff/purchases/{purchase_id}/timeline.json",
    "/staff/purchases/{purchase_id}/state", "/staff/figures/now", "/staff/events/{event_id}/figures/now",
}  # fmt: skip
"""They lead elsewhere, are read by programs, or are a part of a page that stands here."""
BEFORE_SIGNING_IN = {page.path for page in PAGES if isinstance(page, door.Open)}
PATHS = [page.path for page in PAGES if page.method == "GET" and page.path not in NO_PAGES]
NOWHERE = {"/staff/first/{token}", "/staff/sign-in/code"}
"""Pages of a moment that is over here: test_first_day looks at them."""
VIEWS = ((360, "light"), (1280, "dark"))


@dataclass(frozen=True)
class Desk:
    """A browser with somebody signed in, one without, and what addresses are made of."""

    demo: Demo
    inside: Page
    outside: Page
    about: dict[str, str]

    def opens(self, path: str) -> Page:
        """The page of this route. Who it is was shown just now."""
        self.demo.sql(
            "update staff_session set confirmed = ?",
            f"{datetime.now(UTC).replace(tzinfo=None).isoformat('T', 'microseconds')}Z",
        )
        page = self.outside if path in BEFORE_SIGNING_IN else self.inside
        address = re.sub(r"\{(\w+)\}", lambda found: self.about[found[1]], path)
        answer = page.goto(f"{self.demo.base_url}{address}")
        assert answer
        assert (answer.status, urlsplit(page.url).path) == (200, address) or path in NOWHERE, page.url
        return page


@pytest.fixture(scope="module")
def desk(demo: Demo, browser: Browser) -> Iterator[Desk]:
    """An event with passes and a question, an order that is paid, and something that needs a person."""
    windows = [browser.new_context() for _ in range(2)]
    inside, outside = (window.new_page() for window in windows)
    for page in (inside, outside):
        page.set_default_timeout(PATIENCE_MS)
    # In the words that take most room.
    url = demo.event(registration_closes="2027-05-31T21:59:00.000000Z", time_zone="America/Argentina/ComodRivadavia")
    demo.ask(url, "Meals", 100000002, "Lunch", "Dinner")
    buyer = Buyer(outside)
    buyer.registers(url)
    buyer.pays(PAID_CARD)
    outside.get_by_role("heading", name="Your ticket").wait_for()
    signs_in(demo, inside)
    yield Desk(demo, inside, outside, _about(demo, url, inside))
    for window in windows:
        window.close()


def _about(demo: Demo, url: str, page: Page) -> dict[str, str]:
    event = demo.sql("select id from event where readable_id = ?", url.rpartition("/")[2])[0]["id"]
    order = demo.newest_order()
    demo.sql(
        "insert into attention (id, kind, dedupe, purchase_id, reason, opened) select ?, 'paid_late', ?, id, 'Late.', created"
        " from purchase where id = ?", uuid4().hex, f"look:{uuid4()}", order,
    )  # fmt: skip
    found = {
        "event_id": event, "purchase_id": order,
        "pass_id": demo.sql("select id from pass where event_id = ?", event)[0]["id"],
        "question_id": demo.sql("select id from event_field where event_id = ?", event)[0]["id"],
        "provider_id": demo.sql("select id from payment_provider")[0]["id"],
        "site_id": demo.sql("select id from web_application")[0]["id"],
        "user_id": demo.sql("select id from staff_user")[0]["id"],
    }  # fmt: skip
    return {name: str(UUID(value)) for name, value in found.items()} | {"token": _invited(demo, page)}


def _invited(demo: Demo, page: Page) -> str:
    """The token in the mail to somebody new."""
    page.goto(f"{demo.base_url}/staff/people")
    email = f"guest.{uuid4().hex[:8]}@contoso.example"
    form = {"email": email, "name": "Guest", "role": "viewer", "reason": "New"}
    answer = page.request.post(f"{demo.base_url}/staff/people", form=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.ok
    for _ in range(100):
        for path in demo.mail_dir.glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            if email in str(mail["to"]):
                return re.findall(r"/staff/link/(\S+)", mail.get_content())[0]
        page.wait_for_timeout(100)
    raise AssertionError("no mail came")


def test_what_is_left_out_is_there() -> None:
    assert {page.path for page in PAGES} >= NO_PAGES | NOWHERE


@pytest.mark.parametrize("path", PATHS)
def test_every_page_of_the_staff_app_is_for_everybody(desk: Desk, path: str) -> None:
    page = desk.opens(path)

    assert page.evaluate("[...document.querySelectorAll('input:not([type=hidden])')].every(one => one.labels.length)")
    for width, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()
