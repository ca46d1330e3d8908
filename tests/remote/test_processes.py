"""A pair of real processes over TLS: killed, throttled, slow, cut off after the effect. Nothing is lost, nothing is said twice.

Dynamics is a whole Gatepass in a process of its own; the completion service runs on PostgreSQL as a server and two workers.
The long form (TORTURE=long) adds a backlog after an outage, a storm of 429, and the speed of the redirect.
"""

import asyncio
import contextlib
import ssl
import statistics
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from gatepass.services import applications
from gatepass.services.reconcile import Order as Wanted
from gatepass.services.reconcile import compare, period_of
from gatepass.services.remote.tasks import ask_to_tell
from gatepass.store import WriteTx, figures, tables
from gatepass.store.tables import new_id
from tests.conftest import fresh_database
from tests.remote.conftest import dynamics_database
from tests.remote.line import Trouble
from tests.remote.processes import WORKERS, OneRow, Processes, clone, one_row, processes
from tests.running import Order
from tests.torture.options import FIGURES, LONG, drawn, figure

BUYERS = figure("REMOTE_BUYERS", short=8, long=300)
COPIED_TOGETHER = 1000
"""Orders of a backlog made in one transaction."""
KILLS = figure("REMOTE_KILLS", short=3, long=100)
BACKLOG = figure("REMOTE_BACKLOG", short=0, long=50_000)
STORM = figure("REMOTE_STORM", short=0, long=10_000)
PACE = figure("REMOTE_PACE", short=15, long=15)
AT_ONCE = figure("REMOTE_AT_ONCE", short=8, long=8)
"""Of the backlog and the storm: the product's own pace."""
PATIENCE_S = 60.0
DONE = ["awaiting_payment -> completed"]
_TROUBLES = (Trouble.RESET, Trouble.RESET_AFTER, Trouble.ERROR, Trouble.UNAUTHORIZED, Trouble.GARBAGE)
long_only = pytest.mark.skipif(not LONG, reason="TORTURE=long")


