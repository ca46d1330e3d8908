"""Histories that nobody thought of, over the pair: two installations as processes with TLS between them, and what goes wrong there.

Hypothesis makes up what buyers, staff of both sides, the line, time and kill -9 do. After each history everything is well
again and told, and both sides have to keep their promises: whoever's money is kept is confirmed over there or stands in
sight here, nobody is confirmed twice by us, and no seat is confirmed that nobody paid or gave away by hand.
"""

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_histories

from gatepass.domain.errors import GatepassError
from gatepass.domain.payment import OPEN
from gatepass.domain.refund import ON_ITS_WAY
from gatepass.services.reconcile import Order as Wanted
from gatepass.services.reconcile import compare, period_of
from gatepass.store import ReadTx, tables
from gatepass.store.tables import Row
from tests.conftest import fresh_database
from tests.remote.conftest import dynamics_database
from tests.remote.line import QUICK, Trouble
from tests.remote.processes import WORKERS, Processes, processes
from tests.running import Order
from tests.torture.options import FIGURES, LONG, figure

HISTORIES = figure("REMOTE_HISTORIES", short=3, long=200)
STEPS = figure("REMOTE_STEPS", short=14, long=40)
KILLS = figure("REMOTE_KILLS_EACH", short=1, long=6)
"""In one history at most: a process takes seconds to begin anew."""
SETTLED_S = 120.0
CANCELLED, COMPLETED = 100000000, 100000001
BY_HAND, CANCELLED_THERE, HOLD_OVER, RETURNED = "completed by hand", "cancelled over there", "hold over", "refunded"
PRICE = 12050
"""Of one seat, in minor units (tests/running.py)."""
CARDS = {"good": "4242424242424242", "declined": "4000000000009995"}
TROUBLES = tuple(one for one in (Trouble if LONG else QUICK) if one is not Trouble.BAD)
CALLS = ("token", "read", "look", "finalize")
VICTIMS = ("dynamics", "web", *(f"worker{number}" for number in range(WORKERS)))

T = TypeVar("T")


@dataclass(eq=False)
class Buyer:
    """An order, what the bank took for it, and what has happened to it."""

    order: Order
    page: str = ""
    charged: int = 0
    happened: set[str] = field(default_factory=set[str])

    def __repr__(self) -> str:
        return f"<{self.order.id}, {self.charged} charged, {sorted(self.happened)}>"


