"""The provider's books, our ledger and the registrations side by side: what differs is found, and mended once."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gatepass.domain.difference import Kind, Sums
from gatepass.domain.money import Money
from gatepass.domain.purchase import order_reference
from gatepass.services import refunds
from gatepass.services.books import Books, Period
from gatepass.services.comparison import BATCH, Comparison
from gatepass.services.reconcile import Order, period_of, reconcile
from gatepass.store import ReadTx, tables
from tests.running import Running, running


@pytest.fixture
async def deaf(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """No worker and no notification: only reconciliation can find anything."""
    async with running(database_url, tmp_path, with_worker=False) as system:
        await system.sandbox.drop_deliveries()
        yield system


async def test_equal_books_are_equal_and_get_their_fees(gatepass: Running) -> None:
    orders = [await gatepass.paid(), await gatepass.paid(seats=2)]
    await gatepass.refund(orders[1])
    await gatepass.until_refunded(orders[1], "succeeded")

    before = await _compare(gatepass)
    after = await _apply(gatepass)

    assert before.differences == after.differences == {}
    assert (before.fees_unknown, after.fees_unknown) == (2, 0)
    balance = after.balances["EUR"]
    # A fee that is not stored yet is no difference.
    assert before.balances["EUR"].difference == balance.difference == Sums()
    assert (before.balances["EUR"].fees_to_store, balance.fees_to_store) == (balance.theirs.fees, 0)
    assert (balance.ours.charged, balance.ours.refunded) == (36150, 24100)
    assert balance.ours == balance.theirs
    rows = [row for order in orders for row in await gatepass.payments(order.id)]
    assert sum(row.fee.minor for row in rows if row.fee) == balance.theirs.fees > 0
    line = (await gatepass.sandbox.look("ledger?paid=true"))[0]
    assert Money(line["fees"], "EUR") in {row.fee for row in rows}


async def test_a_payment_that_nobody_told_of_is_found_and_confirmed(deaf: Running) -> None:
    order = await deaf.register()
    await deaf.pay(order)

    found = await _compare(deaf)
    left = await _apply(deaf)

    assert _kinds(found) == [(Kind.PAYMENT_UNHEARD, "look_up")]
    assert found.balances["EUR"].theirs.charged == 12050
    assert found.balances["EUR"].ours.charged == 0
    assert left.differences == {}
    assert (await deaf.purchase(order.id)).status.value == "completed"
    assert await _audited(deaf) == ["reconcile.look_up"]
    assert (await _apply(deaf)).differences == {}
    assert await _audited(deaf) == ["reconcile.look_up"]


async def test_paid_there_but_expired_here(deaf: Running) -> None:
    order = await deaf.register()
    await deaf.pay(order)
    await _set(deaf, tables.payment, order, state="expired")
    await _set(deaf, tables.purchase, order, status="expired", hold_until=None)
    await _free_seats(deaf)

    assert _kinds(await _compare(deaf)) == [(Kind.PAYMENT_UNHEARD, "look_up")]
    assert (await _apply(deaf)).differences == {}

    # The default policy: there is room, so they are seated again.
    assert (await deaf.purchase(order.id)).status.value == "completed"


async def test_a_refund_at_the_dashboard_that_nobody_told_of(deaf: Running) -> None:
    order = await _settled(deaf)
    (payment,) = await deaf.payments(order.id)
    await deaf.sandbox.control("refunds", payment=payment.intent_ref)

    found = await _compare(deaf)
    left = await _apply(deaf)

    assert _kinds(found) == [(Kind.REFUND_UNHEARD, "record_refund")]
    assert (found.balances["EUR"].theirs.refunded, found.balances["EUR"].ours.refunded) == (12050, 0)
    assert left.differences == {}
    assert left.balances["EUR"].ours.refunded == 12050
    assert [one.state.value for one in await deaf.refunds(order)] == ["succeeded"]
    assert (await deaf.purchase(order.id)).status.value == "cancelled"
    assert (await _apply(deaf)).differences == {}
    assert len(await deaf.refunds(order)) == 1


async def test_a_dispute_that_nobody_told_of_and_its_end_long_after(deaf: Running) -> None:
    order = await _settled(deaf)
    (payment,) = await deaf.payments(order.id)
    dispute = await deaf.sandbox.control("disputes", payment=payment.intent_ref)

    assert _kinds(await _compare(deaf)) == [(Kind.DISPUTE_UNHEARD, "record_dispute")]
    assert (await _apply(deaf)).differences == {}
    assert await deaf.attention() == ["dispute"]

    await deaf.sandbox.control(f"disputes/{dispute['id']}", result="won")
    later = Period(datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) + timedelta(days=2))
    left = await _reconcile(deaf, apply=True, period=later)

    assert left.differences == {}
    assert await deaf.attention() == []


async def test_money_that_a_lost_dispute_took_is_gone_on_both_sides(deaf: Running) -> None:
    order = await _settled(deaf)
    (payment,) = await deaf.payments(order.id)
    dispute = await deaf.sandbox.control("disputes", payment=payment.intent_ref)
    await deaf.sandbox.control(f"disputes/{dispute['id']}", result="lost")

    found = (await _compare(deaf)).balances["EUR"]
    assert (found.theirs.disputed, found.ours.disputed) == (12050, 0)
    assert (await _apply(deaf)).differences == {}
    management = deaf.installation.desk.management
    await refunds.release(deaf.store, management, order.id, [], "The bank took the money", "anna")
    left = await _apply(deaf)

    # No confirmed seats, and no money that would ask for some.
    assert left.differences == {}
    balance = left.balances["EUR"]
    assert (balance.theirs.disputed, balance.ours.disputed) == (12050, 12050)
    assert balance.ours.net == -balance.ours.fees
    assert (await deaf.purchase(order.id)).status.value == "cancelled"


async def test_money_of_a_purchase_that_was_deleted_by_hand_needs_a_person(deaf: Running) -> None:
    order = await _settled(deaf)
    await _delete(deaf, order)

    found, left = await _compare(deaf), await _apply(deaf)

    assert _kinds(found) == _kinds(left) == [(Kind.PURCHASE_MISSING, "attention")]
    assert await deaf.attention() == ["reconcile"]
    assert f"purchase_missing [attention] {order_reference(order.id)}" in (await _command(deaf))[0]


async def test_a_row_that_was_deleted_by_hand_comes_back_with_its_money(deaf: Running) -> None:
    order = await _settled(deaf)
    await deaf.store.write(lambda tx: tx.execute(sa.delete(tables.payment)))
    assert await deaf.payments(order.id) == []

    found = await _compare(deaf)
    left = await _apply(deaf)

    assert _kinds(found) == [(Kind.CONFIRMED_NOT_PAID, "attention"), (Kind.MONEY_WITHOUT_ROW, "adopt")]
    assert left.differences == {}
    assert await deaf.attention() == []
    (row,) = await deaf.payments(order.id)
    assert (row.state.value, row.amount, row.number) == ("succeeded", Money(12050, "EUR"), 1)


async def test_a_page_that_no_row_holds_is_ended_and_its_money_goes_back(deaf: Running) -> None:
    order = await _settled(deaf)
    page, paid = await deaf.lost_page(order), await deaf.lost_page(order)
    await deaf.sandbox.pay(paid)

    found = await _compare(deaf)
    left = await _apply(deaf)

    assert _kinds(found) == [(Kind.MONEY_WITHOUT_ROW, "adopt"), (Kind.PAGE_OPEN, "end_page")]
    assert left.differences == {}
    assert (await deaf.sandbox.pay(page))["status"] == "expired"
    # It came on top of other money: a refund is ordered.
    assert [one.cause.value for one in await deaf.refunds(order)] == ["paid_twice"]


async def test_paid_here_only_needs_a_person_and_stays_until_one_has_closed_it(deaf: Running) -> None:
    order = await _settled(deaf)
    (payment,) = await deaf.payments(order.id)
    await deaf.sandbox.control(f"tamper/{payment.session_ref}", status="open", payment_status="unpaid")

    assert _kinds(await _compare(deaf)) == [(Kind.PAID_HERE_ONLY, "attention")]
    assert _kinds(await _apply(deaf)) == [(Kind.PAID_HERE_ONLY, "attention")]
    assert _kinds(await _apply(deaf)) == [(Kind.PAID_HERE_ONLY, "attention")]
    assert await deaf.attention() == ["reconcile"]
    assert (await deaf.purchase(order.id)).status.value == "completed"

    closed = sa.update(tables.attention).values(closed=datetime.now(UTC))
    await deaf.store.write(lambda tx: tx.execute(closed))
    assert (await _apply(deaf)).differences == {}


async def test_an_attempt_that_the_provider_has_never_heard_of(deaf: Running) -> None:
    order = await _settled(deaf)
    await _set(deaf, tables.payment, order, session_ref="cs_test_nobody", intent_ref="pi_nobody")

    kinds = _kinds(await _compare(deaf))

    # What it was is money without a row, then: the first one's money is taken in, and goes back.
    assert kinds == [(Kind.MONEY_WITHOUT_ROW, "adopt"), (Kind.PAID_HERE_ONLY, "attention")]


@pytest.mark.parametrize("lie", [{"amount_total": 100}, {"currency": "usd"}])
async def test_a_wrong_amount_or_currency_needs_a_person(deaf: Running, lie: dict[str, Any]) -> None:
    order = await deaf.register()
    page = await deaf.open_pay_page(order)
    await deaf.sandbox.pay(page)
    await deaf.sandbox.control(f"tamper/{page.rpartition('/')[2]}", **lie)

    found = await _compare(deaf)
    left = await _apply(deaf)

    assert _kinds(found) == _kinds(left) == [(Kind.MISMATCH, "attention")]
    assert await deaf.attention() == ["payment_mismatch"]
    assert (await deaf.purchase(order.id)).status.value == "awaiting_payment"


async def test_money_of_others_is_counted_and_not_listed(deaf: Running) -> None:
    order = await _settled(deaf)
    page = await deaf.lost_page(order)
    await deaf.sandbox.pay(page)
    of_others = {"order_id": "17 of another shop"}
    await deaf.sandbox.control(f"tamper/{page.rpartition('/')[2]}", metadata=of_others)

    found = await _compare(deaf)

    assert (found.differences, found.foreign, found.payments) == ({}, 1, 1)


async def test_registrations_that_do_not_fit_the_money_need_a_person(deaf: Running) -> None:
    order = await _settled(deaf)
    await _set(deaf, tables.registration, order, status="cancelled")

    assert _kinds(await _apply(deaf)) == [(Kind.SEATS_WRONG, "attention")]
    await _set(deaf, tables.registration, order, status="registered")
    await _set(deaf, tables.purchase, order, status="expired")
    assert _kinds(await _compare(deaf)) == [(Kind.PAID_NOT_CONFIRMED, "attention")]


async def test_money_about_which_a_person_is_asked_already_is_not_asked_about_again(gatepass: Running) -> None:
    order = await gatepass.paid("4000000000005126")
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")
    await gatepass.sandbox.control("advance", seconds=11)
    await gatepass.until_refunded(order, "failed")

    assert _kinds(await _apply(gatepass)) == [(Kind.PAID_NOT_CONFIRMED, "attention")]
    assert await gatepass.attention() == ["refund_failed"]


async def test_after_all_remedies_only_questions_for_people_are_left(deaf: Running) -> None:
    """Everything at once."""
    orders = [await _settled(deaf) for _ in range(4)]
    unheard = await deaf.register()
    await deaf.pay(unheard)
    rows = [(await deaf.payments(order.id))[0] for order in orders]
    await deaf.sandbox.control("refunds", payment=rows[0].intent_ref, amount=50)
    await deaf.sandbox.control("disputes", payment=rows[1].intent_ref)
    await deaf.sandbox.control(f"tamper/{rows[2].session_ref}", payment_status="unpaid")
    await deaf.lost_page(orders[3])

    assert len((await _compare(deaf)).differences) == 5
    first, entries = await _apply(deaf), sorted(await deaf.attention())
    second = await _apply(deaf)

    assert {one.remedy.value for one in first.differences.values()} == {"attention"}
    assert second.differences.keys() == first.differences.keys()
    assert sorted(await deaf.attention()) == entries


async def test_the_job_does_it_by_itself(gatepass: Running) -> None:
    order = await gatepass.register()
    page = await gatepass.open_pay_page(order)
    await gatepass.sandbox.drop_deliveries()
    await gatepass.sandbox.pay(page)

    await gatepass.hasten("reconcile")

    await gatepass.until_status(order, "completed")

    async def marked() -> bool:
        return bool(await gatepass.store.read(lambda tx: tx.rows(sa.select(tables.setting).where(
            tables.setting.c.name == "reconciled:stripe"))))  # fmt: skip

    await gatepass.until(marked)


async def test_payments_that_move_meanwhile_are_no_false_alarm(gatepass: Running) -> None:
    async def sell() -> None:
        for _ in range(6):
            await gatepass.paid()

    async def look() -> list[Books]:
        return [await _reconcile(gatepass, pause_s=1.0) for _ in range(3)]

    found, _ = await asyncio.gather(look(), sell())

    assert [books.differences for books in found] == [{}, {}, {}]


async def test_a_long_period_is_compared_in_pieces_and_pages(deaf: Running) -> None:
    order = await _settled(deaf)
    now = datetime.now(UTC)
    period = Period(now - timedelta(days=30), now + timedelta(minutes=30))

    pieces = period.chunks()
    assert len(pieces) == 100
    assert (pieces[0].since, pieces[-1].until) == (period.since, period.until)
    assert all(one.until == other.since for one, other in pairwise(pieces))
    assert len(period_of().chunks()) == 26
    desk = deaf.installation.desk
    comparison = Comparison(deaf.store, desk.provider("stripe"), desk.management.standings)
    for chunk in period.chunks()[-3:]:
        await comparison.chunk(chunk)
    assert comparison.books.payments == 1
    assert comparison.books.differences == {}
    assert BATCH > 1
    assert (await deaf.payments(order.id))[0].session_ref


async def test_the_command_says_when_it_could_not_compare(deaf: Running) -> None:
    assert (await _command(deaf, "--since", "yesterday"))[1] == 2
    await deaf.sandbox.control("faults", api={"status": 500, "remaining": 100})
    text, code = await _command(deaf)
    assert code == 2
    assert "could not be compared" in text


async def test_the_command_says_it_and_its_exit_code_tells(deaf: Running) -> None:
    await deaf.pay(await deaf.register())

    said, code = await _command(deaf, "--json")
    assert code == 1
    (line,) = said["differences"]
    assert (line["kind"], line["remedy"]) == ("payment_unheard", "look_up")
    assert said["minor_units"]["EUR"]["provider"]["charged"] == 12050
    said, code = await _command(deaf, "--json", "--apply")
    assert (said["differences"], said["fees_unknown"], code) == ([], 0, 0)
    text, code = await _command(deaf, "--since", "2026-01-01")
    assert "equal" in text
    assert code == 0


async def test_the_command_tells_fees_that_are_not_stored_from_differences(deaf: Running) -> None:
    await _settled(deaf)

    text, code = await _command(deaf)

    assert re.search(r"net 0.00 EUR, without \d+.\d\d EUR of fees to store", text)
    assert "1 fees are not stored yet, which is no difference" in text
    assert text.endswith("  equal\n")
    assert code == 0


async def test_the_command_says_what_is_closed_and_still_differs(deaf: Running) -> None:
    await _settled(deaf)
    await deaf.store.write(lambda tx: tx.execute(sa.update(tables.payment).values(amount_minor=100)))
    # First about the payment; once that is dealt with, about the order that it no longer pays.
    for _ in range(2):
        await _apply(deaf)
        closed = sa.update(tables.attention).values(closed=datetime.now(UTC))
        await deaf.store.write(lambda tx, closed=closed: tx.execute(closed))

    text, code = await _command(deaf)

    assert "no difference is open" in text
    assert code == 0


async def _command(system: Running, *options: str) -> tuple[Any, int]:
    out, err, code = await system.command("reconcile", *options)
    return (json.loads(out) if "--json" in options else out + err), code


async def _settled(system: Running) -> Any:
    """Paid, and recorded because the buyer came back."""
    order = await system.register()
    await system.client.get((await system.pay(order))["success_url"])
    await system.until_status(order, "completed")
    return order


async def _reconcile(
    system: Running, *, apply: bool = False, period: Period | None = None, pause_s: float = 0
) -> Books:
    desk = system.installation.desk
    order = Order(period or period_of(), "test", apply=apply, pause_s=pause_s)
    return await reconcile(desk, desk.provider("stripe"), order)


async def _compare(system: Running) -> Books:
    return await _reconcile(system)


async def _apply(system: Running) -> Books:
    return await _reconcile(system, apply=True)


def _kinds(books: Books) -> list[tuple[Kind, str]]:
    return sorted((one.kind, one.remedy.value) for one in books.differences.values())


async def _set(system: Running, table: sa.Table, order: Any, **columns: Any) -> None:
    key = table.c.id if table is tables.purchase else table.c.purchase_id
    await system.store.write(lambda tx: tx.execute(sa.update(table).where(key == order.id).values(**columns)))


async def _delete(system: Running, order: Any) -> None:
    """Its row, and those that cannot be without it; its money stays."""
    people = sa.select(tables.registration.c.id).where(tables.registration.c.purchase_id == order.id)
    own = tables.attendee_pass.c.registration_id.in_(people)
    await system.store.write(lambda tx: tx.execute(sa.delete(tables.attendee_pass).where(own)))
    for table in (tables.registration, tables.attendee, tables.mail):
        gone = sa.delete(table).where(table.c.purchase_id == order.id)
        await system.store.write(lambda tx, gone=gone: tx.execute(gone))
    await system.store.write(lambda tx: tx.execute(sa.delete(tables.purchase).where(tables.purchase.c.id == order.id)))


async def _free_seats(system: Running) -> None:
    for table in (tables.event, tables.event_pass):
        await system.store.write(lambda tx, table=table: tx.execute(sa.update(table).values(held=0)))


async def _audited(system: Running) -> list[str]:
    def look(tx: ReadTx) -> list[str]:
        return [row["action"] for row in tx.rows(sa.select(tables.audit)) if row["action"].startswith("reconcile")]

    return await system.store.read(look)
