"""Opening payment pages, hearing notifications, completing what was paid."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import httpx
import sqlalchemy as sa

from benchmarks import words
from benchmarks.bench import MOST, Bench, once
from benchmarks.floor import SECRET, floor
from benchmarks.limits import limits_of
from benchmarks.load import request
from benchmarks.report import Measurement
from benchmarks.system import System, running
from gatepass.store import ReadTx, Store, tables

FIRST_PER_S = 150
"""Links made per second of a measurement of first openings."""
NOTIFIED_PER_S = 5000
"""Events made per second of a measurement of notifications."""
SETTLED = 400
SETTLED_QUICKLY = 100
FEW = 50
"""Payments where their number does not matter."""
TARGET = "/GatewayEvents/HandleStripeEvent"
COMPLETED = "checkout.session.completed"
NOT_OURS = "charge.succeeded"
"""Kept as every event is, but it says nothing to us: no job."""
IN_FLIGHT = 16
"""Jobs at once in one worker."""
SETTLE_PATIENCE_S = 90.0
POLL_S = 0.05


def redirect(bench: Bench) -> None:
    """First openings, which call the provider, then the same links again."""
    with running(bench.database.fresh(), bench.folder()) as system:
        links = _first_openings(bench, system)
        with floor() as port:
            for connections in bench.connections:
                bare = bench.for_a_while(port, connections, [request("GET", "/redirect", port)])
                outcome = bench.for_a_while(system.port, connections, links)
                line = bench.measured("redirect_again", connections, outcome, 302)
                bench.report.add(line.beside(bare.rate(302), "http without a database"))


def _first_openings(bench: Bench, system: System) -> list[bytes]:
    """Each link once. The limit is the sandbox alone: one bare call for a session per opening."""
    bare = [words.new_session(system.sandbox_port, system.stripe_key)]
    links: list[bytes] = []
    for connections in bench.connections:
        links = _links(system, int(bench.seconds * FIRST_PER_S))
        limit = bench.for_a_while(system.sandbox_port, connections, bare).rate(200)
        outcome = once(system.port, connections, links)
        line = bench.measured("redirect_first", connections, outcome, 302)
        bench.report.add(line.beside(limit, "sandbox alone"))
    return links


def _links(system: System, count: int) -> list[bytes]:
    """Register, and make the requests that open the payment links."""
    offers = (system.fair.spread * (count // len(system.fair.spread) + 1))[:count]
    registrations = [words.registration(system.port, system.fair, offer, at) for at, offer in enumerate(offers)]
    answers = once(system.port, MOST, registrations, keep=True).answers
    return [words.payment_link(system.port, answer) for answer in answers]


def notify(bench: Bench) -> None:
    """Answered after the commit. With the worker in the process, without it, and of a kind that leaves no job."""
    with limits_of(bench.database) as limits:
        for name, kind, options in (
            ("notify", COMPLETED, ()),
            ("notify_no_worker", COMPLETED, ("--no-worker",)),
            ("notify_not_ours", NOT_OURS, ("--no-worker",)),
        ):
            with running(bench.database.fresh(), bench.folder(), *options) as system:
                about = _open_sessions(system, FEW)
                body = words.event_body(kind, about[0])
                for connections in bench.connections:
                    limit = limits.notify(connections, bench.seconds, body)
                    outcome = once(system.port, connections, _events(bench, system, kind, about, connections))
                    bench.report.add(bench.measured(name, connections, outcome).beside(limit, limits.name))


def _events(bench: Bench, system: System, kind: str, about: Sequence[dict[str, Any]], connections: int) -> list[bytes]:
    """New events, as many as are answered in the time at most."""
    count = int(bench.seconds * (NOTIFIED_PER_S if connections > 1 else NOTIFIED_PER_S / 5) / 2)
    bodies = [words.event_body(kind, about[at % len(about)]) for at in range(count)]
    return [words.notification(system.port, TARGET, body, system.webhook_secret) for body in bodies]


def _open_sessions(system: System, count: int) -> list[dict[str, Any]]:
    """Open so many payments; each one's session as the provider shows it."""
    open_payments(system, count)
    return sessions(system)


