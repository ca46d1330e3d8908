"""The worker at work: told at a steady pace, and against the backlog of an outage."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from benchmarks import copies, payments, words
from benchmarks.bench import MOST, Bench, at_pace, once
from benchmarks.load import Outcome, request
from benchmarks.report import Measurement
from benchmarks.system import System, cpu_s, process, rss_mb, running
from gatepass.store import ReadTx, Store, tables

PACE_PER_S = 100
"""Notifications per second of the steady measurement."""
PACED_S = 5.0
"""At least so long, else one hundredth of them is nobody."""
CHUNK = 2000
"""Payments opened and paid, or told, by one process of the load generator."""
WARM_S = 2.0
"""Before the memory counts: what is imported at the first look at a provider is no growth."""
POLL_S = 1.0
"""Counting what is handled reads the whole table: the drain is timed by its rows, not by who looks."""
PER_S_AT_LEAST = 50
"""A backlog that drains more slowly than this is given up."""


def settle_paced(bench: Bench) -> None:
    """Paid sessions told at a steady pace; p50 and p99 from the commit of a notification to the completion."""
    with running(bench.database.fresh(), bench.folder()) as system:
        sessions = _paid(system, int(max(bench.seconds, PACED_S) * PACE_PER_S))
        began_cpu = cpu_s(system.pid)
        posted = at_pace(system.port, MOST, _told(system, sessions), PACE_PER_S)
        line = payments.drained(bench, system, "settle_paced", payments.completed, len(sessions), posted.began)
        line.errors += posted.errors(200)
        line.p50_ms, line.p99_ms = system.ask(payments.waits)
        line.cpu_us = _per_one(cpu_s(system.pid) - began_cpu, len(sessions))
        bench.report.add(line)


def backlog(bench: Bench) -> None:
    """Told while no worker runs; then one `gatepass worker` handles them all.

    Per second from its first look at the table to the last notification. The limit is the sandbox: one bare look each.
    """
    with running(bench.database.fresh(), bench.folder(), "--no-worker") as system:
        sessions = _paid(system, bench.backlog)
        looks = words.looked_up(system.sandbox_port, system.stripe_key, [one["id"] for one in sessions[:CHUNK]])
        limit = bench.for_a_while(system.sandbox_port, payments.IN_FLIGHT, looks).rate(200)
        refused = sum(_tell(system, chunk).errors(200) for chunk in _chunks(sessions))
        with process(["gatepass", "worker", "--data-dir", str(bench.folder())], dict(system.variables)) as worker:
            course = _watched(system, worker, len(sessions) - refused)
        bench.report.add(_line(bench, system, course, refused).beside(limit, "sandbox alone"))


@dataclass(slots=True)
class _Course:
    """How a backlog went. Memory in MB, once warm; processor time in seconds."""

    wanted: int
    handled: int = 0
    began: float = 0.0
    ended: float = 0.0
    first_cpu_s: float = 0.0
    cpu_s: float = 0.0
    before: int = 0
    """Handled when the processor time was first looked at, which leaves out the start of the process."""
    memory: list[float] = field(default_factory=list[float])

    def line(self, database: str) -> Measurement:
        spent = max(self.ended - self.began, 1e-9)
        line = Measurement("backlog", database, rate_per_s=round(self.handled / spent, 1))
        line.errors = self.wanted - self.handled
        line.cpu_us = _per_one(self.cpu_s - self.first_cpu_s, max(self.handled - self.before, 1))
        line.rss_from_mb, line.rss_to_mb = (round(one(self.memory or [0.0]), 1) for one in (min, max))
        return line


def _line(bench: Bench, system: System, course: _Course, refused: int) -> Measurement:
    line = course.line(bench.database.name)
    line.errors += refused
    line.out_of_order = system.ask(_out_of_order)
    return line


def _watched(system: System, worker: "subprocess.Popen[bytes]", wanted: int) -> _Course:
    """Look twice a second until all are handled. The clock runs from the first that is."""
    store, course = Store.open(system.database_url), _Course(wanted)
    deadline = time.perf_counter() + wanted / PER_S_AT_LEAST + payments.SETTLE_PATIENCE_S
    try:
        while course.handled < wanted and time.perf_counter() < deadline and worker.poll() is None:
            time.sleep(POLL_S)
            _look(course, store, worker.pid)
    finally:
        store.close()
    return course


def _look(course: _Course, store: Store, pid: int) -> None:
    course.handled, first, last = store.read_now(_handled)
    if first and last:
        course.began, course.ended, course.cpu_s = first.timestamp(), last.timestamp(), cpu_s(pid)
        if not course.before:
            course.before, course.first_cpu_s = course.handled, course.cpu_s
        if time.time() > course.began + WARM_S:
            course.memory.append(rss_mb(pid))


def _handled(tx: ReadTx) -> tuple[int, datetime | None, datetime | None]:
    handled = tables.notification.c.handled
    row = tx.execute(sa.select(sa.func.count(handled), sa.func.min(handled), sa.func.max(handled))).one()
    return int(row[0]), row[1], row[2]


def _out_of_order(tx: ReadTx) -> int:
    """The largest distance between the place of a notification in the order of receipt and in that of handling."""
    column = tables.notification.c
    handled = tx.execute(sa.select(column.id).order_by(column.handled, column.id)).scalars()
    place = {at: number for number, at in enumerate(tx.execute(sa.select(column.id).order_by(column.id)).scalars())}
    return max(abs(place[at] - number) for number, at in enumerate(handled))


def _paid(system: System, count: int) -> list[dict[str, Any]]:
    """So many sessions, opened by buyers and paid at the sandbox; those beyond the first chunk are copies of these."""
    bought = min(count, CHUNK)
    payments.open_payments(system, bought)
    assert _pay(system, payments.sessions(system)).errors(200) == 0
    copies.copy(system, count - bought)
    return payments.sessions(system)


def _pay(system: System, sessions: Sequence[dict[str, Any]]) -> Outcome:
    bodies = [msgspec.json.encode({"session": one["id"]}) for one in sessions]
    port, json = system.sandbox_port, "application/json"
    return once(port, 2, [request("POST", "/_sandbox/pay", port, body, Content_Type=json) for body in bodies])


def _tell(system: System, sessions: Sequence[dict[str, Any]]) -> Outcome:
    return once(system.port, MOST, _told(system, sessions))


def _told(system: System, sessions: Sequence[dict[str, Any]]) -> list[bytes]:
    bodies = [words.event_body(payments.COMPLETED, one) for one in sessions]
    return [words.notification(system.port, payments.TARGET, body, system.webhook_secret) for body in bodies]


def _chunks(sessions: Sequence[dict[str, Any]]) -> list[Sequence[dict[str, Any]]]:
    return [sessions[at : at + CHUNK] for at in range(0, len(sessions), CHUNK)]


def _per_one(cpu_s: float, count: int) -> float:
    """Microseconds of processor time for each."""
    return round(cpu_s * 1e6 / count)
