"""Holds of purchases that live elsewhere end here too: the payment page is ended, then Dataverse is told."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from gatepass.domain.purchase import Move
from gatepass.services.management import EventManagement
from gatepass.services.payments import ask_to_end
from gatepass.services.purchases import Settlement
from gatepass.store import Store, WriteTx, jobs, payments, remote
from gatepass.store.jobs import Job

SWEEP_EVERY = timedelta(seconds=2)
SWEEP_LIMIT = 500
"""Holds ended in one transaction."""


async def sweep(store: Store, management: EventManagement, claim: Job) -> None:
    """End what is over. A payment that is open is ended at its provider first: money may be faster."""
    while await store.write(lambda tx: _sweep(tx, management, claim)):
        pass


def _sweep(tx: WriteTx, management: EventManagement, claim: Job) -> bool:
    if not jobs.held(tx, [claim]):
        return False
    over = _lock_over(tx, remote.ending(tx, tx.now, SWEEP_LIMIT))
    open_ones = {row.purchase_id: row for row in payments.lock_of_purchases(tx, over) if row.open}
    for row in open_ones.values():
        ask_to_end(tx, row)
    free = [at for at in over if at not in open_ones]
    management.settle(tx, [Settlement(at, Move.EXPIRE) for at in free])
    jobs.again(tx, claim, tx.now + SWEEP_EVERY)
    return len(free) == SWEEP_LIMIT


def _lock_over(tx: WriteTx, ids: Sequence[UUID]) -> list[UUID]:
    """Purchases may have moved between the look and the lock."""
    return [at for at, one in remote.lock(tx, ids).items() if one.hold_until and one.hold_until <= tx.now]
