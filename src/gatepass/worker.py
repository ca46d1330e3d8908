"""Claims due jobs, calls the services, tries again with growing pauses. Any number of nodes may run it."""

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import uuid4

import structlog

from gatepass.domain.errors import Conflict, GatepassError, Unavailable
from gatepass.providers.pace import behind_buyers
from gatepass.services import (
    cancellations,
    disputes,
    figures,
    inbox,
    notifications,
    pull,
    reconcile,
    refund_calls,
    staff_mails,
    upkeep,
)
from gatepass.services.checkout import Desk
from gatepass.services.deliveries import Postman
from gatepass.services.mail import Mailer
from gatepass.services.remote import holds
from gatepass.services.remote.lane import RemoteLane
from gatepass.store import ReadTx, WriteTx, jobs, records
from gatepass.store.jobs import Job

POLL_S = 0.5
"""How often to look without a hint; work of other processes is found this way."""
REFILL = 4
"""While jobs of a lane run, new ones are claimed once one place in so many is free: a claim is a transaction, however many
it takes."""
LEASE = timedelta(seconds=60)
"""Longer than any job takes: a provider call ends within 18 s."""
LONGEST_PAUSE_S = 300.0
STANDSTILL_S = 2.0
"""When nothing of what was paid has ended for so long, it waits for somebody else."""
BUG_TRIES = 8
"""For failures that nobody foresaw; then the job is parked in sight."""
DRAIN_S = 20.0
_AS_A_RULE = upkeep.Plan()


@dataclass(frozen=True, slots=True)
class Lane:
    """Kinds of work that share so many places: a provider that hangs, or a backlog, keeps no other lane waiting."""

    places: int
    kinds: Sequence[str]
    beside_money: int | None = None
    """Places while more was paid than one claim takes, and moves; None: all of them."""


# More at once than a provider that answers at once needs: much is written together.
MONEY = Lane(64, ("apply_notification",))
LANES = (
    MONEY,
    Lane(16, ("end_payment", "look_up_payment", "send_refund", "pull_events", "reconcile")),
    Lane(
        16,
        ("send_confirmation", "send_cancellation", "send_refund_mail", "send_link", "send_staff_mail", "send_drift_report"),
        beside_money=2,
    ),
    Lane(
        8,
        (
            "collect_evidence", "refund_event", "seat_waiting", "sweep_holds", "sweep_remote_holds", "forget_done_jobs",
            "forget_bodies", "sum_up_figures",
        ),
    ),
)  # fmt: skip
_LANE_OF = {kind: lane for lane in LANES for kind in lane.kinds}

log = structlog.get_logger("gatepass.worker")

Handler = Callable[[Job], Awaitable[None]]


