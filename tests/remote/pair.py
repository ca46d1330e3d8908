"""Two Gatepass installations: one plays Dynamics 365, the other is its completion service; a line between them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import sqlalchemy as sa

from gatepass import app, config, server
from gatepass.domain.remote import RemotePurchase
from gatepass.sandbox.app import SandboxConfig, create_app
from gatepass.services import applications
from gatepass.services.access import Role
from gatepass.store import Store, WriteTx, payments, records, remote, tables
from tests import commands
from tests.remote.line import Line, line_to
from tests.running import (
    SITE,
    STRIPE_KEY,
    WEBHOOK_SECRET,
    Order,
    Running,
    Sandbox,
    environment,
    running,
)

THANKS = f"{SITE}/thanks"


@dataclass
class Pair:
    """Both sides, and what a story asks of them."""

    dynamics: Running
    line: Line
    base_url: str
    store: Store
    sandbox: Sandbox
    client: httpx.AsyncClient
    settings: config.Settings
    stack: AsyncExitStack
    variables: dict[str, str]
    others: list[app.Installation] = field(default_factory=list[app.Installation])

    async def register(self, **options: Any) -> Order:
        """At Dynamics' events API; `pay_url` leads to the completion service."""
        return await self.dynamics.register(**options)

    async def open_pay_page(self, order: Order) -> str:
        """Follow the link, as Dynamics would have issued it: without a signature."""
        answer = await self.pay_link(order)
        assert answer.status_code == 302, f"{answer.status_code}: {answer.text}"
        return answer.headers["location"]

    async def pay_link(self, order: Order, return_url: str = THANKS) -> httpx.Response:
        """GET the payment link."""
        params = {"purchaseId": str(order.id), "returnUrl": return_url}
        return await self.client.get(f"{self.base_url}/GatewayRedirect/PayWithStripe", params=params)

    async def pay(self, order: Order) -> Any:
        """Follow the link and pay."""
        return await self.sandbox.pay(await self.open_pay_page(order))

    async def kept(self, order: Order) -> RemotePurchase:
        """Our record of it."""
        found = await self.store.read(lambda tx: remote.get(tx, order.id))
        assert found is not None
        return found

    async def until(self, what: Any, patience_s: float = 20) -> Any:
        """Wait for something to become true."""
        return await self.dynamics.until(what, patience_s)

    async def until_kept(self, order: Order, patience_s: float = 20, **values: Any) -> RemotePurchase:
        """Wait for our record to be as it should."""

        async def is_it() -> RemotePurchase | None:
            row = await self.store.read(lambda tx: remote.get(tx, order.id))
            return row if row and all(getattr(row, name) == value for name, value in values.items()) else None

        return await self.until(is_it, patience_s)

    async def attention(self) -> list[str]:
        """Kinds of what needs a person."""
        return [row["kind"] for row in await self.store.read(records.needing_attention)]

    async def payment_states(self, order: Order) -> list[str]:
        """Of its attempts."""
        return [row.state.value for row in await self.store.read(lambda tx: payments.of_purchase(tx, order.id))]

    async def let_hold_end(self, order: Order) -> None:
        """The completion service's hold is over now."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        ended = sa.update(tables.remote_purchase).where(tables.remote_purchase.c.id == order.id)
        await self.store.write(lambda tx: tx.execute(ended.values(hold_until=past)))
        await self.completion.hasten("sweep_remote_holds")

    @property
    def completion(self) -> Running:
        """The completion service, in the words of one installation."""
        return replace(self.dynamics, store=self.store, sandbox=self.sandbox)

    async def order_page(self, order: Order) -> str:
        """What the buyer reads at the completion service."""
        return await self._buyers_page(order, "")

    async def timeline_page(self, order: Order) -> str:
        """The story of the order, for the buyer; as JSON it is told too."""
        assert (await self.timeline_json(order))["moments"]
        return await self._buyers_page(order, "/timeline")

    async def timeline_json(self, order: Order) -> dict[str, Any]:
        """The same for the buyer's own tools."""
        return json.loads(await self._buyers_page(order, "/timeline.json"))

    async def _buyers_page(self, order: Order, which: str) -> str:
        links = (self.others or [None])[0].desk.links  # type: ignore[union-attr]
        row = await self.kept(order)
        answer = await self.client.get(links.order(row.id, row.created) + which)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def change_dynamics(self, order: Order, **columns: Any) -> None:
        """Straight into Dynamics' table: what happens over there without us."""
        changed = sa.update(tables.purchase).where(tables.purchase.c.id == order.id).values(**columns)
        await self.dynamics.store.write(lambda tx: tx.execute(changed))

    async def forget_over_there(self, order: Order) -> None:
        """Dynamics is as it was before the purchase was completed."""
        await self.dynamics.store.write(lambda tx: _forget(tx, order.id))

    async def answers_again(self) -> None:
        """Dynamics is back, and the rest that the lane takes from it is over."""
        self.line.down = False
        over = sa.update(tables.call_lane).values(paused_until=datetime.now(UTC), next_free=datetime.now(UTC))
        await self.store.write(lambda tx: tx.execute(over))
        await self.completion.hasten("finalize_remote", at_rest=True)

    async def finalizations(self, order: Order) -> list[str]:
        """What Dynamics was told of a purchase, and what came of it, in order."""
        own = sa.select(tables.audit).where(
            tables.audit.c.action == "finalize", tables.audit.c.subject == f"purchase:{order.id}"
        )
        rows = await self.dynamics.store.read(lambda tx: tx.rows(own.order_by(tables.audit.c.at, tables.audit.c.id)))
        return [row["detail"]["outcome"] for row in rows]

    async def check_promises(self) -> None:
        """The promises of both sides, and this side's ledger against the provider's."""
        await self.dynamics.check_promises(all_told=False)
        await self.completion.check_promises()

    async def command(self, *arguments: str) -> tuple[str, str, int]:
        """Run `gatepass ...` against the completion service: what it said, what it complained of, its exit code."""
        words = (*arguments, "--data-dir", str(self.settings.data_dir))
        done = await asyncio.to_thread(commands.gatepass, *words, **self.variables)
        return done.stdout, done.stderr, done.returncode

    async def another(self, **variables: str) -> app.Installation:
        """A second process of the completion service on the same database, with these settings changed."""
        listening = server.listen("127.0.0.1", 0)
        made = app.installation(config.read(self.variables | variables, data_dir=self.settings.data_dir))
        await self.stack.enter_async_context(server.serving([(app.web(made), listening)]))
        self.others.append(made)
        return made


