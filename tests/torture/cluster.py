"""An installation whose processes can be killed; the harness looks at it from outside and holds sandbox and line."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

import httpx

from gatepass import app, config, server
from gatepass.sandbox.app import SandboxConfig, create_app
from gatepass.store import events, people
from tests import commands
from tests.running import NOTIFY, STRIPE_KEY, WEBHOOK_SECRET, Running, Sandbox, environment, fill
from tests.torture.proxy import Proxy, proxying
from tests.torture.settling import hasten_all

START_S = 30.0


@dataclass
class Cluster:
    """Processes on one database; `here` is the harness's own view of it."""

    here: Running
    line: Proxy
    port: int
    variables: dict[str, str]
    points: Path
    target: Path
    nodes: list[BaseProcess] = field(default_factory=list[BaseProcess])

    async def start(self, *options: str) -> None:
        """`gatepass serve`; returns once it serves."""
        self.nodes = [node for node in self.nodes if node.exitcode is None]
        node = self.run("serve", "--port", str(self.port), *options)
        deadline = asyncio.get_running_loop().time() + START_S
        while not await self._serves():
            assert node.exitcode is None, "it ended by itself"
            assert asyncio.get_running_loop().time() < deadline, "it does not serve"
            await asyncio.sleep(0.05)

    def run(self, *command: str) -> BaseProcess:
        """Any other command."""
        log = self.points.with_name("nodes.log")
        node = commands.start(command, self.variables, log, log, main="tests.torture.node")
        self.nodes.append(node)
        return node

    async def _serves(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return (await self.here.client.get(f"{self.here.base_url}/readyz")).status_code == 200
        return False

    async def kill(self) -> None:
        """All of them, with no goodbye."""
        for node in self.nodes:
            await kill(node)

    def alive(self) -> bool:
        """False once a node was killed; a command that has ended is none."""
        return all(node.exitcode != -signal.SIGKILL for node in self.nodes)

    def die_at(self, point: str) -> None:
        """The next node that passes it dies; an empty point: none does."""
        self.target.write_text(point)

    def passed(self) -> list[str]:
        """Points since the last time it was asked, in order, each once."""
        found = list(dict.fromkeys(self.points.read_text().splitlines()))
        self.points.write_text("")
        return found

    async def at_a_call(self, point: str) -> None:
        """A call to the provider is about to be forwarded, or its answer to be passed on: points like any other."""
        with self.points.open("a") as written:
            written.write(f"{point}\n")
        if self.target.read_text() == point:
            await self.kill()
            raise ConnectionAbortedError("Nobody asks any more.")

    async def until(self, what: Callable[[], Awaitable[bool]], patience_s: float = 10.0) -> bool:
        """Wait for something to become true, or for a death; whether it became true."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while self.alive() and asyncio.get_running_loop().time() < deadline:
            if await what():
                return True
            await asyncio.sleep(0.02)
        return False

    async def lease_over(self) -> None:
        """The minute has passed after which another node takes over what the dead one had begun."""
        await hasten_all(self.here)


async def kill(node: BaseProcess) -> None:
    """SIGKILL, and wait for the end."""
    node.kill()
    await commands.ended(node)


@asynccontextmanager
async def cluster(database_url: str, directory: Path, **variables: str) -> AsyncIterator[Cluster]:
    """An installation with one event on sale, and no process yet."""
    reserved, there = server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0)
    base, sandbox_url, port = server.address(reserved), server.address(there), reserved.getsockname()[1]
    reserved.close()
    sandbox = create_app(
        SandboxConfig(directory / "sandbox.db", sandbox_url, STRIPE_KEY, WEBHOOK_SECRET, base + NOTIFY)
    )
    points, target = directory / "points", directory / "target"
    points.touch()
    target.touch()
    async with (
        proxying(sandbox_url) as line,
        server.serving([(sandbox, there)]),
        httpx.AsyncClient(timeout=30, verify=False) as client,
    ):
        wanted = environment(database_url, base, line.url) | variables | {
            "GATEPASS_DATA_DIR": str(directory), "TORTURE_POINTS": str(points),
            "TORTURE_TARGET": str(target),
        }  # fmt: skip
        here = await _view(wanted, directory, client, Sandbox(sandbox_url, client))
        system = Cluster(here, line, port, wanted, points, target)
        line.passing = system.at_a_call
        try:
            yield system
        finally:
            await system.kill()
            await here.installation.close()


async def _view(wanted: dict[str, str], directory: Path, client: httpx.AsyncClient, sandbox: Sandbox) -> Running:
    settings = config.read(wanted, data_dir=directory)
    installation = app.installation(settings)
    store = installation.store
    event_id, provider_id = await store.write(lambda tx: fill(tx, settings.base_url))
    event = await store.read(lambda tx: events.get(tx, event_id))
    organization: UUID = await store.read(people.organization_id)
    assert event is not None
    return Running(
        store, settings.base_url, organization, client, sandbox, event, provider_id, settings.mail_dir, installation
    )
