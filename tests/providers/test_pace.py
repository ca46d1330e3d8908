"""Calls leave no faster than they may: a buyer's first, the worker's never not at all, none while the provider wants rest."""

import asyncio
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.domain.errors import Unavailable
from gatepass.providers.pace import BURST_S, LONGEST_WAIT_S, WORKERS_TURN, Pace, behind_buyers

SLACK_S = 0.02
"""A clock's tick, and the loop's."""


async def _leaves(pace: Pace, who: str, left: list[tuple[str, float]]) -> None:
    await pace.turn()
    left.append((who, asyncio.get_running_loop().time()))


async def _by_worker(work: Coroutine[Any, Any, None]) -> None:
    with behind_buyers():
        await work


@settings(max_examples=15, deadline=None)
@given(per_s=st.integers(20, 400), callers=st.lists(st.booleans(), min_size=1, max_size=40))
def test_never_more_in_any_second_than_the_pace_and_a_burst(per_s: int, callers: list[bool]) -> None:
    left: list[tuple[str, float]] = []

    async def story() -> None:
        pace = Pace(per_s)
        calls = (_leaves(pace, "", left) for _ in callers)
        await asyncio.gather(
            *(_by_worker(call) if of_worker else call for call, of_worker in zip(calls, callers, strict=True))
        )

    asyncio.run(story())

    moments = [at for _, at in left]
    assert len(moments) == len(callers)
    burst = max(1, per_s * BURST_S)
    for first, begin in enumerate(moments):
        for last in range(first, len(moments)):
            assert last - first + 1 <= burst + 1 + (moments[last] - begin + SLACK_S) * per_s


async def test_buyers_go_first_and_the_worker_has_its_turn() -> None:
    pace, left = Pace(100), list[tuple[str, float]]()
    for _ in range(10):
        await pace.turn()

    await asyncio.gather(
        *(_by_worker(_leaves(pace, "worker", left)) for _ in range(6)),
        *(_leaves(pace, "buyer", left) for _ in range(12)),
    )

    who = [name for name, _ in left]
    assert [who[: WORKERS_TURN * 3].count(name) for name in ("buyer", "worker")] == [12, 3]
    assert who[WORKERS_TURN * 3 :] == ["worker"] * 3
    assert all(one <= other for (_, one), (_, other) in pairwise(left))


async def test_who_gives_up_takes_no_turn() -> None:
    pace, left = Pace(20), list[tuple[str, float]]()
    await asyncio.gather(pace.turn(), pace.turn())
    waiting = [asyncio.create_task(_leaves(pace, f"{at}", left)) for at in range(20)]
    await asyncio.sleep(0)

    for task in waiting[:-1]:
        task.cancel()
    async with asyncio.timeout(0.5):
        await waiting[-1]

    assert [name for name, _ in left] == ["19"]


async def test_a_short_pause_is_waited_for_and_a_long_one_is_told_at_once() -> None:
    loop, pace = asyncio.get_running_loop(), Pace(100)
    begun = loop.time()
    pace.pause(0.2)
    await pace.turn()
    assert loop.time() - begun >= 0.2

    waiting = asyncio.create_task(pace.turn())
    pace.pause(0.1)
    await asyncio.sleep(0)
    pace.pause(LONGEST_WAIT_S * 2)

    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await pace.turn()
