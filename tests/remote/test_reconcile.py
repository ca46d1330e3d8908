"""Three sides are held against each other: the provider's books, our record, and Dataverse. What can be mended is."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gatepass.domain.difference import Kind, Remedy
from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from gatepass.services.reconcile import Order as Wanted
from gatepass.services.reconcile import compare, period_of, reconcile
from gatepass.store import records, tables
from tests.conftest import fresh_database
from tests.remote.conftest import dynamics_database
from tests.remote.line import Trouble
from tests.remote.pair import Pair, paired
from tests.running import STRIPE_KEY, Order

COMPLETED, CANCELLED, OPEN = "completed", "expired", "awaiting_payment"


async def test_three_sides_that_agree_have_no_difference(pair: Pair) -> None:
    for order in (await _confirmed(pair), await _confirmed(pair)):
        assert (await pair.kept(order)).confirmed
    await pair.open_pay_page(await pair.register())

    assert await _differences(pair) == {}


async def test_a_payment_that_nobody_told_of_is_found_and_dataverse_is_told(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    await pair.sandbox.drop_deliveries()
    await pair.sandbox.pay(page)

    assert set((await _differences(pair)).values()) == {(Kind.PAYMENT_UNHEARD, Remedy.LOOK_UP)}
    await _reconcile(pair)

    await pair.until_kept(order, told=Word.COMPLETED)
    assert await _differences(pair) == {}


async def test_what_dataverse_forgot_is_told_again(pair: Pair) -> None:
    order = await _confirmed(pair)
    # A backup of the environment was restored: it knows nothing of the last hours.
    await pair.forget_over_there(order)

    found = await _differences(pair)
    assert list(found.values()) == [(Kind.PAID_NOT_CONFIRMED, Remedy.SETTLE)]
    await _reconcile(pair)

    await pair.until_kept(order, told=Word.COMPLETED, wanted=None)
    assert (await pair.dynamics.purchase(order.id)).status is Status.COMPLETED
    assert await _differences(pair) == {}


async def test_what_is_completed_over_there_without_money_is_shown_to_a_person_once(pair: Pair) -> None:
    known, unknown = await pair.register(), await pair.register()
    await pair.open_pay_page(known)
    for order in (known, unknown):
        assert (await pair.dynamics.finalize(order.id, 100000001)).status_code == 204

    found = await _differences(pair)
    assert {at: kind for at, (kind, _) in found.items()} == dict.fromkeys(
        (known.id, unknown.id), Kind.CONFIRMED_NOT_PAID
    )
    await _reconcile(pair)
    await _reconcile(pair)

    assert await pair.attention() == ["reconcile", "reconcile"]


async def test_what_is_cancelled_over_there_though_it_is_paid_is_for_a_person(pair: Pair) -> None:
    order = await _confirmed(pair)
    await pair.change_dynamics(order, status="cancelled")

    assert list((await _differences(pair)).values()) == [(Kind.PAID_NOT_CONFIRMED, Remedy.ATTENTION)]
    await pair.change_dynamics(order, status="completed")


async def test_what_somebody_cancels_over_there_weeks_later_is_found(pair: Pair) -> None:
    order, kept = await _confirmed(pair), tables.remote_purchase
    long_ago = {"changed": datetime.now(UTC) - timedelta(days=60)}
    own = sa.update(kept).where(kept.c.id == order.id).values(**long_ago)
    await pair.store.write(lambda tx: tx.execute(own))
    assert await _differences(pair) == {}

    await pair.change_dynamics(order, status="cancelled", changed=datetime.now(UTC) - timedelta(seconds=1))

    assert list((await _differences(pair)).values()) == [(Kind.PAID_NOT_CONFIRMED, Remedy.ATTENTION)]
    await pair.change_dynamics(order, status="completed")


async def test_a_total_that_was_raised_after_the_payment_is_for_a_person(pair: Pair) -> None:
    order = await _confirmed(pair)
    await pair.change_dynamics(order, total_minor=99900)

    assert list((await _differences(pair)).values()) == [(Kind.TOTAL_CHANGED, Remedy.ATTENTION)]
    await pair.change_dynamics(order, total_minor=12050)


async def test_a_total_that_was_lowered_after_the_payment_is_for_a_person_until_the_rest_went_back(pair: Pair) -> None:
    order = await _confirmed(pair)
    await pair.change_dynamics(order, total_minor=10000)

    await _told_to_a_person(pair)
    await _give_back(pair, order, "20.50")

    assert await _differences(pair) == {}
    await pair.change_dynamics(order, total_minor=12050)


async def test_what_became_cheaper_while_its_page_was_open_is_confirmed_and_told_to_a_person(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    await pair.change_dynamics(order, total_minor=10000)
    await pair.sandbox.pay(page)
    await pair.until_kept(order, told=Word.COMPLETED)

    (asked,) = await pair.store.read(records.needing_attention)
    assert (asked["kind"], "120.50 EUR" in asked["reason"], "100.00 EUR" in asked["reason"]) == ("overpaid", True, True)
    assert await _differences(pair) == {}, "it is in sight"
    await _reconcile(pair)
    assert await pair.attention() == ["overpaid"], "once"


async def test_another_currency_over_there_is_for_a_person(pair: Pair) -> None:
    order = await _confirmed(pair)
    await pair.change_dynamics(order, currency="USD")

    await _told_to_a_person(pair)
    await pair.change_dynamics(order, currency="EUR")


async def test_what_staff_gave_back_of_a_payment_is_no_difference(pair: Pair) -> None:
    order = await _confirmed(pair)

    await _give_back(pair, order, "20.50")

    assert await _differences(pair) == {}


async def _told_to_a_person(pair: Pair) -> None:
    """The total differs from the money, and a person hears of it once."""
    assert list((await _differences(pair)).values()) == [(Kind.TOTAL_CHANGED, Remedy.ATTENTION)]
    for _ in range(2):
        await _reconcile(pair)
    assert await pair.attention() == ["reconcile"]


async def _give_back(pair: Pair, order: Order, amount: str) -> None:
    out, err, code = await pair.command("refund", str(order.id), "--amount", amount, "--reason", "Too much")
    assert code == 0, out + err
    await pair.completion.until_quiet()


async def test_what_a_person_is_asked_already_is_no_difference(pair: Pair) -> None:
    waiting = await pair.register()
    page = await pair.open_pay_page(waiting)
    pair.line.troubles = {"finalize": [Trouble.BAD]}
    await pair.sandbox.pay(page)
    await pair.until(pair.attention)

    assert await _differences(pair) == {}
    assert await pair.attention() == ["finalize_refused"]


async def test_the_command_names_differences_and_mends_them(pair: Pair) -> None:
    order = await _confirmed(pair)
    await pair.forget_over_there(order)

    out, err, code = await pair.command("reconcile")
    assert code == 1, out + err
    assert "paid_not_confirmed [settle]" in out
    assert "Dataverse says open" in out
    await pair.command("reconcile", "--apply")

    await pair.until_kept(order, wanted=None, told=Word.COMPLETED)
    out, _, code = await pair.command("reconcile")
    assert (code, "equal" in out) == (0, True), out


async def test_while_dataverse_is_away_the_two_others_are_compared_and_mended(pair: Pair) -> None:
    await _confirmed(pair)
    order = await pair.register()
    page = await pair.open_pay_page(order)
    await pair.sandbox.drop_deliveries()
    await pair.sandbox.pay(page)
    pair.line.down = True

    out, _, code = await pair.command("reconcile")
    assert code == 2
    assert "payment_unheard [look_up]" in out
    assert "Dynamics 365 was not asked" in out
    as_json, _, code = await pair.command("reconcile", "--json")
    assert (code, bool(json.loads(as_json)["not_asked"])) == (2, True)
    out, _, code = await pair.command("reconcile", "--apply")
    assert (code, "payment_unheard" in out) == (2, False), out

    await pair.until_kept(order, status=Status.COMPLETED)
    await pair.answers_again()
    await pair.until_kept(order, told=Word.COMPLETED)
    out, _, code = await pair.command("reconcile")
    assert (code, "was not asked" in out) == (0, False), out


async def test_an_hour_in_which_dataverse_was_away_is_compared_again(pair: Pair) -> None:
    await pair.until(lambda: _ran(pair), patience_s=40)
    pair.line.down = True
    await pair.completion.hasten("reconcile")
    await pair.until(lambda: _failed(pair), patience_s=40)

    pair.line.down = False
    await pair.completion.hasten("reconcile")
    await pair.until(lambda: _ran(pair), patience_s=40)


async def _failed(pair: Pair) -> bool:
    """The job was tried, and stays to be done soon."""
    own = sa.select(tables.job.c.failures).where(tables.job.c.kind == "reconcile", tables.job.c.state == "ready")
    return any(row["failures"] for row in await pair.store.read(lambda tx: tx.rows(own)))


@pytest.mark.parametrize("told", [True, False])
async def test_a_link_that_the_service_before_us_gave_out_is_paid_and_confirmed(pair: Pair, told: bool) -> None:
    """The .NET sample opens Stripe payment links that name their purchase `order_id`, and puts them nowhere else."""
    order = await pair.register()
    if not told:
        await pair.sandbox.drop_deliveries()

    await pair.sandbox.pay(await _page_of_the_sample(pair, order))
    if not told:
        await _reconcile(pair)

    await pair.until_kept(order, told=Word.COMPLETED)
    assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
    assert await pair.attention() == []


async def _page_of_the_sample(pair: Pair, order: Order) -> str:
    """As its GetRedirectUrl does: a price, then a payment link with metadata."""
    headers = {"Authorization": f"Bearer {STRIPE_KEY}"}

    async def made(what: str, **data: Any) -> Any:
        answer = await pair.client.post(f"{pair.sandbox.url}/v1/{what}", headers=headers, data=data)
        assert answer.is_success, answer.text
        return answer.json()

    price = await made(
        "prices", unit_amount=12050, currency="eur", **{"product_data[name]": f"Payment {order.id}"}
    )  # fmt: skip
    link = await made(
        "payment_links",
        **{
            "line_items[0][price]": price["id"], "line_items[0][quantity]": 1, "metadata[order_id]": str(order.id),
            "metadata[time]": "2026-11-21T10:00:00Z",
        },
    )  # fmt: skip
    return link["url"]


async def _confirmed(pair: Pair) -> Order:
    order = await pair.register()
    await pair.pay(order)
    await pair.until_kept(order, told=Word.COMPLETED)
    return order


async def _differences(pair: Pair) -> dict[Any, tuple[Kind, Remedy]]:
    desk = pair.others[0].desk
    books = await compare(desk, desk.provider("stripe"), Wanted(period_of(), "test", pause_s=0))
    return {one.purchase_id: (one.kind, one.remedy) for one in books.differences.values()}


async def _reconcile(pair: Pair) -> None:
    desk = pair.others[0].desk
    await reconcile(desk, desk.provider("stripe"), Wanted(period_of(), "test", apply=True, pause_s=0))


async def test_what_was_found_is_told_by_mail_once(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    there = dynamics_database(request, tmp_path)
    url = fresh_database("sqlite", tmp_path, request)
    async with paired(url, there, tmp_path, GATEPASS_REPORT_TO="anna@contoso.example") as pair:
        forgotten, unpaid = await _confirmed(pair), await pair.register()
        await pair.forget_over_there(forgotten)
        assert (await pair.dynamics.finalize(unpaid.id, 100000001)).status_code == 204

        for _ in range(2):
            await pair.completion.hasten("reconcile")
            await pair.until(lambda: _ran(pair), patience_s=40)

        await pair.until_kept(forgotten, told=Word.COMPLETED, wanted=None)
        (mail,) = [path.read_text() for path in pair.settings.mail_dir.glob("*.eml")]
        assert "Subject: Gatepass: 1 difference for you to decide, 1 mended" in mail
        assert "To: anna@contoso.example" in mail
        assert "confirmed not paid" in mail
        assert "paid not confirmed" in mail


async def _ran(pair: Pair) -> bool:
    """The job is planned for its next hour."""
    job = tables.job.c
    ready = sa.select(job.due).where(job.kind.in_(("reconcile", "send_drift_report")), job.state == "ready")
    rows = await pair.store.read(lambda tx: tx.rows(ready))
    return bool(rows) and all(row["due"] > datetime.now(UTC) + timedelta(minutes=30) for row in rows)
