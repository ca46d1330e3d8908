"""Paying on our own page: the record, the notifications and the money are those of every payment."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from gatepass.domain.payment import Way
from gatepass.services import access
from gatepass.services.reconcile import Order, period_of, reconcile
from gatepass.store import ReadTx, tables
from tests.conftest import DATABASES, fresh_database
from tests.running import STRIPE_KEY, WEBHOOK_SECRET, Running, running
from tests.step import LATER, LATER_FAILS, ON_PAGE, PAID, POOR, PUBLISHABLE, SECURE, open_step, pay_on_page

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=DATABASES)
async def one_for_all(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """Payments are taken on our own page."""
    directory = tmp_path_factory.mktemp("step")
    async with running(fresh_database(request.param, directory, request), directory, **ON_PAGE) as found:
        await pay_on_page(found)
        yield found
        await found.check_promises()


@pytest_asyncio.fixture(loop_scope="module")
async def system(one_for_all: Running) -> Running:
    """The same for every test, its sandbox in its right mind."""
    await one_for_all.sandbox.control("reset_faults")
    return one_for_all


async def test_the_page_has_the_publishable_key_and_the_rules_that_let_the_script_in(system: Running) -> None:
    order = await system.register()

    step = await open_step(system, order)

    assert step.key == PUBLISHABLE
    assert STRIPE_KEY not in step.html
    policy = dict(part.strip().split(" ", 1) for part in step.headers["content-security-policy"].split(";"))
    assert policy["script-src"] == f"'self' {system.sandbox.url}"
    assert policy["frame-src"] == system.sandbox.url
    assert "unsafe" not in step.headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'self' https://www.contoso.example http://localhost:*"
    assert step.headers["cache-control"] == "no-store"
    order_page = await system.client.get(step.url.removesuffix("/pay"))
    assert system.sandbox.url not in order_page.headers["content-security-policy"].split("form-action")[0]


async def test_it_completes_once_however_the_notifications_come(system: Running) -> None:
    await system.sandbox.hold_deliveries()
    order = await system.register(seats=2)
    step = await open_step(system, order)

    assert (await step.confirm(PAID))["status"] == "succeeded"
    await system.sandbox.deliver(times=3, shuffled=True)

    await system.until_status(order, "completed")
    (payment,) = await system.payments(order.id)
    assert (payment.way, payment.session_ref, payment.intent_ref) == (Way.PAGE, step.intent, step.intent)
    assert payment.charge_ref is not None
    await system.until(lambda: system.mails_to(order.email))
    assert len(system.mails_to(order.email)) == 1
    assert len(await system.tickets(order.id)) == 2


async def test_it_completes_without_any_notification(system: Running) -> None:
    await system.sandbox.drop_deliveries()
    order = await system.register()
    step = await open_step(system, order)
    await step.confirm(PAID)

    assert await step.look() == {"state": "paid", "reason": None}
    assert (await system.purchase(order.id)).status.value == "completed"


async def test_opening_it_again_anywhere_is_the_same_payment(system: Running) -> None:
    order = await system.register()

    steps = await asyncio.gather(*(open_step(system, order) for _ in range(5)))

    assert len({one.secret for one in steps}) == 1
    assert len(await system.payments(order.id)) == 1


async def test_a_decline_stays_on_the_step_with_its_reason_and_the_seat(system: Running) -> None:
    order = await system.register()
    step = await open_step(system, order)

    refused = await step.confirm(POOR)

    assert refused["decline_code"] == "insufficient_funds"
    told = await step.look()
    assert told == {"state": "open", "reason": "The bank says there is not enough money on the card."}
    (payment,) = await system.payments(order.id)
    assert (payment.reason_code, payment.open) == ("insufficient_funds", True)
    assert (await system.purchase(order.id)).status.value == "awaiting_payment"
    again = await open_step(system, order)
    assert again.secret == step.secret
    assert "not enough money" in again.html
    await again.confirm(PAID)
    await system.until_status(order, "completed")
    assert len(await system.payments(order.id)) == 1


async def test_two_tabs_pay_once(system: Running) -> None:
    order = await system.register()
    one, other = await open_step(system, order), await open_step(system, order)
    await one.confirm(PAID)

    refused = await other.confirm(PAID)

    assert refused["code"] == "payment_intent_unexpected_state"
    assert (await other.look())["state"] == "paid"
    await system.until_status(order, "completed")
    gone = await system.client.get(one.url)
    assert (gone.status_code, gone.headers["location"]) == (
        303,
        one.url.removeprefix(system.base_url).removesuffix("/pay"),
    )


@pytest.mark.parametrize("passes", [True, False])
async def test_the_banks_own_step(system: Running, passes: bool) -> None:
    order = await system.register()
    step = await open_step(system, order)

    said = await step.confirm(SECURE, passes=passes)

    if passes:
        await system.until_status(order, "completed")
    else:
        assert said["last_payment_error"]["code"] == "payment_intent_authentication_failure"
        assert (await step.look())["reason"] == "The bank's confirmation was not given."
        back = await system.client.get(f"{step.back}?payment_intent={step.intent}&redirect_status=failed")
        assert (back.status_code, back.headers["location"]) == (303, step.url)


async def test_a_bank_that_takes_days_and_pays(system: Running) -> None:
    order = await system.register()
    step = await open_step(system, order)
    assert (await step.confirm(LATER))["status"] == "processing"
    assert (await step.look())["state"] == "processing"
    await system.until_status(order, "awaiting_payment")
    again = await system.client.get(step.url)
    assert again.status_code == 303

    await system.sandbox.control("settle_async", session=step.intent)

    await system.until_status(order, "completed")


async def test_a_bank_that_takes_days_and_refuses_leaves_the_order_payable_by_a_new_payment(system: Running) -> None:
    order = await system.register()
    step = await open_step(system, order)
    await step.confirm(LATER_FAILS)
    assert (await step.look())["state"] == "processing"
    await system.sandbox.control("settle_async", session=step.intent)

    async def failed() -> bool:
        return (await system.payments(order.id))[0].state.value == "failed"

    await system.until(failed)
    await system.until_quiet()
    # What outlived the refused payment is ended: its tab cannot pay beside the next one.
    assert (await system.sandbox.stripe(f"payment_intents/{step.intent}"))["status"] == "canceled"
    fresh = await open_step(system, order)
    assert fresh.intent != step.intent
    await fresh.confirm(PAID)
    await system.until_status(order, "completed")
    (first, second) = await system.payments(order.id)
    assert (first.reason_code, second.state.value) == ("insufficient_funds", "succeeded")


async def test_whoever_prefers_the_providers_page_goes_there_and_only_one_is_payable(system: Running) -> None:
    order = await system.register()
    step = await open_step(system, order)

    answer = await step.choose("redirect")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{system.sandbox.url}/c/pay/")
    assert (await step.confirm(PAID))["code"] == "payment_intent_unexpected_state"
    # The link now leads to the page that is open; and back again, when it is asked for.
    assert await system.open_pay_page(order) == answer.headers["location"]
    back = await step.choose("page")
    assert back.headers["location"] == step.url if back.status_code == 303 else back.status_code == 200
    fresh = await open_step(system, order)
    await fresh.confirm(PAID)
    await system.until_status(order, "completed")
    assert [row.way.value for row in await system.payments(order.id)] == ["page", "redirect", "page"]


async def test_money_that_was_faster_than_the_choice_of_another_page_counts(system: Running) -> None:
    await system.sandbox.drop_deliveries()
    order = await system.register()
    step = await open_step(system, order)
    await step.confirm(PAID)

    answer = await step.choose("redirect")

    assert answer.headers["location"] == step.url.removeprefix(system.base_url).removesuffix("/pay")
    assert (await system.purchase(order.id)).status.value == "completed"


async def test_the_link_is_mailed_once_however_often_it_is_asked_for(system: Running) -> None:
    order = await system.register()
    step = await open_step(system, order)

    for _ in range(3):
        assert (await step.choose("link")).headers["location"].endswith("/pay?sent")

    await system.until(lambda: system.mails_to(order.email))
    await system.until_quiet()
    assert system.mails_to(order.email) == ["The link to your order for Contoso Summit"]


async def test_the_end_of_the_hold_ends_the_intent_before_the_seat_is_free(system: Running) -> None:
    order = await system.register()
    step = await open_step(system, order)
    await step.confirm(POOR)
    await system.let_hold_end(order)
    await system.hasten("sweep_holds")

    await system.until_status(order, "expired")

    assert (await system.sandbox.stripe(f"payment_intents/{step.intent}"))["status"] == "canceled"
    (payment,) = await system.payments(order.id)
    assert (payment.state.value, payment.reason_code) == ("failed", "insufficient_funds")


async def test_money_that_comes_after_the_seat_was_given_away_goes_by_the_policy(system: Running) -> None:
    await system.sandbox.hold_deliveries()
    order = await system.register()
    step = await open_step(system, order)
    await system.free_the_seats_of(order)
    await step.confirm(PAID)
    await system.sandbox.deliver()

    await system.until_status(order, "completed")


async def test_a_lost_answer_to_the_opening_is_found_again(system: Running) -> None:
    order = await system.register()
    lost = {"after_effect": True, "reset": True, "remaining": 2, "path_contains": "payment_intents", "method": "POST"}
    await system.sandbox.control("faults", api=lost)
    answer = await system.client.get(order.pay_url)
    assert answer.status_code in {302, 503}

    step = await open_step(system, order)

    listed = await system.sandbox.stripe("payment_intents", limit=100)
    ours = [one["id"] for one in listed["data"] if one["metadata"].get("order_id") == str(order.id)]
    assert ours == [step.intent]


async def test_an_abandoned_payment_without_a_hold_ends_by_itself(system: Running) -> None:
    order = await system.register()
    step = await open_step(system, order)
    past = (
        sa.update(tables.payment).values(expires_at=sa.text("opened")).where(tables.payment.c.purchase_id == order.id)
    )
    await system.store.write(lambda tx: tx.execute(past))

    await system.look_up_now()

    async def ended() -> bool:
        return not (await system.payments(order.id))[0].open

    await system.until(ended)
    assert (await system.sandbox.stripe(f"payment_intents/{step.intent}"))["status"] == "canceled"


async def test_our_books_are_held_against_the_intents(system: Running) -> None:
    await system.sandbox.drop_deliveries()
    order = await system.register()
    await (await open_step(system, order)).confirm(PAID)

    desk = system.installation.desk
    books = await reconcile(desk, desk.provider("stripe"), Order(period_of(), "test", apply=True, pause_s=0.1))

    assert not [one for one in books.differences.values() if one.purchase_id == order.id]
    assert (await system.purchase(order.id)).status.value == "completed"
    (payment,) = await system.payments(order.id)
    assert payment.fee is not None


async def test_money_of_the_step_goes_back_like_any_other(system: Running) -> None:
    order = await system.register()
    await (await open_step(system, order)).confirm(PAID)
    await system.until_status(order, "completed")

    await system.refund(order)

    await system.until_refunded(order, "succeeded")


@pytest.mark.parametrize("shift", range(3))
async def test_every_order_of_its_notifications_ends_the_same(system: Running, shift: int) -> None:
    """Decline, then a debit that is told late: each told twice, in orders that no provider promises."""
    await system.sandbox.drop_deliveries()
    order = await system.register()
    step = await open_step(system, order)
    await step.confirm(POOR)
    await step.confirm(LATER)
    await system.sandbox.control("settle_async", session=step.intent)
    told = [one for one in await system.sandbox.events(step.intent) if one["type"].startswith("payment_intent.")]
    assert {one["type"] for one in told} >= {
        f"payment_intent.{word}" for word in ("payment_failed", "processing", "succeeded")
    }
    for event in next(itertools.islice(itertools.permutations(told), shift * 7, None)) + tuple(told):
        assert (await system.notify(event, path="/WebhookEventListener")).status_code == 200

    await system.until_status(order, "completed")
    await system.until_quiet()
    kept = await system.notifications()
    assert {kept[event["id"]][0] for event in told} <= {"applied", "ignored"}


class TestTheFiveFaultsOfTheSecondSeed:
    """As they stand at the end of it, each gone. The fourth (where the form stands) is told in tests/pages/test_embed.py."""

    async def test_webhooks_do_something_and_one_can_see_what(self, system: Running) -> None:
        await system.sandbox.drop_deliveries()
        order = await system.register()
        step = await open_step(system, order)
        await step.confirm(PAID)
        (event,) = [
            one for one in await system.sandbox.events(step.intent) if one["type"] == "payment_intent.succeeded"
        ]

        assert (await system.notify(event, path="/WebhookEventListener")).status_code == 200

        await system.until_status(order, "completed")
        assert (await system.notifications())[event["id"]] == ("applied", None)

    async def test_a_failed_payment_does_not_remain_created_without_a_word(self, system: Running) -> None:
        await system.sandbox.drop_deliveries()
        order = await system.register()
        step = await open_step(system, order)
        await step.confirm(POOR)
        (event,) = [
            one for one in await system.sandbox.events(step.intent) if one["type"] == "payment_intent.payment_failed"
        ]

        # The browser tells nothing: the webhook alone brings the record up to date.
        assert (await system.notify(event, path="/WebhookEventListener")).status_code == 200

        async def told() -> bool:
            return (await system.payments(order.id))[0].reason_code == "insufficient_funds"

        await system.until(told)
        await system.let_hold_end(order)
        await system.hasten("sweep_holds")
        await system.until_status(order, "expired")
        assert (await system.payments(order.id))[0].state.value == "failed"

    async def test_references_and_reason_codes_are_recorded(self, system: Running) -> None:
        order = await system.register()
        step = await open_step(system, order)
        await step.confirm(POOR)
        await step.look()
        (declined,) = await system.payments(order.id)
        assert (declined.session_ref, declined.reason_code) == (step.intent, "insufficient_funds")
        await step.confirm(PAID)
        await system.until_status(order, "completed")

        token = f"token-{order.id}"
        await system.store.write(lambda tx: access.add_program(tx, token, "administrator", token))
        which = f"gatepass_payments?$filter=_gatepass_purchaseid_value eq {order.id}"
        answer = await system.client.get(
            f"{system.base_url}/api/data/v9.2/{which}", headers={"Authorization": f"Bearer {token}"}
        )

        (row,) = answer.json()["value"]
        intent = await system.sandbox.stripe(f"payment_intents/{step.intent}")
        assert row["gatepass_intentreference"] == step.intent
        assert row["gatepass_chargereference"] == intent["latest_charge"]

    async def test_no_table_and_no_page_has_the_secret_key(self, system: Running) -> None:
        order = await system.register()
        step = await open_step(system, order)
        await step.confirm(PAID)
        await system.until_status(order, "completed")

        everything = await system.store.read(_every_row)

        for secret in (STRIPE_KEY, WEBHOOK_SECRET, step.secret):
            assert secret not in everything
        assert STRIPE_KEY not in step.html


def _every_row(tx: ReadTx) -> str:
    """All tables as text; raw notifications too, which hold the client secret as Stripe sends it, so without those."""
    rows: list[Any] = []
    for table in tables.metadata.sorted_tables:
        columns = [column for column in table.columns if column.name != "body"]
        rows += tx.rows(sa.select(*columns))
    return str(rows)
