"""Payments complete though no notification ever comes: the provider's own list is read into the same inbox."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gatepass import app
from gatepass.config import Settings
from gatepass.domain.errors import Conflict
from gatepass.services import pull
from gatepass.store import jobs, records, tables
from gatepass.worker import Worker
from tests.conftest import fresh_database
from tests.running import WEBHOOK_SECRET, Running, running

DECLINED = "4000000000000002"
SILENT = {"GATEPASS_STRIPE_WEBHOOK_SECRET": "", "GATEPASS_PULL_SECONDS": "1"}
BY_HAND = {"GATEPASS_PULL_SECONDS": "3600"}
MARK = "pull.watermark.stripe"


@asynccontextmanager
async def _system(database_url: str, directory: Path, **variables: str) -> AsyncIterator[Running]:
    async with running(database_url, directory, **variables) as gatepass:
        yield gatepass
        await gatepass.check_promises()


async def test_payments_complete_with_no_webhook_at_all(database_url: str, tmp_path: Path) -> None:
    """Look-ups come after a minute: what completes in seconds was pulled."""
    async with _system(database_url, tmp_path, **SILENT) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        orders = [await gatepass.register() for _ in range(5)]
        await gatepass.pay(orders[0], DECLINED)
        for order in orders:
            await gatepass.pay(order)

        for order in orders:
            await gatepass.until_status(order, "completed")
        await gatepass.until_quiet()
        assert [len(gatepass.mails_to(order.email)) for order in orders] == [1] * 5
        assert await gatepass.attention() == []


async def test_without_a_secret_a_notification_is_refused_with_its_reason(database_url: str, tmp_path: Path) -> None:
    async with _system(database_url, tmp_path, **SILENT) as gatepass:
        refused = await gatepass.notify({"id": "evt_x", "type": "checkout.session.completed"})

        assert (refused.status_code, "No webhook secret" in refused.text) == (400, True)
        assert await gatepass.notifications() == {}


async def test_an_outage_of_webhooks_is_healed(database_url: str, tmp_path: Path) -> None:
    async with _system(database_url, tmp_path, **BY_HAND) as gatepass:
        told = await gatepass.register()
        await gatepass.pay(told)
        await gatepass.until_status(told, "completed")
        await gatepass.sandbox.drop_deliveries()
        lost = await gatepass.register()
        await gatepass.pay(lost)

        await gatepass.hasten("pull_events")

        await gatepass.until_status(lost, "completed")
        assert await gatepass.attention() == []


async def test_the_same_event_by_pull_and_by_webhook_acts_once(database_url: str, tmp_path: Path) -> None:
    async with _system(database_url, tmp_path, **BY_HAND) as gatepass:
        await gatepass.sandbox.hold_deliveries()
        order = await gatepass.register()
        await gatepass.pay(order)
        await gatepass.hasten("pull_events")
        await gatepass.until_status(order, "completed")
        await gatepass.until_quiet()
        pulled = await _kept(gatepass)
        assert len(pulled) >= 2

        await gatepass.sandbox.deliver(times=3, shuffled=True)
        await gatepass.hasten("pull_events")
        await gatepass.until_quiet()

        assert {ref: row for ref, row in (await _kept(gatepass)).items() if ref in pulled} == pulled
        assert len(gatepass.mails_to(order.email)) == 1
        assert len(await gatepass.payments(order.id)) == 1
        for ref, body in pulled.items():
            theirs = await gatepass.sandbox.stripe(f"events/{ref}")
            ours = json.loads(body)
            assert (ours["id"], ours["type"], ours["data"]) == (ref, theirs["type"], theirs["data"])


async def test_a_provider_that_is_down_is_asked_again_from_the_same_mark(database_url: str, tmp_path: Path) -> None:
    async with _system(database_url, tmp_path, **BY_HAND) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        first, second = await gatepass.register(), await gatepass.register()
        await gatepass.pay(first)
        await gatepass.hasten("pull_events")
        await gatepass.until_status(first, "completed")
        await gatepass.until_quiet()
        before = await _mark(gatepass)
        await gatepass.pay(second)
        await gatepass.sandbox.control("faults", api={"status": 500, "path_contains": "v1/events"})

        await gatepass.hasten("pull_events")
        await gatepass.until(lambda: _failures(gatepass))

        assert await _mark(gatepass) == before
        await gatepass.sandbox.control("reset_faults")
        await gatepass.hasten("pull_events")
        await gatepass.until_status(second, "completed")
        await gatepass.until(lambda: _recovered(gatepass))


@pytest.mark.parametrize("fault", [{"status": 429}, {"reset": True}, {"body": "no_json"}, {"body": "truncated"}])
async def test_an_answer_that_cannot_be_used_moves_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, fault: dict[str, Any]
) -> None:
    """One database is enough: it is not asked."""
    database_url = fresh_database("sqlite", tmp_path, request)
    async with _system(database_url, tmp_path, **BY_HAND) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        order = await gatepass.register()
        await gatepass.pay(order)
        await gatepass.sandbox.control("faults", api=fault | {"path_contains": "v1/events"})

        await gatepass.hasten("pull_events")
        await gatepass.until(lambda: _failures(gatepass))

        assert (await _kept(gatepass), await _mark(gatepass)) == ({}, None)
        assert (await _job(gatepass))["last_error"].startswith("ProviderDown")
        await gatepass.sandbox.control("reset_faults")
        await gatepass.hasten("pull_events")
        await gatepass.until_status(order, "completed")


@pytest.mark.parametrize("skew_s", [-600, 600])
async def test_a_clock_that_is_ten_minutes_off_hides_nothing(database_url: str, tmp_path: Path, skew_s: int) -> None:
    """Every signature is refused then; and the second order comes when there is a watermark."""
    async with _system(
        database_url, tmp_path, **SILENT | {"GATEPASS_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    ) as gatepass:
        await gatepass.sandbox.control("faults", clock={"skew_s": skew_s})
        for _ in range(2):
            order = await gatepass.register()
            await gatepass.pay(order)
            await gatepass.until_status(order, "completed")
        await gatepass.sandbox.drop_deliveries()
        await gatepass.sandbox.control("reset_faults")


async def test_what_happened_while_nobody_ran_is_found_at_the_next_start(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, with_worker=False, **SILENT) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        before, meanwhile = await gatepass.register(), await gatepass.register()
        await gatepass.pay(before)
        async with _node(gatepass):
            await gatepass.until_status(before, "completed")
            mark = await gatepass.until(lambda: _mark(gatepass))
        await gatepass.pay(meanwhile)
        assert (await gatepass.purchase(meanwhile.id)).status.value == "awaiting_payment"

        async with _node(gatepass):
            await gatepass.until_status(meanwhile, "completed")
            await gatepass.until_quiet()

        assert datetime.fromisoformat(str(await _mark(gatepass))) >= datetime.fromisoformat(str(mark))


async def test_two_nodes_that_pull_keep_each_event_once(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, with_worker=False, **SILENT) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        async with _node(gatepass), _node(gatepass):
            orders = [await gatepass.register() for _ in range(6)]
            for order in orders:
                await gatepass.pay(order)
                await gatepass.hasten("pull_events")
            for order in orders:
                await gatepass.until_status(order, "completed")
            await gatepass.until_quiet()

        told = [event["id"] for event in await gatepass.sandbox.events() if _ours(event)]
        assert sorted(await _kept(gatepass)) == sorted(told)
        assert [len(gatepass.mails_to(order.email)) for order in orders] == [1] * 6


async def test_by_hand_a_long_time_is_read_in_pages_and_in_pieces(database_url: str, tmp_path: Path) -> None:
    """More events than one page has, some of them weeks old, and no worker: they are only kept."""
    async with running(database_url, tmp_path, with_worker=False, **BY_HAND) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        orders = [await gatepass.register() for _ in range(55)]
        for order in orders:
            await gatepass.pay(order)
        told = [event["id"] for event in await _all_events(gatepass) if _ours(event)]
        assert len(told) > 100
        for at, ref in enumerate(told[:30]):
            old = datetime.now(UTC) - timedelta(days=25, hours=at * 7)
            await gatepass.sandbox.control(f"objects/{ref}", created=int(max(old, _weeks_ago(4)).timestamp()))

        stripe = gatepass.installation.desk.providers["stripe"]
        assert await pull.by_hand(gatepass.store, stripe, None) == len(told) - 30
        assert await pull.by_hand(gatepass.store, stripe, _weeks_ago(4) - timedelta(hours=1)) == 30
        assert await pull.by_hand(gatepass.store, stripe, _weeks_ago(4)) == 0
        assert sorted(await _kept(gatepass)) == sorted(told)
        assert await _mark(gatepass) is None
        async with _node(gatepass):
            for order in orders:
                await gatepass.until_status(order, "completed")
            await gatepass.until_quiet()


async def test_a_node_that_lost_its_claim_keeps_nothing_and_moves_no_mark(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, with_worker=False, **BY_HAND) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        order = await gatepass.register()
        await gatepass.pay(order)
        await gatepass.store.write(lambda tx: jobs.add(tx, "pull_events", {"provider": "stripe"}, dedupe="x"))
        zombie, heir = [await _claim(gatepass) for _ in range(2)]
        providers = gatepass.installation.desk.providers
        every = timedelta(hours=1)

        with pytest.raises(Conflict):
            await pull.pull_events(gatepass.store, providers, every, zombie)

        assert (await _kept(gatepass), await _mark(gatepass)) == ({}, None)
        await pull.pull_events(gatepass.store, providers, every, heir)
        assert await _kept(gatepass)
        assert await _mark(gatepass)


async def test_a_faster_pace_counts_from_the_next_start(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, **BY_HAND) as gatepass:
        await gatepass.until(lambda: _planned(gatepass, timedelta(minutes=50)))
        settings = replace(gatepass.installation.settings, pull_seconds=1)
        async with _node(gatepass, settings):
            await gatepass.until(lambda: _planned(gatepass, timedelta(0), timedelta(minutes=2)))


async def test_pulling_that_is_put_off_asks_nobody(database_url: str, tmp_path: Path) -> None:
    async with running(database_url, tmp_path, with_worker=False, **BY_HAND) as gatepass:
        await gatepass.sandbox.drop_deliveries()
        await gatepass.pay(await gatepass.register())
        for providers, every in ((gatepass.installation.desk.providers, None), ({}, timedelta(seconds=1))):
            await gatepass.store.write(lambda tx: jobs.add(tx, "pull_events", {"provider": "stripe"}, dedupe="x"))
            await pull.pull_events(gatepass.store, providers, every, await _claim(gatepass))

        assert await _kept(gatepass) == {}


@asynccontextmanager
async def _node(gatepass: Running, settings: Settings | None = None) -> AsyncIterator[None]:
    """Another worker process on the same database, as far as the database can tell."""
    here = app.installation(settings or gatepass.installation.settings)
    worker = Worker(here.desk, here.mailer, here.postman, here.pictures, here.plan)
    working = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await working
        await here.close()


async def _kept(gatepass: Running) -> dict[str, bytes]:
    kept = tables.notification.c
    rows = await gatepass.store.read(lambda tx: tx.rows(sa.select(kept.event_ref, kept.body)))
    return {row["event_ref"]: row["body"] for row in rows}


async def _mark(gatepass: Running) -> str | None:
    return await gatepass.store.read(lambda tx: records.get_setting(tx, MARK))


async def _job(gatepass: Running) -> Any:
    return await gatepass.store.read(lambda tx: tx.row(sa.select(tables.job).where(tables.job.c.kind == "pull_events")))


async def _failures(gatepass: Running) -> bool:
    return (await _job(gatepass))["failures"] > 0


async def _recovered(gatepass: Running) -> bool:
    return (await _job(gatepass))["failures"] == 0


async def _planned(gatepass: Running, least: timedelta, most: timedelta = timedelta(days=1)) -> bool:
    job = await _job(gatepass)
    return job is not None and least < job["due"] - datetime.now(UTC) < most


async def _claim(gatepass: Running) -> Any:
    """Claimed, and the lease over at once."""
    lease = timedelta(seconds=-1)
    due = (
        sa.update(tables.job)
        .where(tables.job.c.kind == "pull_events")
        .values(due=datetime.now(UTC) - timedelta(days=1))
    )
    await gatepass.store.write(lambda tx: tx.execute(due))
    (claim,) = await gatepass.store.write(lambda tx: jobs.claim(tx, [(["pull_events"], 1)], lease, "node"))
    return claim


async def _all_events(gatepass: Running) -> list[Any]:
    found: list[Any] = []
    more: dict[str, str] = {}
    while True:
        page = await gatepass.sandbox.stripe("events", limit=100, **more)
        found += page["data"]
        if not page["has_more"]:
            return found
        more = {"starting_after": found[-1]["id"]}


def _ours(event: Any) -> bool:
    return event["type"].startswith(("checkout.", "payment_intent.")) and not event["type"].endswith(
        (".created", ".requires_action", ".amount_capturable_updated")
    )


def _weeks_ago(weeks: int) -> datetime:
    return datetime.now(UTC) - timedelta(weeks=weeks)
