"""Nobody tells us anything, clocks differ, the disk is full, mail is down: slower, but nothing is lost and all of it ends."""

import asyncio
import contextlib
import resource
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller

from gatepass import server
from tests.conftest import fresh_database
from tests.flows.test_faults import Inbox
from tests.running import Order, Running, running
from tests.torture.cluster import Cluster, cluster
from tests.torture.settling import hasten_all, settle

GOOD, DECLINED = "4242424242424242", "4000000000009995"
REFUND_WAITS, REFUND_COMES_BACK = "4000000000007726", "4000000000005126"
DEBIT, DEBIT_REFUSED = "AT611904300234573201", "AT861904300235473202"
SKEW_S = 600
TRIES = 20
"""Of each mail while its server is down; the pause grows to 5 minutes, so that this is more than an hour."""
ROOM_BYTES = 96 * 1024
MANY = 2000
"""More registrations than fit in that."""
PATIENCE_S = 30.0


async def test_without_any_notification_everything_is_found_by_looking(gatepass: Running) -> None:
    await gatepass.sandbox.drop_deliveries()
    cards = {"paid": GOOD, "declined": DECLINED, "debit": DEBIT, "refused": DEBIT_REFUSED}
    cards |= {"waits": REFUND_WAITS, "fails": GOOD}
    orders = {name: await gatepass.register() for name in [*cards, "opened", "ignored"]}
    await gatepass.open_pay_page(orders["opened"])
    for name, card in cards.items():
        await gatepass.pay(orders[name], card)
    await hasten_all(gatepass)
    for name in ("paid", "waits", "fails"):
        await gatepass.until_status(orders[name], "completed")
    for name, outcome in {"waits": "card", "fails": "pending_fails"}.items():
        await gatepass.sandbox.control("faults", refunds={"outcome": outcome})
        await gatepass.refund(orders[name])
        await gatepass.until_refunded(orders[name], "processing")

    await settle(gatepass, told=False)

    ends = {"paid": "completed", "debit": "completed", "waits": "cancelled", "fails": "cancelled"}
    for name, order in orders.items():
        assert (await gatepass.purchase(order.id)).status.value == ends.get(name, "expired"), name
    assert await gatepass.notifications() == {}
    assert [one.state.value for one in await gatepass.refunds(orders["waits"])] == ["succeeded"]
    assert [one.state.value for one in await gatepass.refunds(orders["fails"])] == ["failed"]
    assert await gatepass.attention() == ["refund_failed"]


async def test_what_is_done_at_the_provider_is_found_by_reading_its_list_of_events(
    database_url: str, tmp_path: Path
) -> None:
    """Money that was there goes, and nobody says so: a refund at the dashboard, one that comes back, a dispute."""
    async with running(database_url, tmp_path, GATEPASS_PULL_SECONDS="30") as here:
        await here.sandbox.drop_deliveries()
        theirs, returns, disputed = [await here.register() for _ in range(3)]
        for order, card in {theirs: GOOD, returns: REFUND_COMES_BACK, disputed: GOOD}.items():
            await here.pay(order, card)
        for order in (theirs, returns, disputed):
            await here.until(lambda order=order: _looked_up(here, order, "completed"))
        await here.refund(returns)
        await here.until_refunded(returns, "succeeded")
        for order, what in {theirs: "refunds", disputed: "disputes"}.items():
            await here.sandbox.control(what, payment=(await here.payments(order.id))[0].intent_ref)

        await settle(here, told=False)

        await here.until(lambda: _looked_up(here, theirs, "cancelled"))
        await here.until_refunded(returns, "failed")
        assert sorted(await here.attention()) == ["dispute", "refund_failed"]
        await here.check_promises()


# Clocks


@pytest.mark.parametrize("skew_s", [SKEW_S, -SKEW_S])
async def test_a_provider_whose_clock_is_wrong_is_not_believed_but_asked(gatepass: Running, skew_s: int) -> None:
    """Its signatures are too old, or from the future: each is refused. Pages open, and what was paid is looked up."""
    await gatepass.sandbox.control("faults", clock={"skew_s": skew_s})
    order, unheard = await gatepass.register(), await gatepass.register()
    await gatepass.pay(order)
    await _page_whose_address_is_lost(gatepass, unheard)

    told = await gatepass.sandbox.control("flush", again=True)
    assert {attempt["status"] for attempt in told["attempts"]} == {"400"}
    await gatepass.until(lambda: _looked_up(gatepass, order, "completed"))
    await gatepass.let_hold_end(unheard)
    await gatepass.until(lambda: _looked_up(gatepass, unheard, "expired"))

    assert {one["status"] for one in (await gatepass.sandbox.stripe("checkout/sessions"))["data"]} == {
        "complete",
        "expired",
    }
    assert await gatepass.notifications() == {}


