"""The lane to Dataverse: work for it is claimed and called at a pace that all processes share, and rests when it wants rest.

Not a lane of the worker's: a Dataverse that is slow or down keeps nothing else waiting, and what it may be asked is counted
in the database, not in a process.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import structlog

from gatepass.dataverse import Dataverse, NoAccess, Throttled
from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused, Unavailable
from gatepass.services.remote import questions
from gatepass.services.remote.looks import Looks
from gatepass.services.remote.management import Terms
from gatepass.services.remote.pace import Resting, turn
from gatepass.services.remote.tasks import TELL
from gatepass.services.remote.tell import Teller, Unsure
from gatepass.services.rounds import Piece, Rounds, holder
from gatepass.store import Store, WriteTx, call_lanes, jobs, remote
from gatepass.store.call_lanes import Rules
from gatepass.store.jobs import Job

NAME = "dataverse"
LEASE = timedelta(seconds=90)
"""Longer than `PATIENCE_S`. Who finds that a process is dead does not take over sooner: its call may still be carried out over
there, and a look does not show that yet."""
PATIENCE_S = 80.0
"""For one purchase: the first look, 10 s, a call of 30 s, each with a new token and its turn. What is left is the next try's."""
STAND_BACK_S = 2.0
"""Longer than another process takes to look for work."""
TRIES = 8
"""Of what is no failure of Dataverse's: a bug of ours, or a word that it takes and does not keep."""

log = structlog.get_logger("gatepass.dataverse")


def rules(calls_per_s: int, at_once: int) -> Rules:
    """Of this lane."""
    return Rules(NAME, (TELL,), calls_per_s, at_once, LEASE)


class RemoteLane:
    """One process's share of it."""

    def __init__(self, store: Store, dataverse: Dataverse, terms: Terms) -> None:
        self._store, self._rules = store, terms.rules
        self._teller = Teller(store, dataverse, Looks(dataverse, self._call), terms, self._call)
        self._owner = holder()
        self.rounds = Rounds(NAME, self._claim)
        self._calling, self._free = 0, asyncio.Condition()
        self._last_error: Exception | None = None
        self._refused, self._goes_at = False, 0.0

    async def _claim(self) -> Sequence[Piece]:
        if not await self._store.read(lambda tx: call_lanes.may_claim(tx, self._rules)) or self._stands_back():
            return []
        claims = await self._store.write(lambda tx: call_lanes.claim(tx, self._rules, self._owner))
        return [self._do(claim) for claim in claims]

    def _stands_back(self) -> bool:
        """Whose secret was refused leaves the first go to the others: while one is changed, some know the new one."""
        if not self._refused:
            return False
        now = time.monotonic()
        self._goes_at = self._goes_at or now + STAND_BACK_S
        return now < self._goes_at

    @asynccontextmanager
    async def _call(self) -> AsyncGenerator[None]:
        """A call may leave, and be under way, inside. Of the calls of all processes, this one has its work's share."""
        async with self._free:
            await self._free.wait_for(lambda: self._calling < max(1, self.rounds.under_way // call_lanes.SHARED_BY))
            self._calling += 1
        try:
            await turn(self._store, self._rules)
            yield
        finally:
            self._calling -= 1
            async with self._free:
                self._free.notify_all()

    async def _do(self, claim: Job) -> None:
        self._goes_at = 0.0
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._teller.tell(claim)
            self._refused = False
        except Exception as error:
            self._refused = isinstance(error, NoAccess)
            await self._give_back(claim, error)

    async def _give_back(self, claim: Job, error: Exception) -> None:
        log.warning("dataverse.failed", job=str(claim.id), failures=claim.failures + 1, error=_name(error))
        # Many may have shared one call: it failed once.
        counts, self._last_error = error is not self._last_error, error
        try:
            await self._store.write(lambda tx: _given_back(tx, self._rules, claim, error, counts=counts))
        except GatepassError:
            # The lease ends by itself, and the place with it.
            log.warning("dataverse.not_given_back", job=str(claim.id))


def _given_back(tx: WriteTx, rules: Rules, claim: Job, error: Exception, *, counts: bool) -> None:
    """Rest, try again, or put it in sight: by what went wrong."""
    match error:
        case Conflict():
            questions.answered(tx, rules, claim)
        case Resting():
            jobs.again(tx, claim, call_lanes.rested(tx, rules, claim), error=_name(error))
        case Throttled():
            jobs.again(tx, claim, call_lanes.throttled(tx, rules, claim, error.pause_s), error=_name(error))
        case NotFound() | Refused():
            _park(tx, rules, claim, error.message)
        case Unavailable() | TimeoutError() if not isinstance(error, Unsure):
            if isinstance(error, NoAccess):
                questions.no_access(tx, error)
            jobs.again(tx, claim, call_lanes.failed(tx, rules, claim, counts=counts), error=_name(error))
        case _ if claim.failures + 1 >= TRIES:
            _park(tx, rules, claim, _name(error))
        case _:
            questions.answered(tx, rules, claim)
            jobs.again(tx, claim, tx.now + timedelta(seconds=2.0**claim.failures), error=_name(error))


def _park(tx: WriteTx, rules: Rules, claim: Job, why: str) -> None:
    row = remote.get(tx, UUID(claim.payload["purchase_id"]))
    jobs.park(tx, claim, why)
    if row:
        questions.refused(tx, row, why, claim)
    questions.answered(tx, rules, claim)


def _name(error: Exception) -> str:
    return f"{error.code}: {error.message}" if isinstance(error, GatepassError) else type(error).__name__
