"""Integrators are told what happened: once, signed, for three days if need be, and never at the cost of money."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import WebhookVerificationError

from gatepass.domain.errors import Refused
from gatepass.domain.purchase import Move
from gatepass.domain.webhook import PAUSES, Kind
from gatepass.services import webhooks
from gatepass.services.deliveries import IN_FLIGHT_PER_ENDPOINT
from gatepass.services.purchases import Settlement, settle
from gatepass.services.secrets import Sealer
from gatepass.services.webhooks import NewEndpoint, Subject, announce
from gatepass.store import ReadTx, WriteTx, tables
from tests import commands
from tests.receiver import Receiver, raw_receiver, receiver
from tests.running import Running, running

PRIVATE = {"GATEPASS_WEBHOOKS_ALLOW_PRIVATE": "true"}
CONFIRMED = Kind.REGISTRATION_CONFIRMED.value


@pytest.fixture
async def system(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """One that may call a receiver on this machine."""
    async with running(database_url, tmp_path, **PRIVATE) as found:
        yield found
        await found.check_promises()


async def test_a_confirmed_order_arrives_once_per_endpoint_however_often_it_is_told(system: Running) -> None:
    async with receiver() as first, receiver() as second:
        secrets = [await _add(system, one) for one in (first, second)]
        order = await system.register(seats=2)
        await system.pay(order)
        await system.until_status(order, "completed")
        for _ in range(10):
            await system.store.write(lambda tx: settle(tx, [Settlement(order.id, Move.PAY)]))
            await system.store.write(lambda tx: announce(tx, Kind.REGISTRATION_CONFIRMED, [Subject(order.id)]))

        await _until_ended(system, 2)

        for one, (_, secret) in zip((first, second), secrets, strict=True):
            (came,) = one.received
            said = came.verified(secret)
            assert said["type"] == CONFIRMED
            assert said["data"]["order"] | {"created": ""} == {
                "id": str(order.id), "reference": said["data"]["order"]["reference"], "status": "completed",
                "live": False, "created": "", "seats": 2, "items": "2 × Full",
                "total": {"minor": 24100, "currency": "EUR", "amount": "241.00"},
            }  # fmt: skip
            assert said["data"]["event"]["readable_id"] == system.event.readable_id
            assert [it["pass"]["name"] for it in said["data"]["registrations"]] == ["Full", "Full"]
            assert {it["status"] for it in said["data"]["registrations"]} == {"registered"}
        assert first.received[0].id != second.received[0].id


async def test_names_and_addresses_are_sent_only_where_they_were_asked_for(system: Running) -> None:
    async with receiver() as plain, receiver() as personal:
        await _add(system, plain)
        await _add(system, personal, personal=True)
        order = await system.register(pass_name="Free")
        await _until_ended(system, 2)

        assert order.email.encode() not in plain.received[0].body
        assert b"Byron" not in plain.received[0].body
        (told,) = personal.received[0].said["data"]["registrations"]
        assert told["attendee"] == {"first_name": "Ada", "last_name": "Byron", "email": order.email}
        (ticket,) = await system.tickets(order.id)
        assert (ticket.code or "").encode() not in personal.received[0].body


async def test_an_endpoint_is_told_of_the_kinds_it_asked_for(system: Running) -> None:
    async with receiver() as one:
        await _add(system, one, kinds=["payment.refunded"])
        order = await system.register(pass_name="Free")
        (registration,) = await system.store.read(lambda tx: tx.rows(sa.select(tables.registration)))
        subject = Subject(order.id, [registration["id"]])
        await system.store.write(lambda tx: announce(tx, Kind.REGISTRATION_CANCELLED, [subject]))
        await system.store.write(lambda tx: announce(tx, Kind.PAYMENT_REFUNDED, [Subject(order.id)]))

        await _until_ended(system, 1)

        assert [it.said["type"] for it in one.received] == ["payment.refunded"]


async def test_a_failed_payment_is_told_with_its_reason(system: Running) -> None:
    async with receiver() as one:
        await _add(system, one)
        order = await system.register()
        await system.open_pay_page(order)
        (payment,) = await system.payments(order.id)
        subject = Subject(order.id, [payment.id])
        for _ in range(2):
            await system.store.write(lambda tx: announce(tx, Kind.PAYMENT_FAILED, [subject]))

        await _until_ended(system, 1)

        (came,) = one.received
        assert came.said["data"]["payment"]["amount"] == {"minor": 12050, "currency": "EUR", "amount": "120.50"}
        assert came.said["data"]["registrations"] == []


async def test_a_receiver_that_was_down_gets_it_when_it_is_back(system: Running) -> None:
    async with receiver(status=503, headers={"Retry-After": "120"}) as one:
        endpoint_id, secret = await _add(system, one)
        await system.register(pass_name="Free")
        await system.until(lambda: one.received)
        (message,) = await _messages_when(system, lambda row: row["last_status"] == 503)

        assert (message["state"], message["tries"], message["last_error"]) == ("pending", 1, "It answered 503.")
        assert message["due"] > datetime.now(UTC) + timedelta(seconds=90), "it asked for two minutes"
        assert (await _endpoint(system, endpoint_id))["failing_since"]
        one.status = 204
        await _make_due(system)
        await _until_ended(system, 1)

        first, second = one.received
        assert first.id == second.id
        assert first.verified(secret) == second.verified(secret)
        (message,) = await _messages(system)
        assert (message["state"], message["last_status"], message["last_error"]) == ("delivered", 204, None)
        assert (await _endpoint(system, endpoint_id))["failing_since"] is None


async def test_one_that_is_not_there_is_tried_for_three_days_and_then_disabled_with_notice(system: Running) -> None:
    nobody = Receiver("http://127.0.0.1:9")
    endpoint_id, _ = await _add(system, nobody)
    await system.register(pass_name="Free")
    for tries in range(1, len(PAUSES) + 1):
        least, most = PAUSES[tries - 1] - timedelta(seconds=3), PAUSES[tries - 1] * 1.1

        def paused(row: Any, tries: int = tries, least: timedelta = least, most: timedelta = most) -> bool:
            return row["tries"] == tries and least < row["due"] - datetime.now(UTC) < most

        (message,) = await _messages_when(system, paused)
        assert message["last_error"] == "It takes no connection."
        await _change_endpoints(system, failing_since=datetime.now(UTC) - timedelta(days=3, hours=1))
        await _make_due(system)
    await _until_ended(system, 1)

    (message,) = await _messages(system)
    assert (message["state"], message["tries"]) == ("failed", len(PAUSES) + 1)
    endpoint = await _endpoint(system, endpoint_id)
    assert endpoint["state"] == "disabled"
    assert "taken nothing for 3 days" in endpoint["reason"]
    assert await system.attention() == ["webhook_disabled"]
    await system.register(pass_name="Free")
    assert len(await _messages(system)) == 1, "it is told nothing more"


async def test_one_message_that_is_given_up_does_not_end_an_endpoint_that_works(system: Running) -> None:
    async with receiver(status=500) as one:
        endpoint_id, _ = await _add(system, one)
        await system.register(pass_name="Free")
        await _messages_when(system, lambda row: row["last_status"] == 500)
        await system.store.write(lambda tx: tx.execute(sa.update(tables.webhook_message).values(tries=len(PAUSES))))
        await _make_due(system)
        await _until_ended(system, 1)

        assert (await _endpoint(system, endpoint_id))["state"] == "enabled"
        assert await system.attention() == ["webhook_failed"]
        one.status = 200
        again = await system.store.write(lambda tx: webhooks.redeliver_failed(tx, endpoint_id, None, "test"))
        assert again == 1
        await _messages_when(system, lambda row: row["state"] == "delivered")
        assert len({it.id for it in one.received}) == 1


async def test_one_that_is_gone_is_disabled_at_once(system: Running) -> None:
    async with receiver(status=410) as one:
        endpoint_id, _ = await _add(system, one)
        await system.register(pass_name="Free")
        await _until_ended(system, 1)

        assert (await _endpoint(system, endpoint_id))["state"] == "disabled"
        assert await system.attention() == ["webhook_disabled"]
        one.status = 200
        await system.store.write(lambda tx: webhooks.enable(tx, endpoint_id, "test"))
        await system.register(pass_name="Free")
        await _messages_when(system, lambda row: row["state"] == "delivered")


async def test_one_that_fails_for_five_days_is_disabled_before_its_messages_are_given_up(system: Running) -> None:
    async with receiver(status=500) as one:
        endpoint_id, _ = await _add(system, one)
        await _change_endpoints(system, failing_since=datetime.now(UTC) - timedelta(days=5))
        await system.register(pass_name="Free")
        (message,) = await _messages_when(system, lambda row: row["last_status"] == 500)

        assert message["state"] == "pending", "it waits until somebody enables the endpoint"
        endpoint = await _endpoint(system, endpoint_id)
        assert (endpoint["state"], "taken nothing for 5 days" in endpoint["reason"]) == ("disabled", True)
        assert await system.attention() == ["webhook_disabled"]


async def test_what_ended_long_ago_is_forgotten(system: Running) -> None:
    async with receiver() as one:
        await _add(system, one)
        for _ in range(2):
            await system.register(pass_name="Free")
        await _until_ended(system, 2)
        old = datetime.now(UTC) - timedelta(days=91)
        long_ago = sa.update(tables.webhook_message).where(
            tables.webhook_message.c.id == (await _messages(system))[0]["id"]
        )
        await system.store.write(
            lambda tx: tx.execute(long_ago.values(id=UUID(int=int(old.timestamp() * 1000) << 80), ended=old))
        )
        await system.hasten("forget_done_jobs")

        await _messages_when(system, lambda row: row["state"] == "delivered")

        async def forgotten() -> bool:
            return len(await _messages(system)) == 1

        await system.until(forgotten)


async def test_a_redirect_is_a_failure_and_is_not_followed(system: Running) -> None:
    async with receiver() as inside, receiver(status=302) as one:
        one.headers["Location"] = f"{inside.url}/secret"
        await _add(system, one)
        await system.register(pass_name="Free")
        (message,) = await _messages_when(system, lambda row: row["last_status"] == 302)

        assert "a redirect" in message["last_error"]
        assert inside.received == []


async def test_slow_receivers_delay_neither_money_nor_others(system: Running) -> None:
    """Far more messages hang than the worker has places."""
    async with receiver() as slow, receiver() as other_slow, receiver() as fast:
        for one in (slow, other_slow):
            one.open.clear()
            await _add(system, one)
        await _add(system, fast)
        for _ in range(30):
            await system.register(pass_name="Free")
        await system.until(lambda: len(slow.received) == len(other_slow.received) == IN_FLIGHT_PER_ENDPOINT)

        order = await system.register()
        began = asyncio.get_running_loop().time()
        await system.pay(order)
        await system.until_status(order, "completed")
        await system.until(lambda: system.mails_to(order.email))
        assert asyncio.get_running_loop().time() - began < 5
        await system.until(lambda: len(fast.received) == 31)
        assert len(slow.received) == IN_FLIGHT_PER_ENDPOINT
        slow.open.set()
        other_slow.open.set()
        await _until_ended(system, 93)
        assert {len(one.received) for one in (slow, other_slow, fast)} == {31}


async def test_killed_between_sending_and_storing_it_sends_the_same_again(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, with_worker=False, **PRIVATE) as system, receiver() as one:
        _, secret = await _add(system, one)
        one.open.clear()
        order = await system.register(pass_name="Free")
        worker = _worker(system, tmp_path / "worker.log")
        await system.until(lambda: one.received)
        worker.kill()
        await commands.ended(worker)
        one.open.set()
        # What is told changes meanwhile; what was said stays said.
        await system.change_event(name="Another name")
        await _make_due(system)
        worker = _worker(system, tmp_path / "worker.log")
        await _until_ended(system, 1)
        worker.terminate()
        assert await commands.ended(worker) == 0

        first, second = one.received
        assert first.id == second.id
        assert first.verified(secret) == second.verified(secret)
        assert first.said["data"]["order"]["id"] == str(order.id)


async def test_nothing_is_sent_into_our_own_network(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path) as system, receiver() as one:
        port = one.url.rpartition(":")[2]
        for inside in (f"https://127.0.0.1:{port}/", f"https://[::1]:{port}/", "https://[::ffff:10.0.0.1]/", one.url):
            with pytest.raises(Refused):
                await _add(system, Receiver(inside))
        await _add(system, Receiver(f"https://localhost:{port}/"))
        await _add(system, Receiver(f"https://127.1:{port}/"))
        await system.register(pass_name="Free")
        rows = await _messages_when(system, lambda row: row["last_error"], 2)

        for row in rows:
            assert "which is not a public address" in row["last_error"]
            assert row["last_status"] is None
        assert one.received == []


async def test_a_secret_is_encrypted_and_bound_to_its_place(system: Running) -> None:
    first, secret = await _add(system, Receiver("http://127.0.0.1:9/a"))
    second, _ = await _add(system, Receiver("http://127.0.0.1:9/b"))
    keys = system.installation.settings.secret_key
    sealed, other = [(await _endpoint(system, at))["secret"] for at in (first, second)]

    assert webhooks.in_words(Sealer(keys).read(sealed, webhooks.secret_place(first))) == secret
    for key_of in (
        secret.encode(),
        webhooks.SECRET_PREFIX.encode(),
        Sealer(keys).read(sealed, webhooks.secret_place(first)),
    ):
        assert key_of not in sealed
    rotated = Sealer([*keys, "a newer key of this installation"])
    assert rotated.read(sealed, webhooks.secret_place(first))
    for reader, value, place in (
        (Sealer(keys), sealed, webhooks.secret_place(second)),
        (Sealer(keys), other, webhooks.secret_place(first)),
        (Sealer(keys), sealed, webhooks.old_secret_place(first)),
        (Sealer(["another key"]), sealed, webhooks.secret_place(first)),
        (Sealer(keys), sealed[:-1] + bytes([sealed[-1] ^ 1]), webhooks.secret_place(first)),
        (Sealer(keys), b"", webhooks.secret_place(first)),
    ):
        with pytest.raises(Refused, match="cannot be read"):
            reader.read(value, place)


async def test_after_a_rotation_both_secrets_sign_for_a_day(system: Running) -> None:
    async with receiver() as one:
        endpoint_id, old = await _add(system, one)
        sealer = Sealer(system.installation.settings.secret_key)
        new = await system.store.write(lambda tx: webhooks.rotate(tx, sealer, endpoint_id, "test"))
        await system.register(pass_name="Free")
        await _until_ended(system, 1)
        assert one.received[0].verified(new) == one.received[0].verified(old)

        await _change_endpoints(system, old_secret_ends=datetime.now(UTC))
        await system.register(pass_name="Free")
        await _until_ended(system, 2)
        assert one.received[1].verified(new)
        with pytest.raises(WebhookVerificationError):
            one.received[1].verified(old)
        said = await system.store.read(lambda tx: tx.rows(sa.select(tables.audit.c.action, tables.audit.c.detail)))
        assert {row["action"] for row in said} >= {"webhook.add", "webhook.rotate"}
        assert all(old not in str(row) and new not in str(row) for row in said)


async def test_what_waits_is_kept_while_disabled_and_given_up_when_removed(system: Running) -> None:
    async with receiver(status=500) as one:
        endpoint_id, _ = await _add(system, one)
        await system.register(pass_name="Free")
        await _messages_when(system, lambda row: row["last_status"] == 500)
        await system.store.write(lambda tx: webhooks.disable(tx, endpoint_id, "test"))
        await _make_due(system)
        await asyncio.sleep(0.6)
        assert len(one.received) == 1

        await system.store.write(lambda tx: webhooks.enable(tx, endpoint_id, "test"))
        await system.until(lambda: len(one.received) == 2)
        await system.store.write(lambda tx: webhooks.remove(tx, endpoint_id, "test"))
        (message,) = await _messages(system)
        assert (message["state"], message["last_error"]) == ("failed", webhooks.REMOVED)
        assert (await _endpoint(system, endpoint_id))["secret"] == b""


async def test_answers_that_are_none_leave_plain_words(system: Running) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        writer.close()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            try:
                await writer.drain()
            except ConnectionError:
                return

    async with (
        raw_receiver(garbage) as a,
        raw_receiver(silence) as b,
        raw_receiver(endless) as c,
        raw_receiver(plain) as d,
    ):
        urls = [f"http://127.0.0.1:{port}" for port in (a, b, c)]
        urls += [f"https://127.0.0.1:{d}", "https://nobody.invalid/", f"https://{'x' * 70}.example/"]
        ids = [(await _add(system, Receiver(url)))[0] for url in urls]
        await system.register(pass_name="Free")
        rows = await _messages_when(system, lambda row: row["last_error"] or row["last_status"], len(urls))

    said = {row["webhook_endpoint_id"]: row["last_error"] for row in rows}
    garbled, silent, delivered, tls, unknown, odd = (said[at] for at in ids)
    assert garbled == "It does not answer as HTTP wants it."
    assert silent in {"It does not answer as HTTP wants it.", "It ended the connection without an answer."}
    assert delivered is None, "the status has said it all: nobody waits for the rest"
    assert tls.startswith("TLS failed")
    assert unknown == odd == "Its name is not known to DNS, or DNS did not answer."


async def test_no_endpoint_no_message(system: Running) -> None:
    await system.register(pass_name="Free")

    assert await _messages(system) == []


# Words of the stories


async def _add(system: Running, one: Receiver, **more: Any) -> tuple[UUID, str]:
    sealer, private = (
        Sealer(system.installation.settings.secret_key),
        system.installation.settings.webhooks_allow_private,
    )
    new = NewEndpoint(one.url, **more)
    return await system.store.write(lambda tx: webhooks.add(tx, sealer, new, allow_private=private, actor="test"))


async def _messages(system: Running) -> list[Any]:
    return await system.store.read(lambda tx: tx.rows(sa.select(tables.webhook_message)))


async def _messages_when(system: Running, fits: Any, count: int = 1) -> list[Any]:
    async def look() -> list[Any] | None:
        found = [row for row in await _messages(system) if fits(row)]
        return found if len(found) >= count else None

    return await system.until(look)


async def _until_ended(system: Running, count: int) -> None:
    await _messages_when(system, lambda row: row["state"] != "pending", count)
    assert len(await _messages(system)) == count


async def _make_due(system: Running) -> None:
    """The pause is over, or the lease of the dead."""
    due = datetime.now(UTC) - timedelta(seconds=1)
    await system.store.write(lambda tx: tx.execute(sa.update(tables.webhook_message).values(due=due)))


async def _endpoint(system: Running, endpoint_id: UUID) -> Any:
    def look(tx: ReadTx) -> Any:
        return tx.row(sa.select(tables.webhook_endpoint).where(tables.webhook_endpoint.c.id == endpoint_id))

    return await system.store.read(look)


async def _change_endpoints(system: Running, **columns: Any) -> None:
    def change(tx: WriteTx) -> None:
        tx.execute(sa.update(tables.webhook_endpoint).values(**columns))

    await system.store.write(change)


def _worker(system: Running, log: Path) -> BaseProcess:
    settings = system.installation.settings
    variables = PRIVATE | {
        "GATEPASS_DATABASE_URL": settings.database_url,
        "GATEPASS_DATA_DIR": str(settings.data_dir),
        "GATEPASS_STRIPE_SECRET_KEY": settings.stripe_secret_key or "",
        "GATEPASS_STRIPE_API_BASE": settings.stripe_api_base,
    }
    return commands.start(("worker",), variables, log, log)


async def test_what_happens_to_money_is_told_as_it_happens(system: Running) -> None:
    """A bank that refuses a debit; then a refund of one of two people, and of the rest."""
    async with receiver() as one:
        await _add(system, one)
        failed = await system.register()
        await system.pay(failed, "AT861904300235473202")
        await system.sandbox.control("advance", seconds=11)
        paid = await system.paid(seats=2)
        first, second = await system.tickets(paid.id)
        await system.refund(paid, attendees=[first.id])
        await system.refund(paid, attendees=[second.id])
        await system.until_refunded(paid, "succeeded", "succeeded")

        await _until_ended(system, 6)

        told = sorted(came.said["type"] for came in one.received)
        assert told == [
            "payment.failed",
            *["payment.refunded"] * 2,
            *["registration.cancelled"] * 2,
            "registration.confirmed",
        ]
