"""Durable work: claimed by one, leased for a while, finished only by whoever still holds it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from gatepass.store import Store, WriteTx, jobs, tables
from gatepass.store.jobs import Job

LEASE = timedelta(seconds=60)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """One node."""
    found = Store.open(database_url)
    yield found
    found.close()


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Store]:
    """Another node on the same database."""
    found = Store.open(database_url)
    yield found
    found.close()


async def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work", {"n": 1}))

    (mine,) = await _claim(store)

    assert (mine.kind, mine.payload, mine.attempt, mine.failures) == ("work", {"n": 1}, 1, 0)
    assert await _claim(store) == []
    await _let_leases_end(store)
    (again,) = await _claim(store)
    assert (again.id, again.attempt) == (mine.id, 2)


async def test_a_zombie_cannot_finish_what_another_has_taken(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work", {}))
    (zombie,) = await _claim(store)
    await _let_leases_end(store)
    (heir,) = await _claim(store)

    assert await store.write(lambda tx: jobs.held(tx, [zombie])) == set()
    await store.write(lambda tx: jobs.again(tx, zombie, tx.now - timedelta(days=1), error="late"))
    await store.write(lambda tx: jobs.park(tx, zombie, "late"))

    assert await store.write(lambda tx: jobs.held(tx, [heir])) == {heir.id}
    assert await _claim(store) == []
    row = await _row(store, heir.id)
    assert (row["state"], row["failures"], row["last_error"]) == ("ready", 0, None)


async def test_a_finished_job_is_held_by_nobody(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work", {}))
    (claim,) = await _claim(store)

    await store.write(lambda tx: jobs.finish(tx, [claim.id]))

    assert await store.write(lambda tx: jobs.held(tx, [claim])) == set()
    await _let_leases_end(store)
    assert await _claim(store) == []


async def test_effect_and_done_commit_together_or_not_at_all(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work", {}))
    (claim,) = await _claim(store)

    def fails(tx: WriteTx) -> None:
        jobs.finish(tx, [claim.id])
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        await store.write(fails)

    assert (await _row(store, claim.id))["state"] == "ready"


async def test_two_nodes_never_get_the_same_job(store: Store, other: Store) -> None:
    await store.write(lambda tx: jobs.add_many(tx, [jobs.row(tx, "work", {"n": n}) for n in range(120)]))

    async def drain(node: Store) -> list[UUID]:
        taken: list[UUID] = []
        while claims := await _claim(node, limit=5):
            taken += [one.id for one in claims]
        return taken

    shares = await asyncio.gather(drain(store), drain(other), drain(store), drain(other))

    taken = [at for share in shares for at in share]
    assert len(taken) == 120
    assert len(set(taken)) == 120


async def test_the_same_dedupe_is_the_same_job_even_when_it_is_done(store: Store) -> None:
    for _ in range(3):
        await store.write(lambda tx: jobs.add(tx, "work", {}, dedupe="once"))
    (claim,) = await _claim(store)
    await store.write(lambda tx: jobs.finish(tx, [claim.id]))

    await store.write(lambda tx: jobs.add(tx, "work", {}, dedupe="once"))

    assert await _claim(store) == []


async def test_work_is_taken_in_the_order_of_its_time_and_not_before(store: Store) -> None:
    def put(tx: WriteTx) -> None:
        for n, minutes in enumerate((-1, -3, 5, -2)):
            jobs.add(tx, "work", {"n": n}, due=tx.now + timedelta(minutes=minutes))

    await store.write(put)

    first = [(await _claim(store, limit=1))[0].payload["n"] for _ in range(3)]
    assert first == [1, 3, 0]
    assert await _claim(store) == []
    assert not await store.read(lambda tx: jobs.is_due(tx, ["work"]))


async def test_each_share_gets_its_longest_due_however_many_wait_of_another(store: Store) -> None:
    def put(tx: WriteTx) -> None:
        for n in range(20):
            jobs.add(tx, "told", {"n": n}, due=tx.now - timedelta(minutes=60 - n))
        for kind, n in (("mail", 20), ("call", 21), ("mail", 22), ("mail", 23)):
            jobs.add(tx, kind, {"n": n}, due=tx.now - timedelta(minutes=60 - n))

    await store.write(put)

    shares = [(["told"], 3), (["mail", "call"], 3), (["nothing"], 5), (["told"], 0)]
    claims = await store.write(lambda tx: jobs.claim(tx, shares, LEASE, "test"))

    assert [claim.payload["n"] for claim in claims] == [0, 1, 2, 20, 21, 22]


async def test_what_became_needless_is_taken_from_whoever_does_it(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work", {}, dedupe="look"))
    (claim,) = await _claim(store)

    await store.write(lambda tx: jobs.finish_named(tx, ["look", "unknown"]))

    assert await store.write(lambda tx: jobs.held(tx, [claim])) == set()
    assert (await _row(store, claim.id))["state"] == "done"


async def test_failures_count_in_a_row(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work", {}))
    for failures in (0, 1, 2):
        (claim,) = await _claim(store)
        assert claim.failures == failures
        await store.write(lambda tx, claim=claim: jobs.again(tx, claim, tx.now, error="no"))
    (claim,) = await _claim(store)
    await store.write(lambda tx: jobs.again(tx, claim, tx.now))
    assert (await _claim(store))[0].failures == 0


async def test_a_parked_job_stays_with_its_reason(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work", {}))
    (claim,) = await _claim(store)

    await store.write(lambda tx: jobs.park(tx, claim, "why"))

    await _let_leases_end(store)
    assert await _claim(store) == []
    row = await _row(store, claim.id)
    assert (row["state"], row["last_error"]) == ("parked", "why")


async def test_a_kind_that_this_node_does_not_know_is_left_to_others(store: Store) -> None:
    await store.write(lambda tx: jobs.add(tx, "work of tomorrow", {}))

    assert await _claim(store) == []


async def test_only_old_done_jobs_are_forgotten(store: Store) -> None:
    await store.write(lambda tx: jobs.add_many(tx, [jobs.row(tx, "work", {}) for _ in range(3)]))
    done, parked, _open = await _claim(store)
    await store.write(lambda tx: jobs.finish(tx, [done.id]))
    await store.write(lambda tx: jobs.park(tx, parked, "why"))

    assert await store.write(lambda tx: jobs.forget_done(tx, tx.now - timedelta(days=1), 10)) == 0
    assert await store.write(lambda tx: jobs.forget_done(tx, tx.now + timedelta(days=1), 10)) == 1


async def _claim(store: Store, limit: int = 10) -> list[Job]:
    return await store.write(lambda tx: jobs.claim(tx, [(["work"], limit)], LEASE, "test"))


async def _let_leases_end(store: Store) -> None:
    ended = sa.update(tables.job).where(tables.job.c.state == "ready")
    await store.write(lambda tx: tx.execute(ended.values(due=tx.now - timedelta(seconds=1))))


async def _row(store: Store, job_id: UUID) -> tables.Row:
    found = await store.read(lambda tx: tx.row(sa.select(tables.job).where(tables.job.c.id == job_id)))
    assert found is not None
    return found