class Histories(RuleBasedStateMachine):
    """Buyers at one event that has room for all."""

    buyers: Bundle[Buyer] = Bundle("buyers")

    def __init__(self, pair: Processes, runner: asyncio.Runner, ended: list[int]) -> None:
        super().__init__()
        self.pair, self.runner, self.ended = pair, runner, ended
        self.all: list[Buyer] = []
        self.kills = 0

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """One step; the processes go on between them, line and sandbox do not."""
        return self.runner.run(what)

    @initialize(target=buyers, mode=st.sampled_from(["normal", "hold", "drop"]))
    def two_have_registered(self, mode: str) -> Any:
        """One has paid already."""
        self.run(self.pair.completion.here.sandbox.control("faults", deliveries={"mode": mode}))
        one, another = self.register(), self.register()
        self.open_page(one)
        self.pay(one, "good")
        return multiple(one, another)

    # What buyers do

    @rule(target=buyers)
    def register(self) -> Buyer:
        buyer = Buyer(self.run(self.pair.dynamics.here.register()))
        self.all.append(buyer)
        return buyer

    @rule(buyer=buyers)
    def open_page(self, buyer: Buyer) -> None:
        answer = self.run(self._link(buyer))
        if answer is not None:
            assert answer.status_code in {302, 409, 410, 503}, answer.text
            buyer.page = answer.headers.get("location", buyer.page)

    @rule(target=buyers)
    def buy(self) -> Buyer:
        """What most do."""
        buyer = self.register()
        self.open_page(buyer)
        self.pay(buyer, "good")
        return buyer

    @rule(target=buyers)
    def buy_after_the_seats_went(self) -> Buyer:
        """The page is open, Dynamics gives the seats away, then the money comes."""
        buyer = self.register()
        self.open_page(buyer)
        self.hold_ends_over_there(buyer)
        self.run(self._gone_over_there(buyer))
        self.pay(buyer, "good")
        return buyer

    @rule(buyer=buyers, card=st.sampled_from(sorted(CARDS)))
    def pay(self, buyer: Buyer, card: str) -> None:
        paid = self.run(self._paid(buyer, CARDS[card])) if buyer.page else None
        if paid and paid["status"] == "paid":
            buyer.charged += PRICE

    # What the line does

    @rule(call=st.sampled_from(CALLS), what=st.sampled_from(TROUBLES), times=st.integers(1, 3))
    def calls_meet(self, call: str, what: Trouble, times: int) -> None:
        self.pair.line.troubles.setdefault(call, []).extend([what] * times)

    @rule(down=st.booleans())
    def dynamics_is(self, down: bool) -> None:
        self.pair.line.down = down

    @rule(slow_s=st.sampled_from([0.0, 0.3]))
    def calls_take(self, slow_s: float) -> None:
        self.pair.line.slow_s = slow_s

    @rule(shuffled=st.booleans(), times=st.integers(1, 2))
    def notifications_come(self, shuffled: bool, times: int) -> None:
        self.run(self.pair.completion.here.sandbox.deliver(times=times, shuffled=shuffled))

    # What time does

    @rule()
    def a_moment_passes(self) -> None:
        self.run(asyncio.sleep(0.3))

    @rule(buyer=buyers)
    def hold_ends_here(self, buyer: Buyer) -> None:
        self.run(self._end_holds([buyer]))
        buyer.happened.add(HOLD_OVER)

    @rule(buyer=buyers)
    def hold_ends_over_there(self, buyer: Buyer) -> None:
        self.run(self._end_holds_there([buyer]))
        buyer.happened.add(HOLD_OVER)

    @precondition(lambda self: self.kills < KILLS)
    @rule(victim=st.sampled_from(VICTIMS))
    def kill(self, victim: str) -> None:
        self.kills += 1
        self.run(self._kill(victim))

    # What staff do, over there and here

    @rule(buyer=buyers, code=st.sampled_from([CANCELLED, COMPLETED]))
    def somebody_finalizes_over_there(self, buyer: Buyer, code: int) -> None:
        """Refused for what has ended otherwise."""
        answer = self.run(self.pair.dynamics.here.finalize(buyer.order.id, code))
        assert answer.status_code in {204, 400}, answer.text
        if answer.status_code == 204:
            buyer.happened.add(BY_HAND if code == COMPLETED else CANCELLED_THERE)

    @rule(buyer=buyers)
    def refund(self, buyer: Buyer) -> None:
        with contextlib.suppress(GatepassError):
            self.run(self.pair.completion.here.refund(buyer.order))
            buyer.happened.add(RETURNED)

    # What must have come of it

    def teardown(self) -> None:
        self.run(self._all_is_well_again())
        self.run(self._settle())
        self.run(self._check())
        self.ended.append(len(self.all))

    async def _check(self) -> None:
        here, there = self.pair.completion.here, self.pair.dynamics.here
        ids = [buyer.order.id for buyer in self.all]
        theirs = await _their_money(self.pair)
        ours = await here.store.read(lambda tx: _our_money(tx, ids))
        rows = await here.store.read(lambda tx: _rows(tx, tables.remote_purchase, ids))
        asked = await here.store.read(_in_sight)
        dynamics = await there.store.read(lambda tx: _rows(tx, tables.purchase, ids))
        told = await there.store.read(lambda tx: _told_by_us(tx, ids))
        for buyer in self.all:
            at = buyer.order.id
            taken, back = theirs.get(str(at), (0, 0))
            status, row = dynamics[at]["status"], rows.get(at)
            seen = f"{buyer}: {status} over there, {row and (row['status'], row['said'], row['wanted'])} here"
            assert taken == buyer.charged, f"{seen}, the provider took {taken}"
            assert ours.get(at, (0, 0)) == (taken, back), f"{seen}: the ledgers differ"
            changed = [after for before, after in told.get(at, []) if before != after]
            assert changed.count("completed") <= 1, f"{seen}: confirmed twice"
            confirmed = status == "completed" and row is not None and row["said"] == "completed"
            assert taken == back or confirmed or at in asked, f"{seen}: {taken - back} stand nowhere"
            known = any(after == "completed" for _, after in told.get(at, [])) or at in asked
            assert not (confirmed and taken > back) or known, f"{seen}: completed by hand and paid, in silence"
            given = BY_HAND in buyer.happened or at in asked
            assert status != "completed" or taken > back or given, f"{seen}: a seat for nothing"
            assert taken or status in {"expired", "cancelled", "completed"}, f"{seen}: held for ever"
        assert await self.pair.dynamics.broken() == []
        assert await self.pair.completion.broken() == []
        await self._three_sides_agree(asked)

    async def _three_sides_agree(self, asked: set[UUID]) -> None:
        """But for what somebody did by hand, or is asked about."""
        desk = self.pair.completion.here.installation.desk
        books = await compare(desk, desk.provider("stripe"), Wanted(period_of(), "test", pause_s=0))
        happened = {buyer.order.id: buyer.happened for buyer in self.all}
        strange = [
            one for one in books.differences.values()
            if one.purchase_id in happened and one.purchase_id not in asked
            and not happened[one.purchase_id] & {BY_HAND, CANCELLED_THERE}
        ]  # fmt: skip
        assert strange == []

    # How it is done

    async def _link(self, buyer: Buyer) -> httpx.Response | None:
        """None: a server that was killed does not answer yet."""
        base = self.pair.completion.here.base_url
        with contextlib.suppress(httpx.HTTPError):
            return await self.pair.completion.here.client.get(
                f"{base}/GatewayRedirect/PayWithStripe?purchaseId={buyer.order.id}"
            )
        return None

    async def _paid(self, buyer: Buyer, card: str) -> Any:
        sandbox = self.pair.completion.here.sandbox
        body = {"session": buyer.page, "card": card}
        answer = await self.pair.completion.here.client.post(f"{sandbox.url}/_sandbox/pay", json=body)
        return answer.json() if answer.is_success else None

    async def _kill(self, victim: str) -> None:
        if victim == "dynamics":
            await self.pair.dynamics.kill("web")
            await self.pair.dynamics.serve()
            return
        await self.pair.completion.kill(victim)
        if victim == "web":
            await self.pair.completion.serve()
        else:
            await self.pair.completion.work(int(victim[-1]))

    async def _end_holds(self, some: list[Buyer]) -> None:
        at = tables.remote_purchase.c
        over = sa.update(tables.remote_purchase).where(
            at.id.in_([one.order.id for one in some]), at.status == "awaiting_payment", at.hold_until.is_not(None)
        )
        await self.pair.completion.here.store.write(lambda tx: tx.execute(over.values(hold_until=_past())))
        await self.pair.completion.here.hasten("sweep_remote_holds")

    async def _end_holds_there(self, some: list[Buyer]) -> None:
        for one in some:
            await self.pair.dynamics.here.let_hold_end(one.order)
        await self.pair.dynamics.here.hasten("sweep_holds")

    async def _gone_over_there(self, buyer: Buyer) -> None:
        await self.pair.dynamics.here.until(lambda: self._nothing_held([buyer.order.id]), SETTLED_S)

    async def _all_is_well_again(self) -> None:
        line = self.pair.line
        line.troubles, line.down, line.slow_s = {}, False, 0.0
        await self.pair.completion.here.sandbox.control("reset_faults")

    async def _settle(self) -> None:
        """Every notification comes, twice; every hold ends; whatever waits is due, again and again, until nothing does."""
        here, ids = self.pair.completion.here, [buyer.order.id for buyer in self.all]
        deadline = asyncio.get_running_loop().time() + SETTLED_S
        await here.sandbox.deliver(times=2, shuffled=True)
        while True:
            # Ours first, as the settings ask for: Dynamics' hold is no shorter than ours.
            await self._end_holds(self.all)
            await self.pair.completion.lease_over()
            await here.hasten("look_up_payment")
            await asyncio.sleep(0.5)
            left = await here.store.read(lambda tx: _under_way(tx, ids))
            if not left:
                break
            assert asyncio.get_running_loop().time() < deadline, f"not settled: {left}"
        await self._end_holds_there(self.all)
        await self.pair.dynamics.here.until(lambda: self._nothing_held(ids), SETTLED_S)
        await here.until_quiet()

    async def _nothing_held(self, ids: list[UUID]) -> bool:
        rows = await self.pair.dynamics.here.store.read(lambda tx: _rows(tx, tables.purchase, ids))
        return not any(row["status"] == "awaiting_payment" for row in rows.values())