@asynccontextmanager
async def paired(
    database_url: str, dynamics_url: str, directory: Path, **variables: str
) -> AsyncIterator[Pair]:  # fmt: skip
    """Start both, with a sandbox of its own for the completion service."""
    (directory / "dynamics").mkdir()
    (directory / "completion").mkdir()
    async with (
        AsyncExitStack() as stack,
        running(dynamics_url, directory / "dynamics", GATEPASS_API_REQUESTS="0") as dynamics,
        line_to(dynamics.base_url) as line,
        httpx.AsyncClient(timeout=30, verify=False) as client,
    ):
        here, there = server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0)
        base, sandbox_url = server.address(here), server.address(there)
        await _lead_to(dynamics, base)
        asked = await dynamics.store.write(lambda tx: applications.add(tx, "Completion", Role.FINALIZER, "test"))
        own = environment(database_url, base, sandbox_url) | {
            "GATEPASS_EVENT_MANAGEMENT": "dataverse",
            "GATEPASS_DATAVERSE_URL": line.url,
            "GATEPASS_DATAVERSE_AUTHORITY": line.url,
            "GATEPASS_DATAVERSE_TENANT_ID": str(dynamics.organization),
            "GATEPASS_DATAVERSE_CLIENT_ID": str(asked.client_id),
            "GATEPASS_DATAVERSE_CLIENT_SECRET": asked.client_secret,
            "GATEPASS_DATAVERSE_CALLS_PER_S": "50",
            "GATEPASS_RETURN_ORIGINS": SITE,
        }
        settings = config.read(own | variables, data_dir=directory / "completion")
        made = app.installation(settings)
        notify = f"{base}/GatewayEvents/HandleStripeEvent"
        sandbox = create_app(
            SandboxConfig(directory / "completion" / "sandbox.db", sandbox_url, STRIPE_KEY, WEBHOOK_SECRET, notify)
        )
        await stack.enter_async_context(server.serving([(sandbox, there), (app.web(made), here)]))
        yield Pair(
            dynamics,
            line,
            base,
            made.store,
            Sandbox(sandbox_url, client),
            client,
            settings,
            stack,
            own | variables,
            [made],
        )


async def _lead_to(dynamics: Running, base: str) -> None:
    """Dynamics' payment provider names the completion service's page."""
    page = f"{base}/GatewayRedirect/PayWithStripe?source=mail&"
    changed = sa.update(tables.payment_provider).values(payment_page_url=page)
    await dynamics.store.write(lambda tx: tx.execute(changed))


def _forget(tx: WriteTx, purchase_id: UUID) -> None:
    registered = tables.registration.c.purchase_id == purchase_id
    ids = sa.select(tables.registration.c.id).where(registered)
    passes = tables.attendee_pass
    seats = len(list(tx.execute(ids)))
    tx.execute(sa.delete(passes).where(passes.c.registration_id.in_(ids)))
    tx.execute(sa.delete(tables.registration).where(registered))
    tx.execute(sa.update(tables.purchase).where(tables.purchase.c.id == purchase_id).values(status="awaiting_payment"))
    event = sa.select(tables.purchase.c.event_id).where(tables.purchase.c.id == purchase_id).scalar_subquery()
    # It was a word of ours, and no money: a row that stands for nothing stays, as the figures count it.
    tx.execute(sa.update(tables.payment).where(tables.payment.c.purchase_id == purchase_id).values(state="cancelled"))
    moved = {"held": tables.event.c.held + seats, "sold": tables.event.c.sold - seats}
    tx.execute(sa.update(tables.event).where(tables.event.c.id == event).values(**moved))
    own = sa.select(tables.attendee.c.pass_id).where(tables.attendee.c.purchase_id == purchase_id).limit(1)
    sold = {"held": tables.event_pass.c.held + seats, "sold": tables.event_pass.c.sold - seats}
    tx.execute(sa.update(tables.event_pass).where(tables.event_pass.c.id == own.scalar_subquery()).values(**sold))