def open_payments(system: System, count: int) -> None:
    """Buyers register and open their links."""
    once(system.port, 4, _links(system, count))


def sessions(system: System) -> list[dict[str, Any]]:
    """The session of every opened payment, the oldest first, as the provider shows it."""
    payments = system.ask(_payments)
    address = f"http://127.0.0.1:{system.sandbox_port}/v1/checkout/sessions/{payments[0]['session_ref']}"
    answer = httpx.get(address, headers={"Authorization": f"Bearer {system.stripe_key}"})
    template: dict[str, Any] = answer.raise_for_status().json()
    return [words.about(template, row["session_ref"], str(row["purchase_id"]), str(row["id"])) for row in payments]


def _payments(tx: ReadTx) -> list[Any]:
    payment = tables.payment.c
    opened = sa.select(payment.id, payment.purchase_id, payment.session_ref).where(payment.session_ref.is_not(None))
    return list(tx.rows(opened.order_by(payment.id)))


def notify_floor(bench: Bench) -> None:
    """The web server alone: verify and decode a notification."""
    with running(bench.database.fresh(), bench.folder()) as system, floor() as port:
        body = words.event_body(COMPLETED, _open_sessions(system, 1)[0])
        signed = words.notification(port, "/notify", body, SECRET)
        for connections in bench.connections:
            outcome = bench.for_a_while(port, connections, [signed])
            bench.report.add(bench.measured("http_floor_notify", connections, outcome))


def settle(bench: Bench) -> None:
    """Paid purchases that the worker completes per second, from the first notification to the last completion.

    p50 and p99: from the commit of a notification to the completion. The confirmation mails are sent meanwhile. The limit
    is the provider: one bare look at a session per notification.
    """
    count = SETTLED if bench.seconds >= 2 else SETTLED_QUICKLY
    with running(bench.database.fresh(), bench.folder()) as system:
        opened = _open_sessions(system, count)
        for session in opened:
            system.control("pay", session=session["id"])
        looks = words.looked_up(system.sandbox_port, system.stripe_key, [session["id"] for session in opened])
        limit = bench.for_a_while(system.sandbox_port, IN_FLIGHT, looks).rate(200)
        bodies = [words.event_body(COMPLETED, session) for session in opened]
        posted = once(
            system.port, MOST, [words.notification(system.port, TARGET, body, system.webhook_secret) for body in bodies]
        )
        for name, done in (("settle", completed), ("settle_mailed", _mailed)):
            line = drained(bench, system, name, done, count, posted.began)
            line.errors += posted.errors(200)
            if name == "settle":
                line.p50_ms, line.p99_ms = system.ask(waits)
            bench.report.add(line.beside(limit, "sandbox alone"))


def drained(
    bench: Bench, system: System, name: str, done: Callable[[ReadTx], int], count: int, began: float
) -> Measurement:
    """Look until so many are `done`."""
    store, deadline = Store.open(system.database_url), began + SETTLE_PATIENCE_S
    try:
        while (found := store.read_now(done)) < count and time.perf_counter() < deadline:
            time.sleep(POLL_S)
    finally:
        store.close()
    return Measurement(
        name, bench.database.name, MOST, round(found / (time.perf_counter() - began), 1), errors=count - found
    )


def completed(tx: ReadTx) -> int:
    """Purchases that are."""
    purchase = tables.purchase.c
    return int(tx.execute(sa.select(sa.func.count()).where(purchase.status == "completed")).scalar_one())


def _mailed(tx: ReadTx) -> int:
    return int(tx.execute(sa.select(sa.func.count()).where(tables.mail.c.sent.is_not(None))).scalar_one())


def waits(tx: ReadTx) -> tuple[float, float]:
    """Milliseconds from notification to completion: half, and all but one of a hundred."""
    notification = tables.notification.c
    rows = tx.rows(sa.select(notification.received, notification.handled).where(notification.handled.is_not(None)))
    waits = sorted(_ms(row["received"], row["handled"]) for row in rows) or [0.0]
    return waits[len(waits) // 2], waits[int(len(waits) * 0.99)]


def _ms(since: datetime, until: datetime) -> float:
    return round((until - since).total_seconds() * 1000, 1)
