"""The command line as a person, a script and an init system use it: real processes, real directories."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from gatepass.domain.purchase import order_reference
from tests import commands

GATEPASS = [sys.executable, "-m", "gatepass"]
PATIENCE_S = 20


@dataclass(frozen=True)
class Demo:
    """A running `gatepass demo --json`; everything it wrote is in the two files."""

    process: subprocess.Popen[bytes]
    told: dict[str, Any]
    stdout: Path
    stderr: Path

    def register(self, **attendee: Any) -> dict[str, Any]:
        """Register one person for the first pass that costs something."""
        api, event = self.told["events_api"], self.told["event"]
        person = {"firstName": "Ada", "lastName": "Byron", "email": "ada@example.org", "passId": self.paid_pass()}
        url = f"{api['endpoint']}events/{event['readable_event_id']}/registrations"
        body = {"attendees": [person | attendee]}
        answer = httpx.post(
            url, params={"emApplicationtoken": api["token"]}, json=body, headers={"Origin": api["origin"]}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def paid_pass(self) -> str:
        return next(one["pass_id"] for one in self.told["event"]["passes"] if one["price"])

    def finalize(self, purchase_id: str, token: str | None = None) -> httpx.Response:
        """The custom API."""
        return httpx.post(
            f"{self.told['dataverse']['url']}/api/data/v9.1/msevtmgt_finalizeregistrationpayment",
            json={"msevtmgt_purchaseid": purchase_id, "msevtmgt_paymentstatus": 100000001},
            headers={"Authorization": f"Bearer {token or self.told['dataverse']['token']}"},
        )


@contextmanager
def demo(directory: Path, **variables: str) -> Iterator[Demo]:
    """Start it on free ports, wait until it says that it is ready, stop it at the end as Ctrl+C does."""
    directory.mkdir(parents=True, exist_ok=True)
    out, err = directory / "stdout.log", directory / "stderr.log"
    command = [*GATEPASS, "demo", "--port", "0", "--json", "--data-dir", str(directory / "data")]
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=_environment() | variables)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not out.read_bytes().endswith(b"\n"):
            assert process.poll() is None, err.read_text()
            assert time.monotonic() < deadline, "it did not say that it is ready"
            time.sleep(0.02)
        yield Demo(process, json.loads(out.read_text().splitlines()[0]), out, err)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)


def test_help_answers_at_once() -> None:
    """It loads nothing that only a command needs."""
    shown = subprocess.run([*GATEPASS, "--help"], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert shown.returncode == 0
    for command in ("demo", "serve", "worker", "migrate", "sandbox", "doctor", "switch", "timeline"):
        assert command in shown.stdout
    asked = "import sys, gatepass.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlalchemy", "starlette", "stripe", "httpx", "jinja2", "alembic"} & set(loaded)


def test_the_demo_says_in_one_line_where_everything_is(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        told = running.told
        assert running.stdout.read_text().count("\n") == 1
        assert set(told) == {
            "base_url", "registration_page", "events_api", "event", "dataverse", "staff", "sandbox", "mail_dir", "gallery",
        }  # fmt: skip
        assert set(told["events_api"]) == {"endpoint", "token", "origin"}
        assert set(told["event"]) == {"readable_event_id", "event_id", "passes"}
        assert {frozenset(one) for one in told["event"]["passes"]} == {
            frozenset({"pass_id", "name", "price", "currency"})
        }
        assert set(told["dataverse"]) == {"url", "token", "tenant_id", "client_id", "client_secret", "authority"}
        assert set(told["staff"]) == {"url", "email", "password"}
        assert set(told["sandbox"]) == {"url", "stripe_secret_key", "stripe_webhook_secret"}
        for url in (told["base_url"], told["registration_page"], told["staff"]["url"], told["sandbox"]["url"]):
            assert httpx.get(url, follow_redirects=True).status_code == 200, url
        registered = running.register()
        assert registered["status"] == "Redirect"
        assert running.finalize(registered["purchaseId"]).status_code == 204
    assert running.process.returncode == 0
    assert running.stdout.read_text().count("\n") == 1


def test_the_timeline_tells_one_purchase_by_id_and_by_reference(tmp_path: Path) -> None:
    where = ["--data-dir", str(tmp_path / "data")]
    with demo(tmp_path) as running:
        purchase_id = running.register()["purchaseId"]
        unpaid = commands.gatepass("timeline", purchase_id, *where)
        assert running.finalize(purchase_id).status_code == 204
        told = json.loads(commands.gatepass("timeline", purchase_id, "--json", *where).stdout)
        by_name = commands.gatepass("timeline", told["reference"].lower(), *where)
        unknown = commands.gatepass("timeline", "GP-0000-0000", *where)

    assert (unpaid.returncode, "No. Nothing was charged." in unpaid.stdout) == (0, True), unpaid.stderr
    assert (told["purchaseId"], told["answer"]["charged"]) == (purchase_id, "charged")
    assert by_name.stdout.startswith(told["reference"])
    assert "finalize" in by_name.stdout
    assert (unknown.returncode, "GP-0000-0000" in unknown.stderr) == (2, True)


def test_a_restart_finds_everything_as_it_was(tmp_path: Path) -> None:
    with demo(tmp_path) as first:
        order = first.register()
    with demo(tmp_path) as second:
        for kept in ("event", "mail_dir"):
            assert second.told[kept] == first.told[kept]
        for part, member in (
            ("events_api", "token"),
            ("dataverse", "token"),
            ("staff", "password"),
            ("sandbox", "stripe_secret_key"),
        ):
            assert second.told[part][member] == first.told[part][member]
        assert (
            urlsplit(second.told["events_api"]["endpoint"]).path == urlsplit(first.told["events_api"]["endpoint"]).path
        )

        link = urlsplit(order["redirectUrl"])
        here = urlsplit(second.told["base_url"])
        opened = httpx.get(link._replace(scheme=here.scheme, netloc=here.netloc).geturl())

        assert opened.status_code == 302, opened.text
        assert second.finalize(order["purchaseId"]).status_code == 204
        assert urlsplit(second.register()["redirectUrl"]).netloc == here.netloc


def test_doctor_tells_by_its_exit_code_how_things_stand(tmp_path: Path) -> None:
    where = ["--data-dir", str(tmp_path)]
    assert commands.gatepass("doctor", *where).returncode == 2

    migrated = commands.gatepass("migrate", *where)
    assert (migrated.returncode, "The schema is at" in migrated.stdout) == (0, True)
    fine = commands.gatepass("doctor", *where)
    assert fine.returncode == 0, fine.stdout
    assert "BROKEN" not in fine.stdout
    assert fine.stdout.count("promise") >= 10

    _sql(
        tmp_path,
        "insert into job (id, kind, payload, state, due, attempt, failures, created) values "
        "('00000000000000000000000000000001', 'x', '{}', 'parked', '2026-01-01T00:00:00.000000Z', 1, 1, '2026-01-01T00:00:00.000000Z')",
    )
    broken = commands.gatepass("doctor", *where)
    assert broken.returncode == 1
    assert "BROKEN promise 7: no work is parked out of sight" in broken.stdout


def test_doctor_counts_what_needs_a_person(tmp_path: Path) -> None:
    commands.gatepass("migrate", "--data-dir", str(tmp_path))
    _sql(
        tmp_path,
        "insert into attention (id, kind, dedupe, purchase_id, reason, opened) values "
        "('00000000000000000000000000000001', 'paid_late', 'x', '00000000000000000000000000000002', "
        "'Money without a seat', '2026-01-01T00:00:00.000000Z')",
    )

    found = commands.gatepass("doctor", "--data-dir", str(tmp_path))
    listed = commands.gatepass("attention", "--data-dir", str(tmp_path))

    assert found.returncode == 1
    assert f"{order_reference(UUID(int=2))}: Money without a seat" in found.stdout
    assert order_reference(UUID(int=2)) in listed.stdout


def test_a_switch_is_put_on_and_off(tmp_path: Path) -> None:
    where = ["--data-dir", str(tmp_path)]
    early = commands.gatepass("switch", "payments", "on", *where)
    assert (early.returncode, "gatepass migrate" in early.stderr) == (2, True)
    commands.gatepass("migrate", *where)

    for to in ("on", "off", "on"):
        assert commands.gatepass("switch", "payments", to, *where).stdout == f"payments is {to}.\n"
        assert _sql(tmp_path, "select value from setting where name = 'switch.payments'") == [(to,)]
    unknown, unclear = (
        commands.gatepass("switch", "pigeons", "on", *where),
        commands.gatepass("switch", "payments", "maybe", *where),
    )

    assert (unknown.returncode, unclear.returncode) == (2, 2)
    assert "pigeons" in unknown.stderr
    assert len(_sql(tmp_path, "select * from audit where action = 'switch'")) == 3


def test_the_worker_stops_when_it_is_told_to_and_needs_a_schema(tmp_path: Path) -> None:
    assert commands.gatepass("worker", "--data-dir", str(tmp_path)).returncode == 2
    commands.gatepass("migrate", "--data-dir", str(tmp_path))

    working = subprocess.Popen(
        [*GATEPASS, "worker", "--data-dir", str(tmp_path)], env=_environment(), stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + PATIENCE_S
    while not _sql(tmp_path, "select id from job where attempt > 0"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    working.send_signal(signal.SIGTERM)

    _, said = working.communicate(timeout=PATIENCE_S)
    assert (working.returncode, said) == (0, b"")


@pytest.mark.parametrize(
    "command", [["serve"], ["worker"], ["migrate"], ["doctor"], ["switch", "payments", "on"], ["demo"]]
)
def test_a_wrong_variable_stops_every_command_with_a_sentence(tmp_path: Path, command: list[str]) -> None:
    stopped = commands.gatepass(*command, "--data-dir", str(tmp_path), GATEPASS_SMTP_PORT="smtp")

    assert stopped.returncode == 2
    assert stopped.stderr.startswith("gatepass: GATEPASS_SMTP_PORT")
    assert "Traceback" not in stopped.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for command in ("serve", "demo", "sandbox"):
            stopped = commands.gatepass(command, "--port", port, "--data-dir", str(tmp_path))
            assert stopped.returncode == 2
            assert port in stopped.stderr
            assert "Traceback" not in stopped.stderr


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = "postgresql://someone:canary@127.0.0.1:1/gatepass"
    for command in ("migrate", "doctor", "serve"):
        stopped = commands.gatepass(command, "--data-dir", str(tmp_path), GATEPASS_DATABASE_URL=url)
        assert stopped.returncode == 2, command
        assert "canary" not in stopped.stdout + stopped.stderr
        assert "Traceback" not in stopped.stderr


def test_serving_without_migrating_needs_the_schema(tmp_path: Path) -> None:
    stopped = commands.gatepass("serve", "--no-migrate", "--port", "0", "--data-dir", str(tmp_path))

    assert stopped.returncode == 2
    assert "gatepass migrate" in stopped.stderr


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("GATEPASS_")}


def _sql(directory: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(directory / "gatepass.db", timeout=20)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()
