"""Dynamics is slow, throttled, away, or does what it was asked without saying so: nothing is lost, nothing is said twice."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest

from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from gatepass.services import applications
from gatepass.store import records
from tests.conftest import fresh_database
from tests.remote.conftest import dynamics_database
from tests.remote.line import QUICK, Trouble
from tests.remote.pair import Pair, paired
from tests.torture.options import LONG

_TROUBLES = {
    "look": (Trouble.THROTTLED, Trouble.ERROR, Trouble.UNAUTHORIZED, Trouble.GARBAGE),
    "finalize": tuple(one for one in QUICK if one is not Trouble.BAD),
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
    assert (await pair.timeline_json(order))["status"] == "being_confirmed"
    out, _, code = await pair.command("timeline", str(order.id))
    assert (code, "It is asked again by" in out) == (0, True), out
    assert out.splitlines()[0].endswith("being confirmed"), out
    again = await pair.pay_link(order)
    assert (again.status_code, "paid" in again.text) == (409, True)
    assert await pair.finalizations(order) == []

    await pair.answers_again()
    await pair.until_kept(order, told=Word.COMPLETED)
    assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    assert await pair.attention() == []
    assert "The organizer’s system confirmed the registration" in await pair.timeline_page(order)
    assert (await pair.timeline_json(order))["status"] == "completed"


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


@pytest.mark.timeout(150)
async def test_a_dynamics_that_takes_calls_and_never_answers_holds_nobody_and_hears_nothing_twice(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Whether the call had its effect or not; and a buyer who comes meanwhile is answered."""
    url = fresh_database("postgresql", tmp_path, request)
    async with paired(url, dynamics_database(request, tmp_path), tmp_path) as pair:
        orders = [await pair.register() for _ in range(4 if LONG else 2)]
        pages, another = [await pair.open_pay_page(order) for order in orders], await pair.register()
        pair.line.troubles = {
            "look": [Trouble.HANG], "finalize": [Trouble.HANG_AFTER, *([Trouble.HANG, Trouble.HANG_AFTER] if LONG else [])],
            "read": [Trouble.HANG],
        }  # fmt: skip
        begun = time.monotonic()

        await asyncio.gather(*(pair.sandbox.pay(page) for page in pages))
        for order in orders:
            assert "Paid, being confirmed" in await pair.order_page(order)
        answer = await pair.pay_link(another)
        assert (answer.status_code, "Nothing was charged" in answer.text) == (503, True)
        assert time.monotonic() - begun < 20, "nobody waits longer for Dynamics than it is worth"

        for order in orders:
            await pair.until_kept(order, 100, told=Word.COMPLETED)
            assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
        assert not any(pair.line.troubles.values()), "each was met"
        assert (await pair.pay_link(another)).status_code == 302
        await pair.check_promises()


async def test_a_dynamics_that_is_slow_is_asked_no_more_at_once_and_everything_is_confirmed_once(pair: Pair) -> None:
    orders = [await pair.register() for _ in range(12)]
    pages = [await pair.open_pay_page(order) for order in orders]
    pair.line.slow_s, pair.line.most_at_once = 1.5, 0

    await asyncio.gather(*(pair.sandbox.pay(page) for page in pages))
    for order in orders:
        await pair.until_kept(order, status=Status.COMPLETED)
        assert "Paid, being confirmed" in await pair.order_page(order)

    for order in orders:
        await pair.until_kept(order, 40, told=Word.COMPLETED)
        assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    assert pair.line.most_at_once <= pair.settings.dataverse_at_once


async def test_a_secret_that_is_changed_while_payments_come_loses_none_and_confirms_each_once(pair: Pair) -> None:
    orders = [await pair.register() for _ in range(4)]
    pages = [await pair.open_pay_page(order) for order in orders]
    another = await pair.register()
    client = UUID(pair.variables["GATEPASS_DATAVERSE_CLIENT_ID"])

    # An administrator over there sets another secret: the old one is refused, and so is the token that it gave.
    fresh = await pair.dynamics.store.write(lambda tx: applications.new_secret(tx, client, "test"))
    pair.line.troubles = {name: [Trouble.UNAUTHORIZED] for name in ("look", "read")}
    await asyncio.gather(*(pair.sandbox.pay(page) for page in pages[:3]))
    await pair.until(lambda: _asked(pair, "dataverse_access"))
    assert "Paid, being confirmed" in await pair.order_page(orders[0])
    answer = await pair.pay_link(another)
    assert (answer.status_code, "Nothing was charged" in answer.text) == (503, True)
    assert fresh not in str(await pair.store.read(records.needing_attention))

    # Processes begin anew with it, one after the other: meanwhile one knows it, and the other does not.
    await pair.another(GATEPASS_DATAVERSE_CLIENT_SECRET=fresh)
    await pair.sandbox.pay(pages[3])

    async def all_told() -> bool:
        await pair.answers_again()
        return all([(await pair.kept(order)).told is Word.COMPLETED for order in orders])

    await pair.until(all_told, 40)
    assert {tuple(await pair.finalizations(order)) for order in orders} == {("awaiting_payment -> completed",)}


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
