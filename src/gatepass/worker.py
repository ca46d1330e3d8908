"""Claims due jobs, calls the services, tries again with growing pauses. Any number of nodes may run it."""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import uuid4

import structlog

from gatepass.domain.errors import Conflict, GatepassError, Unavailable
from gatepass.services import cancellations, disputes, inbox, notifications, pull, reconcile, refund_calls, upkeep
from gatepass.services.checkout import Desk
from gatepass.services.deliveries import Postman
from gatepass.services.mail import Mailer
from gatepass.store import ReadTx, WriteTx, jobs, records
from gatepass.store.jobs import Job

POLL_S = 0.5
"""How often to look without a hint; work of other processes is found this way."""
IN_FLIGHT = 16
REFILL = 4
"""While jobs run, new ones are claimed only for so many at once: a claim is a transaction, however many it takes."""
LEASE = timedelta(seconds=60)
"""Longer than any job takes: a provider call ends within 18 s."""
LONGEST_PAUSE_S = 300.0
BUG_TRIES = 8
"""For failures that nobody foresaw; then the job is parked in sight."""
DRAIN_S = 20.0
_AS_A_RULE = upkeep.Plan()

log = structlog.get_logger("gatepass.worker")

Handler = Callable[[Job], Awaitable[None]]


class Worker:
    """One node's share of the work."""

    def __init__(self, desk: Desk, mailer: Mailer, postman: Postman, plan: upkeep.Plan = _AS_A_RULE) -> None:
        self._desk, self._store, self._postman, self._plan = desk, desk.store, postman, plan
        self._owner = f"{socket.gethostname()[:40]}-{uuid4().hex[:8]}"
        self._handlers = _handlers(desk, mailer, plan)
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    def hint(self) -> None:
        """There may be work."""
        self._wake.set()

    async def run(self) -> None:
        """Work until `stop`, then finish what was begun."""
        self._store.on_jobs = self.hint
        await self._store.write(lambda tx: upkeep.schedule(tx, self._plan, self._desk.providers))
        delivering = asyncio.create_task(self._postman.run())
        while not self._stopping:
            hinted = self._wake.is_set()
            self._wake.clear()
            if not await self._claim(hinted=hinted):
                await self._rest()
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN_S)
        await delivering

    def stop(self) -> None:
        """Take no new work."""
        self._stopping = True
        self._postman.stop()
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
        room = IN_FLIGHT - len(self._running)
        try:
            if room < REFILL or not (hinted or await self._store.read(self._due)):
                return False
            claims = await self._store.write(lambda tx: jobs.claim(tx, list(self._handlers), room, LEASE, self._owner))
        except Unavailable as error:
            log.warning("worker.no_database", code=error.code)
            return False
        for claim in claims:
            task = asyncio.create_task(self._do(claim))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return bool(claims)

    def _due(self, tx: ReadTx) -> bool:
        return jobs.is_due(tx)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake.set()

    async def _do(self, claim: Job) -> None:
        try:
            await self._handlers[claim.kind](claim)
        except Conflict as error:
            # Another node has taken it over, and it will do it.
            if error.code != "JobTaken":
                await self._give_back(claim, error)
        except Exception as error:
            await self._give_back(claim, error)

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
        "apply_notification": lambda job: notifications.apply(desk, job),
        "end_payment": lambda job: upkeep.end_payment(desk, job),
        "look_up_payment": lambda job: upkeep.look_up_payment(desk, job),
        "send_refund": lambda job: refund_calls.send(desk, job),
        "collect_evidence": lambda job: disputes.collect(store, job),
        "refund_event": lambda job: cancellations.refund_event(store, desk.management, job),
        "send_confirmation": mailer.send_confirmation,
        "send_cancellation": mailer.send_cancellation,
        "send_refund_mail": mailer.send_refund_mail,
        "seat_waiting": lambda job: upkeep.seat_waiting(desk, job),
        "sweep_holds": lambda job: upkeep.sweep_holds(store, job),
        "reconcile": lambda job: reconcile.by_itself(desk, plan.reconcile_every, job),
        "forget_done_jobs": lambda job: upkeep.forget_done_jobs(store, job),
        "forget_bodies": lambda job: inbox.forget_bodies(store, plan.keep_bodies, job),
        "pull_events": lambda job: pull.pull_events(store, desk.providers, plan.pull_every, job),
    }


def _later(tx: WriteTx, claim: Job, error: Exception) -> None:
    pause = min(LONGEST_PAUSE_S, 2.0 ** min(claim.failures, 20)) * random.uniform(0.5, 1)  # noqa: S311
    jobs.again(tx, claim, tx.now + timedelta(seconds=pause), error=_name(error))


def _park(tx: WriteTx, claim: Job, error: Exception) -> None:
    jobs.park(tx, claim, _name(error))
    reason = f"{claim.kind} was given up: {_name(error)}"
    records.call_attention(tx, "job_parked", reason, dedupe=f"job:{claim.id}")


def _name(error: Exception) -> str:
    return f"{error.code}: {error.message}" if isinstance(error, GatepassError) else type(error).__name__
