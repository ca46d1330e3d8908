"""Waiting for one's turn to call Dataverse: one row of calls for all processes, and none while it wants to be left alone."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from gatepass.domain.errors import Unavailable
from gatepass.store import Store, call_lanes
from gatepass.store.call_lanes import Rules

MayCall = Callable[[], AbstractAsyncContextManager[None]]
"""Inside it a call may leave, and be under way."""
LONGEST_TURN_S = 20.0
"""Who would wait longer does something else meanwhile."""


class Resting(Unavailable):
    """The lane rests for longer than one waits."""


async def turn(store: Store, rules: Rules) -> None:
    """Returns when a call may leave. Raises Resting."""
    wait_s = await store.write(lambda tx: call_lanes.turn(tx, rules))
    if wait_s > LONGEST_TURN_S:
        raise Resting("DataverseBusy", "Dataverse wants to be left alone for a while.")
    await asyncio.sleep(wait_s)
