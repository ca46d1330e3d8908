"""Units of work: answered after their commit, undone alone, grouped without harm to their neighbours."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa

from gatepass.domain.errors import Conflict, GatepassError
from gatepass.store import ReadTx, Store, WriteTx, records, tables


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store of its own."""
    found = Store.open(database_url)
    yield found
    found.close()


async def test_a_unit_that_refuses_undoes_itself_and_no_neighbour(store: Store) -> None:
    """All of these wait while the lane is busy, so on SQLite they share one commit."""
    outcomes = await _while_busy(store, [_put(n, refuse=n % 3 == 0) for n in range(12)])

    assert [isinstance(one, Conflict) for one in outcomes] == [n % 3 == 0 for n in range(12)]
    assert await _names(store) == {f"n{n}" for n in range(12) if n % 3}


async def test_a_unit_with_a_bug_fails_alone(store: Store) -> None:
    units = [_put(0), _bug, _put(1), _broken_statement, _put(2), _put(0)]

    outcomes = await _while_busy(store, units)

    assert [type(one).__name__ for one in outcomes] == [
        "NoneType", "ZeroDivisionError", "NoneType", "IntegrityError", "NoneType", "NoneType",
    ]  # fmt: skip
    assert await _names(store) == {"n0", "n1", "n2"}


async def test_a_grouped_unit_gets_all_that_wait_and_answers_each(store: Store) -> None:
    sizes: list[int] = []

    def together(tx: WriteTx, commands: Sequence[int]) -> Sequence[str | GatepassError]:
        sizes.append(len(commands))
        for n in commands:
            if n % 2:
                records.put_setting(tx, f"n{n}", "x")
        return [f"did {n}" if n % 2 else Conflict("Even", f"{n} is even.") for n in commands]

    release = await _busy(store, grouped=True)
    waiting = [asyncio.create_task(store.write_together(together, n)) for n in range(10)]
    await asyncio.sleep(0.05)
    release.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(one) for one in outcomes] == [f"did {n}" if n % 2 else f"{n} is even." for n in range(10)]
    assert sizes == [10]
    assert await _names(store) == {f"n{n}" for n in range(10) if n % 2}


async def test_a_bug_in_a_grouped_unit_hits_only_the_command_that_brings_it(store: Store) -> None:
    def together(tx: WriteTx, commands: Sequence[int]) -> Sequence[int]:
        for n in commands:
            records.put_setting(tx, f"n{n}", "x")
        return [10 // (n - 5) for n in commands]

    release = await _busy(store, grouped=True)
    waiting = [asyncio.create_task(store.write_together(together, n)) for n in range(10)]
    await asyncio.sleep(0.05)
    release.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)

    assert [isinstance(one, ZeroDivisionError) for one in outcomes] == [n == 5 for n in range(10)]
    assert await _names(store) == {f"n{n}" for n in range(10) if n != 5}


async def test_what_was_answered_is_seen_by_the_next_reader(store: Store) -> None:
    for n in range(20):
        await store.write(_put(n))
        assert f"n{n}" in await _names(store)


async def test_a_reader_cannot_write_on_sqlite(store: Store) -> None:
    if await store.read(lambda tx: tx.postgresql):
        return
    with pytest.raises(Exception, match=r"readonly|does not answer"):
        await store.read(lambda tx: tx.execute(sa.insert(tables.setting).values(name="a", value="b")))


async def test_a_caller_who_goes_away_changes_nothing_for_the_others(store: Store) -> None:
    release = await _busy(store)
    gone, stays = asyncio.create_task(store.write(_put(1))), asyncio.create_task(store.write(_put(2)))
    await asyncio.sleep(0.02)
    gone.cancel()
    release.set()

    await stays

    assert "n2" in await _names(store)


async def test_closing_finishes_what_waits(database_url: str) -> None:
    store = Store.open(database_url)
    waiting = [asyncio.create_task(store.write(_put(n))) for n in range(30)]
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    await asyncio.gather(*waiting)

    again = Store.open(database_url)
    assert await _names(again) == {f"n{n}" for n in range(30)}
    again.close()


def _put(n: int, *, refuse: bool = False):
    def unit(tx: WriteTx) -> None:
        records.put_setting(tx, f"n{n}", "x")
        if refuse:
            raise Conflict("No", "No.")

    return unit


def _bug(tx: WriteTx) -> None:
    records.put_setting(tx, "bug", "x")
    raise ZeroDivisionError


def _broken_statement(tx: WriteTx) -> None:
    records.put_setting(tx, "broken", "x")
    tx.execute(sa.text("insert into setting (name, value) values ('broken too', null)"))


async def _busy(store: Store, *, grouped: bool = False) -> threading.Event:
    """Keep the lane at work until the event is set."""
    release, started = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_tx: WriteTx) -> None:
        loop.call_soon_threadsafe(started.set)
        release.wait(5)

    def hold_together(tx: WriteTx, commands: Sequence[None]) -> Sequence[None]:
        hold(tx)
        return commands

    work = store.write_together(hold_together, None) if grouped else store.write(hold)
    store.__dict__.setdefault("_kept", []).append(asyncio.create_task(work))  # type: ignore[arg-type]
    await started.wait()
    return release


async def _while_busy(store: Store, units: Sequence[object]) -> list[object]:
    release = await _busy(store)
    waiting = [asyncio.create_task(store.write(unit)) for unit in units]  # type: ignore[arg-type]
    await asyncio.sleep(0.05)
    release.set()
    return await asyncio.gather(*waiting, return_exceptions=True)


async def _names(store: Store) -> set[str]:
    def look(tx: ReadTx) -> set[str]:
        return {name for name in tx.execute(sa.select(tables.setting.c.name)).scalars() if name[1:].isdigit()}

    return await store.read(look)
