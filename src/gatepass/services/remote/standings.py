"""How purchases of a remote Dataverse stand beside their money: our rows and payments against what Dataverse says now.

Both directions: what changed here is looked up over there, and what changed over there is looked for here.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from gatepass.dataverse import Dataverse, purchases
from gatepass.domain.difference import Difference, Standing
from gatepass.domain.errors import Unavailable
from gatepass.domain.remote import RemotePurchase, Seen, Word
from gatepass.domain.remote_difference import Beside, compared
from gatepass.services.books import Period
from gatepass.services.remote.pace import turn
from gatepass.services.remote.tasks import ask_to_tell
from gatepass.services.standings import BATCH
from gatepass.store import ReadTx, Store, WriteTx, records, remote
from gatepass.store.call_lanes import Rules
from gatepass.store.standings import kept_minor, paid_minor

BEGAN = "dataverse_began"
"""The setting that says since when purchases over there are paid here: older ones were another service's."""


def begin(tx: WriteTx) -> None:
    """This installation serves a Dataverse from now on, unless it did before."""
    if records.get_setting(tx, BEGAN) is None:
        records.put_setting(tx, BEGAN, tx.now.isoformat())


class RemoteStandings:
    """In a remote Dataverse."""

    def __init__(
        self, store: Store, dataverse: Dataverse, rules: Rules, keep: Callable[[WriteTx, Seen], RemotePurchase], *,
        live: bool,
    ) -> None:  # fmt: skip
        """`keep` writes down a purchase that was read."""
        self._store, self._dataverse, self._rules, self._keep, self._live = store, dataverse, rules, keep, live

    async def of(self, ids: Collection[UUID]) -> list[Standing]:
        """One that we had not known is kept from now on, so that it can be paid; not one that another service completed."""
        known = await self._store.read(lambda tx: remote.get_many(tx, ids))
        for seen in (await self._read(set(ids) - set(known))).values():
            if seen.total and seen.word is not Word.COMPLETED:
                known[seen.id] = await self._store.write(partial(_kept, self._keep, seen))
        kept = await self._store.read(lambda tx: kept_minor(tx, list(known)))
        return [Standing(row.id, row.status, row.total, self._live, kept.get(at, 0), 0, 0) for at, row in known.items()]

    async def differences(self, ids: Collection[UUID]) -> list[Difference]:
        return await self._compared(await self._read(ids), ids)

    async def differences_in(self, period: Period) -> AsyncIterator[Difference]:
        async for ids in self._changed_here(period):
            for one in await self.differences(ids):
                yield one
        began = await self._store.read(lambda tx: records.get_setting(tx, BEGAN))
        since = datetime.fromisoformat(began) if began else datetime.now(UTC)
        pages = purchases.changed_between(self._dataverse, period.since, period.until, since, self._turn)
        async for seen in pages:
            for one in await self._compared(seen, list(seen)):
                yield one

    async def put_right(self, one: Difference) -> None:
        """Dataverse is told again; it is looked at before, as always."""
        await self._store.write(lambda tx: _tell_again(tx, one.purchase_id))

    async def _changed_here(self, period: Period) -> AsyncIterator[list[UUID]]:
        after: UUID | None = None
        while True:
            ids = await self._store.read(partial(_changed, period, after))
            if ids:
                yield ids
            if len(ids) < BATCH:
                return
            after = ids[-1]

    async def _read(self, ids: Collection[UUID]) -> dict[UUID, Seen]:
        found: dict[UUID, Seen] = {}
        wanted = sorted(ids)
        for first in range(0, len(wanted), purchases.LOOKED_AT_TOGETHER):
            await self._turn()
            some = wanted[first : first + purchases.LOOKED_AT_TOGETHER]
            found |= await purchases.read_together(self._dataverse, some)
        return found

    async def _compared(self, seen: Mapping[UUID, Seen], ids: Collection[UUID]) -> list[Difference]:
        sides = await self._store.read(lambda tx: _sides(tx, seen, ids))
        return [found for side in sides if (found := compared(side))]

    async def _turn(self) -> None:
        await turn(self._store, self._rules)


def _kept(keep: Callable[[WriteTx, Seen], RemotePurchase], seen: Seen, tx: WriteTx) -> RemotePurchase:
    return keep(tx, seen)


def _changed(period: Period, after: UUID | None, tx: ReadTx) -> list[UUID]:
    return remote.changed_between(tx, period.since, period.until, after, BATCH)


def _sides(tx: ReadTx, seen: Mapping[UUID, Seen], ids: Collection[UUID]) -> Sequence[Beside]:
    rows, in_sight = remote.get_many(tx, ids), records.asked_about(tx, ids)
    paid, kept = paid_minor(tx, ids), kept_minor(tx, ids)
    return [Beside(at, rows.get(at), seen.get(at), paid.get(at, 0), kept.get(at, 0), at in in_sight) for at in ids]


def _tell_again(tx: WriteTx, purchase_id: UUID) -> None:
    row = remote.lock(tx, [purchase_id]).get(purchase_id)
    if row is None:
        raise Unavailable("PurchaseUnknown", "It is being written down.")
    remote.save(tx, [row.telling_again()])
    ask_to_tell(tx, [purchase_id])
