"""Registrations per second: spread over a thousand passes, all for one pass, and more wishes than seats."""

import sqlalchemy as sa

from benchmarks import load, words
from benchmarks.bench import MOST, Bench, once
from benchmarks.floor import floor
from benchmarks.limits import Limits, limits_of
from benchmarks.report import Measurement
from benchmarks.system import FEW, System, running
from gatepass.store import ReadTx, tables

TRIES = 1500
"""On the pass with few seats."""


def spread(bench: Bench) -> None:
    """One attendee each, a thousand passes in turn."""
    with limits_of(bench.database) as limits, running(bench.database.fresh(), bench.folder()) as system:
        offers = enumerate(system.fair.spread)
        requests = [words.registration(system.port, system.fair, offer, number) for number, offer in offers]
        for connections in bench.connections:
            limit = limits.register(connections, bench.seconds)
            outcome = bench.for_a_while(system.port, connections, requests)
            bench.report.add(bench.measured("register", connections, outcome).beside(limit, limits.name))


def hot(bench: Bench) -> None:
    """Everybody wants one pass; read against the limit at the number of connections that suits it best."""
    with limits_of(bench.database) as limits, running(bench.database.fresh(), bench.folder()) as system:
        best = max(limits.hot(connections, bench.seconds) for connections in bench.connections)
        requests = [words.registration(system.port, system.fair, system.fair.hot, number) for number in range(100)]
        for connections in bench.connections:
            outcome = bench.for_a_while(system.port, connections, requests)
            bench.report.add(bench.measured("register_hot", connections, outcome).beside(best, _best_of(limits)))


def _best_of(limits: Limits) -> str:
    return f"{limits.name}, hot row, best of all"


def oversell(bench: Bench) -> None:
    """1,500 tries on 500 seats: exactly 500 may be told yes, and as many must stand in the tables."""
    with running(bench.database.fresh(), bench.folder()) as system:
        requests = [words.registration(system.port, system.fair, system.fair.rare, number) for number in range(TRIES)]
        outcome = once(system.port, MOST, requests)
        line = Measurement("oversell", bench.database.name, MOST, round(outcome.rate(200) + outcome.rate(409), 1))
        line.p50_ms, line.p99_ms = outcome.p50_ms, outcome.p99_ms
        line.errors = TRIES - outcome.count(200, 409) + abs(outcome.count(200) - FEW)
        line.oversold = system.ask(lambda tx: _seats(tx, system)) - FEW
        bench.report.add(line)


def _seats(tx: ReadTx, system: System) -> int:
    """Seats given away, by the people who hold them or by the counter, whichever is more."""
    rare = system.fair.rare.pass_id
    people = sa.select(sa.func.count()).where(tables.attendee.c.pass_id == rare)
    counted = sa.select(tables.event_pass.c.held + tables.event_pass.c.sold).where(tables.event_pass.c.id == rare)
    return max(int(tx.execute(people).scalar_one()), int(tx.execute(counted).scalar_one()))


def without_database(bench: Bench) -> None:
    """The web server alone: decode a registration, answer a result; verify a notification; redirect."""
    with running(bench.database.fresh(), bench.folder()) as system, floor() as port:
        body = words.registration_body(system.fair.hot)
        post = load.request("POST", "/register", port, body, Content_Type="application/json")
        for connections in bench.connections:
            outcome = bench.for_a_while(port, connections, [post])
            bench.report.add(bench.measured("http_floor_register", connections, outcome))