async def _page_whose_address_is_lost(here: Running, order: Order) -> None:
    await here.sandbox.control(
        "faults",
        api={"reset": True, "after_effect": True, "method": "POST", "path_contains": "sessions", "remaining": 2},
    )
    assert (await here.client.get(order.pay_url)).status_code == 503


async def _looked_up(here: Running, order: Order, status: str) -> bool:
    await hasten_all(here)
    return (await here.purchase(order.id)).status.value == status


# The disk


@contextmanager
def _limited(system: Cluster, _directory: Path) -> Iterator[Callable[[], None]]:
    """No file of the node may grow any more. Works everywhere, also without any right."""
    database = Path(system.variables["GATEPASS_DATABASE_URL"].removeprefix("sqlite:///"))
    size = max(database.stat().st_size, Path(f"{database}-wal").stat().st_size) + ROOM_BYTES
    pid, unlimited = system.nodes[-1].pid, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    yield lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def _filled(_system: Cluster, directory: Path) -> Iterator[Callable[[], None]]:
    """The file system is full but for a little."""
    ballast = directory / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass
    with ballast.open("r+b") as file:
        file.truncate(ballast.stat().st_size - ROOM_BYTES)
    yield ballast.unlink


@contextmanager
def _small_disk(directory: Path) -> Iterator[Path]:
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(directory)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small file system here; the other form of this test needs none")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


@asynccontextmanager
async def _on_a_small_disk(
    tmp_path: Path, request: pytest.FixtureRequest, *, mounted: bool
) -> AsyncIterator[tuple[Cluster, Path]]:
    with contextlib.ExitStack() as disk:
        directory = disk.enter_context(_small_disk(tmp_path / "disk")) if mounted else tmp_path
        async with cluster(fresh_database("sqlite", directory, request), tmp_path) as system:
            await system.start()
            yield system, directory


@pytest.mark.parametrize(("full", "mounted"), [(_limited, False), (_filled, True)], ids=["no file grows", "disk full"])
async def test_a_full_disk_refuses_and_forgets_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, full: Any, mounted: bool
) -> None:
    async with _on_a_small_disk(tmp_path, request, mounted=mounted) as (system, directory):
        here, acknowledged = system.here, list[Order]()
        paid = await here.register()
        await here.sandbox.hold_deliveries()
        await here.pay(paid)
        with full(system, directory) as make_room:
            await _register_until_refused(here, acknowledged)
            told = await here.sandbox.deliver()
            assert {attempt["status"] for attempt in told["attempts"]} <= {"200", "503"}
            assert (await here.client.get(acknowledged[0].pay_url)).status_code in {302, 503}
            make_room()
        await here.register()

        for order in acknowledged:
            await here.purchase(order.id)
        await here.sandbox.deliver()
        await here.until(lambda: _looked_up(here, paid, "completed"), PATIENCE_S)
        await here.check_promises()


async def _register_until_refused(here: Running, acknowledged: list[Order]) -> None:
    for _ in range(MANY):
        answer = await here.post_registration(here.body(pass_name="Full"))
        if answer.status_code == 503:
            return
        assert answer.status_code == 200, answer.text
        said = answer.json()
        acknowledged.append(Order(UUID(said["purchaseId"]), said["status"], said["redirectUrl"], ""))
    raise AssertionError("there was room")


# Mail


async def test_mail_that_was_down_for_hours_comes_once_each(database_url: str, tmp_path: Path) -> None:
    free = server.listen("127.0.0.1", 0)
    port = free.getsockname()[1]
    free.close()
    smtp = {"GATEPASS_SMTP_HOST": "127.0.0.1", "GATEPASS_SMTP_PORT": str(port), "GATEPASS_SMTP_TLS": "none"}
    async with running(database_url, tmp_path, **smtp) as here:
        orders = [await here.paid() for _ in range(5)]
        await here.refund(orders[0])
        await here.until_refunded(orders[0], "succeeded")
        for _ in range(TRIES):
            await asyncio.sleep(0.1)
            await _try_to_send(here)
        await asyncio.sleep(0.5)
        inbox = Inbox()
        mail_server = Controller(inbox, hostname="127.0.0.1", port=port)
        mail_server.start()
        try:
            await _try_to_send(here)
            await here.until_quiet()
        finally:
            mail_server.stop()
        assert [len(inbox.to(order.email)) for order in orders] == [1] * len(orders)
        assert "goes back to you" in str(inbox.to(orders[0].email)[0]["subject"])
        assert await here.attention() == []
        await here.check_promises()


async def _try_to_send(here: Running) -> None:
    """The pause before the next try is over."""
    for kind in ("send_confirmation", "send_refund_mail"):
        await here.hasten(kind)
