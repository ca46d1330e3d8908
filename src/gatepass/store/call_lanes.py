"""The pace at which a remote service is called, shared by all processes: one row per service, locked for a moment.

It knows how many calls may leave a second, how many pieces of work may be under way, until when the service wants to be
left alone, and whether it is down: then one piece of work at a time tries whether it is back. The database's clock counts.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from gatepass.store import jobs
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.jobs import Job
from gatepass.store.tables import Row, call_lane

DOWN_AFTER = 5
"""Failures in a row, over all processes; then only one piece of work at a time is let through."""
SHARED_BY = 4
"""Pieces of work taken for each call that may be under way: each waits most of its time, for its turn or for company."""
LONGEST_PAUSE_S = 30.0
"""Between two tries of a service that is down."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one service. `kinds`: the jobs that call it."""

    name: str
    kinds: Sequence[str]
    calls_per_s: int
    at_once: int
    """Calls under way, of all processes; they are shared by `SHARED_BY` times as many pieces of work."""
    lease: timedelta


def state(tx: ReadTx, name: str) -> Row | None:
    """How the lane stands: `next_free`, `paused_until`, `failures`, `taken`; None before its first use."""
    return tx.row(sa.select(call_lane).where(call_lane.c.name == name))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a service is, by what its last calls met: `unused`, `answers`, `rests` (until when it wants so) or `down`."""

    how: str
    until: datetime | None = None


def standing(tx: ReadTx, name: str) -> Standing:
    """For people."""
    found = state(tx, name)
    if found is None:
        return Standing("unused")
    if found["failures"] >= DOWN_AFTER:
        return Standing("down", found["paused_until"])
    resting = found["paused_until"] > _readers_moment(tx)
    return Standing("rests", found["paused_until"]) if resting else Standing("answers")


def may_claim(tx: ReadTx, rules: Rules) -> bool:
    """False while a claim would find nothing: a look that keeps no writer waiting."""
    found = state(tx, rules.name)
    resting = found is not None and found["paused_until"] > _readers_moment(tx)
    return not resting and jobs.is_due(tx, rules.kinds)


def _readers_moment(tx: ReadTx) -> datetime:
    moment: datetime = tx.execute(sa.select(jobs.readers_now(tx))).scalar_one()
    return moment


def claim(tx: WriteTx, rules: Rules, owner: str) -> list[Job]:
    """Take due work, as much as the service may be asked now."""
    lane = _locked(tx, rules.name)
    if lane["paused_until"] > tx.now:
        return []
    taken = _still_taken(tx, lane)
    most = rules.at_once * SHARED_BY if lane["failures"] < DOWN_AFTER else 1
    claimed = jobs.claim(tx, [(rules.kinds, most - len(taken))], rules.lease, owner)
    until = (tx.now + rules.lease).isoformat()
    _write(tx, rules.name, taken=taken | {_key(one): until for one in claimed})
    return claimed


def turn(tx: WriteTx, rules: Rules) -> float:
    """Take the next place in the row of calls: in how many seconds the call may leave. No call leaves during a rest."""
    lane = _locked(tx, rules.name)
    at = max(tx.now, lane["next_free"], lane["paused_until"])
    _write(tx, rules.name, next_free=at + timedelta(seconds=1 / rules.calls_per_s))
    return (at - tx.now).total_seconds()


def went_well(tx: WriteTx, rules: Rules, done: Job) -> bool:
    """The service answers: give the place back. True when it had failed before."""
    failing = bool(_locked(tx, rules.name)["failures"])
    _give_back(tx, rules, done, failures=0)
    return failing


def rested(tx: WriteTx, rules: Rules, done: Job) -> datetime:
    """This piece of work met a rest that is too long to wait for: give its place back; returns when the rest is over."""
    _give_back(tx, rules, done)
    until: datetime = _locked(tx, rules.name)["paused_until"]
    return max(until, tx.now)


def throttled(tx: WriteTx, rules: Rules, done: Job | None, pause_s: float | None) -> datetime:
    """It wants to be left alone, for `pause_s` where it says so; returns until when. No call of any process leaves."""
    lane = _locked(tx, rules.name)
    pause = _growing(lane["failures"]) if pause_s is None else pause_s
    until = max(lane["paused_until"], tx.now + timedelta(seconds=pause))
    _give_back(tx, rules, done, paused_until=until, failures=lane["failures"] + (pause_s is None))
    return until


def failed(tx: WriteTx, rules: Rules, done: Job, *, counts: bool = True) -> datetime:
    """It is down, or answers with an error of its own; returns when to try this piece of work again.

    `counts`: False for another piece of work that shared the same call.
    """
    failures = _locked(tx, rules.name)["failures"] + counts
    again = tx.now + timedelta(seconds=_growing(failures))
    rest = {"paused_until": again} if failures >= DOWN_AFTER else {}
    _give_back(tx, rules, done, failures=failures, **rest)
    return again


def _growing(failures: int) -> float:
    return min(LONGEST_PAUSE_S, 2.0 ** min(failures - 2, 10)) * random.uniform(0.5, 1)  # noqa: S311


def _give_back(tx: WriteTx, rules: Rules, done: Job | None, **values: object) -> None:
    lane = _locked(tx, rules.name)
    taken = _still_taken(tx, lane)
    if done:
        taken.pop(_key(done), None)
    _write(tx, rules.name, taken=taken, **values)


def _key(one: Job) -> str:
    """The attempt belongs to it: who lost the lease gives back no place but its own."""
    return f"{one.id}:{one.attempt}"


def _still_taken(tx: WriteTx, lane: Row) -> dict[str, str]:
    """Places of work whose lease has not ended."""
    held: Mapping[str, str] = lane["taken"]
    return {key: until for key, until in held.items() if datetime.fromisoformat(until) > tx.now}


def _locked(tx: WriteTx, name: str) -> Row:
    own = sa.select(call_lane).where(call_lane.c.name == name).with_for_update()
    found = tx.row(own)
    if found is None:
        fresh = {"name": name, "next_free": tx.now, "paused_until": tx.now, "failures": 0, "taken": dict[str, str]()}
        tx.execute(tx.insert(call_lane).values(**fresh).on_conflict_do_nothing(index_elements=["name"]))
        found = tx.row(own)
    assert found is not None
    return found


def _write(tx: WriteTx, name: str, **values: object) -> None:
    tx.execute(sa.update(call_lane).where(call_lane.c.name == name).values(**values))
