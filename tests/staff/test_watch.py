"""Figures tell what happened, in each currency for itself, and follow without a reload."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from gatepass.services import figures
from gatepass.store import ReadTx, tables
from gatepass.store import figures as sums
from tests.running import Order, Running

from .browsing import member

POOR = "4000000000009995"
"""A card without money."""


async def test_figures_follow_what_happens_and_never_add_currencies(gatepass: Running) -> None:
    tokyo = await gatepass.at(("Day", 18000, 10), currency="JPY")
    async with member(gatepass, "viewer") as viewer:
        page = (await viewer.get("/staff/figures")).text
        assert len(page) < 150_000
        following = re.search(r'hx-get="([^"]+)"', page)
        assert following
        again = following[1].replace("&amp;", "&")
        assert (await viewer.get(again)).status_code == 204

        await gatepass.paid()
        await tokyo.paid(pass_name="Day")
        refunded = await gatepass.paid()
        await gatepass.refund(refunded)
        await gatepass.until_refunded(refunded, "succeeded")

        changed = await viewer.get(again)
        assert changed.status_code == 200
        assert "Revenue, EUR" in changed.text
        assert "Revenue, JPY" in changed.text
        assert "¥18,000" in changed.text
        assert "Refund succeeded" in changed.text
        own = (await viewer.get(f"/staff/events/{tokyo.event.id}/figures?period=7")).text
        assert "Revenue, EUR" not in own
        assert "1 sold, 0 held, 9 left" in own
        assert "Completed</span> <b>1" in own


@pytest.mark.parametrize(
    "zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Eucla", "America/St_Johns", "Europe/Berlin"]
)
async def test_a_day_begins_at_midnight_of_its_own_place(gatepass: Running, zone: str) -> None:
    here = await gatepass.at(("Full", 0, 10), time_zone=zone)
    midnight = datetime.combine(datetime.now(ZoneInfo(zone)).date() - timedelta(days=2), time(), ZoneInfo(zone))
    second = timedelta(seconds=1)
    for moment in (midnight - second, midnight, midnight + timedelta(days=1) - second):
        await _ordered(gatepass, await here.register(), moment)

    told = await gatepass.store.snapshot(lambda tx: figures.look(tx, "7", zone, here.event.id))

    counts = {day: count for day, count in told.registrations.points if count}
    assert counts == {midnight.date() - timedelta(days=1): 1, midnight.date(): 2}


async def test_figures_are_the_same_before_and_after_they_are_summed_up(gatepass: Running) -> None:
    order, unpaid = await gatepass.paid(), await gatepass.register()
    await gatepass.sandbox.pay(await gatepass.open_pay_page(unpaid), POOR)
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")

    def look(tx: ReadTx) -> tuple[Any, ...]:
        found = figures.look(tx, "7", "Europe/Berlin", gatepass.event.id)
        steps = {step.label: step.count for step in found.steps if step.count}
        return found.registrations, found.revenue, steps, found.refunds

    async def told() -> bool:
        return (await gatepass.store.snapshot(look))[2] == {
            "Registered": 2, "Sent to payment": 2, "Cancelled": 1, "Awaiting payment": 1, "Declined: insufficient funds": 1,
        }  # fmt: skip

    await gatepass.until(told)
    seen = [await gatepass.store.snapshot(look)]
    for _ in range(2):
        await gatepass.store.write(sums.sum_up)
        await gatepass.check_promises()
        seen.append(await gatepass.store.snapshot(look))

    assert seen[0] == seen[1] == seen[2]
    assert [(word, count, money.minor) for word, count, money in seen[0][3]] == [("Refund succeeded", 1, 12050)]


async def _ordered(gatepass: Running, order: Order, moment: datetime) -> None:
    """It was made then."""
    made = sa.update(tables.purchase).where(tables.purchase.c.id == order.id)
    await gatepass.store.write(lambda tx: tx.execute(made.values(created=moment.astimezone(UTC))))