def _past() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


def _rows(tx: ReadTx, table: sa.Table, ids: list[UUID]) -> dict[UUID, Row]:
    return {row["id"]: row for row in tx.rows(sa.select(table).where(table.c.id.in_(ids)))}


def _under_way(tx: ReadTx, ids: list[UUID]) -> list[str]:
    """Whose end is not known here, a line each."""
    row, payment, refund = tables.remote_purchase.c, tables.payment.c, tables.refund.c
    parked = sa.select(tables.job.c.dedupe).where(tables.job.c.state == "parked")
    given_up = {text.partition(":")[2] for text in tx.execute(parked).scalars()}
    found = {
        "held": sa.select(row.id).where(row.status == "awaiting_payment"),
        "to be told": sa.select(row.id).where(row.wanted.is_not(None)),
        "payment": sa.select(payment.purchase_id).where(payment.state.in_([state.value for state in OPEN])),
        "refund": sa.select(refund.purchase_id).where(refund.state.in_([state.value for state in ON_ITS_WAY])),
    }
    every = ((what, at) for what, query in found.items() for at in tx.execute(query).scalars())
    return [f"{what} {at}" for what, at in every if at in ids and str(at) not in given_up]


async def _their_money(pair: Processes) -> dict[str, tuple[int, int]]:
    """What the provider took and gave back, of each purchase."""
    found: dict[str, tuple[int, int]] = {}
    for line in await pair.completion.here.sandbox.look("ledger?paid=true"):
        at = line["metadata"]["order_id"]
        taken, back = found.get(at, (0, 0))
        found[at] = (taken + line["amount_received"], back + line["amount_refunded"])
    return found


