"""What was given up is put back to work by hand; what is old keeps its name and loses its body."""

import asyncio
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.services import attention
from gatepass.store import records, tables
from tests import commands
from tests.running import STRIPE_KEY, WEBHOOK_SECRET, Order, Running

UNKNOWN = {
    "id": "evt_unknown",
    "type": "checkout.session.completed",
    "data": {"object": {"id": "cs_test_unknown", "object": "checkout.session"}},
}


async def test_a_notification_that_was_quarantined_too_early_settles_when_it_is_replayed(gatepass: Running) -> None:
    """Our row had lost its reference, as after a backup was put in too old; then it is there again."""
    order, event, session = await _quarantined(gatepass)
    await _name_session(gatepass, order, session)

    said = await _gatepass(gatepass, "replay", event["id"])

    assert "1 notifications are back at work" in said.stdout
    await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()
    assert await gatepass.attention() == []
    assert len(gatepass.mails_to(order.email)) == 1


async def test_what_still_does_not_fit_is_in_sight_again(gatepass: Running) -> None:
    await gatepass.notify(UNKNOWN)
    await gatepass.until(gatepass.attention)
    (first,) = await gatepass.store.read(records.needing_attention)
    ours = await _id_of(gatepass, UNKNOWN["id"])

    for name in (UNKNOWN["id"], str(ours)):
        assert "1 notifications" in (await _gatepass(gatepass, "replay", name)).stdout
        await gatepass.until_quiet()

    (again,) = await gatepass.store.read(records.needing_attention)
    assert again["id"] != first["id"]
    assert (again["kind"], again["notification_id"]) == ("notification", ours)
    assert (await gatepass.notifications())[UNKNOWN["id"]][0] == "quarantined"
    assert len(await _audit(gatepass)) == 2


async def test_everything_that_was_given_up_is_put_back_to_work(gatepass: Running) -> None:
    """One job was parked, one notification is in quarantine, and one is in quarantine that a person has closed."""
    await gatepass.notify(UNKNOWN)
    await gatepass.until(gatepass.attention)
    (entry,) = await gatepass.store.read(records.needing_attention)
    await gatepass.store.write(lambda tx: attention.close(tx, entry["id"], "a test of somebody else", "anna"))
    order = await gatepass.register()
    await gatepass.sandbox.control("faults", api={"status": 500, "path_contains": "checkout/sessions/"})
    await gatepass.sandbox.pay(await _page(gatepass, order))
    await gatepass.until(lambda: _tried(gatepass))
    await _park(gatepass)
    await gatepass.sandbox.control("reset_faults")
    listed = await _gatepass(gatepass, "jobs")

    said = await _gatepass(gatepass, "replay", "--parked")

    assert "parked" in listed.stdout.splitlines()[0]
    assert "ProviderDown" in listed.stdout
    assert "0 notifications are back at work" in said.stdout
    await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()
    assert await gatepass.attention() == []
    assert "0 jobs" in (await _gatepass(gatepass, "replay", "--parked")).stdout


async def test_a_time_is_replayed_once_more_and_changes_nothing(gatepass: Running) -> None:
    began = datetime.now(UTC) - timedelta(minutes=1)
    orders = [await gatepass.register() for _ in range(3)]
    for order in orders:
        await gatepass.pay(order)
    for order in orders:
        await gatepass.until_status(order, "completed")
    await gatepass.until_quiet()
    before = await gatepass.notifications()
    await gatepass.store.write(lambda tx: tx.execute(sa.delete(tables.job).where(tables.job.c.state == "done")))

    kind = ("--kind", "checkout.session.completed")
    completed = await _gatepass(gatepass, "replay", "--since", began.isoformat(), *kind)
    early = await _gatepass(gatepass, "replay", "--until", began.isoformat())
    await gatepass.until_quiet()
    every = await _gatepass(gatepass, "replay", "--since", began.isoformat())
    await gatepass.until_quiet()

    assert completed.stdout.startswith("3 notifications")
    assert early.stdout.startswith("0 notifications")
    speaking = [ref for ref, (state, _) in before.items() if state != "ignored"]
    assert every.stdout.startswith(f"{len(speaking)} notifications")
    assert await gatepass.notifications() == before
    assert [len(gatepass.mails_to(order.email)) for order in orders] == [1] * 3


async def test_what_cannot_be_meant_is_refused_with_a_sentence(gatepass: Running) -> None:
    for wrong, words in (
        ((), "Say which"),
        (("evt_x", "--parked"), "Say which"),
        (("evt_x",), "There is no notification evt_x"),
        (("--since", "yesterday"), "is not a time"),
        (("--since", "2026-02-02", "--until", "2026-01-01"), "has to lie before"),
        (("--since", "0001-01-01T00:00:00+14:00"), "is not a time"),
    ):
        said = await _gatepass(gatepass, "replay", *wrong)
        assert (said.returncode, words in said.stderr) == (2, True), said.stderr


