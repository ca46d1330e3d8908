"""Kept notifications are put back to work by hand, and lose their raw body when its time is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from gatepass.domain.errors import NotFound
from gatepass.services.notifications import job_of
from gatepass.store import Store, WriteTx, inbox, jobs, records
from gatepass.store.inbox import Span
from gatepass.store.jobs import Job
from gatepass.store.tables import Row

PAGE = 500
"""Notifications in one transaction."""
FORGET_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How much was put back to work, and how much was there already."""

    woken: int
    waiting: int

    def __add__(self, other: "Replayed") -> "Replayed":
        return Replayed(self.woken + other.woken, self.waiting + other.waiting)


NOTHING = Replayed(0, 0)


def replay_one(store: Store, name: str, actor: str) -> Replayed:
    """By our id or the provider's. Raises NotFound."""
    ids = store.read_now(lambda tx: inbox.named(tx, name))
    if not ids:
        raise NotFound("NotificationUnknown", f"There is no notification {name} that says something to us.")
    return store.write_now(lambda tx: _replay(tx, ids, actor, {"name": name}))


def replay_span(store: Store, span: Span, actor: str) -> Replayed:
    """Every notification of a time that says something to us, page by page, the oldest first."""
    done, after = NOTHING, None
    while ids := store.read_now(partial(inbox.within, span=span, after=after, limit=PAGE)):
        done += store.write_now(lambda tx, ids=ids: _replay(tx, ids, actor, span.described()))
        after = ids[-1]
    return done


def replay_jobs(store: Store, actor: str) -> Replayed:
    """Every job that was given up, of whatever kind."""
    done = NOTHING
    while woken := store.write_now(lambda tx: _replay_jobs(tx, actor)):
        done += Replayed(woken, 0)
    return done


def replay(tx: WriteTx, ids: Sequence[UUID], actor: str) -> Replayed:
    """Notifications of these ids, inside a unit of work."""
    return _replay(tx, ids, actor, {"name": ", ".join(str(at) for at in ids)})


def replay_parked(tx: WriteTx, actor: str) -> int:
    """Jobs that were given up, one page of them."""
    return _replay_jobs(tx, actor)


def again(tx: WriteTx, entry_id: UUID, actor: str) -> None:
    """What an entry of needs attention is about is tried again: a notification, or work that was given up. Raises NotFound."""
    entry = records.attention_entry(tx, entry_id)
    if entry is None or not may_again(entry):
        raise NotFound("AttentionUnknown", f"There is no entry {entry_id} that could be tried again.")
    if entry["notification_id"]:
        replay(tx, [entry["notification_id"]], actor)
    else:
        replay_parked(tx, actor)


def may_again(entry: Row) -> bool:
    """True for an entry about a notification or a job."""
    return entry["notification_id"] is not None or entry["dedupe"].startswith("job:")


def _replay(tx: WriteTx, ids: Sequence[UUID], actor: str, asked: dict[str, str]) -> Replayed:
    """Jobs first, as everywhere: whoever works on one of them is waited for."""
    wanted = {f"apply:{at}": at for at in ids}
    states = jobs.lock_by_dedupe(tx, list(wanted))
    waiting = {name for name, (_, state) in states.items() if state == jobs.READY}
    again = [at for name, at in wanted.items() if name not in waiting]
    jobs.wake(tx, [job_id for job_id, state in states.values() if state != jobs.READY])
    jobs.add_many(tx, [job_of(tx, at) for name, at in wanted.items() if name not in states])
    inbox.renew(tx, again)
    entries = [f"notification:{at}" for at in again]
    # What is tried again needs nobody for now; should it fail again, a new entry says so.
    records.supersede_attention(tx, [*entries, *(f"job:{job_id}" for job_id, _ in states.values())])
    _audit(tx, actor, "notifications", asked | {"count": str(len(again))}, bool(again))
    return Replayed(len(again), len(waiting))


def _replay_jobs(tx: WriteTx, actor: str) -> int:
    parked = jobs.parked(tx, PAGE)
    jobs.wake(tx, parked)
    records.supersede_attention(tx, [f"job:{at}" for at in parked])
    _audit(tx, actor, "jobs", {"count": str(len(parked))}, bool(parked))
    return len(parked)


def _audit(tx: WriteTx, actor: str, subject: str, detail: dict[str, str], worth_it: bool) -> None:
    if worth_it:
        records.add_audit(tx, actor, "replay", subject, detail)


async def forget_bodies(store: Store, keep: timedelta, claim: Job) -> None:
    """Empty raw bodies that are older than `keep` and closed; their ids stay, so a repeat is still known."""
    while await store.write(lambda tx: _forget(tx, keep, claim)):
        continue


def _forget(tx: WriteTx, keep: timedelta, claim: Job) -> bool:
    if not jobs.held(tx, [claim]):
        return False
    full = inbox.empty_bodies(tx, tx.now - keep, PAGE) == PAGE
    jobs.again(tx, claim, tx.now + FORGET_EVERY)
    return full