class Worker:
    """One node's share of the work."""

    def __init__(
        self, desk: Desk, mailer: Mailer, postman: Postman, plan: upkeep.Plan = _AS_A_RULE,
        remote: RemoteLane | None = None,
    ) -> None:  # fmt: skip
        """`remote`: the lane to the Dataverse where purchases live, if they do not live here."""
        self._desk, self._store, self._postman, self._plan, self._remote = desk, desk.store, postman, plan, remote
        self._owner = f"{socket.gethostname()[:40]}-{uuid4().hex[:8]}"
        self._handlers = _handlers(desk, mailer, plan)
        assert set(_LANE_OF) == {*self._handlers, "apply_notification"}
        self._running: set[asyncio.Task[None]] = set()
        self._taken = dict.fromkeys(LANES, 0)
        self._money_moved = 0.0
        self._more: set[Lane] = set()
        """Lanes whose last claim was full: more may be due."""
        self._wake = asyncio.Event()
        self._stopping = False

    def hint(self) -> None:
        """There may be work."""
        self._wake.set()
        if self._remote:
            self._remote.hint()

    async def run(self) -> None:
        """Work until `stop`, then finish what was begun."""
        self._store.on_jobs = self.hint
        await self._store.write(lambda tx: upkeep.schedule(tx, self._plan, self._desk.providers))
        beside = [asyncio.create_task(one.run()) for one in (self._postman, self._remote) if one]
        while not self._stopping:
            hinted = self._wake.is_set()
            self._wake.clear()
            if not await self._claim(hinted=hinted):
                await self._rest()
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_S)
        await asyncio.gather(*beside)

    def stop(self) -> None:
        """Take no new work."""
        self._stopping = True
        self._postman.stop()
        if self._remote:
            self._remote.stop()
        self._wake.set()

    async def _rest(self) -> None:
        """Until something was added, something ended, or the next look."""
        try:
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _claim(self, *, hinted: bool) -> bool:
        """Start what is due, as far as there is room; False when there is nothing or no room.

        Without a hint it looks first: a claim that finds nothing would still keep writers waiting.
        """
        room = self._room()
        if hinted:
            # Whatever it is, where there is no room for it now it is looked for as soon as there is.
            self._more |= set(LANES) - set(room)
        try:
            if not room or not (hinted or await self._store.read(lambda tx: _is_due(tx, room))):
                return False
            shares = [(lane.kinds, places) for lane, places in room.items()]
            claims = await self._store.write(lambda tx: jobs.claim(tx, shares, LEASE, self._owner))
        except Unavailable as error:
            log.warning("worker.no_database", code=error.code)
            return False
        got = Counter(_LANE_OF[claim.kind] for claim in claims)
        self._more = (self._more - set(room)) | {lane for lane, places in room.items() if got[lane] == places}
        looks = notifications.Looks(self._desk.store, claims)
        for claim in claims:
            self._begin(claim, looks)
        return bool(claims)

    def _room(self) -> dict[Lane, int]:
        """Of each lane that is worth a claim: how many more. What stands back for money is claimed with it, never alone."""
        busy = self._busy()
        free = {lane: _places(lane, busy=busy) - taken for lane, taken in self._taken.items()}
        worth = {lane: room for lane, room in free.items() if room * REFILL >= _places(lane, busy=busy)}
        with_money = not busy or MONEY in worth
        return {lane: room for lane, room in worth.items() if lane.beside_money is None or with_money}

    def _busy(self) -> bool:
        """Much was paid, and it moves. Where it hangs, nothing stands back for it.

        Much is what a claim cannot take at once: places alone do not tell, for all of them may end in one transaction.
        """
        much = MONEY in self._more or self._taken[MONEY] > 0
        return much and time.monotonic() < self._money_moved + STANDSTILL_S

    def _begin(self, claim: Job, looks: notifications.Looks) -> None:
        lane = _LANE_OF[claim.kind]
        self._taken[lane] += 1
        task = asyncio.create_task(self._do(claim, looks))
        self._running.add(task)
        task.add_done_callback(partial(self._ended, lane))

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        self._taken[lane] -= 1
        if lane is MONEY:
            self._money_moved = time.monotonic()
        self._running.discard(task)
        if self._more & set(self._room()):
            self._wake.set()

    async def _do(self, claim: Job, looks: notifications.Looks) -> None:
        try:
            with behind_buyers():
                await self._handle(claim, looks)
        except Conflict as error:
            # Another node has taken it over, and it will do it.
            if error.code != "JobTaken":
                await self._give_back(claim, error)
        except Exception as error:
            await self._give_back(claim, error)

    async def _handle(self, claim: Job, looks: notifications.Looks) -> None:
        if claim.kind == "apply_notification":
            await notifications.apply(self._desk, claim, looks)
        else:
            await self._handlers[claim.kind](claim)

    async def _give_back(self, claim: Job, error: Exception) -> None:
        """Only what may pass is tried again for ever; the rest is parked with its reason, in sight."""
        expected = isinstance(error, GatepassError)
        log.warning("job.failed", kind=claim.kind, job=str(claim.id), failures=claim.failures + 1, error=_name(error))
        hopeless = not isinstance(error, Unavailable) and (expected or claim.failures + 1 >= BUG_TRIES)
        park = hopeless and claim.payload and claim.kind not in upkeep.REPEATING
        try:
            await self._store.write(lambda tx: _park(tx, claim, error) if park else _later(tx, claim, error))
        except GatepassError:
            # The lease ends by itself.
            log.warning("job.not_given_back", job=str(claim.id))


def _handlers(desk: Desk, mailer: Mailer, plan: upkeep.Plan) -> Mapping[str, Handler]:
    store = desk.store
    return {
        "end_payment": lambda job: upkeep.end_payment(desk, job),
        "look_up_payment": lambda job: upkeep.look_up_payment(desk, job),
        "send_refund": lambda job: refund_calls.send(desk, job),
        "collect_evidence": lambda job: disputes.collect(store, job),
        "refund_event": lambda job: cancellations.refund_event(store, desk.management, job),
        "send_confirmation": mailer.send_confirmation,
        "send_cancellation": mailer.send_cancellation,
        "send_link": mailer.send_link,
        "send_refund_mail": mailer.send_refund_mail,
        "send_staff_mail": lambda job: staff_mails.send_link(mailer, job),
        "send_drift_report": mailer.send_report,
        "seat_waiting": lambda job: upkeep.seat_waiting(desk, job),
        "sweep_holds": lambda job: upkeep.sweep_holds(store, job),
        "sweep_remote_holds": lambda job: holds.sweep(store, desk.management, job),
        "reconcile": lambda job: reconcile.by_itself(desk, plan.reconcile_every, plan.report_to, job),
        "forget_done_jobs": lambda job: upkeep.forget_done_jobs(store, job),
        "forget_bodies": lambda job: inbox.forget_bodies(store, plan.keep_bodies, job),
        "sum_up_figures": lambda job: figures.sum_up(store, job),
        "pull_events": lambda job: pull.pull_events(store, desk.providers, plan.pull_every, job),
    }


def _places(lane: Lane, *, busy: bool) -> int:
    return lane.places if lane.beside_money is None or not busy else lane.beside_money


def _is_due(tx: ReadTx, lanes: Iterable[Lane]) -> bool:
    return jobs.is_due(tx, [kind for lane in lanes for kind in lane.kinds])


def _later(tx: WriteTx, claim: Job, error: Exception) -> None:
    pause = min(LONGEST_PAUSE_S, 2.0 ** min(claim.failures, 20)) * random.uniform(0.5, 1)  # noqa: S311
    jobs.again(tx, claim, tx.now + timedelta(seconds=pause), error=_name(error))


def _park(tx: WriteTx, claim: Job, error: Exception) -> None:
    jobs.park(tx, claim, _name(error))
    reason = f"{claim.kind} was given up: {_name(error)}"
    records.call_attention(tx, "job_parked", reason, dedupe=f"job:{claim.id}")


def _name(error: Exception) -> str:
    return f"{error.code}: {error.message}" if isinstance(error, GatepassError) else type(error).__name__
