"""Letting everything come to its end: all that waits is due, the bank answers, every notification arrives."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from gatepass.domain.payment import OPEN
from gatepass.domain.purchase import Status
from gatepass.domain.refund import ON_ITS_WAY
from gatepass.store import ReadTx, tables
from tests.running import Running

DAY_S = 24 * 3600
ROUNDS = 12
"""After so many times of everything being due, all must have ended."""
ONLY_TOLD = ("charge.", "refund.")
"""Events of what is done at the provider to money that has come: nobody here would know where to look."""


async def hasten_all(here: Running) -> None:
    """Every job that waits for its time, or for the end of a dead node's lease, is due now."""
    due = sa.update(tables.job).where(tables.job.c.state == "ready").values(due=_past())
    await here.store.write(lambda tx: tx.execute(due))
    here.store.on_jobs()


async def end_holds(here: Running) -> None:
    """The time of every hold that has an end is over."""
    held = tables.purchase.c
    over = sa.update(tables.purchase).where(held.status == Status.AWAITING_PAYMENT.value, held.hold_until.is_not(None))
    await here.store.write(lambda tx: tx.execute(over.values(hold_until=_past())))


async def settle(here: Running, *, told: bool = True) -> None:
    """Until nothing is under way any more; a worker must run. `told`: the notifications come, each twice, shuffled."""
    if told:
        await here.sandbox.control("reset_faults")
    for _ in range(ROUNDS):
        await here.sandbox.control("advance", seconds=5 * DAY_S)
        if told:
            await tell_all(here)
        await end_holds(here)
        await hasten_all(here)
        await here.until_quiet()
        if not await here.store.read(under_way):
            return
    raise AssertionError(f"not settled: {await here.store.read(under_way)}")


async def tell_all(here: Running) -> None:
    """What was held back arrives; and what was lost arrives, where only a notification can tell of it."""
    await here.sandbox.deliver(times=2, shuffled=True)
    for sent in (await here.sandbox.look("deliveries?limit=1000"))["data"]:
        if sent["state"] == "dropped" and sent["type"].startswith(ONLY_TOLD):
            await here.sandbox.control("redeliver", event=sent["event"])


def under_way(tx: ReadTx) -> list[str]:
    """Everything whose end is not known, a line each."""
    purchase, payment, refund = tables.purchase.c, tables.payment.c, tables.refund.c
    held = sa.select(purchase.id).where(purchase.status == Status.AWAITING_PAYMENT.value)
    paying = sa.select(payment.purchase_id).where(payment.state.in_([state.value for state in OPEN]))
    returning = sa.select(refund.purchase_id).where(refund.state.in_([state.value for state in ON_ITS_WAY]))
    found = {"held": held, "payment": paying, "refund": returning}
    return [f"{what} {at}" for what, query in found.items() for at in tx.execute(query).scalars()]


def _past() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)