async def test_a_pull_by_hand_says_what_was_new(gatepass: Running) -> None:
    await gatepass.sandbox.drop_deliveries()
    order = await gatepass.register()
    await gatepass.pay(order)

    first, second = (
        await _gatepass(gatepass, "pull"),
        await _gatepass(gatepass, "pull", "--since", "2026-01-01T00:00:00Z"),
    )

    assert first.stdout.startswith("stripe: ")
    assert not first.stdout.startswith("stripe: 0")
    assert second.stdout == "stripe: 0 new events.\n"
    await gatepass.until_status(order, "completed")


async def test_old_notifications_lose_their_body_but_not_their_name(gatepass: Running) -> None:
    order = await gatepass.register()
    await gatepass.pay(order)
    await gatepass.until_status(order, "completed")
    await gatepass.notify(UNKNOWN)
    await gatepass.until(gatepass.attention)
    await gatepass.until_quiet()
    young = next(iter(set(await gatepass.notifications()) - {UNKNOWN["id"]}))
    await _age(gatepass, 401, but=young)

    await _forget(gatepass)

    assert await _with_body(gatepass) == {young, UNKNOWN["id"]}
    (entry,) = await gatepass.store.read(records.needing_attention)
    await gatepass.store.write(lambda tx: attention.close(tx, entry["id"], "not ours", "anna"))
    known = await gatepass.notifications()
    await _forget(gatepass)
    assert await _with_body(gatepass) == {young}
    await gatepass.notify(UNKNOWN)
    assert await gatepass.notifications() == known


async def _quarantined(gatepass: Running) -> tuple[Order, Any, str]:
    """A paid order whose session we have forgotten, and its notification, that names neither our payment nor the money."""
    await gatepass.sandbox.drop_deliveries()
    order = await gatepass.register()
    session = (await gatepass.pay(order))["session"]
    await _name_session(gatepass, order, None)
    event = next(e for e in await gatepass.sandbox.events(session) if e["type"] == "checkout.session.completed")
    event["data"]["object"] |= {"metadata": {}, "payment_intent": None}
    await gatepass.notify(event)
    await gatepass.until(gatepass.attention)
    await gatepass.until_quiet()
    return order, event, session


async def _page(gatepass: Running, order: Order) -> str:
    """The provider's page, opened before the provider fails."""
    answer = await gatepass.client.get(order.pay_url)
    if answer.status_code == 302:
        return answer.headers["location"]
    raise AssertionError(answer.text)


async def _name_session(gatepass: Running, order: Order, session: str | None) -> None:
    changed = sa.update(tables.payment).where(tables.payment.c.purchase_id == order.id).values(session_ref=session)
    await gatepass.store.write(lambda tx: tx.execute(changed))


async def _tried(gatepass: Running) -> bool:
    job = tables.job.c
    failed = sa.select(job.id).where(job.kind == "apply_notification", job.failures > 0)
    return bool(await gatepass.store.read(lambda tx: tx.rows(failed)))


async def _park(gatepass: Running) -> None:
    """As if what failed had been a bug."""
    job = tables.job

    def park(tx: Any) -> None:
        parked = sa.update(job).where(job.c.kind == "apply_notification", job.c.state == "ready").values(state="parked")
        for row in tx.rows(parked.returning(job.c.id)):
            records.call_attention(tx, "job_parked", "given up", dedupe=f"job:{row['id']}")

    await gatepass.store.write(park)


async def _id_of(gatepass: Running, ref: str) -> UUID:
    found = sa.select(tables.notification.c.id).where(tables.notification.c.event_ref == ref)
    return await gatepass.store.read(lambda tx: tx.execute(found).scalar_one())


async def _audit(gatepass: Running) -> list[Any]:
    return await gatepass.store.read(
        lambda tx: tx.rows(sa.select(tables.audit).where(tables.audit.c.action == "replay"))
    )


async def _age(gatepass: Running, days: int, but: str) -> None:
    column = tables.notification.c
    aged = sa.update(tables.notification).where(column.event_ref != but)
    await gatepass.store.write(lambda tx: tx.execute(aged.values(received=datetime.now(UTC) - timedelta(days=days))))


async def _forget(gatepass: Running) -> None:
    await gatepass.hasten("forget_bodies")

    async def done() -> bool:
        job = tables.job.c
        found = sa.select(job.id).where(job.kind == "forget_bodies", job.due > datetime.now(UTC) + timedelta(minutes=5))
        return bool(await gatepass.store.read(lambda tx: tx.rows(found)))

    await gatepass.until(done)


async def _with_body(gatepass: Running) -> set[str]:
    column = tables.notification.c
    kept = sa.select(column.event_ref).where(column.body.is_not(None))
    return await gatepass.store.read(lambda tx: set(tx.execute(kept).scalars()))


async def _gatepass(gatepass: Running, *arguments: str) -> CompletedProcess[str]:
    """A command on the same database, as a process of its own."""
    settings = gatepass.installation.settings
    variables = {
        "GATEPASS_DATA_DIR": str(settings.data_dir),
        "GATEPASS_DATABASE_URL": settings.database_url,
        "GATEPASS_STRIPE_API_BASE": settings.stripe_api_base,
        "GATEPASS_STRIPE_SECRET_KEY": STRIPE_KEY,
        "GATEPASS_STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    return await asyncio.to_thread(commands.gatepass, *arguments, **variables)
