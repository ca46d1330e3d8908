"""Histories that nobody thought of: Hypothesis makes them up, a small model says what may come of them.

One history is a sequence of the rules below against a running Gatepass and its sandbox. After every step what is stored
must be allowed; at its end everything is told and looked up, and must have come to its end. A history that fails is
shortened and printed as the calls that repeat it. What is drawn depends on what was drawn, never on what came of it:
after a crash that may differ from run to run.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gatepass import app
from gatepass.domain.errors import GatepassError
from gatepass.domain.money import Money
from gatepass.services import cancellations
from gatepass.store import ReadTx, tables
from tests.conftest import fresh_database
from tests.running import Order, Running, running
from tests.torture.model import CALLED_OFF, CANCELLED_BY_HAND, ENDS, HOLD_OVER, PAID_BY_HAND, PRICE, RETURNED, Buyer
from tests.torture.options import FIGURES, HISTORIES, LONG, STEPS
from tests.torture.settling import hasten_all, settle

SEATS = 5
"""Of the only pass: a few buyers fight for it."""
CARDS = {
    "good": "4242424242424242",
    "declined": "4000000000009995",
    "debit": "AT611904300234573201",
    "debit refused": "AT861904300235473202",
    "refund waits": "4000000000007726",
    "refund comes back": "4000000000005126",
}
POLICIES = ["seat_else_refund", "seat_else_waitlist", "seat_else_attention", "refund", "attention"]
OUTCOMES = ["card", "pending", "fails", "pending_fails"]
"""Of refunds."""
MODES = ["hold", "drop"]
"""Of notifications: they wait for `deliver`, or never come."""
MOST_AHEAD_S = 250
"""The provider's clock may run ahead by this and one more jump: by a quarter of an hour, it would refuse to open a page."""
CANCELLED, COMPLETED = 100000000, 100000001
OF_A_NODE = {"Worker.run", "Worker._do", "_open_in_time"}
"""What dies with a process: the rest of this one is the harness, or lives in the database."""

WORLDS = [("sqlite", "session", 1.0), ("postgresql", "session", 0.1), ("sqlite", "link", 0.2)]
"""Database, how pages are opened at the provider, and the share of histories."""

T = TypeVar("T")
Database = Callable[[Path], str]


