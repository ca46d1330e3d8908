"""A whole Gatepass with its sandbox on real sockets, and the words in which the stories are told."""

import asyncio
import email
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import sqlalchemy as sa

from gatepass import app, config, server
from gatepass.domain.event import Event, EventStatus
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment
from gatepass.domain.refund import Refund
from gatepass.sandbox.app import SandboxConfig, create_app
from gatepass.services import access, passwords, refunds, setup, switches
from gatepass.services.setup import NewEvent
from gatepass.store import (
    ReadTx,
    Store,
    WriteTx,
    disputes,
    events,
    payments,
    people,
    promises,
    purchases,
    records,
    tables,
)
from gatepass.store import refunds as refund_record
from gatepass.store.purchases import AttendeeRow, Purchase
from tests import commands

TOKEN = "public-token-of-the-site"
API_TOKEN = "secret-token-of-a-program"
STRIPE_KEY = "sk_test_51gatepass"
WEBHOOK_SECRET = "whsec_gatepass"
STAFF = ("anna@contoso.example", "correct horse battery staple")
SITE = "https://www.contoso.example"
PATIENCE_S = 20.0
COMMAND_PATIENCE_S = 50.0
NOTIFY = "/GatewayEvents/HandleStripeEvent"


@dataclass(frozen=True, slots=True)
class Order:
    """What a registration answered."""

    id: UUID
    status: str
    pay_url: str
    email: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The payment sandbox, by its control API."""

    url: str
    client: httpx.AsyncClient

    async def control(self, what: str, **body: Any) -> Any:
        """POST /_sandbox/{what}"""
        answer = await self.client.post(f"{self.url}/_sandbox/{what}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def look(self, what: str) -> Any:
        """GET /_sandbox/{what}"""
        answer = await self.client.get(f"{self.url}/_sandbox/{what}")
        assert answer.is_success, answer.text
        return answer.json()

    async def pay(self, page_url: str, card: str = "4242424242424242", **more: Any) -> Any:
        """Do what a buyer does on the hosted page."""
        return await self.control("pay", session=page_url, card=card, **more)

    async def stripe(self, path: str, **params: Any) -> Any:
        """GET /v1/{path}, as the merchant."""
        headers = {"Authorization": f"Bearer {STRIPE_KEY}"}
        answer = await self.client.get(f"{self.url}/v1/{path}", params=params, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    async def events(self, page_url: str = "") -> list[Any]:
        """Every event there was, the oldest first; of one session only when its page is named."""
        told = await self.stripe("events", limit=100)
        session = page_url.rpartition("/")[2]
        found = [event for event in reversed(told["data"]) if session in json.dumps(event)]
        intents = {event["data"]["object"].get("payment_intent") for event in found} - {None}
        return [
            event for event in reversed(told["data"])
            if any(name in json.dumps(event) for name in {session, *intents})
        ]  # fmt: skip

    async def hold_deliveries(self) -> None:
        """Keep notifications back until `deliver`."""
        await self.control("faults", deliveries={"mode": "hold"})

    async def drop_deliveries(self) -> None:
        """Notifications never come."""
        await self.control("faults", deliveries={"mode": "drop"})

    async def deliver(self, *, times: int = 1, shuffled: bool = False) -> Any:
        """Send what was kept back, each so many times."""
        return await self.control("flush", times=times, shuffled=shuffled)


@dataclass
class Running:
    """One installation under test."""

    store: Store
    base_url: str
    organization: UUID
    client: httpx.AsyncClient
    sandbox: Sandbox
    event: Event
    provider_id: UUID
    mail_dir: Path
    installation: app.Installation

    @property
    def api(self) -> str:
        """The events API of today."""
        return f"{self.base_url}/api/v1.0/orgs/{self.organization}/eventmanagement"

    def pass_id(self, name: str) -> UUID:
        """A pass of the event by its name."""
        return next(one.id for one in self.event.passes if one.name == name)

    async def post_registration(self, body: Any, **options: Any) -> httpx.Response:
        """POST events/{id}/registrations, as a site does."""
        event = options.pop("event", self.event.readable_id)
        url = f"{self.api}/events/{event}/registrations"
        return await self.client.post(url, params={"emApplicationtoken": TOKEN}, json=body, **options)

    def body(self, *, seats: int = 1, pass_name: str = "Full", email: str | None = None) -> dict[str, Any]:
        """A registration of some people."""
        person = {"firstName": "Ada", "lastName": "Byron", "passId": str(self.pass_id(pass_name))}
        first = email or f"ada-{uuid4().hex[:8]}@example.org"
        return {
            "attendees": [person | {"email": first}]
            + [person | {"email": f"guest{i}@example.org"} for i in range(1, seats)]
        }

    async def register(self, *, seats: int = 1, pass_name: str = "Full", **options: Any) -> Order:
        """Register and expect to be told where to pay, or that it is free."""
        body = self.body(seats=seats, pass_name=pass_name)
        answer = await self.post_registration(body, **options)
        assert answer.status_code == 200, answer.text
        said = answer.json()
        return Order(UUID(said["purchaseId"]), said["status"], said["redirectUrl"] or "", body["attendees"][0]["email"])

    async def open_pay_page(self, order: Order) -> str:
        """Follow the payment link; the address of the provider's page."""
        answer = await self.client.get(order.pay_url)
        assert answer.status_code == 302, f"{answer.status_code}: {answer.text}"
        return answer.headers["location"]

    async def pay(self, order: Order, card: str = "4242424242424242", **more: Any) -> Any:
        """Follow the link and pay on the provider's page."""
        return await self.sandbox.pay(await self.open_pay_page(order), card, **more)

    async def finalize(self, purchase_id: UUID | str, status: Any, token: str = API_TOKEN) -> httpx.Response:
        """The custom API, as a program calls it."""
        return await self.client.post(
            f"{self.base_url}/api/data/v9.1/msevtmgt_finalizeregistrationpayment",
            json={"msevtmgt_purchaseid": str(purchase_id), "msevtmgt_paymentstatus": status},
            headers={"Authorization": f"Bearer {token}"},
        )

    async def at(self, *passes: tuple[str, int, int], **changes: Any) -> "Running":
        """The same system, looking at another event: (name, price in minor units, allocation) of each pass."""

        def made(tx: WriteTx) -> UUID:
            event_id, _ = setup.add_event(tx, summit(self.provider_id, **changes))
            for name, minor, allocation in passes:
                setup.add_pass(tx, event_id, name, "", Money(minor, changes.get("currency", "EUR")), allocation)
            return event_id

        event_id = await self.store.write(made)
        event = await self.store.read(lambda tx: events.get(tx, event_id))
        assert event is not None
        return replace(self, event=event)

    async def change_event(self, **columns: Any) -> None:
        """Straight into the table: for what staff would do, and for time that has passed."""
        changed = sa.update(tables.event).where(tables.event.c.id == self.event.id).values(**columns)
        await self.store.write(lambda tx: tx.execute(changed))

    async def notify(
        self, event: Any, *, secret: str = WEBHOOK_SECRET, age_s: float = 0, path: str = NOTIFY, **options: Any
    ) -> httpx.Response:
        """Send an event (or any raw body) as Stripe does, signed."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = {"Stripe-Signature": signature(body, secret, int(time.time() - age_s))} | options.pop("headers", {})
        return await self.client.post(f"{self.base_url}{path}", content=body, headers=headers, **options)

    async def notifications(self) -> dict[str, tuple[str, str | None]]:
        """What became of every notification: event id -> (state, reason)."""
        kept = tables.notification.c
        rows = await self.store.read(lambda tx: tx.rows(sa.select(kept.event_ref, kept.state, kept.reason)))
        return {row["event_ref"]: (row["state"], row["reason"]) for row in rows}

    async def purchase(self, purchase_id: UUID) -> Purchase:
        """The purchase as it is stored now."""
        found = await self.store.read(lambda tx: purchases.get(tx, purchase_id))
        assert found is not None
        return found

    async def payments(self, purchase_id: UUID) -> list[Payment]:
        """Its attempts."""
        return await self.store.read(lambda tx: payments.of_purchase(tx, purchase_id))

    async def tickets(self, purchase_id: UUID) -> list[AttendeeRow]:
        """Its people, with their codes."""
        return await self.store.read(lambda tx: purchases.tickets(tx, purchase_id))

    async def attention(self) -> list[str]:
        """Kinds of what needs a person."""
        return [row["kind"] for row in await self.store.read(records.needing_attention)]

    async def pass_now(self, name: str) -> Any:
        """A pass with its counters as they are now."""
        event = await self.store.read(lambda tx: events.get(tx, self.event.id))
        assert event is not None
        return next(one for one in event.passes if one.name == name)

    def mails_to(self, address: str) -> list[str]:
        """Subjects of the mails that were sent to somebody."""
        found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in self.mail_dir.glob("*.eml")]
        return [str(mail["subject"]) for mail in found if address in str(mail["to"])]

    async def until(self, what: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Wait for something to become true; `what` may be async."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while True:
            found = what()
            found = await found if asyncio.iscoroutine(found) else found
            if found:
                return found
            assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
            await asyncio.sleep(0.02)

    async def until_status(self, order: Order, status: str) -> None:
        """Wait for a purchase to be what it should become."""

        async def is_it() -> bool:
            return (await self.purchase(order.id)).status.value == status

        await self.until(is_it)

    async def until_quiet(self) -> None:
        """Wait until nothing is left to do but to wait for others."""

        async def quiet() -> bool:
            return not await self.store.read(_due_jobs)

        await self.until(quiet)

    async def let_hold_end(self, order: Order) -> None:
        """The hold of a purchase is over now, and it is the moment to look for such."""
        ended = sa.update(tables.purchase).where(tables.purchase.c.id == order.id)
        past = datetime.now(UTC) - timedelta(seconds=1)
        await self.store.write(lambda tx: tx.execute(ended.values(hold_until=past)))
        await self.hasten("sweep_holds")

    async def free_the_seats_of(self, order: Order) -> None:
        """The hold ends, and nobody has heard that the page was paid: as after an expiry that crossed the payment."""
        unheard = sa.update(tables.payment).where(tables.payment.c.purchase_id == order.id).values(state="expired")
        await self.store.write(lambda tx: tx.execute(unheard))
        await self.let_hold_end(order)
        await self.until_status(order, "expired")

    async def lost_page(self, order: Order) -> str:
        """A page that was opened at the provider for the first payment of an order, by a call whose answer was lost."""
        (payment, *_) = await self.payments(order.id)
        names = {"[order_id]": str(order.id), "[payment_id]": str(payment.id)}
        data = {
            "mode": "payment", "success_url": "http://localhost/", "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": payment.amount.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(payment.amount.minor),
            "line_items[0][price_data][product_data][name]": "Pass",
            **{f"metadata{name}": value for name, value in names.items()},
            **{f"payment_intent_data[metadata]{name}": value for name, value in names.items()},
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {STRIPE_KEY}"}
        answer = await self.client.post(f"{self.sandbox.url}/v1/checkout/sessions", headers=headers, data=data)
        return answer.json()["url"]

    async def refund(self, order: Order, **wanted: Any) -> list[Refund]:
        """What staff does when a buyer wants the money back."""
        wish = refunds.Wish(order.id, wanted.pop("reason", "Asked for it"), "anna", **wanted)
        return await refunds.refund(self.store, self.installation.desk.management, wish)

    async def refunds(self, order: Order) -> list[Refund]:
        """Its refunds, the first one first."""
        return await self.store.read(lambda tx: refund_record.of_purchases(tx, [order.id]))

    async def until_refunded(self, order: Order, *states: str) -> list[Refund]:
        """Wait until its refunds stand like this."""

        async def done() -> list[Refund] | None:
            found = await self.refunds(order)
            return found if [one.state.value for one in found] == list(states) else None

        return await self.until(done)

    async def paid(self, card: str = "4242424242424242", **wanted: Any) -> Order:
        """An order that is paid and confirmed."""
        order = await self.register(**wanted)
        await self.pay(order, card)
        await self.until_status(order, "completed")
        return order

    async def command(self, *arguments: str) -> tuple[str, str, int]:
        """Run `gatepass ...` against this installation: what it said, what it complained of, its exit code."""
        settings = self.installation.settings
        variables = environment(settings.database_url, settings.base_url, settings.stripe_api_base)
        words = (*arguments, "--data-dir", str(settings.data_dir))
        done = await asyncio.to_thread(commands.gatepass, *words, **variables)
        return done.stdout, done.stderr, done.returncode

    async def look_up_now(self) -> None:
        """The next planned look at open payments is due now."""
        await self.hasten("look_up_payment")

    async def delay(self, kind: str) -> None:
        """A repeating job does not come by itself for a while."""
        at_rest = sa.update(tables.job).where(tables.job.c.kind == kind, tables.job.c.owner.is_(None))
        later = at_rest.values(due=datetime.now(UTC) + timedelta(hours=1))

        async def put_off() -> bool:
            return await self.store.write(lambda tx: bool(tx.execute(later).rowcount))

        await self.until(put_off)

    async def hasten(self, kind: str, *, at_rest: bool = False) -> None:
        """Jobs of a kind that wait for their time are due now. `at_rest`: only those that nobody is at."""
        due = sa.update(tables.job).where(tables.job.c.kind == kind, tables.job.c.state == "ready")
        due = due.where(tables.job.c.owner.is_(None)) if at_rest else due
        await self.store.write(lambda tx: tx.execute(due.values(due=datetime.now(UTC) - timedelta(seconds=1))))
        self.store.on_jobs()

    async def check_promises(self, *, all_told: bool = True) -> None:
        """Every promise of the product, as a query; and our ledger against the provider's when we were told all."""
        await self.until_quiet()
        now = datetime.now(UTC)
        for promise in promises.PROMISES:
            found = await self.store.read(lambda tx, promise=promise: promises.broken(tx, promise, now))
            assert not found, f"promise {promise.number} is broken: {promise.says}: {found}"
        if all_told:
            await self._compare_ledgers()

    async def _compare_ledgers(self) -> None:
        """Promise 1: what the provider took is what we know of, or what stands in needs attention."""
        theirs: dict[str, int] = {}
        for line in await self.sandbox.look("ledger"):
            if (line.get("metadata") or {}).get("order_id"):
                at = line["metadata"]["order_id"]
                taken = line["dispute_withdrawn"] - line["dispute_reinstated"]
                theirs[at] = theirs.get(at, 0) + line["amount_received"] - line["amount_refunded"] - taken
        ours = await self.store.read(_money_by_purchase)
        open_questions = await self.store.read(_in_question)
        differ = {at: (theirs.get(at, 0), ours.get(at, 0)) for at in {*theirs, *ours}}
        assert not {at: pair for at, pair in differ.items() if pair[0] != pair[1] and at not in open_questions}