def _our_money(tx: ReadTx, ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    payment, refund = tables.payment.c, tables.refund.c
    found: dict[UUID, tuple[int, int]] = {}
    for row in tx.rows(sa.select(tables.payment).where(payment.purchase_id.in_(ids), payment.state == "succeeded")):
        taken, back = found.get(row["purchase_id"], (0, 0))
        found[row["purchase_id"]] = (taken + row["amount_minor"], back)
    for row in tx.rows(sa.select(tables.refund).where(refund.purchase_id.in_(ids), refund.state == "succeeded")):
        taken, back = found[row["purchase_id"]]
        found[row["purchase_id"]] = (taken, back + row["amount_minor"])
    return found


def _in_sight(tx: ReadTx) -> set[UUID]:
    """Purchases about which a person is asked."""
    asked = tables.attention.c
    return set(tx.execute(sa.select(asked.purchase_id).where(asked.closed.is_(None))).scalars())


def _told_by_us(tx: ReadTx, ids: list[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """The words over there that were ours: what it was before, and after."""
    told = tables.audit.c
    own = sa.select(tables.audit).where(told.action == "finalize", told.actor == "Completion")
    found: dict[UUID, list[tuple[str, str]]] = {}
    for row in tx.rows(own.order_by(told.id)):
        before, _, after = row["detail"]["outcome"].partition(" -> ")
        found.setdefault(UUID(row["subject"].partition(":")[2]), []).append((before, after))
    return {at: words for at, words in found.items() if at in ids}


@pytest.mark.timeout(0 if LONG else 180)
def test_no_history_breaks_a_promise_on_either_side(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    ended: list[int] = []
    completion = fresh_database("postgresql", tmp_path, request)
    there = dynamics_database(request, tmp_path)
    with asyncio.Runner() as runner:
        house = contextlib.AsyncExitStack()
        variables = {"GATEPASS_DATAVERSE_CALLS_PER_S": "50"}
        pair = runner.run(house.enter_async_context(processes(completion, there, tmp_path, **variables)))
        try:
            run_histories(
                lambda: Histories(pair, runner, ended),
                settings=settings(
                    max_examples=HISTORIES, stateful_step_count=STEPS, deadline=None, database=None,
                    derandomize=not LONG, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
                ),
            )  # fmt: skip
        finally:
            runner.run(house.aclose())
    text = f"{len(ended)} histories of {sum(ended)} orders over the pair, each with its promises kept on both sides"
    FIGURES.append(text)
    assert os.environ.get("TORTURE") == "long" or len(ended) >= HISTORIES
