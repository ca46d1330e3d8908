"""Claims due jobs, calls the services, tries again with growing pauses. Any number of nodes may run it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta

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
    waitlist,
)
from gatepass.services.checkout import Desk
from gatepass.services.deliveries import Postman
from gatepass.services.mail import Mailer
from gatepass.services.pictures import Pictures
from gatepass.services.places import LANE_OF, Lane, Places
from gatepass.services.remote import holds
from gatepass.services.remote.lane import RemoteLane
from gatepass.services.rounds import Piece, Rounds, holder
from gatepass.store import ReadTx, WriteTx, jobs, records
from gatepass.store.jobs import Job

LEASE = timedelta(seconds=60)
"""Longer than any job takes: a provider call ends within 18 s."""
LONGEST_PAUSE_S = 300.0
BUG_TRIES = 8
"""For failures that nobody foresaw; then the job is parked in sight."""
_AS_A_RULE = upkeep.Plan()


log = structlog.get_logger("gatepass.worker")

Handler = Callable[[Job], Awaitable[None]]


class Worker:
    """One node's share of the work."""

    def __init__(
        self, desk: Desk, mailer: Mailer, postman: Postman, pictures: Pictures, plan: upkeep.Plan = _AS_A_RULE,
        remote: RemoteLane | None = None,
    ) -> None:  # fmt: skip
        """`remote`: the lane to the Dataverse where purchases live, if they do not live here."""
        self._desk, self._store, self._plan, self._remote = desk, desk.store, plan, remote
        self._owner = holder()
        self._handlers = _handlers(desk, mailer, pictures, plan)
        assert set(LANE_OF) == {*self._handlers, "apply_notification"}
        self._places = Places()
        self._rounds = Rounds("jobs", self._claim)
        self._beside = [one.rounds for one in (postman, remote) if one]

    def hint(self) -> None:
        """There may be work."""
        self._rounds.hint()
        if self._remote:
            self._remote.rounds.hint()

    async def run(self) -> None:
        """Work until `stop`, then finish what was begun."""
        self._store.on_jobs = self.hint
        await self._store.write(lambda tx: upkeep.schedule(tx, self._plan, self._desk.providers))
        await asyncio.gather(*(rounds.run() for rounds in (self._rounds, *self._beside)))

    def stop(self) -> None:
        """Take no new work."""
        for rounds in (self._rounds, *self._beside):
            rounds.stop()

    async def _claim(self) -> Sequence[Piece]:
        """What is due, as far as there is room.

        Without a hint it looks first: a claim that finds nothing would still keep writers waiting.
        """
        room, hinted = self._places.room(), self._rounds.hinted
        if hinted:
            self._places.hinted(room)
        if not room or not (hinted or await self._store.read(lambda tx: _is_due(tx, room))):
            return ()
        shares = [(lane.kinds, places) for lane, places in room.items()]
        claims = await self._store.write(lambda tx: jobs.claim(tx, shares, LEASE, self._owner))
        self._places.claimed(room, [claim.kind for claim in claims])
        looks = notifications.Looks(self._desk.store, claims)
        return [self._do(claim, looks) for claim in claims]

    async def _do(self, claim: Job, looks: notifications.Looks) -> bool:
        """True: there may be more for the room that its end has made."""
        try:
            await self._tried(claim, looks)
        finally:
            more = self._places.ended(claim.kind)
        return more

    async def _tried(self, claim: Job, looks: notifications.Looks) -> None:
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


def _handlers(desk: Desk, mailer: Mailer, pictures: Pictures, plan: upkeep.Plan) -> Mapping[str, Handler]:
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
        "keep_pictures": pictures.fetch_missing,
        "seat_waitlist": lambda job: waitlist.seat(store, job),
        "reconcile": lambda job: reconcile.by_itself(desk, plan.reconcile_every, plan.report_to, job),
        "forget_done_jobs": lambda job: upkeep.forget_done_jobs(store, job),
        "forget_bodies": lambda job: inbox.forget_bodies(store, plan.keep_bodies, job),
        "sum_up_figures": lambda job: figures.sum_up(store, job),
        "pull_events": lambda job: pull.pull_events(store, desk.providers, plan.pull_every, job),
    }


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