def _due_jobs(tx: ReadTx) -> bool:
    job = tables.job.c
    at_once = job.kind.in_(
        ("apply_notification", "end_payment", "send_confirmation", "send_refund_mail", "refund_event")
    )
    under_way = job.owner.is_not(None)
    waiting = sa.select(sa.func.count()).where(
        job.state == "ready", at_once | under_way | (job.due <= datetime.now(UTC))
    )
    repeating = ("sweep_holds", "seat_waiting", "seat_waitlist", "keep_pictures")
    return bool(tx.execute(waiting.where(job.kind.not_in(repeating))).scalar_one())


def _money_by_purchase(tx: ReadTx) -> Mapping[str, int]:
    payment = tables.payment.c
    paid = sa.select(payment.purchase_id, sa.func.sum(payment.amount_minor).label("paid"))
    paid = paid.where(payment.state == "succeeded", payment.provider == "stripe").group_by(payment.purchase_id)
    money = {str(row["purchase_id"]): int(row["paid"]) for row in tx.rows(paid)}
    refund = tables.refund.c
    back = sa.select(refund.purchase_id, sa.func.sum(refund.amount_minor).label("back")).group_by(refund.purchase_id)
    for row in tx.rows(back.where(refund.state.in_(("processing", "succeeded")), refund.provider == "stripe")):
        money[str(row["purchase_id"])] -= int(row["back"])
    dispute = tables.dispute.c
    taken = sa.select(dispute.purchase_id, sa.func.sum(dispute.amount_minor).label("taken")).where(disputes.COUNTING)
    for row in tx.rows(taken.group_by(dispute.purchase_id)):
        money[str(row["purchase_id"])] -= int(row["taken"])
    return money


