"""What the world does to a payment: providers down, slow or late, mail down, words in any order, two workers at once."""

import asyncio
import email
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import Message
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from gatepass import app, server
from gatepass.store import tables
from tests.conftest import fresh_database
from tests.running import Order, Running, running

DECLINED, DEBIT, DEBIT_REFUSED = "4000000000009995", "AT611904300234573201", "AT861904300235473202"


# The provider


@pytest.mark.parametrize("status", [500, 429])
async def test_a_provider_that_is_down_costs_nothing_and_the_same_attempt_works_afterwards(
    gatepass: Running, status: int
) -> None:
    order = await gatepass.register()
    await gatepass.sandbox.control("faults", api={"status": status})

    down = await gatepass.client.get(order.pay_url)

    assert down.status_code == 503
    assert int(down.headers["retry-after"]) > 0
    assert "Nothing was charged. Your seats are held." in down.text
    await gatepass.sandbox.control("reset_faults")
    await gatepass.pay(order)
    await gatepass.until_status(order, "completed")
    (payment,) = await gatepass.payments(order.id)
    assert payment.number == 1


async def test_a_failure_that_the_provider_keeps_under_its_key_is_got_over(gatepass: Running) -> None:
    """Stripe stores a 500 under the idempotency key and repeats it; the session may have been made all the same."""
    order = await gatepass.register()
    await gatepass.sandbox.control(
        "faults", api={"status": 500, "after_effect": True, "remaining": 1, "path_contains": "checkout/sessions"}
    )
    first = await gatepass.client.get(order.pay_url)
    assert first.status_code in {302, 503}

    await gatepass.pay(order)

    await gatepass.until_status(order, "completed")
    assert len(await _sessions(gatepass)) == 1
    assert len(await gatepass.payments(order.id)) == 1


@asynccontextmanager
async def _on(kind: str, directory: Path, request: pytest.FixtureRequest, **variables: str) -> AsyncIterator[Running]:
    async with running(fresh_database(kind, directory, request), directory, **variables) as system:
        yield system
        await system.check_promises()


