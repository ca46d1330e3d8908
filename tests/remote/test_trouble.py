"""Dynamics is slow, throttled, away, or does what it was asked without saying so: nothing is lost, nothing is said twice."""

import asyncio
from itertools import pairwise

import pytest

from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from tests.remote.line import Trouble
from tests.remote.pair import Pair

_TROUBLES = {
    "look": (Trouble.THROTTLED, Trouble.ERROR, Trouble.UNAUTHORIZED, Trouble.GARBAGE),
    "finalize": tuple(one for one in Trouble if one is not Trouble.BAD),
    "token": (Trouble.UNAUTHORIZED, Trouble.RESET_AFTER, Trouble.GARBAGE),
}


@pytest.mark.parametrize("call", _TROUBLES)
async def test_any_trouble_with_any_call_ends_in_one_finalization(pair: Pair, call: str) -> None:
    orders = [await pair.register() for _ in _TROUBLES[call]]
    pages = [await pair.open_pay_page(order) for order in orders]
    pair.line.troubles = {call: list(_TROUBLES[call])}
    if call == "token":
        # The token that is in use is refused, and getting another one has its own troubles.
        pair.line.troubles["look"] = [Trouble.UNAUTHORIZED]

    await asyncio.gather(*(pair.sandbox.pay(page) for page in pages))

    for order in orders:
        await pair.until_kept(order, told=Word.COMPLETED)
        assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    assert not any(pair.line.troubles.values()), "each was met"


async def test_while_dynamics_is_away_money_is_kept_and_buyers_read_that_it_is_being_confirmed(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    pair.line.down = True

    paid = await pair.sandbox.pay(page)
    await pair.until_kept(order, status=Status.COMPLETED)

    back = await pair.client.get(paid["success_url"])
    assert back.status_code == 303, "who comes back does not need Dynamics"
    assert "Paid, being confirmed" in await pair.order_page(order)
    assert "Your registration is being confirmed" in await pair.timeline_page(order)
    out, _, code = await pair.command("timeline", str(order.id))
    assert (code, "It is asked again by" in out) == (0, True), out
    again = await pair.pay_link(order)
    assert (again.status_code, "paid" in again.text) == (409, True)
    assert await pair.finalizations(order) == []

    await pair.answers_again()
    await pair.until_kept(order, told=Word.COMPLETED)
    assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    assert await pair.attention() == []
    assert "The organizer’s system confirmed the registration" in await pair.timeline_page(order)


async def test_a_link_that_is_opened_while_dynamics_is_away_says_to_try_again(pair: Pair) -> None:
    order = await pair.register()
    pair.line.down = True

    answer = await pair.pay_link(order)

    assert answer.status_code == 503
    assert "Nothing was charged" in answer.text
    assert int(answer.headers["retry-after"]) > 0
    pair.line.down = False
    assert (await pair.pay_link(order)).status_code == 302


async def test_a_page_that_is_open_already_opens_while_dynamics_is_away(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    pair.line.down = True

    assert await pair.open_pay_page(order) == page


async def test_a_refusal_is_put_in_sight_with_dynamics_own_words_and_can_be_tried_again(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    pair.line.troubles = {"finalize": [Trouble.BAD]}

    await pair.sandbox.pay(page)

    await pair.until(lambda: _asked(pair, "finalize_refused"))
    assert (await pair.kept(order)).wanted is Word.COMPLETED
    assert "Paid, being confirmed" in await pair.order_page(order)
    out, _, code = await _command(pair, "replay", "--parked")
    assert code == 0, out
    await pair.until_kept(order, told=Word.COMPLETED)


async def test_a_secret_that_ended_is_one_entry_and_everything_goes_on_once_it_is_renewed(pair: Pair) -> None:
    orders = [await pair.register() for _ in range(3)]
    pages = [await pair.open_pay_page(order) for order in orders]
    # Refused with every token, as an application user that was disabled.
    pair.line.troubles = {"look": [Trouble.UNAUTHORIZED] * 4}

    for page in pages:
        await pair.sandbox.pay(page)

    await pair.until(lambda: _asked(pair, "dataverse_access"))
    for order in orders:
        await pair.until_kept(order, told=Word.COMPLETED)
    await pair.until(lambda: _nothing_asked(pair))


async def test_a_429_rests_the_whole_lane_for_as_long_as_it_says(pair: Pair) -> None:
    orders = [await pair.register() for _ in range(6)]
    pages = [await pair.open_pay_page(order) for order in orders]
    pair.line.troubles = {"finalize": [Trouble.THROTTLED]}

    await asyncio.gather(*(pair.sandbox.pay(page) for page in pages))

    for order in orders:
        await pair.until_kept(order, told=Word.COMPLETED)
        assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    at = next(call.at for call in pair.line.calls if call.trouble)
    # What had left already may arrive; from then on no call leaves for a second.
    assert not [call for call in pair.line.calls if at + 0.6 < call.at < at + 0.95]


async def _command(pair: Pair, *arguments: str) -> tuple[str, str, int]:
    return await pair.command(*arguments)


async def _asked(pair: Pair, kind: str) -> bool:
    return kind in await pair.attention()


async def _nothing_asked(pair: Pair) -> bool:
    return await pair.attention() == []


def most_within(moments: list[float], span_s: float) -> int:
    """The most calls that left within any span of that length."""
    ordered = sorted(moments)
    assert all(first <= second for first, second in pairwise(ordered))
    return max((sum(one <= other < one + span_s for other in ordered) for one in ordered), default=0)