def _in_question(tx: ReadTx) -> set[str]:
    """Purchases that a person was, or is, asked about."""
    asked = sa.select(tables.attention.c.purchase_id).where(tables.attention.c.purchase_id.is_not(None))
    return {str(at) for at in tx.execute(asked).scalars()}


@asynccontextmanager
async def running(
    database_url: str, directory: Path, *, with_worker: bool = True, **variables: str
) -> AsyncIterator[Running]:
    """Start sandbox and Gatepass on free ports, with one event that is on sale."""
    here, there = server.listen("127.0.0.1", 0), server.listen("127.0.0.1", 0)
    base, sandbox_url = server.address(here), server.address(there)
    settings = config.read(environment(database_url, base, sandbox_url) | variables, data_dir=directory)
    installation = app.installation(settings)
    event_id, provider_id = await installation.store.write(lambda tx: fill(tx, base))
    event = await installation.store.read(lambda tx: events.get(tx, event_id))
    organization = await installation.store.read(people.organization_id)
    assert event is not None
    notify = f"{base}/GatewayEvents/HandleStripeEvent"
    sandbox = create_app(SandboxConfig(directory / "sandbox.db", sandbox_url, STRIPE_KEY, WEBHOOK_SECRET, notify))
    served: Sequence[server.Served] = [(sandbox, there), (app.web(installation, with_worker=with_worker), here)]
    async with server.serving(served), httpx.AsyncClient(timeout=30, verify=False) as client:
        yield Running(
            installation.store, base, organization, client, Sandbox(sandbox_url, client), event, provider_id,
            settings.mail_dir, installation,
        )  # fmt: skip