@pytest.mark.timeout(0 if LONG else 120)
async def test_whatever_dies_or_fails_every_payment_is_confirmed_once_on_both_sides(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with _pair(request, tmp_path, GATEPASS_DATAVERSE_CALLS_PER_S="50") as pair:
        pair.line.storm, pair.line.share = _TROUBLES, 0.2
        buying = asyncio.gather(*(_buy(pair, number) for number in range(BUYERS)))
        killed = await _kill_meanwhile(pair, buying)
        orders = await buying
        pair.line.storm = ()

        await _until_confirmed(pair, len(orders))

        outcomes = await pair.outcomes()
        assert {order.id: outcomes.get(order.id) for order in orders} == dict.fromkeys((one.id for one in orders), DONE)
        await _both_keep_their_promises(pair)
        _tell(
            f"remote: {len(orders)} orders confirmed once through {killed} kills, another secret and {_met(pair)} troubles"
        )


@long_only
@pytest.mark.timeout(0)
async def test_a_storm_of_429_loses_and_doubles_nothing_and_the_pace_is_kept(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with _pair(request, tmp_path, dynamics_works=False, **_PACED) as pair:
        pair.line.storm, pair.line.share = (Trouble.THROTTLED,), 0.01
        await _drained(pair, STORM, "storm")


@long_only
@pytest.mark.timeout(0)
async def test_a_backlog_after_hours_of_outage_drains_at_the_pace_of_the_lane(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with _pair(request, tmp_path, dynamics_works=False, **_PACED) as pair:
        pair.line.down = True
        await _drained(pair, BACKLOG, "backlog")


@long_only
@pytest.mark.timeout(0)
async def test_the_redirect_takes_one_round_trip_and_little_more(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    async with _pair(request, tmp_path) as pair:
        order = await pair.dynamics.here.register()
        await _open(pair, order)
        trip, redirect = [], []
        token = await _token(pair)
        async with httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=str(pair.authority)), timeout=30
        ) as direct:
            for _ in range(300):
                trip.append(
                    await _timed(direct.get(_read_of(pair, order), headers={"Authorization": f"Bearer {token}"}))
                )
                redirect.append(await _timed(pair.completion.here.client.get(_link(pair, order))))
        ours, theirs = statistics.median(redirect) * 1000, statistics.median(trip) * 1000
        _tell(f"remote: redirect p50 {ours:.1f} ms, one round trip to Dataverse {theirs:.1f} ms")
        assert ours <= theirs + 15


_PACED = {
    "GATEPASS_DATAVERSE_CALLS_PER_S": str(PACE), "GATEPASS_DATAVERSE_AT_ONCE": str(AT_ONCE),
    # The payments of a backlog are copies, of which the sandbox knows nothing.
    "GATEPASS_RECONCILE_MINUTES": "0",
}  # fmt: skip


def _tell(text: str) -> None:
    """For who watches, and for the summary of the torture."""
    print(text)
    FIGURES.append(text)


def _pair(
    request: pytest.FixtureRequest, directory: Path, *, dynamics_works: bool = True, **variables: str
) -> contextlib.AbstractAsyncContextManager[Processes]:
    completion, there = fresh_database("postgresql", directory, request), dynamics_database(request, directory)
    return processes(completion, there, directory, dynamics_works=dynamics_works, **variables)


# Buyers


async def _buy(pair: Processes, number: int) -> Order:
    """Registers, opens the link and pays; whoever gets no answer tries again, as people do."""
    await asyncio.sleep(number * 0.1)
    order = await _insist(pair.dynamics.here.register)
    page = await _insist(lambda: _open(pair, order))
    await _insist(lambda: pair.completion.here.sandbox.pay(page))
    return order


async def _insist(what):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await what()
        except (httpx.HTTPError, AssertionError):
            assert time.monotonic() < deadline, "nobody answers"
            await asyncio.sleep(0.2)


async def _open(pair: Processes, order: Order) -> str:
    answer = await pair.completion.here.client.get(_link(pair, order))
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def _link(pair: Processes, order: Order) -> str:
    return f"{pair.completion.here.base_url}/GatewayRedirect/PayWithStripe?purchaseId={order.id}"


# Killers


async def _kill_meanwhile(pair: Processes, buying: "asyncio.Future[list[Order]]") -> int:
    """Kill -9 of one process after the other, on both sides, while buyers come."""
    dice, killed = drawn("remote kills"), 0
    await asyncio.sleep(0.3)
    await _change_the_secret(pair)
    while killed < KILLS and not (buying.done() and killed >= KILLS // 2):
        await asyncio.sleep(dice.uniform(0.3, 0.8))
        await _kill_one(pair, dice, killed)
        killed += 1
    return killed


async def _change_the_secret(pair: Processes) -> None:
    """Over there, the old one refused at once with the tokens that it gave; the processes begin anew with it, one by one."""
    own = pair.completion.variables
    client = UUID(own["GATEPASS_DATAVERSE_CLIENT_ID"])
    fresh = await pair.dynamics.here.store.write(lambda tx: applications.new_secret(tx, client, "test"))
    for call in ("look", "read", "finalize"):
        pair.line.troubles.setdefault(call, []).extend([Trouble.UNAUTHORIZED] * 2)
    await asyncio.sleep(0.5)
    own["GATEPASS_DATAVERSE_CLIENT_SECRET"] = fresh
    await pair.look_anew()
    for number in range(WORKERS):
        await pair.completion.kill(f"worker{number}")
        await pair.completion.work(number)
    await pair.completion.kill("web")
    await pair.completion.serve()
    await pair.completion.lease_over()


async def _kill_one(pair: Processes, dice: Random, turn: int) -> None:
    if turn % 3 == 2:
        await pair.dynamics.kill("web")
        await asyncio.sleep(dice.uniform(0.1, 0.5))
        await pair.dynamics.serve()
    elif turn % 3 == 1:
        await pair.completion.kill("web")
        await pair.completion.serve()
    else:
        number = dice.randrange(WORKERS)
        await pair.completion.kill(f"worker{number}")
        await pair.completion.work(number)
    await pair.completion.lease_over()


async def _until_confirmed(pair: Processes, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while await pair.confirmed() < count:
        assert time.monotonic() < deadline, f"{await pair.confirmed()} of {count}"
        await asyncio.sleep(0.5)
        await pair.completion.lease_over()


async def _both_keep_their_promises(pair: Processes) -> None:
    await pair.completion.here.until_quiet()
    assert await pair.dynamics.broken() == []
    assert await pair.completion.broken() == []
    desk = pair.completion.here.installation.desk
    books = await compare(desk, desk.provider("stripe"), Wanted(period_of(), "test", pause_s=0))
    assert books.differences == {}


def _met(pair: Processes) -> int:
    return sum(call.trouble is not None for call in pair.line.calls)


# Backlogs


async def _drained(pair: Processes, count: int, name: str) -> None:
    """So many paid purchases wait to be told; all are, once, at the pace, and memory does not grow. Nobody works for Dynamics."""
    there_from = datetime.now(UTC)
    ids = await _backlog(pair, count)
    calls, memory = len(pair.line.calls), [_memory(pair)]
    pair.line.down = False
    begun = time.monotonic()
    while await pair.confirmed() < count + 1:
        await asyncio.sleep(5)
        memory.append(_memory(pair))
        assert time.monotonic() - begun < count / 2, "it does not move"
    took_s = time.monotonic() - begun
    outcomes = await pair.outcomes()
    assert [at for at in ids if outcomes.get(at) != DONE] == []
    moments = [call.at for call in pair.line.calls[calls:] if call.name in {"look", "finalize"}]
    second, ten = most_within(moments, 1.0), most_within(moments, 10.0)
    settled = memory[len(memory) // 4]
    throttled = sum(call.trouble is Trouble.THROTTLED for call in pair.line.calls)
    _tell(
        f"remote {name}: {count} finalized once in {took_s:.0f} s ({count / took_s:.1f}/s), {throttled} times 429, "
        f"{len(moments)} calls, most within 1 s {second}, within 10 s {ten}, pace {PACE}/s; "
        f"worker memory {memory[0]:.0f} MB at first, {settled:.0f} after a quarter, {memory[-1]:.0f} at the end"
    )
    assert ten <= 10 * PACE + AT_ONCE
    assert memory[-1] < settled * 1.15
    assert await pair.dynamics.broken(there_from) == []
    assert await pair.completion.broken() == []


async def _backlog(pair: Processes, count: int) -> list[UUID]:
    """Like one order that was paid, so many more, that nobody has told Dynamics of."""
    pair.line.down, was = False, pair.line.down
    order = await pair.dynamics.here.register()
    dynamics, completion = pair.dynamics.here.store, pair.completion.here.store
    over_there = await one_row(dynamics, tables.purchase, tables.purchase.c.id, order.id)
    person = await one_row(dynamics, tables.attendee, tables.attendee.c.purchase_id, order.id)
    await pair.completion.here.sandbox.pay(await _open(pair, order))
    await _until_confirmed(pair, 1)
    row = await one_row(completion, tables.remote_purchase, tables.remote_purchase.c.id, order.id)
    paid = await one_row(completion, tables.payment, tables.payment.c.purchase_id, order.id)
    pair.line.down = was
    fresh = {"said": "open", "wanted": "completed", "sent": None, "told": None, "told_at": None}
    ids = [new_id() for _ in range(count)]
    batches = [ids[first : first + COPIED_TOGETHER] for first in range(0, count, COPIED_TOGETHER)]
    for some in batches:
        await dynamics.write(partial(_registered, over_there, person, some))
        await completion.write(partial(_paid, row | fresh, paid, some))
    # Work comes last, and all at once: none is done while more is still being made.
    await completion.write(partial(_untold, batches))
    return ids


def _registered(purchase: OneRow, person: OneRow, ids: list[UUID], tx: WriteTx) -> None:
    """Over there: so many more that hold a seat and are to be paid."""
    clone(tx, tables.purchase, purchase, ids, idempotency_key=None, hold_until=tx.now + timedelta(days=1))
    seats = dict(zip([new_id() for _ in ids], ids, strict=True))
    clone(tx, tables.attendee, person, list(seats), purchase_id=seats.__getitem__)
    for table, at in ((tables.event, purchase["event_id"]), (tables.event_pass, person["pass_id"])):
        tx.execute(sa.update(table).where(table.c.id == at).values(held=table.c.held + len(ids)))
    figures.count_orders(tx, [purchase] * len(ids))


def _paid(purchase: OneRow, payment: OneRow, ids: list[UUID], tx: WriteTx) -> None:
    """Here: paid, and nobody has been told."""
    clone(tx, tables.remote_purchase, purchase, ids)
    names = {"session_ref": lambda at: f"cs_{at.hex}", "intent_ref": lambda at: f"pi_{at.hex}", "charge_ref": None}
    owners = dict(zip([new_id() for _ in ids], ids, strict=True))
    clone(tx, tables.payment, payment, list(owners), purchase_id=owners.__getitem__, **names)


def _untold(batches: list[list[UUID]], tx: WriteTx) -> None:
    for ids in batches:
        ask_to_tell(tx, ids)


def _memory(pair: Processes) -> float:
    return sum(pair.completion.memory_mb(f"worker{number}") for number in range(WORKERS))


def most_within(moments: list[float], span_s: float) -> int:
    """The most calls that came within any span of that length."""
    assert all(first <= second for first, second in pairwise(moments))
    most, first = 0, 0
    for last, at in enumerate(moments):
        while moments[first] <= at - span_s:
            first += 1
        most = max(most, last - first + 1)
    return most


# The redirect


def _read_of(pair: Processes, order: Order) -> str:
    columns = "$select=msevtmgt_name,msevtmgt_totalprice,msevtmgt_paymentstatus,createdon"
    currency = "$expand=transactioncurrencyid($select=isocurrencycode)"
    return f"{pair.line.url}/api/data/v9.2/msevtmgt_eventpurchases({order.id})?{columns}&{currency}"


async def _token(pair: Processes) -> str:
    own = pair.completion.variables
    form = {
        "grant_type": "client_credentials", "client_id": own["GATEPASS_DATAVERSE_CLIENT_ID"],
        "client_secret": own["GATEPASS_DATAVERSE_CLIENT_SECRET"], "scope": f"{pair.line.url}/.default",
    }  # fmt: skip
    url = f"{pair.line.url}/{own['GATEPASS_DATAVERSE_TENANT_ID']}/oauth2/v2.0/token"
    return (await pair.completion.here.client.post(url, data=form)).json()["access_token"]


async def _timed(call) -> float:  # type: ignore[no-untyped-def]
    begun = time.perf_counter()
    answer = await call
    assert answer.status_code in {200, 302}, answer.text
    return time.perf_counter() - begun