class Histories(RuleBasedStateMachine):
    """Many buyers, one event, five seats."""

    buyers: Bundle[Buyer] = Bundle("buyers")
    disputes: Bundle[str] = Bundle("disputes")

    def __init__(self, database: Database, opening: str, ended: list[int]) -> None:
        super().__init__()
        self.all: list[Buyer] = []
        self.ended = ended
        self.ahead_s = 0
        self.runner = asyncio.Runner()
        self.house = contextlib.AsyncExitStack()
        self.here = self.run(self._open(database, opening))

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """One step: the servers run only meanwhile."""
        return self.runner.run(what)

    async def _open(self, database: Database, opening: str) -> Running:
        directory = Path(self.house.enter_context(TemporaryDirectory(prefix="gatepass-history-")))
        system = running(database(directory), directory, with_worker=False, GATEPASS_STRIPE_OPENING=opening)
        here = await self.house.enter_async_context(system)
        return await here.at(("One", PRICE, SEATS))

    @initialize(
        target=buyers,
        policy=st.sampled_from(POLICIES),
        refunds=st.sampled_from(OUTCOMES),
        notifications=st.sampled_from(MODES),
        cards=st.lists(st.sampled_from(sorted(CARDS)), min_size=2, max_size=3),
    )
    def in_a_world_where(self, policy: str, refunds: str, notifications: str, cards: list[str]) -> Any:
        """Some have bought already, and nobody has heard of it."""
        self.run(self.here.change_event(late_policy=policy))
        self.run(self.here.sandbox.control("faults", refunds={"outcome": refunds}, deliveries={"mode": notifications}))
        return multiple(*(self.buy(1, card) for card in cards))

    # What buyers do

    @rule(target=buyers, seats=st.integers(1, 3))
    def register(self, seats: int) -> Buyer:
        """For who finds no seat, the last one who did acts again."""
        kept = sum(buyer.seats for buyer in self.all if not buyer.happened & ENDS)
        taken = self.run(self._taken())
        answer = self.run(self.here.post_registration(self.here.body(seats=seats, pass_name="One")))
        if answer.status_code != 200:
            assert answer.status_code in {404, 409}, answer.text
            assert taken + seats > SEATS or self._called_off, answer.text
            return self.all[-1]
        assert kept + seats <= SEATS, "oversold"
        said = answer.json()
        buyer = Buyer(Order(UUID(said["purchaseId"]), said["status"], said["redirectUrl"], ""), seats)
        self.all.append(buyer)
        return buyer

    @rule(target=buyers, seats=st.integers(1, 2), card=st.sampled_from(sorted(CARDS)))
    def buy(self, seats: int, card: str) -> Buyer:
        """What most do: register, follow the link, pay."""
        buyer = self.register(seats)
        self.open_page(buyer)
        self.pay(buyer, card)
        return buyer

    @rule(buyer=buyers)
    def open_page(self, buyer: Buyer) -> None:
        answer = self.run(self.here.client.get(buyer.order.pay_url))
        assert answer.status_code in {302, 409, 410}
        buyer.page = answer.headers.get("location", buyer.page)

    @rule(buyer=buyers, card=st.sampled_from(sorted(CARDS)))
    def pay(self, buyer: Buyer, card: str) -> None:
        paid = self.run(self._control("pay", session=buyer.page, card=CARDS[card])) if buyer.page else None
        if paid and paid["status"] == "paid":
            buyer.charged += buyer.seats * PRICE
        if paid and paid["status"] == "processing":
            buyer.debits[paid["session"]] = card

    @rule(buyer=buyers)
    def the_bank_answers(self, buyer: Buyer) -> None:
        for session in buyer.debits:
            assert self.run(self._control("settle_async", session=session))
        buyer.bank_decides()

    @rule(buyer=buyers)
    def come_back(self, buyer: Buyer) -> None:
        """To the address that the provider sends a buyer to; it asks the provider."""
        self.run(self._come_back(buyer))

    # What the network does

    @rule(times=st.integers(1, 3), shuffled=st.booleans(), again=st.booleans())
    def deliver(self, times: int, shuffled: bool, again: bool) -> None:
        self.run(self.here.sandbox.control("flush", times=times, shuffled=shuffled, again=again))

    @rule(mode=st.sampled_from(MODES))
    def notifications_will(self, mode: str) -> None:
        self.run(self.here.sandbox.control("faults", deliveries={"mode": mode}))

    # What time does

    @rule()
    def work(self) -> None:
        self.run(self._work(hastened=False))

    @rule()
    def everything_is_due(self) -> None:
        self.run(self._work(hastened=True))

    @rule(buyer=buyers)
    def hold_ends(self, buyer: Buyer) -> None:
        purchase = self.run(self.here.purchase(buyer.order.id))
        if purchase.hold_until:
            self.run(self.here.let_hold_end(buyer.order))
            buyer.happened.add(HOLD_OVER)

    @precondition(lambda self: self.ahead_s < MOST_AHEAD_S)
    @rule(seconds=st.sampled_from([11, 300]))
    def time_passes_at_the_provider(self, seconds: int) -> None:
        self.ahead_s += seconds
        self.run(self.here.sandbox.control("advance", seconds=seconds))
        for buyer in self.all:
            buyer.bank_decides()

    @rule(milliseconds=st.integers(0, 30))
    def crash(self, milliseconds: int) -> None:
        """Everybody opens the page, the worker works, and it all stops at some await. A minute later leases are over."""
        self.run(self._crash(milliseconds / 1000))

    # What staff does

    @rule(buyer=buyers)
    def cancel(self, buyer: Buyer) -> None:
        answer = self.run(self.here.finalize(buyer.order.id, CANCELLED))
        assert answer.status_code in {204, 400}, answer.text
        if answer.status_code == 204:
            buyer.happened.add(CANCELLED_BY_HAND)

    @rule(buyer=buyers)
    def complete_by_hand(self, buyer: Buyer) -> None:
        before = self.run(self.here.purchase(buyer.order.id)).status.value
        answer = self.run(self.here.finalize(buyer.order.id, COMPLETED))
        assert answer.status_code in {204, 400}, answer.text
        if answer.status_code == 204 and before not in {"completed", "paid_late"}:
            buyer.happened.add(PAID_BY_HAND)

    @rule(buyer=buyers, what=st.sampled_from(["all", "one", "part", "keep"]))
    def refund(self, buyer: Buyer, what: str) -> None:
        if self.run(self._refund(buyer, what)):
            buyer.happened.add(RETURNED)

    @rule(buyer=buyers, whole=st.booleans(), outcome=st.sampled_from(OUTCOMES))
    def refund_at_the_dashboard(self, buyer: Buyer, whole: bool, outcome: str) -> None:
        amount = {} if whole else {"amount": PRICE // 2}
        if self.run(self._at_the_provider(buyer, "refunds", outcome=outcome, **amount)):
            buyer.happened.add(RETURNED)

    @rule(target=disputes, buyer=buyers, inquiry=st.booleans())
    def dispute(self, buyer: Buyer, inquiry: bool) -> Any:
        """Or the bank only asks: lost, that becomes a dispute."""
        opened = self.run(self._at_the_provider(buyer, "disputes", inquiry=inquiry))
        return opened["id"] if opened else ""

    @rule(dispute=disputes, result=st.sampled_from(["won", "lost"]))
    def the_bank_decides(self, dispute: str, result: str) -> None:
        if dispute:
            self.run(self._control(f"disputes/{dispute}", result=result))

    @rule()
    def call_off(self) -> None:
        if len(self.all) <= 3 or self._called_off:
            return
        self.run(cancellations.call_off(self.here.store, self.here.event.id, "Flood", "anna"))
        for buyer in self.all:
            buyer.happened.add(CALLED_OFF)

    # What must hold

    @invariant()
    def every_order_is_something_that_it_may_be(self) -> None:
        stored = self.run(self.here.store.read(_stored))
        for buyer in self.all:
            status, tickets = stored[str(buyer.order.id)]
            assert status in buyer.may_be, f"{buyer} is {status}"
            assert tickets == 0 or status == "completed", f"{buyer} is {status} with {tickets} tickets"
        assert sum(tickets for _, tickets in stored.values()) <= SEATS

    def teardown(self) -> None:
        try:
            self.run(self._end())
            self.ended.append(len(self.all))
        finally:
            self.run(self.house.aclose())
            self.runner.close()

    async def _end(self) -> None:
        """Everything is told, everything is looked up: all has come to its end, and the two ledgers are equal."""
        await self.here.sandbox.control("faults", refunds={"outcome": "card"})
        async with self._working():
            await settle(self.here)
            await self.here.check_promises()
        for buyer in self.all:
            buyer.bank_decides()
        stored = await self.here.store.read(_stored)
        ours = await self.here.store.read(_money)
        theirs = await self._their_money()
        assert ours == theirs, "the ledgers differ"
        in_sight = await self.here.store.read(_in_sight)
        for buyer in self.all:
            status, tickets = stored[str(buyer.order.id)]
            taken, back = theirs.get(str(buyer.order.id), (0, 0))
            assert taken == buyer.charged, f"{buyer}: the provider took {taken}"
            assert status in buyer.must_be, f"{buyer} is {status}"
            owned = status in {"completed", "waitlisted"} or buyer.order.id in in_sight
            assert taken == back or owned, f"{buyer} is {status}: {taken - back} stand nowhere"
            assert tickets == buyer.seats or status != "completed" or buyer.happened & ENDS, f"{buyer} has {tickets}"

    # How it is done

    @property
    def _called_off(self) -> bool:
        return any(CALLED_OFF in buyer.happened for buyer in self.all)

    async def _control(self, what: str, **body: Any) -> Any:
        """What the sandbox's bank answers; None when the state of things forbids it."""
        answer = await self.here.client.post(f"{self.here.sandbox.url}/_sandbox/{what}", json=body)
        return answer.json() if answer.is_success else None

    async def _taken(self) -> int:
        """Seats that may be taken, by the purchases themselves and not by any counter."""
        stored = await self.here.store.read(_stored)
        seats = {str(buyer.order.id): buyer.seats for buyer in self.all}
        return sum(
            tickets if status == "completed" else seats[at]
            for at, (status, tickets) in stored.items()
            if status in {"awaiting_payment", "completed"}
        )

    @contextlib.asynccontextmanager
    async def _working(self) -> Any:
        worker = app.new_worker(self.here.installation)
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()
            await task

    async def _work(self, *, hastened: bool) -> None:
        async with self._working():
            if hastened:
                await hasten_all(self.here)
            await self.here.check_promises(all_told=False)

    async def _crash(self, seconds: float) -> None:
        worker = app.new_worker(self.here.installation)
        others = [asyncio.create_task(worker.run())]
        others += [asyncio.create_task(self.here.client.get(buyer.order.pay_url)) for buyer in self.all]
        await asyncio.sleep(seconds)
        for task in asyncio.all_tasks():
            if task.get_coro().__qualname__ in OF_A_NODE:
                task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await hasten_all(self.here)

    async def _come_back(self, buyer: Buyer) -> None:
        if "cs_test_" in buyer.page:
            session = await self.here.sandbox.stripe(f"checkout/sessions/{buyer.page.rpartition('/')[2]}")
            assert (await self.here.client.get(session["success_url"])).status_code == 303

    async def _refund(self, buyer: Buyer, what: str) -> bool:
        people = await self.here.tickets(buyer.order.id)
        wanted: dict[str, Any] = {
            "all": {}, "one": {"attendees": [people[0].id]}, "part": {"amount": Money(PRICE // 2, "EUR")},
            "keep": {"keep_seats": True},
        }[what]  # fmt: skip
        with contextlib.suppress(GatepassError):
            await self.here.refund(buyer.order, **wanted)
            return True
        return False

    async def _at_the_provider(self, buyer: Buyer, what: str, **more: Any) -> Any:
        """Something done there to the newest payment of a buyer that has money."""
        paid = [payment for payment in await self.here.payments(buyer.order.id) if payment.intent_ref]
        return await self._control(what, payment=paid[-1].intent_ref, **more) if paid else None

    async def _their_money(self) -> dict[str, tuple[int, int]]:
        """What the provider took and gave back, of each purchase."""
        found: dict[str, tuple[int, int]] = {}
        for line in await self.here.sandbox.look("ledger?paid=true"):
            taken, back = found.get(line["metadata"]["order_id"], (0, 0))
            found[line["metadata"]["order_id"]] = (taken + line["amount_received"], back + line["amount_refunded"])
        return found


def _stored(tx: ReadTx) -> dict[str, tuple[str, int]]:
    """Status and tickets of every purchase."""
    purchase, registration = tables.purchase.c, tables.registration.c
    tickets = sa.select(sa.func.count()).where(
        registration.purchase_id == purchase.id, registration.status == "registered"
    )
    rows = tx.rows(sa.select(purchase.id, purchase.status, tickets.scalar_subquery().label("tickets")))
    return {str(row["id"]): (row["status"], row["tickets"]) for row in rows}


def _money(tx: ReadTx) -> dict[str, tuple[int, int]]:
    """What we know that the provider took and gave back, of each purchase."""
    payment, refund = tables.payment.c, tables.refund.c
    found: dict[str, tuple[int, int]] = {}
    for row in tx.rows(sa.select(tables.payment).where(payment.state == "succeeded", payment.provider == "stripe")):
        taken, back = found.get(str(row["purchase_id"]), (0, 0))
        found[str(row["purchase_id"])] = (taken + row["amount_minor"], back)
    for row in tx.rows(sa.select(tables.refund).where(refund.state == "succeeded", refund.provider == "stripe")):
        taken, back = found[str(row["purchase_id"])]
        found[str(row["purchase_id"])] = (taken, back + row["amount_minor"])
    return found


def _in_sight(tx: ReadTx) -> set[UUID]:
    """Purchases about which a person is asked."""
    asked = tables.attention.c
    return set(tx.execute(sa.select(asked.purchase_id).where(asked.closed.is_(None))).scalars())


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("kind", "opening", "share"), WORLDS)
def test_no_history_breaks_a_promise(kind: str, opening: str, share: float, request: pytest.FixtureRequest) -> None:
    ended: list[int] = []
    run_state_machine_as_test(
        lambda: Histories(lambda directory: fresh_database(kind, directory, request), opening, ended),
        settings=settings(
            max_examples=max(2, int(HISTORIES * share)),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=not LONG,
            phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    FIGURES.append(f"{len(ended)} histories of {sum(ended)} orders, {kind}, pages opened by {opening}")