def environment(database_url: str, base: str, sandbox: str) -> dict[str, str]:
    """Variables of an installation that uses this sandbox."""
    return {
        "GATEPASS_DATABASE_URL": database_url,
        "GATEPASS_BASE_URL": base,
        "GATEPASS_STRIPE_API_BASE": sandbox,
        "GATEPASS_STRIPE_SECRET_KEY": STRIPE_KEY,
        "GATEPASS_STRIPE_WEBHOOK_SECRET": f"whsec_older,{WEBHOOK_SECRET}",
        # Stories of webhooks and look-ups are told without anybody else's help; test_pull puts it on.
        "GATEPASS_PULL_SECONDS": "0",
    }


def fill(tx: WriteTx, base: str) -> tuple[UUID, UUID]:
    """One event on sale in euro: a full pass, a rare one, a free one."""
    provider = setup.add_provider(tx, "Stripe", "stripe", f"{base}/GatewayRedirect/PayWithStripe?source=mail&")
    switches.put(tx, switches.PAYMENTS, to=True, actor="test")
    setup.add_web_application(tx, "Site", [SITE, "http://localhost:*"], TOKEN)
    access.add_program(tx, "program", "finalizer", API_TOKEN)
    access.add_program(tx, "reader", "viewer", "token-of-a-reader")
    access.add_staff(tx, STAFF[0], "Anna", hash_of(STAFF[1]), "administrator")
    event_id, _ = setup.add_event(tx, summit(provider))
    setup.add_pass(tx, event_id, "Full", "Both days", Money(12050, "EUR"), 1000)
    setup.add_pass(tx, event_id, "Rare", "A small group", Money(24900, "EUR"), 10)
    setup.add_pass(tx, event_id, "Free", "Online", Money(0, "EUR"), 1000)
    return event_id, provider


@cache
def hash_of(password: str) -> str:
    """Slow on purpose: once in a run of the tests, and not once in each."""
    return passwords.hashed(password)


def summit(provider: UUID | None, **changes: Any) -> NewEvent:
    """An event that is on sale, unless changed."""
    event = NewEvent(
        name="Contoso Summit",
        description="Two days.",
        place="Berlin",
        image_url=None,
        currency="EUR",
        starts=datetime(2027, 6, 10, 9),
        ends=datetime(2027, 6, 11, 17),
        time_zone="Europe/Berlin",
        provider_id=provider,
        status=EventStatus.LIVE,
    )
    return replace(event, **changes)


def signature(body: bytes, secret: str, at: int) -> str:
    """`Stripe-Signature` of a body sent at `at`, by docs.stripe.com/webhooks."""
    return f"t={at},v1={hmac.digest(secret.encode(), b'%d.' % at + body, 'sha256').hex()}"


def query(url: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def altered(url: str) -> str:
    """The address with another signature at its end: of the very last character, not every bit counts."""
    return f"{url[:-9]}{'A' if url[-9] != 'A' else 'B'}{url[-8:]}"
