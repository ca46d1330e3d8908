"""Each promise finds what breaks it, and nothing else: a database full of history, and one thing in it gone wrong."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa

from benchmarks.history import fill
from gatepass.store import Store, WriteTx, promises, tables

PURCHASES = 100
LONG_AGO = "'2020-01-01T00:00:00.000000Z'"
ONE = "(select id from purchase where status = 'completed' and total_minor = 12050 order by id limit 1)"
PAIR = "(select id from purchase where status = 'completed' and total_minor = 24100 order by id limit 1)"
GUEST = f"(select id from attendee where purchase_id = {PAIR} and position = 1)"
GO = f"delete from registration where attendee_id = {GUEST}"
PASS_OF_GUEST = f"(select id from registration where attendee_id = {GUEST})"
REFUNDED = "(select purchase_id from refund order by id limit 1)"
NOBODY = "'00000000-0000-0000-0000-00000000abcd'"
ELSEWHERE = (
    "insert into remote_purchase (id, name, total_minor, currency, status, created, said, read, changed, wanted) "
    f"values ({NOBODY}, 'Ada', 100, 'EUR', 'completed', {LONG_AGO}, 'completed', {LONG_AGO}, {LONG_AGO}, "
)
"""A purchase of a remote Dataverse."""

# What goes wrong, and words of the promise that it breaks.
BREAKS: Sequence[tuple[str, str]] = (
    (f"update payment set state = 'failed' where purchase_id = {ONE}", "completed exactly when"),
    (f"update payment set amount_minor = 1 where purchase_id = {ONE}", "completed exactly when"),
    (f"update purchase set status = 'expired' where id = {ONE}", "completed exactly when"),
    (f"update registration set status = 'cancelled' where purchase_id = {ONE}", "holds its attendee passes"),
    (f"update registration set status = 'registered' where purchase_id = {REFUNDED}", "holds its attendee passes"),
    (f"delete from attendee_pass where registration_id = (select id from registration where purchase_id = {ONE})",
     "holds its attendee passes"),
    (f"delete from attendee_pass where registration_id = {PASS_OF_GUEST}; {GO}", "holds its attendee passes"),
    ('update "pass" set sold = sold + 1', "exceed a pass"),
    ('update "pass" set held = held + 1', "exceed a pass"),
    (f"update attendee set pass_id = null where purchase_id = {ONE}", "exceed a pass"),
    ("update event set sold = sold + 1", "exceed an event"),
    ("update event set held = held + 1", "exceed an event"),
    ("update figure set count = count + 1", "figures are what"),
    ("delete from figure where what = 'order.completed'", "figures are what"),
    ("update notification set state = 'new'", "none is dropped"),
    ("update notification set state = 'quarantined'", "none is dropped"),
    ("update payment set state = 'succeeded' where number = 1 and state = 'failed'", "has an owner"),
    (f"update payment set amount_minor = amount_minor + 1 where purchase_id = {ONE}", "has an owner"),
    (f"delete from refund where purchase_id = {REFUNDED}", "has an owner"),
    (f"update payment set purchase_id = {NOBODY} where purchase_id = {ONE}", "has an owner"),
    (f"update purchase set status = 'waitlisted' where id = {REFUNDED}", "has paid for it"),
    ("update refund set amount_minor = amount_minor + 1", "no more goes back"),
    (f"update payment set state = 'failed' where purchase_id = {REFUNDED}", "no more goes back"),
    ("update refund set state = 'failed'", "a refund that failed"),
    (f"update purchase set hold_until = {LONG_AGO} where status = 'awaiting_payment'", "no hold outlives"),
    (f"update payment set expires_at = {LONG_AGO} where state = 'created'", "no open payment"),
    ("update refund set state = 'requested'", "forgotten on its way"),
    (f"update job set due = {LONG_AGO} where state = 'ready'", "waits past its time"),
    ("update job set state = 'parked' where state = 'ready'", "parked out of sight"),
    (f"{ELSEWHERE} 'completed')", "a remote Dataverse is to be told"),
    (f"{ELSEWHERE} null); update payment set purchase_id = {NOBODY} where purchase_id = {ONE}", "of a remote Dataverse has an owner"),
)  # fmt: skip


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A database of a hundred purchases that keeps every promise."""
    fill(database_url, PURCHASES)
    found = Store.open(database_url)
    yield found
    found.close()


@pytest.mark.parametrize(("wrong", "says"), BREAKS)
def test_what_breaks_a_promise_is_found(store: Store, wrong: str, says: str) -> None:
    assert _broken(store) == {}

    for statement in wrong.split("; "):
        store.write_now(lambda tx, statement=statement: tx.execute(sa.text(statement)))

    assert any(says in promise for promise in _broken(store)), _broken(store)


def test_every_promise_has_an_example_that_breaks_it() -> None:
    for promise in promises.PROMISES:
        assert any(says in promise.says for _, says in BREAKS), promise.says


def test_work_that_is_asked_for_breaks_nothing(store: Store) -> None:
    """Ids are compared with the keys of jobs and entries as text, which the two databases write differently."""

    def ask(tx: WriteTx, table: str, state: str, key: str) -> None:
        at = tx.execute(sa.select(sa.func.min(sa.cast(tables.metadata.tables[table].c.id, sa.String)))).scalar_one()
        tx.execute(sa.text(f"update {table} set state = '{state}' where cast(id as varchar) = '{at}'"))
        waiting = sa.select(tables.job.c.id).where(tables.job.c.dedupe.like("look_up:%")).limit(1)
        named = sa.update(tables.job).where(tables.job.c.id == waiting.scalar_subquery())
        tx.execute(named.values(dedupe=f"{key}:{UUID(at)}"))

    for table, state, key in (("notification", "new", "apply"), ("refund", "processing", "refund")):
        store.write_now(lambda tx, table=table, state=state, key=key: ask(tx, table, state, key))
        assert _broken(store) == {}


def _broken(store: Store) -> dict[str, list[str]]:
    now = datetime.now(UTC)
    found = {
        promise.says: store.read_now(lambda tx, promise=promise: promises.broken(tx, promise, now))
        for promise in promises.PROMISES
    }
    return {says: lines for says, lines in found.items() if lines}
