"""Looks at purchases over there, several in one call: those that are asked for at the same moment."""

import asyncio
from uuid import UUID

from gatepass.dataverse import Dataverse, purchases
from gatepass.domain.remote import Seen
from gatepass.services.remote.pace import MayCall

GATHER_S = 0.1
"""Who asks within this time shares a call: less than two calls are apart at the usual pace of 15 a second."""


class Looks:
    """Of one process."""

    def __init__(self, dataverse: Dataverse, may_call: MayCall) -> None:
        self._dataverse, self._may_call = dataverse, may_call
        self._waiting: dict[UUID, asyncio.Future[Seen | None]] = {}
        self._calls: set[asyncio.Task[None]] = set()

    async def at(self, purchase_id: UUID) -> Seen | None:
        """The purchase as it is after this moment; None when it is not there. Raises as the client does."""
        if purchase_id not in self._waiting:
            self._waiting[purchase_id] = asyncio.get_running_loop().create_future()
            if len(self._waiting) == 1:
                self._call_soon()
        return await asyncio.shield(self._waiting[purchase_id])

    def _call_soon(self) -> None:
        task = asyncio.create_task(self._call())
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self) -> None:
        await asyncio.sleep(GATHER_S)
        asked: dict[UUID, asyncio.Future[Seen | None]] = {}
        try:
            async with self._may_call():
                # Whoever came while this waited for its turn comes along: the longer the row, the more share a call.
                asked = self._taken()
                found = await purchases.read_together(self._dataverse, asked)
        except Exception as error:
            for future in (asked or self._taken()).values():
                future.set_exception(error)
                # Whoever asked may be gone: then nobody is to be told.
                future.exception()
            return
        for at, future in asked.items():
            future.set_result(found.get(at))

    def _taken(self) -> dict[UUID, "asyncio.Future[Seen | None]"]:
        """As many as fit into a call; the others get one of their own."""
        some = list(self._waiting)[: purchases.LOOKED_AT_TOGETHER]
        asked = {at: self._waiting.pop(at) for at in some}
        if self._waiting:
            self._call_soon()
        return asked
