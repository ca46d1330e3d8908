"""However the events of a payment arrive, in any order and any number, it ends the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice, permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from gatepass.providers.stripe.notifications import OUR_EVENTS
from gatepass.store import tables
from tests.conftest import DATABASES, fresh_database
from tests.running import Order, Running, running
from tests.torture.options import FIGURES, LONG, ORDERS, drawn

DECLINED, DEBIT, DEBIT_REFUSED = "4000000000009995", "AT611904300234573201", "AT861904300235473202"
ALL_UP_TO = 5
"""Events whose every order is delivered; of more, a sample."""
AT_ONCE = 10
"""Buyers who are told at the same time."""
PAID_BY_HAND = 100000001
PAID = ["succeeded"]

Story = Callable[[Running, Order, str], Awaitable[object]]
State = tuple[str, int, list[str], list[str], list[str]]
"""Status, tickets, payments, refunds, what needs attention."""


async def _paid(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.pay(page)


async def _declined_then_paid(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.pay(page, DECLINED)
    await here.sandbox.pay(page)


async def _debited(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.pay(page, DEBIT)
    await here.sandbox.control("settle_async", session=_session(page))


async def _debit_refused(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.pay(page, DEBIT_REFUSED)
    await here.sandbox.control("settle_async", session=_session(page))


async def _page_expired(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.control(f"sessions/{_session(page)}/expire")


async def _refunded(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.pay(page)
    await here.sandbox.control("refunds", payment=_session(page))


async def _partly_refunded(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.pay(page)
    await here.sandbox.control("refunds", payment=_session(page), amount=2500)


async def _refund_failed(here: Running, _order: Order, page: str) -> None:
    await here.sandbox.pay(page)
    refund = await here.sandbox.control("refunds", payment=_session(page), outcome="pending")
    await here.sandbox.control(f"refunds/{refund['id']}", result="failed")


async def _dispute_won(here: Running, _order: Order, page: str) -> None:
    await _disputed(here, page, "won")


async def _dispute_lost(here: Running, _order: Order, page: str) -> None:
    await _disputed(here, page, "lost")


async def _disputed(here: Running, page: str, result: str) -> None:
    await here.sandbox.pay(page)
    dispute = await here.sandbox.control("disputes", payment=_session(page))
    await here.sandbox.control(f"disputes/{dispute['id']}", result=result)


async def _paid_twice(here: Running, order: Order, page: str) -> None:
    await here.sandbox.pay(page)
    assert (await here.finalize(order.id, PAID_BY_HAND)).status_code == 204


STORIES: Sequence[tuple[Story, State]] = (
    (_paid, ("completed", 1, PAID, [], [])),
    (_declined_then_paid, ("completed", 1, PAID, [], [])),
    (_debited, ("completed", 1, PAID, [], [])),
    (_debit_refused, ("awaiting_payment", 0, ["failed"], [], [])),
    (_page_expired, ("awaiting_payment", 0, ["expired"], [], [])),
    (_refunded, ("cancelled", 0, PAID, ["succeeded 5000"], [])),
    (_partly_refunded, ("completed", 1, PAID, ["succeeded 2500"], ["refund_elsewhere"])),
    (_refund_failed, ("completed", 1, PAID, ["failed 5000"], ["refund_failed"])),
    (_dispute_won, ("completed", 1, PAID, [], [])),
    (_dispute_lost, ("completed", 1, PAID, [], ["dispute_lost"])),
    (_paid_twice, ("completed", 1, ["succeeded", "succeeded"], ["succeeded 5000"], [])),
)


@pytest.mark.timeout(600 if LONG else 90)
@pytest.mark.parametrize("kind", DATABASES)
async def test_every_order_of_events_ends_the_same(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each order with a buyer of its own; in every one each event comes twice."""
    dice = drawn(f"orders {kind}")
    async with running(fresh_database(kind, tmp_path, request), tmp_path) as summit:
        here = await summit.at(("One", 5000, 10_000))
        await here.sandbox.hold_deliveries()
        stories = STORIES if LONG else STORIES[DATABASES.index(kind) :: 2]
        for story, ends in stories:
            for first in range(0, ORDERS, AT_ONCE):
                await _tell_some(here, dice, story, ends, range(first, min(first + AT_ONCE, ORDERS)))
        await here.check_promises()
        FIGURES.append(f"{len(stories)} stories, each told in {ORDERS} orders, {kind}")


async def _tell_some(here: Running, dice: Random, story: Story, ends: State, numbers: range) -> None:
    """Some buyers, each told in the order of a number."""
    buyers = [await _lived(here, story) for _ in numbers]
    told = [_in_some_order(dice, number, events) for number, (_, events) in zip(numbers, buyers, strict=True)]
    await _tell(here, told)
    for (order, events), sequence in zip(buyers, told, strict=True):
        kinds = [event["type"] for event in sequence]
        assert await _state(here, order) == ends, f"{story.__name__} told as {kinds} of {len(events)} events"


async def _lived(here: Running, story: Story) -> tuple[Order, list[Any]]:
    """A buyer to whom it has happened, and every event that tells of it. None was delivered."""
    order = await here.register(pass_name="One")
    page = await here.open_pay_page(order)
    await story(here, order, page)
    events = [event for event in await here.sandbox.events(page) if event["type"] in OUR_EVENTS]
    assert events
    return order, events


def _in_some_order(dice: Random, number: int, events: list[Any]) -> list[Any]:
    """The number-th of all orders, or one at random where there are too many; each event comes again later."""
    if len(events) <= ALL_UP_TO:
        orders = permutations(events)
        once = list(next(islice(orders, number % _factorial(len(events)), None)))
    else:
        once = dice.sample(events, len(events))
    told = once.copy()
    for place, event in enumerate(once):
        told.insert(dice.randint(told.index(event) + 1 if place else 1, len(told)), event)
    return told


def _factorial(count: int) -> int:
    return count * _factorial(count - 1) if count > 1 else 1


async def _tell(here: Running, told: Sequence[Sequence[Any]]) -> None:
    """To all buyers at once, but to each one event after the other: the next comes when the last was dealt with."""
    for place in range(max(len(sequence) for sequence in told)):
        now = [sequence[place] for sequence in told if place < len(sequence)]
        answers = await asyncio.gather(*(here.notify(event) for event in now))
        assert {answer.status_code for answer in answers} == {200}
        await here.until_quiet()


async def _state(here: Running, order: Order) -> State:
    asked = sa.select(tables.attention.c.kind).where(
        tables.attention.c.purchase_id == order.id, tables.attention.c.closed.is_(None)
    )
    return (
        (await here.purchase(order.id)).status.value,
        len([person for person in await here.tickets(order.id) if person.code]),
        sorted(payment.state.value for payment in await here.payments(order.id)),
        sorted(f"{one.state.value} {one.amount.minor}" for one in await here.refunds(order)),
        sorted(await here.store.read(lambda tx: list(tx.execute(asked).scalars()))),
    )


def _session(page: str) -> str:
    return page.rpartition("/")[2]
