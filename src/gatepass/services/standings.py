"""How purchases stand beside their money, where they live in our own tables: what reconciliation asks of them."""

from collections.abc import AsyncIterator, Collection
from functools import partial
from typing import Protocol
from uuid import UUID

from gatepass.domain.difference import Difference, Standing, of_missing, of_standing
from gatepass.domain.money import Money
from gatepass.services.books import Period
from gatepass.store import ReadTx, Store, payments, standings

BATCH = 200
"""Purchases compared at a time."""


class Standings(Protocol):
    """Purchases as reconciliation sees them, wherever they live. Raises Unavailable when that place does not answer."""

    async def of(self, ids: Collection[UUID]) -> list[Standing]:
        """How these stand; unknown ones are left out."""
        ...

    async def differences(self, ids: Collection[UUID]) -> list[Difference]:
        """What differs between these purchases and their money, and the money of those that are not there."""
        ...

    def differences_in(self, period: Period) -> AsyncIterator[Difference]:
        """The same of all purchases of a period."""
        ...

    async def put_right(self, one: Difference) -> None:
        """Bring the purchase to what its money says: the remedy `settle`."""
        ...


class OwnStandings:
    """In our own database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, ids: Collection[UUID]) -> list[Standing]:
        return await self._store.read(lambda tx: standings.of(tx, ids))

    async def differences(self, ids: Collection[UUID]) -> list[Difference]:
        found = await self._store.read(lambda tx: _compared(tx, ids))
        return [one for one in found if one]

    async def differences_in(self, period: Period) -> AsyncIterator[Difference]:
        after: UUID | None = None
        while True:
            rows = await self._store.read(partial(_page, period, after))
            for found in filter(None, map(of_standing, rows)):
                yield found
            if len(rows) < BATCH:
                return
            after = rows[-1].id

    async def put_right(self, one: Difference) -> None:
        """Payment and registration share a transaction here: there is nothing to bring anywhere."""


def _page(period: Period, after: UUID | None, tx: ReadTx) -> list[Standing]:
    return standings.between(tx, period.since, period.until, after, BATCH)


def _compared(tx: ReadTx, ids: Collection[UUID]) -> list[Difference | None]:
    found = standings.of(tx, ids)
    missing = set(ids) - {one.id for one in found}
    return [*map(of_standing, found), *(_without_purchase(tx, at) for at in missing)]


def _without_purchase(tx: ReadTx, purchase_id: UUID) -> Difference | None:
    rows = payments.of_purchase(tx, purchase_id)
    kept = max(0, standings.kept_minor(tx, [purchase_id]).get(purchase_id, 0))
    return of_missing(purchase_id, Money(kept, rows[0].amount.currency)) if rows else None
