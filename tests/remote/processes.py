"""Both sides as processes that can be killed, with TLS between them; this process holds the line, the sandbox and a view of each."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import httpx
import sqlalchemy as sa
import trustme

from gatepass import app, config, server
from gatepass.domain.purchase import Status
from gatepass.sandbox.app import SandboxConfig, create_app
from gatepass.services import applications
from gatepass.services.access import Role
from gatepass.store import ReadTx, Store, WriteTx, events, people, promises, tables
from tests import commands
from tests.remote.line import Line, line_to
from tests.running import NOTIFY, SITE, STRIPE_KEY, WEBHOOK_SECRET, Running, Sandbox, environment, fill
from tests.torture.cluster import kill

WORKERS = 2
OneRow = dict[str, object]
START_S = 120.0
"""Five processes begin at once, on a machine that may have other work."""


@dataclass
class Side:
    """One installation: its processes, and our own view of its database."""

    here: Running
    variables: dict[str, str]
    port: int
    works: bool
    """Its web server has a worker in it; else workers are processes of their own, or there is none."""
    nodes: dict[str, BaseProcess] = field(default_factory=dict[str, BaseProcess])

    async def start(self, name: str, *command: str) -> None:
        """A process of `gatepass`; a server is waited for."""
        log = Path(self.variables["GATEPASS_DATA_DIR"]) / f"{name}.log"
        self.nodes[name] = commands.start(command, self.variables, log, log)
        if command[0] == "serve":
            await self._serves(self.nodes[name])

    async def serve(self) -> None:
        """Its web server, without a worker where workers are processes of their own."""
        alone = () if self.works else ("--no-worker",)
        await self.start("web", "serve", "--port", str(self.port), "--no-migrate", *alone)

    async def work(self, number: int) -> None:
        """One worker."""
        await self.start(f"worker{number}", "worker")

    async def _serves(self, node: BaseProcess) -> None:
        deadline = asyncio.get_running_loop().time() + START_S
        while True:
            assert node.exitcode is None, "it ended by itself"
            assert asyncio.get_running_loop().time() < deadline, "it does not serve"
            try:
                if (await self.here.client.get(f"{self.here.base_url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                await asyncio.sleep(0.05)

    async def kill(self, name: str) -> None:
        """SIGKILL."""
        await kill(self.nodes[name])

    def memory_mb(self, name: str) -> float:
        """Resident."""
        status = Path(f"/proc/{self.nodes[name].pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    async def lease_over(self) -> None:
        """The time has passed after which others take over what the dead had begun; what is given back is due at once.

        What the living have under way stays theirs: they are slow at times, and never slower than a lease.
        """
        living = [f"%-{node.pid}-%" for node in self.nodes.values() if node.exitcode is None]
        await self.here.store.write(lambda tx: _end_leases(tx, living))
        self.here.store.on_jobs()

    async def broken(self, now: datetime | None = None) -> list[str]:
        """Promises that are not kept; as of `now`, where nobody works since then."""
        return await self.here.store.read(partial(_broken, now or datetime.now(UTC)))


def _end_leases(tx: WriteTx, living: list[str]) -> None:
    job = tables.job
    theirs = sa.and_(job.c.owner.is_not(None), sa.or_(sa.false(), *(job.c.owner.like(one) for one in living)))
    held = {str(at) for at in tx.execute(sa.select(job.c.id).where(job.c.state == "ready", theirs)).scalars()}
    tx.execute(
        sa.update(job)
        .where(job.c.state == "ready", sa.not_(sa.func.coalesce(theirs, sa.false())))
        .values(due=datetime.now(UTC) - timedelta(days=1))
    )
    for lane in tx.rows(sa.select(tables.call_lane)):
        taken = {at: until for at, until in lane["taken"].items() if at.partition(":")[0] in held}
        tx.execute(sa.update(tables.call_lane).where(tables.call_lane.c.name == lane["name"]).values(taken=taken))


def _broken(now: datetime, tx: ReadTx) -> list[str]:
    return [line for one in promises.PROMISES for line in promises.broken(tx, one, now)]


@dataclass
class Processes:
    """The pair."""

    dynamics: Side
    completion: Side
    line: Line
    authority: Path

    async def look_anew(self) -> None:
        """Our own view of the completion service has the settings that its processes have now."""
        here = self.completion.here
        await here.installation.close()
        with _trusting(str(self.authority)):
            settings = config.read(self.completion.variables, data_dir=here.installation.settings.data_dir)
            here.installation = app.installation(settings)
        here.store = here.installation.store

    async def outcomes(self) -> dict[UUID, list[str]]:
        """What Dynamics was told of each purchase, and what came of it."""
        told = sa.select(tables.audit).where(tables.audit.c.action == "finalize").order_by(tables.audit.c.id)
        found: dict[UUID, list[str]] = {}
        for row in await self.dynamics.here.store.read(lambda tx: tx.rows(told)):
            found.setdefault(UUID(row["subject"].partition(":")[2]), []).append(row["detail"]["outcome"])
        return found

    async def confirmed(self) -> int:
        """Purchases of which both sides say that they are paid and told."""
        row = tables.remote_purchase.c
        count = sa.select(sa.func.count()).where(row.status == Status.COMPLETED.value, row.told == "completed")
        return await self.completion.here.store.read(lambda tx: int(tx.execute(count).scalar_one()))


@asynccontextmanager
async def processes(
    completion_url: str, dynamics_url: str, directory: Path, *, dynamics_works: bool = True, **variables: str
) -> AsyncIterator[Processes]:
    """Both sides run when it begins: Dynamics in one process, the completion service as a server and two workers.

    `dynamics_works`: mails of Dynamics and the like are made meanwhile.
    """
    authority, secure = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(secure)
    ca = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=60, verify=False))
        there, here = _port(), _port()
        dynamics = await _dynamics(dynamics_url, directory / "dynamics", there, client)
        dynamics.works = dynamics_works
        stack.push_async_callback(_end, dynamics)
        line = await stack.enter_async_context(line_to(dynamics.here.base_url, secure))
        asked = await dynamics.here.store.write(lambda tx: _prepare(tx, f"http://127.0.0.1:{here}"))
        own = {
            "GATEPASS_EVENT_MANAGEMENT": "dataverse", "GATEPASS_DATAVERSE_URL": line.url,
            "GATEPASS_DATAVERSE_AUTHORITY": line.url, "GATEPASS_DATAVERSE_TENANT_ID": str(dynamics.here.organization),
            "GATEPASS_DATAVERSE_CLIENT_ID": str(asked.client_id), "GATEPASS_RETURN_ORIGINS": SITE,
            "GATEPASS_DATAVERSE_CLIENT_SECRET": asked.client_secret, "SSL_CERT_FILE": str(ca),
        } | variables  # fmt: skip
        completion = await _completion(completion_url, directory / "completion", here, client, stack, own)
        stack.push_async_callback(_end, completion)
        pair = Processes(dynamics, completion, line, ca)
        await dynamics.serve()
        await asyncio.gather(completion.serve(), *(completion.work(number) for number in range(WORKERS)))
        yield pair


def _port() -> int:
    with server.listen("127.0.0.1", 0) as listening:
        return listening.getsockname()[1]


async def _dynamics(url: str, directory: Path, port: int, client: httpx.AsyncClient) -> Side:
    directory.mkdir()
    base = f"http://127.0.0.1:{port}"
    wanted = environment(url, base, "http://127.0.0.1:9") | {
        "GATEPASS_DATA_DIR": str(directory), "GATEPASS_API_REQUESTS": "0", "GATEPASS_API_SECONDS": "0",
        "GATEPASS_API_AT_ONCE": "0", "GATEPASS_RECONCILE_MINUTES": "0", "GATEPASS_LOG_LEVEL": "warning",
    }  # fmt: skip
    settings = config.read(wanted, data_dir=directory)
    installation = app.installation(settings)
    store = installation.store
    event_id, provider_id = await store.write(lambda tx: fill(tx, base))
    event = await store.read(lambda tx: events.get(tx, event_id))
    organization: UUID = await store.read(people.organization_id)
    assert event is not None
    nowhere = Sandbox("http://127.0.0.1:9", client)
    view = Running(store, base, organization, client, nowhere, event, provider_id, settings.mail_dir, installation)
    return Side(view, wanted, port, works=True)


def _prepare(tx: WriteTx, base: str) -> applications.Credentials:
    page = f"{base}/GatewayRedirect/PayWithStripe?source=mail&"
    tx.execute(sa.update(tables.payment_provider).values(payment_page_url=page))
    many = {"allocation": 10_000_000}
    tx.execute(sa.update(tables.event_pass).values(**many))
    return applications.add(tx, "Completion", Role.FINALIZER, "test")


async def _completion(
    url: str, directory: Path, port: int, client: httpx.AsyncClient, stack: AsyncExitStack, own: dict[str, str]
) -> Side:
    directory.mkdir()
    listening = server.listen("127.0.0.1", 0)
    base, sandbox_url = f"http://127.0.0.1:{port}", server.address(listening)
    wanted = environment(url, base, sandbox_url) | own | {
        "GATEPASS_DATA_DIR": str(directory), "GATEPASS_SECRET_KEY": "a-secret-key-of-the-tests-that-is-long-enough",
        "GATEPASS_LOG_LEVEL": "error",
    }  # fmt: skip
    with _trusting(own["SSL_CERT_FILE"]):
        installation = app.installation(settings := config.read(wanted, data_dir=directory))
    sandbox = create_app(
        SandboxConfig(directory / "sandbox.db", sandbox_url, STRIPE_KEY, WEBHOOK_SECRET, base + NOTIFY)
    )
    await stack.enter_async_context(server.serving([(sandbox, listening)]))
    view = Running(
        installation.store, base, UUID(int=0), client, Sandbox(sandbox_url, client), None, UUID(int=0),  # type: ignore[arg-type]
        settings.mail_dir, installation,
    )  # fmt: skip
    return Side(view, wanted, port, works=False)


@contextmanager
def _trusting(authority: str) -> Generator[None]:
    """What is opened meanwhile trusts whoever this authority has signed, as the processes do."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = authority
    try:
        yield
    finally:
        os.environ.pop("SSL_CERT_FILE")
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before


async def _end(side: Side) -> None:
    for node in side.nodes.values():
        await kill(node)
    await side.here.installation.close()


# Backlogs


def clone(tx: WriteTx, table: sa.Table, template: OneRow, ids: list[UUID], **own: object) -> None:
    """As many rows as ids, all like the template but for their id and what `own` says of each id."""
    tx.insert_many(
        table,
        [template | {"id": at} | {name: one(at) if callable(one) else one for name, one in own.items()} for at in ids],
    )


async def one_row(store: Store, table: sa.Table, column: sa.ColumnElement[object], value: object) -> OneRow:
    """The row of a table that is to be cloned."""
    return dict((await store.read(lambda tx: tx.rows(sa.select(table).where(column == value))))[0])
