"""One `gatepass serve` and one `gatepass sandbox`, each a process of its own, on a database with events on sale."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from gatepass.domain.event import EventStatus
from gatepass.domain.money import Money
from gatepass.services import setup, switches
from gatepass.services.setup import NewEvent
from gatepass.store import ReadTx, Store, WriteTx, people

TOKEN = "token-of-the-bench"
EVENTS, PASSES = 100, 10
"""Spread: so many events with so many passes each."""
PLENTY = 1_000_000_000
FEW = 500
"""Seats of the pass that is to be oversold."""
PATIENCE_S = 30.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Offer:
    """A pass to register for."""

    event: str
    pass_id: UUID


@dataclass(frozen=True, slots=True)
class Fair:
    """What the database was filled with."""

    organization: UUID
    spread: Sequence[Offer]
    hot: Offer
    rare: Offer


@dataclass(frozen=True, slots=True)
class System:
    """A running installation."""

    database_url: str
    port: int
    pid: int
    fair: Fair
    sandbox_port: int
    stripe_key: str
    webhook_secret: str
    sandbox_db: Path
    """The sandbox's own database."""
    variables: Mapping[str, str]
    """The settings of the server, for another process of the same installation."""

    def control(self, what: str, **body: Any) -> Any:
        """POST to the sandbox's control API."""
        return httpx.post(f"http://127.0.0.1:{self.sandbox_port}/_sandbox/{what}", json=body).raise_for_status().json()

    def ask(self, query: Callable[[ReadTx], T]) -> T:
        """Look into the database, from this process."""
        store = Store.open(self.database_url)
        try:
            return store.read_now(query)
        finally:
            store.close()


@contextmanager
def running(database_url: str, directory: Path, *options: str) -> Iterator[System]:
    """Start both, with `options` for serve; the sandbox loses its notifications."""
    port, sandbox_port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    fair = _filled(database_url, base)
    with _sandbox(directory, sandbox_port, f"{base}/GatewayEvents/HandleStripeEvent") as keys:
        # Pulling would find at the sandbox the events that these notifications stand for.
        variables = keys | {"GATEPASS_BASE_URL": base, "GATEPASS_DATABASE_URL": database_url}
        variables |= {"GATEPASS_LOG_LEVEL": "error", "GATEPASS_PULL_SECONDS": "0"}
        variables |= {"GATEPASS_API_REQUESTS": "0", "GATEPASS_API_SECONDS": "0"}
        with serving(database_url, directory, port, variables, *options) as server:
            key, secret = keys["GATEPASS_STRIPE_SECRET_KEY"], keys["GATEPASS_STRIPE_WEBHOOK_SECRET"]
            sandbox_db = directory / "sandbox" / "sandbox.db"
            system = System(database_url, port, server.pid, fair, sandbox_port, key, secret, sandbox_db, variables)
            system.control("faults", deliveries={"mode": "drop"})
            yield system


@contextmanager
def serving(
    database_url: str, directory: Path, port: int, variables: dict[str, str], *options: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """`gatepass serve`; returns once it answers."""
    own = variables | {"GATEPASS_DATABASE_URL": database_url, "GATEPASS_LOG_LEVEL": "error"}
    with process(
        ["gatepass", "serve", "--port", str(port), "--data-dir", str(directory / "data"), *options], own
    ) as run:
        wait_for(port, run)
        yield run


@contextmanager
def process(arguments: Sequence[str], variables: dict[str, str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m ...` with only our own GATEPASS_ variables; ended by SIGTERM at the end of the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEPASS_")}
    spawned = [sys.executable, "-m", *arguments]
    run = subprocess.Popen(spawned, env=kept | (variables or {}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield run
    finally:
        run.terminate()
        try:
            run.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            run.kill()


def wait_for(port: int, run: "subprocess.Popen[bytes]") -> None:
    """Until GET /healthz is answered with 200."""
    deadline = time.monotonic() + PATIENCE_S
    while not _healthy(port):
        if run.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{run.args} does not answer on port {port}.")
        time.sleep(0.002)


def _healthy(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return connection.recv(64).startswith(b"HTTP/1.1 200")
    return False


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _sandbox(directory: Path, port: int, webhook_url: str) -> Iterator[dict[str, str]]:
    """The payment sandbox; yields the settings that point a Gatepass at it."""
    own = ["gatepass", "sandbox", "--port", str(port), "--webhook-url", webhook_url]
    with process([*own, "--data-dir", str(directory / "sandbox")]) as run:
        assert run.stdout
        keys: dict[str, str] = {}
        while "GATEPASS_STRIPE_WEBHOOK_SECRET" not in keys:
            name, _, value = run.stdout.readline().decode().strip().partition("=")
            keys[name] = value
        wait_for(urlsplit(keys["GATEPASS_STRIPE_API_BASE"]).port or port, run)
        yield keys


def _filled(database_url: str, base: str) -> Fair:
    store = Store.open(database_url)
    try:
        return store.write_now(lambda tx: _fill(tx, base))
    finally:
        store.close()


def _fill(tx: WriteTx, base: str) -> Fair:
    """A hundred events with ten passes each; one pass that everybody wants; one with few seats."""
    provider = setup.add_provider(tx, "Stripe", "stripe", f"{base}/GatewayRedirect/PayWithStripe?")
    switches.put(tx, switches.PAYMENTS, to=True, actor="bench")
    setup.add_web_application(tx, "Bench", ["http://127.0.0.1:*"], TOKEN)
    spread = [offer for number in range(EVENTS) for offer in add_event(tx, f"Fair {number}", provider, PASSES)]
    (hot,) = add_event(tx, "Hot", provider, 1)
    (rare,) = add_event(tx, "Rare", provider, 1, FEW)
    return Fair(people.organization_id(tx), spread, hot, rare)


def add_event(tx: WriteTx, name: str, provider: UUID, passes: int, allocation: int = PLENTY) -> list[Offer]:
    """A live event and its passes."""
    event = NewEvent(
        name=name, description="Two days.", place="Berlin", image_url=None, currency="EUR",
        starts=datetime(2027, 6, 10, 9), ends=datetime(2027, 6, 11, 17), time_zone="Europe/Berlin",
        provider_id=provider, status=EventStatus.LIVE,
    )  # fmt: skip
    event_id, readable = setup.add_event(tx, event)
    price = Money(12050, "EUR")
    ids = [setup.add_pass(tx, event_id, f"Pass {at}", "Both days", price, allocation) for at in range(passes)]
    return [Offer(readable, at) for at in ids]


def rss_mb(pid: int) -> float:
    """Memory of a process. Linux only; elsewhere 0."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, all its threads. Linux only; elsewhere 0."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
