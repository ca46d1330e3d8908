"""Durable work in the same database: added with the change that wants it, done with the change that it makes.

A lease is a future `due`: when its holder dies, the job is simply due again, for any node. `attempt` is the fence: who
comes back late cannot finish a job that another has taken since. The database's clock counts, no node's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, job, new_id
from gatepass.store.types import Utc

READY, DONE, PARKED = "ready", "done", "parked"

_finish = (
    sa.update(job).where(job.c.id.in_(sa.bindparam("ids", expanding=True))).values(state=DONE, done=sa.bindparam("now"))
)
_held = (
    sa.select(job.c.id, job.c.attempt)
    .where(job.c.id.in_(sa.bindparam("ids", expanding=True)), job.c.state == READY)
    .order_by(job.c.id)
    .with_for_update()
)


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job. `attempt` counts from 1 and is the fence of this claim."""

    id: UUID
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    failures: int
    """In a row; the pace of the next try follows from it."""


def add(
    tx: WriteTx, kind: str, payload: Mapping[str, Any], *, dedupe: str | None = None, due: datetime | None = None
) -> None:
    """Ask for work. A second job with the same `dedupe` is the same job."""
    add_many(tx, [row(tx, kind, payload, dedupe=dedupe, due=due)])


def row(
    tx: WriteTx, kind: str, payload: Mapping[str, Any], *, dedupe: str | None = None, due: datetime | None = None
) -> Row:
    """One row for `add_many`."""
    return {
        "id": new_id(),
        "kind": kind,
        "dedupe": dedupe,
        "payload": payload,
        "state": READY,
        "due": due or tx.now,
        "attempt": 0,
        "failures": 0,
        "created": tx.now,
    }


def add_many(tx: WriteTx, rows: Sequence[Row]) -> None:
    """Ask for many at once."""
    if rows:
        tx.insert_many(job, rows, unless="dedupe")
        tx.added_jobs = True


Share = tuple[Sequence[str], int]
"""Kinds of jobs, and how many of them together."""


def claim(tx: WriteTx, shares: Sequence[Share], lease: timedelta, owner: str) -> list[Job]:
    """Take due jobs until `lease` from now, of each share those that have been due the longest.

    No other node gets them meanwhile. One statement, however many shares.
    """
    wanted = [(tuple(kinds), limit) for kinds, limit in shares if limit > 0]
    if not wanted:
        return []
    limits = {f"limit{at}": limit for at, (_, limit) in enumerate(wanted)}
    taking = _taking(tuple(kinds for kinds, _ in wanted))
    found = tx.execute(taking, {"now": tx.now, "until": tx.now + lease, "who": owner, **limits})
    return [Job(*row) for row in sorted(found, key=lambda row: row.id)]


@cache
def _taking(shares: tuple[tuple[str, ...], ...]) -> sa.Executable:
    """Each share is looked for by itself: what waits of one is never walked over for another."""
    due = sa.union_all(*(sa.select(_longest_due(kinds, at).c.id) for at, kinds in enumerate(shares)))
    return (
        sa.update(job)
        .where(job.c.id.in_(due))
        .values(due=sa.bindparam("until"), attempt=job.c.attempt + 1, owner=sa.bindparam("who"))
        .returning(job.c.id, job.c.kind, job.c.payload, job.c.attempt, job.c.failures)
    )


def _longest_due(kinds: tuple[str, ...], share: int) -> sa.Subquery:
    limit = sa.bindparam(f"limit{share}", type_=sa.Integer)
    ready = [_ready(kind).limit(limit).cte(f"ready_{kind}") for kind in kinds]
    found = sa.union_all(*(sa.select(one.c.id, one.c.due) for one in ready)).subquery()
    return sa.select(found.c.id).order_by(found.c.due).limit(limit).subquery()


def _ready(kind: str) -> "sa.Select[UUID, datetime]":
    """Kind and state stand in the words of the statement: a plan that is kept can then use the index of what is ready."""
    due = sa.select(job.c.id, job.c.due).where(_is(job.c.state, READY), _is(job.c.kind, kind))
    return due.where(job.c.due <= sa.bindparam("now")).order_by(job.c.due).with_for_update(skip_locked=True)


def _is(column: sa.ColumnElement[str], value: str) -> sa.ColumnElement[bool]:
    return column == sa.literal_column(f"'{value}'")


def held(tx: WriteTx, claims: Sequence[Job]) -> set[UUID]:
    """Which of these claims still stand; locks them. The others belong to another node by now, or are done."""
    rows = tx.execute(_held, {"ids": [one.id for one in claims]}).all()
    current = {found.id: found.attempt for found in rows}
    return {one.id for one in claims if current.get(one.id) == one.attempt}


def keep(tx: WriteTx, claim_: Job, lease: timedelta) -> bool:
    """Hold a job longer, for work that takes long; False when it belongs to another node by now."""
    if not held(tx, [claim_]):
        return False
    tx.execute(sa.update(job).where(job.c.id == claim_.id).values(due=tx.now + lease))
    return True


def finish(tx: WriteTx, ids: Sequence[UUID]) -> None:
    """Mark done, in the transaction of the effect. Ask `held` first."""
    if ids:
        tx.execute(_finish, {"ids": ids, "now": tx.now})


