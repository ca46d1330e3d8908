"""The whole demo in a process of its own, and a real browser in front of it."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.browser import ARGUMENTS, chromium_path

PAID_CARD, POOR_CARD, DEBIT_LATER = "4242424242424242", "4000000000009995", "AT611904300234573201"
PATIENCE_MS = 15_000


@dataclass(frozen=True)
class Demo:
    """A running `gatepass demo`; `told` is the line it printed."""

    told: dict[str, Any]
    database: Path

    @property
    def base_url(self) -> str:
        return self.told["base_url"]

    @property
    def page_url(self) -> str:
        return self.told["registration_page"]

    @property
    def sandbox_url(self) -> str:
        return self.told["sandbox"]["url"]

    def pass_id(self, name: str) -> str:
        return next(one["pass_id"] for one in self.told["event"]["passes"] if one["name"] == name)

    def sql(self, statement: str, *values: object) -> list[sqlite3.Row]:
        """Straight into the tables: for states that would take days to come by themselves."""
        connection = sqlite3.connect(self.database, timeout=20)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def event(self, **changes: object) -> str:
        """A copy of the sample event with its passes, nothing sold, some columns changed; its address."""
        sample = dict(self.sql("select * from event where readable_id = ?", self.told["event"]["readable_event_id"])[0])
        made = sample | {"id": uuid4().hex, "readable_id": f"copy-{uuid4().hex[:8]}", "held": 0, "sold": 0} | changes
        self._insert("event", made)
        passes = self.sql("select * from pass where event_id = ? order by id", sample["id"])
        for number, one in enumerate(passes):
            # Shown in the order of their ids.
            self._insert(
                "pass",
                dict(one) | {"id": f"{number:08x}{uuid4().hex[8:]}", "event_id": made["id"], "held": 0, "sold": 0},
            )
        return f"{self.base_url}/e/{made['readable_id']}"

    def ask(self, url: str, text: str, kind: int, *choices: str, required: bool = False) -> str:
        """A question of an event; its id as the tables write it. `kind` as in `QuestionKind`."""
        asked, now, nobody = uuid4().hex, "2026-01-01T00:00:00.000000Z", "0" * 32
        event = self.sql("select id from event where readable_id = ?", url.rpartition("/")[2])[0]["id"]
        mine = {"created": now, "version": 1, "state": 0, "reason": 1, "created_by": nobody, "changed_by": nobody}
        mine["owner"] = nobody
        field = {"id": asked, "text": text, "type": kind, "isrequired": required, "choices": "\n".join(choices) or None}
        self._insert("custom_field", field | mine)
        place = self.sql("select count(*) from event_field")[0][0]
        link = {"id": uuid4().hex, "customregistrationfield_id": asked, "event_id": event, "position": place}
        self._insert("event_field", link | mine)
        return asked

    @property
    def mail_dir(self) -> Path:
        return Path(self.told["mail_dir"])

    def change_event(self, url: str, table: str, **changes: object) -> None:
        """Change columns of an event, or of all its passes."""
        columns = ", ".join(f"{name} = ?" for name in changes)
        key = "id" if table == "event" else "event_id"
        readable_id = url.rpartition("/")[2]
        self.sql(
            f"update {table} set {columns} where {key} = (select id from event where readable_id = ?)",
            *changes.values(),
            readable_id,
        )

    def newest_order(self) -> str:
        """The id of the newest purchase, as the tables write it."""
        return self.sql("select id from purchase order by created desc limit 1")[0]["id"]

    def _insert(self, table: str, row: dict[str, object]) -> None:
        marks = ", ".join("?" * len(row))
        self.sql(f"insert into {table} ({', '.join(row)}) values ({marks})", *row.values())


@contextmanager
def running_demo(directory: Path) -> Iterator[Demo]:
    """The demo, from its first line to its end."""
    command = [sys.executable, "-m", "gatepass", "demo", "--port", "0", "--data-dir", str(directory), "--json"]
    with (directory / "stderr.txt").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (directory / "stderr.txt").read_text()
            yield Demo(json.loads(line), directory / "gatepass.db")
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


@pytest.fixture
def web(demo: Demo) -> Iterator[httpx.Client]:
    """A program without a browser's manners."""
    with httpx.Client(base_url=demo.base_url, trust_env=False, timeout=20) as client:
        yield client


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Window:
    """A browser window that remembers what no page of ours may do."""

    page: Page
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def window(browser: Browser, demo: Demo) -> Iterator[Callable[..., Window]]:
    """Opens windows; fails the test when one asked a foreign host, or the content policy stopped something."""
    contexts: list[tuple[BrowserContext, Window]] = []

    def open_window(**options: Any) -> Window:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        made = Window(context.new_page())
        made.page.set_default_timeout(PATIENCE_MS)
        _watch(made, [demo.base_url, demo.sandbox_url, demo.told["gallery"]])
        contexts.append((context, made))
        return made

    yield open_window
    for context, made in contexts:
        context.close()
        assert made.foreign == []
        assert made.complaints == []


@pytest.fixture
def page(window: Callable[..., Window]) -> Page:
    return window().page


def _watch(window: Window, known: Sequence[str]) -> None:
    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and f"{parts.scheme}://{parts.netloc}" not in known:
            window.foreign.append(request.url)

    def said(message: ConsoleMessage) -> None:
        # A page with status 4xx is logged as an error by the browser itself.
        if message.type == "error" and "Failed to load resource" not in message.text:
            window.complaints.append(message.text)

    window.page.on("request", asked)
    window.page.on("console", said)
    window.page.on("pageerror", lambda error: window.complaints.append(str(error)))


@dataclass(frozen=True)
class Buyer:
    """What a person does, by the words on the page."""

    page: Page

    def fill_in(self, *people: tuple[str, str, str]) -> None:
        for number, (given, family, email) in enumerate(people):
            self.page.get_by_label("First name").nth(number).fill(given)
            self.page.get_by_label("Last name").nth(number).fill(family)
            self.page.get_by_label("Email").nth(number).fill(email)

    def review(self) -> None:
        self.page.get_by_role("button", name="Continue to review").click()
        self.page.wait_for_load_state()

    def registers(self, url: str, pass_name: str = "Full pass", person: tuple[str, str, str] | None = None) -> None:
        self.page.goto(url)
        self.page.get_by_role("radio", name=pass_name).first.check()
        self.fill_in(person or ("Anna", "Schneider", "anna@fabrikam.example"))
        self.review()
        self.page.get_by_role("button", name="Pay ").or_(self.page.get_by_role("button", name="Register")).click()
        self.page.wait_for_load_state()

    def pays(self, card: str) -> None:
        """On the sandbox's page."""
        more = self.page.get_by_text("More test cards")
        shown = self.page.locator(f"button[name=fill][value='{card}']")
        if not shown.is_visible():
            more.click()
        shown.click()
        self.page.wait_for_load_state()
        self.page.get_by_role("button", name="Pay ").click()
        self.page.wait_for_load_state()


@pytest.fixture
def buyer(page: Page) -> Buyer:
    return Buyer(page)
