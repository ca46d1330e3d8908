"""`gatepass webhook` as an organizer uses it, the examples that integrators copy, and what stays out of the log."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from gatepass.store import tables
from tests import commands
from tests.receiver import Received, receiver
from tests.running import Running, running

PRIVATE = {"GATEPASS_WEBHOOKS_ALLOW_PRIVATE": "true"}
GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()


@pytest.fixture
async def system(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """One that may call a receiver on this machine."""
    async with running(database_url, tmp_path, **PRIVATE) as found:
        yield found


async def test_an_organizer_adds_tries_rotates_redelivers_and_removes(system: Running) -> None:
    async with receiver() as one:
        endpoint, secret = (
            await _webhook(system, "add", one.url, "--kind", "registration.confirmed", "--description", "CRM")
        ).split()
        assert await _webhook(system, "test", endpoint) == "It answered 200."
        assert one.received[0].verified(secret) == one.received[0].said
        assert one.received[0].said["data"] == {"endpoint_id": endpoint}
        one.status = 500
        assert await _webhook(system, "test", endpoint, code=1) == "It answered 500."

        await system.register(pass_name="Free")
        await system.until(lambda: one.of_kind("registration.confirmed"))
        listed = await _webhook(system, "list")
        assert secret not in listed
        for told in (endpoint, "enabled", one.url, "registration.confirmed", "CRM", "failing since", "1 waiting"):
            assert told in listed
        messages = await _webhook(system, "messages", "--endpoint", endpoint)
        assert [line.split()[4] for line in messages.splitlines()] == ["pending", "failed", "delivered"]
        one.status = 200
        message = messages.split()[0]
        assert await _webhook(system, "redeliver", message) == "1 will be sent again."
        await system.until(lambda: _is_delivered(system, message))
        assert await _webhook(system, "redeliver", "--failed", "--since", "2020-01-01") == "0 will be sent again."

        await _webhook(system, "disable", endpoint)
        assert "disabled" in await _webhook(system, "list")
        await _webhook(system, "enable", endpoint)
        new = await _webhook(system, "rotate", endpoint)
        await _webhook(system, "test", endpoint)
        assert one.received[-1].verified(new) == one.received[-1].verified(secret)
        await _webhook(system, "remove", endpoint)
        assert await _webhook(system, "list") == ""

    actions = await system.store.read(lambda tx: list(tx.execute(sa.select(tables.audit.c.action)).scalars()))
    done = ("add", "test", "redeliver", "disable", "enable", "rotate", "remove")
    assert {f"webhook.{one}" for one in done} <= set(actions)


async def _is_delivered(system: Running, message: str) -> bool:
    own = tables.webhook_message.c.id == UUID(message)
    return (
        await system.store.read(lambda tx: tx.execute(sa.select(tables.webhook_message.c.state).where(own)).scalar())
        == "delivered"
    )


async def test_mistakes_are_told_in_a_sentence(system: Running) -> None:
    for arguments, said in (
        (("add", "ftp://contoso.example"), "has to begin with https://"),
        (("add", "https://contoso.example", "--kind", "payment.dreamt"), "There is no kind 'payment.dreamt'"),
        (("add", "https://contoso.example", "--description", "x" * 201), "at most 200"),
        (("rotate", str(uuid4())), "There is no endpoint"),
        (("test", "x"), "x is not an id"),
        (("redeliver",), "Name one message"),
        (("redeliver", str(uuid4())), "There is no message"),
        (("redeliver", str(uuid4()), "--failed"), "Name one message"),
    ):
        assert said in await _webhook(system, *arguments, code=2), arguments


async def test_the_examples_of_the_guide_tell_ours_from_forged(system: Running) -> None:
    async with receiver() as one:
        endpoint, secret = (await _webhook(system, "add", one.url)).split()
        await _webhook(system, "test", endpoint)
        await _webhook(system, "rotate", endpoint)
        await _webhook(system, "test", endpoint)
    assert " " in one.received[1].headers["webhook-signature"]

    for message in one.received:
        old = {**message.headers, "webhook-timestamp": "1700000000"}
        for headers, body, fine in (
            (message.headers, message.body, True),
            (message.headers, message.body + b" ", False),
            (old, message.body, False),
        ):
            assert _by_python(secret, dict(headers), body) is fine
            assert await _by_node(secret, Received("/", headers, body)) in {fine, None}


async def test_no_secret_no_body_and_no_address_is_logged(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, with_worker=False, **PRIVATE) as system, receiver(status=500) as one:
        address = f"{one.url}/token-of-the-receiver"
        _, secret = (await _webhook(system, "add", address, "--personal")).split()
        order = await system.register(pass_name="Free")
        out, err = tmp_path / "out.log", tmp_path / "err.log"
        worker = commands.start(("worker",), _variables(system) | {"GATEPASS_LOG_LEVEL": "debug"}, out, err)
        await system.until(lambda: len(one.received) >= 2)
        worker.terminate()
        await commands.ended(worker)

    log = err.read_text()
    assert "webhook.failed" in log
    assert order.email.encode() in one.received[0].body
    for canary in (secret, secret[6:], order.email, "Byron", "token-of-the-receiver", "registration.confirmed"):
        assert canary not in log


def _by_python(secret: str, headers: dict[str, str], body: bytes) -> bool:
    names: dict[str, Any] = {}
    exec(_example("python"), names)
    return names["verified"](secret, headers, body)


async def _by_node(secret: str, message: Received) -> bool | None:
    node = shutil.which("node")
    if node is None:
        return None
    told = f"{dict(message.headers)!r}, Buffer.from('{message.body.hex()}', 'hex')"
    script = f"{_example('js')}\nconsole.log(verified('{secret}', {told}));"
    process = await asyncio.create_subprocess_exec(node, "-e", script, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    return {b"true": True, b"false": False}[said.strip()]


def _example(language: str) -> str:
    return GUIDE.partition(f"```{language}\n")[2].partition("```")[0]


async def _webhook(system: Running, *arguments: str, code: int = 0) -> str:
    """Run `gatepass webhook ...`; what it said."""
    done = await asyncio.to_thread(commands.gatepass, "webhook", *arguments, **_variables(system))
    assert done.returncode == code, done.stderr
    return (done.stderr if code == 2 else done.stdout).strip()


def _variables(system: Running) -> dict[str, str]:
    settings = system.installation.settings
    return PRIVATE | {
        "GATEPASS_DATABASE_URL": settings.database_url,
        "GATEPASS_DATA_DIR": str(settings.data_dir),
        "GATEPASS_STRIPE_SECRET_KEY": settings.stripe_secret_key or "",
        "GATEPASS_STRIPE_API_BASE": settings.stripe_api_base,
    }  # fmt: skip