def finish_named(tx: WriteTx, names: Sequence[str]) -> None:
    """By their dedupe keys: another change has made them needless. Who holds one of them finds it taken."""
    if names:
        needless = sa.update(job).where(job.c.dedupe.in_(names), job.c.state == READY)
        tx.execute(needless.values(state=DONE, done=tx.now))


def again(tx: WriteTx, claim_: Job, due: datetime, *, error: str | None = None) -> None:
    """Give the job back for later; without an error it went well and repeats by plan."""
    statement = sa.update(job).where(job.c.id == claim_.id, job.c.attempt == claim_.attempt, job.c.state == READY)
    failures = claim_.failures + 1 if error else 0
    tx.execute(statement.values(due=due, owner=None, failures=failures, last_error=error and error[:1000]))
    tx.added_jobs = True


def park(tx: WriteTx, claim_: Job, reason: str) -> None:
    """Stop trying and keep it in sight; payment work is never dropped."""
    statement = sa.update(job).where(job.c.id == claim_.id, job.c.attempt == claim_.attempt, job.c.state == READY)
    # Due when it was given up: the timeline tells it, and a lease that nobody holds any more says nothing.
    tx.execute(statement.values(state=PARKED, due=tx.now, last_error=reason[:1000]))


def is_due(tx: ReadTx, kinds: Sequence[str]) -> bool:
    """True when a claim would find something of these kinds."""
    some = (_is(job.c.state, READY), job.c.kind.in_(kinds), job.c.due <= readers_now(tx))
    ready = sa.select(job.c.id).where(*some).limit(1)
    return tx.execute(ready).first() is not None


def readers_now(tx: ReadTx) -> sa.ColumnElement[Any]:
    """The moment, in a look that asks whether a claim would find something: a reader's clock is good enough for that.

    On PostgreSQL the start of the statement: only a value that stays the same can be looked up in an index.
    """
    return sa.func.now() if tx.postgresql else sa.literal(datetime.now(UTC), Utc)


def forget_done(tx: WriteTx, before: datetime, limit: int) -> int:
    """Delete old done jobs; how many."""
    old = sa.select(job.c.id).where(job.c.state == DONE, job.c.done < before).limit(limit)
    return int(tx.execute(sa.delete(job).where(job.c.id.in_(old))).rowcount)


def renew(tx: WriteTx, claim_: Job, due: datetime) -> None:
    """Keep a claim for longer. Ask `held` first."""
    tx.execute(sa.update(job).where(job.c.id == claim_.id, job.c.attempt == claim_.attempt).values(due=due))


def hasten(tx: WriteTx, name: str, latest: datetime) -> None:
    """A job by its dedupe key that would wait beyond `latest` is due now."""
    waiting = sa.update(job).where(job.c.dedupe == name, job.c.state == READY, job.c.due > latest)
    tx.execute(waiting.values(due=tx.now))


def lock_by_dedupe(tx: WriteTx, names: Sequence[str]) -> dict[str, tuple[UUID, str]]:
    """Jobs by their dedupe key: id and state."""
    found = sa.select(job.c.dedupe, job.c.id, job.c.state).where(job.c.dedupe.in_(names)).order_by(job.c.id)
    return {row["dedupe"]: (row["id"], row["state"]) for row in tx.rows(found.with_for_update())}


def any_named(tx: ReadTx, names: Sequence[str]) -> bool:
    """Whether there is a job with one of these dedupe keys, done or not."""
    return tx.row(sa.select(job.c.id).where(job.c.dedupe.in_(names)).limit(1)) is not None


def parked(tx: WriteTx, limit: int) -> list[UUID]:
    """Jobs that were given up, locked."""
    found = sa.select(job.c.id).where(job.c.state == PARKED).order_by(job.c.id).limit(limit)
    return list(tx.execute(found.with_for_update()).scalars())


def count_parked(tx: ReadTx, kind: str) -> int:
    """Jobs of a kind that were given up."""
    counted = sa.select(sa.func.count()).select_from(job).where(job.c.kind == kind, job.c.state == PARKED)
    return int(tx.execute(counted).scalar_one())


def wake(tx: WriteTx, ids: Sequence[UUID]) -> None:
    """Done or given up becomes due now, as if it had never been tried. Lock them first."""
    if ids:
        fresh = {"state": READY, "due": tx.now, "failures": 0, "last_error": None, "done": None}
        tx.execute(sa.update(job).where(job.c.id.in_(ids)).values(**fresh))
        tx.added_jobs = True


def unfinished(tx: ReadTx, limit: int) -> list[Row]:
    """What was given up, then what is to be done, by the time it is due."""
    column = job.c
    shown = sa.select(column.id, column.kind, column.state, column.due, column.failures, column.last_error)
    return tx.rows(shown.where(column.state != DONE).order_by(column.state, column.due).limit(limit))


@dataclass(frozen=True, slots=True)
class Backlog:
    """How the work stands. `oldest_due`: the job that has waited the longest for its time to come."""

    parked: int
    failing: int
    oldest_due: datetime | None


def backlog(tx: ReadTx) -> Backlog:
    """Counts over all that is not done."""
    column = job.c
    counted = sa.select(sa.func.count()).select_from(job)
    oldest = tx.execute(sa.select(sa.func.min(column.due)).where(column.state == READY)).scalar_one()
    given_up = tx.execute(counted.where(column.state == PARKED)).scalar_one()
    failing = tx.execute(counted.where(column.state == READY, column.failures > 0)).scalar_one()
    return Backlog(given_up, failing, oldest)