async def test_a_provider_that_hangs_is_told_to_the_buyer_in_time(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One database is enough: it takes as long as a buyer's patience, and no database is asked meanwhile."""
    async with _on("sqlite", tmp_path, request) as gatepass:
        order = await gatepass.register()
        await gatepass.sandbox.control("faults", api={"hang_s": 9})
        loop = asyncio.get_running_loop()
        asked = loop.time()

        silent = await gatepass.client.get(order.pay_url)

        assert loop.time() - asked < 20
        assert silent.status_code == 503
        assert int(silent.headers["retry-after"]) > 0
        assert (await gatepass.purchase(order.id)).status.value == "awaiting_payment"
        await gatepass.sandbox.control("reset_faults")


async def test_an_answer_that_is_lost_after_the_effect_leaves_one_session(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The call times out, but the provider has opened the page: the same key finds it again."""
    async with _on("postgresql", tmp_path, request) as gatepass:
        order = await gatepass.register()
        await gatepass.sandbox.control(
            "faults", api={"hang_s": 8, "after_effect": True, "remaining": 1, "path_contains": "checkout/sessions"}
        )
        lost = await gatepass.client.get(order.pay_url)
        assert lost.status_code in {302, 503}

        await gatepass.until(lambda: _opens(gatepass, order))

        assert len(await _sessions(gatepass)) == 1
        await gatepass.pay(order)
        await gatepass.until_status(order, "completed")


async def test_a_notification_outlives_a_provider_that_is_down(gatepass: Running) -> None:
    order = await gatepass.register()
    await gatepass.sandbox.hold_deliveries()
    await gatepass.pay(order)
    await gatepass.sandbox.control("faults", api={"status": 500}, deliveries={"mode": "hold"})

    await gatepass.sandbox.deliver()
    await gatepass.until(lambda: _failed_jobs(gatepass))
    assert (await gatepass.purchase(order.id)).status.value == "awaiting_payment"
    await gatepass.sandbox.control("reset_faults")
    await gatepass.hasten("apply_notification")

    await gatepass.until_status(order, "completed")
    await gatepass.until(lambda: gatepass.mails_to(order.email))
    assert await gatepass.attention() == []


async def test_wrong_and_old_signatures_are_refused_until_a_right_one_comes(gatepass: Running) -> None:
    order = await gatepass.register()
    await gatepass.sandbox.hold_deliveries()
    await gatepass.pay(order)
    for fault in ("bad_signature", "old_timestamp"):
        await gatepass.sandbox.control("faults", deliveries={"mode": "hold", fault: True})
        told = await gatepass.sandbox.deliver()
        assert {attempt["status"] for attempt in told["attempts"]} == {"400"}
        await gatepass.sandbox.control("faults", deliveries={fault: False})
    assert await gatepass.notifications() == {}

    await gatepass.sandbox.deliver()

    await gatepass.until_status(order, "completed")


async def test_a_payment_link_opens_and_pays_once(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, GATEPASS_STRIPE_OPENING="link") as gatepass:
        order = await gatepass.register()
        pages = await asyncio.gather(*(gatepass.open_pay_page(order) for _ in range(5)))
        assert len(set(pages)) == 1

        declined = await gatepass.sandbox.pay(pages[0], DECLINED)
        assert declined["status"] == "declined"
        await gatepass.sandbox.pay(pages[0])

        await gatepass.until_status(order, "completed")
        (payment,) = await gatepass.payments(order.id)
        assert (payment.state.value, payment.session_ref and payment.session_ref[:6]) == ("succeeded", "plink_")
        assert (await gatepass.client.get(order.pay_url)).status_code == 409
        await gatepass.check_promises()


async def test_a_payment_link_of_an_order_that_ended_is_switched_off(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, GATEPASS_STRIPE_OPENING="link") as gatepass:
        order = await gatepass.register(pass_name="Rare")
        page = await gatepass.open_pay_page(order)
        await gatepass.let_hold_end(order)
        await gatepass.hasten("sweep_holds")
        await gatepass.until_status(order, "expired")

        refused = await gatepass.client.post(f"{gatepass.sandbox.url}/_sandbox/pay", json={"session": page})

        assert refused.status_code == 410
        assert (await gatepass.pass_now("Rare")).held == 0
        await gatepass.check_promises()


# Words in any order


async def test_any_order_of_the_words_of_one_payment_settles_the_same(gatepass: Running) -> None:
    """Declined, then paid: every order of what the provider says about it, each with a buyer of its own."""
    await gatepass.sandbox.hold_deliveries()
    pattern = await _declined_then_paid(gatepass)
    kinds = [event["type"] for event in pattern[1] if event["type"].startswith(("checkout.", "payment_intent."))]
    orders = list(permutations(range(len(kinds))))
    assert len(orders) >= 6
    buyers = [pattern, *[await _declined_then_paid(gatepass) for _ in orders[1:24]]]

    await asyncio.gather(
        *(
            _tell(gatepass, _ours(told), at)
            for (_, told), at in zip(buyers, orders[:: len(orders) // 24 or 1], strict=False)
        )
    )

    for order, _ in buyers:
        await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()
    for order, _ in buyers:
        assert len({ticket.code for ticket in await gatepass.tickets(order.id)}) == 1
        (payment,) = await gatepass.payments(order.id)
        assert (payment.state.value, payment.reason_code) == ("succeeded", None)
        assert len(gatepass.mails_to(order.email)) == 1
    assert await gatepass.attention() == []


async def test_a_bank_debit_settles_the_same_in_any_order(gatepass: Running) -> None:
    await gatepass.sandbox.hold_deliveries()
    buyers = []
    for _ in range(6):
        order = await gatepass.register()
        paid = await gatepass.pay(order, DEBIT)
        await gatepass.sandbox.control("settle_async", session=paid["session"])
        buyers.append((order, _ours(await gatepass.sandbox.events(paid["session"]))))
    assert "checkout.session.async_payment_succeeded" in {event["type"] for event in buyers[0][1]}

    orders = list(permutations(range(len(buyers[0][1]))))
    chosen = orders[:: max(1, len(orders) // 6)]
    await asyncio.gather(*(_tell(gatepass, told, at) for (_, told), at in zip(buyers, chosen, strict=False)))

    for order, _ in buyers:
        await gatepass.until_status(order, "completed")
    assert await gatepass.attention() == []


async def test_an_ended_session_and_its_old_words_free_the_seat_once(gatepass: Running) -> None:
    """Declined, then the page expired at the provider; told backwards and twice."""
    await gatepass.sandbox.hold_deliveries()
    order = await gatepass.register(pass_name="Rare")
    page = await gatepass.open_pay_page(order)
    await gatepass.sandbox.pay(page, DECLINED)
    await gatepass.let_hold_end(order)
    await gatepass.hasten("sweep_holds")
    await gatepass.until_status(order, "expired")

    told = _ours(await gatepass.sandbox.events(page))
    for event in [*reversed(told), *told]:
        assert (await gatepass.notify(event)).status_code == 200

    await gatepass.until_quiet()
    assert (await gatepass.purchase(order.id)).status.value == "expired"
    assert (await gatepass.pass_now("Rare")).held == 0
    assert await gatepass.attention() == []


# Money twice


async def test_money_on_an_older_attempt_ends_the_page_of_the_newer_one(gatepass: Running) -> None:
    """The bank refused a debit and changes its mind while the buyer looks at a second page."""
    order = await gatepass.register()
    first = await gatepass.pay(order, DEBIT_REFUSED)

    async def state(number: int, wanted: str) -> bool:
        found = await gatepass.payments(order.id)
        return len(found) >= number and found[number - 1].state.value == wanted

    await gatepass.until(lambda: state(1, "processing"))
    await gatepass.sandbox.control("settle_async", session=first["session"])
    await gatepass.until(lambda: state(1, "failed"))
    second = await gatepass.open_pay_page(order)
    session = await gatepass.sandbox.stripe(f"checkout/sessions/{first['session']}")
    paid = {"status": "succeeded", "amount_received": 12050, "last_payment_error": None}
    await gatepass.sandbox.control(f"objects/{session['payment_intent']}", **paid)
    await gatepass.sandbox.control(f"objects/{first['session']}", status="complete", payment_status="paid")

    told = next(
        event for event in await gatepass.sandbox.events(first["session"]) if event["type"].startswith("checkout.")
    )
    await gatepass.notify(told | {"id": "evt_the_bank_changed_its_mind"})

    await gatepass.until_status(order, "completed")
    await gatepass.until(lambda: state(2, "expired"))
    assert (await gatepass.sandbox.stripe(f"checkout/sessions/{second.rpartition('/')[2]}"))["status"] == "expired"
    assert await gatepass.attention() == []


# Two nodes


async def test_two_nodes_that_hear_and_work_at_once_settle_once(gatepass: Running) -> None:
    """A second process on the same database: both take notifications, both work on jobs."""
    other = app.installation(gatepass.installation.settings)
    worker = app.new_worker(other)
    listening = server.listen("127.0.0.1", 0)
    working = asyncio.create_task(worker.run())
    await gatepass.sandbox.hold_deliveries()
    orders = [await gatepass.register() for _ in range(8)]
    told = [event for order in orders for event in _ours(await _events_of(gatepass, order))]
    assert len(told) >= 16
    try:
        async with server.serving([(app.web(other, with_worker=False), listening)]):
            there = server.address(listening)
            for event in told:
                both = await asyncio.gather(gatepass.notify(event), _notify_at(gatepass, there, event))
                assert {answer.status_code for answer in both} == {200}
            for order in orders:
                await gatepass.until_status(order, "completed")
            await gatepass.until_quiet()
            worker.stop()
            await working
    finally:
        worker.stop()
    for order in orders:
        assert len(gatepass.mails_to(order.email)) == 1
        assert len(await gatepass.payments(order.id)) == 1
    assert len(await gatepass.notifications()) == len(told)


async def test_two_nodes_that_open_the_same_link_make_one_session(gatepass: Running) -> None:
    other = app.installation(gatepass.installation.settings)
    listening = server.listen("127.0.0.1", 0)
    order = await gatepass.register()
    async with server.serving([(app.web(other, with_worker=False), listening)]):
        there = order.pay_url.replace(gatepass.base_url, server.address(listening))
        answers = await asyncio.gather(*(gatepass.client.get(url) for url in [order.pay_url, there] * 5))

    assert {answer.status_code for answer in answers} <= {302, 503}
    assert len({answer.headers["location"] for answer in answers if answer.status_code == 302}) == 1
    assert len(await _sessions(gatepass)) == 1


# Mail


class Inbox:
    """What a real mail server took."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(email.message_from_bytes(envelope.content))
        return "250 taken"

    def to(self, address: str) -> list[Message]:
        return [mail for mail in self.mails if address in str(mail["to"])]


async def test_a_mail_server_gets_the_mail_once_and_may_be_down_for_a_while(database_url: str, tmp_path: Path) -> None:
    free = server.listen("127.0.0.1", 0)
    port = free.getsockname()[1]
    free.close()
    smtp = {"GATEPASS_SMTP_HOST": "127.0.0.1", "GATEPASS_SMTP_PORT": str(port), "GATEPASS_SMTP_TLS": "none"}
    async with running(database_url, tmp_path, **smtp) as gatepass:
        order = await gatepass.register()
        await gatepass.pay(order)
        await gatepass.until_status(order, "completed")
        await gatepass.until(lambda: _failed_jobs(gatepass))

        inbox = Inbox()
        mail_server = Controller(inbox, hostname="127.0.0.1", port=port)
        mail_server.start()
        try:
            await gatepass.hasten("send_confirmation")
            await gatepass.until(lambda: inbox.to(order.email))
            free_order = await gatepass.register(pass_name="Free")
            await gatepass.until(lambda: inbox.to(free_order.email))
            await gatepass.until_quiet()
            await _do_again(gatepass, "send_confirmation")
            await gatepass.until_quiet()
        finally:
            mail_server.stop()
        (mail,) = inbox.to(order.email)
        assert mail["subject"] == "Your pass for Contoso Summit"
        assert (await gatepass.tickets(order.id))[0].code in _words(mail)
        assert len(inbox.mails) == 2
        await gatepass.check_promises()


def _words(mail: Message) -> str:
    """Of all parts that are read."""
    parts = (part for part in mail.walk() if part.get_content_type() == "text/plain")
    return "\n".join(part.get_payload(decode=True).decode() for part in parts)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "address", ["zoë@example.org", "ada@exämple.org", "a..b@example.org", "a'b+c@example.org", "ada@例え.jp"]
)
async def test_every_address_that_is_taken_can_be_written_to(gatepass: Running, address: str) -> None:
    body = gatepass.body(pass_name="Free", email=address)
    body["attendees"][0] |= {"firstName": 'Zoë "Z", <z>', "lastName": "Ødegård; (x)"}
    answer = await gatepass.post_registration(body)
    if answer.status_code == 422:
        assert answer.json()["field"] == "attendees[0].email"
        return

    await gatepass.until(lambda: list(gatepass.mail_dir.glob("*.eml")))


async def _declined_then_paid(here: Running) -> tuple[Order, Sequence[Any]]:
    order = await here.register()
    page = await here.open_pay_page(order)
    await here.sandbox.pay(page, DECLINED)
    await here.sandbox.pay(page)
    return order, await here.sandbox.events(page)


async def _events_of(here: Running, order: Order) -> list[Any]:
    paid = await here.pay(order)
    return await here.sandbox.events(paid["session"])


def _ours(events: Sequence[Any]) -> list[Any]:
    return [event for event in events if event["type"].startswith(("checkout.", "payment_intent."))]


async def _tell(here: Running, events: Sequence[Any], order: Sequence[int]) -> None:
    """One word after the other, as a slow network would."""
    for at in order:
        assert (await here.notify(events[at])).status_code == 200


async def _notify_at(here: Running, base_url: str, event: Any) -> Any:
    return await replace(here, base_url=base_url).notify(event)


async def _sessions(here: Running) -> list[Any]:
    return (await here.sandbox.stripe("checkout/sessions", limit=100))["data"]


async def _opens(here: Running, order: Order) -> bool:
    return (await here.client.get(order.pay_url)).status_code == 302


async def _do_again(here: Running, kind: str) -> None:
    """As if the node had died after the effect and before it could write down that the job is done."""
    again = sa.update(tables.job).where(tables.job.c.kind == kind).values(state="ready")
    await here.store.write(lambda tx: tx.execute(again))
    await here.hasten(kind)


async def _failed_jobs(here: Running) -> bool:
    job = tables.job.c
    failed = sa.select(job.id).where(job.failures > 0, job.state == "ready")
    return bool(await here.store.read(lambda tx: tx.rows(failed)))


async def test_a_link_paid_from_two_tabs_is_seen_and_ended(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, GATEPASS_STRIPE_OPENING="link") as gatepass:
        order = await gatepass.register()
        link = await gatepass.open_pay_page(order)
        first, second, third = [(await gatepass.client.get(link)).headers["location"] for _ in range(3)]

        await asyncio.gather(gatepass.sandbox.pay(first), gatepass.sandbox.pay(second))

        await gatepass.until_status(order, "completed")
        (refund,) = await gatepass.until_refunded(order, "succeeded")
        assert refund.cause.value == "paid_twice"
        await gatepass.until_quiet()
        assert (await gatepass.sandbox.pay(third))["status"] == "expired"
        assert await gatepass.attention() == []
        await gatepass.check_promises()


async def test_money_on_a_page_that_we_lost_sight_of_is_taken_up(gatepass: Running) -> None:
    order = await gatepass.register()
    ours = (await gatepass.open_pay_page(order)).rpartition("/")[2]
    lost = await gatepass.lost_page(order)

    await gatepass.sandbox.pay(lost)

    await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()
    assert [row.state.value for row in await gatepass.payments(order.id)] == ["expired", "succeeded"]
    assert (await gatepass.sandbox.pay(ours))["status"] == "expired"
    assert await gatepass.attention() == []
