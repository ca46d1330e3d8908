"""The composition root: the only place where everything meets."""

import gc
import ipaddress
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette

from gatepass.config import STRIPE_API, SettingError, Settings
from gatepass.dataverse import Certificate, Connection, Dataverse, ManagedIdentity
from gatepass.dataverse.certificate import BadCertificate
from gatepass.domain.payment import Way
from gatepass.providers.base import PaymentProvider
from gatepass.providers.stripe import Opening, Stripe
from gatepass.services import accounts, connecting, mode, upkeep
from gatepass.services.access import Role
from gatepass.services.applications import Tokens
from gatepass.services.checkout import Desk
from gatepass.services.connecting import Keys
from gatepass.services.connection import Place
from gatepass.services.connections import Connections
from gatepass.services.deliveries import Postman
from gatepass.services.identity import IdentityProvider
from gatepass.services.links import Links
from gatepass.services.mail import MailDirectory, Mailer, MailServer
from gatepass.services.management import OwnEventManagement
from gatepass.services.outbound import Outbound
from gatepass.services.payments import Ledger
from gatepass.services.pictures import Pictures
from gatepass.services.remote import lane
from gatepass.services.remote.lane import RemoteLane
from gatepass.services.remote.management import LateMoney, RemoteEventManagement, Terms
from gatepass.services.secrets import Sealer, Vault
from gatepass.services.sites import WebApplications
from gatepass.services.upkeep import Plan
from gatepass.store import Store, migrations, people
from gatepass.web.application import web_application
from gatepass.web.dataverse.protection import Limits, Protection
from gatepass.web.pages.throttle import ORDERS_WINDOW_S, Throttle
from gatepass.web.proxies import Proxies
from gatepass.web.site import Site
from gatepass.worker import Worker

if TYPE_CHECKING:
    import asyncio

_STRIPE_PAGES = ("https://checkout.stripe.com", "https://buy.stripe.com")


@dataclass(frozen=True, slots=True)
class Remote:
    """A Dataverse of somebody's Dynamics 365, and what was agreed on about it."""

    dataverse: Dataverse
    terms: Terms


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything one process works with."""

    settings: Settings
    store: Store
    desk: Desk
    mailer: Mailer
    postman: Postman
    pictures: Pictures
    plan: Plan
    connections: Connections
    remote: Remote | None
    """The Dataverse where purchases live; None: they live here."""

    async def close(self) -> None:
        """Let go of connections; what waits is finished first."""
        await self.connections.close()
        if self.remote:
            await self.remote.dataverse.close()
        self.store.close()


def installation(settings: Settings) -> Installation:
    """Open the database and connect the providers. Calls nobody."""
    store = Store.open(settings.database_url)
    links = Links(settings.base_url, settings.secret_key)
    connected, remote = providers(settings), remote_of(settings)
    management = (
        RemoteEventManagement(store, remote.dataverse, links, remote.terms)
        if remote
        else OwnEventManagement(store, links)
    )
    desk = Desk(store, management, Ledger(store, management, settings.most_declines), connected, links)
    mailer = Mailer(store, links, _post(settings), settings.mail_from)
    connections = Connections(store, vault(settings), connected, lambda keys: providers(settings, keys))
    pictures = Pictures(store, outbound(settings))
    return Installation(
        settings, store, desk, mailer, postman(settings, store), pictures, plan(settings), connections, remote
    )


def vault(settings: Settings) -> Vault:
    """Secrets that staff gives."""
    return Vault(Sealer(settings.secret_key))


def postman(settings: Settings, store: Store) -> Postman:
    """Who brings webhooks to their endpoints."""
    return Postman(store, Sealer(settings.secret_key), outbound(settings))


def outbound(settings: Settings) -> Outbound:
    """Calls to addresses that others chose."""
    return Outbound(allow_private=settings.webhooks_allow_private)


def web(here: Installation, *, with_worker: bool = True) -> Starlette:
    """The whole system in one process, or without the worker when that runs elsewhere."""
    return web_application(_site(here), lambda _: _lifespan(here, with_worker=with_worker))


def first_link(here: Installation) -> str | None:
    """Where the first administrator makes an account; None once there is anybody."""
    return here.store.read_now(lambda tx: accounts.first_link(tx, here.desk.links, people.organization_id(tx)))


def new_worker(here: Installation) -> Worker:
    """A share of this installation's work; `run` begins it."""
    lane = RemoteLane(here.store, here.remote.dataverse, here.remote.terms) if here.remote else None
    return Worker(here.desk, here.mailer, here.postman, here.pictures, here.plan, lane)


@asynccontextmanager
async def _lifespan(here: Installation, *, with_worker: bool) -> AsyncGenerator[None]:
    import asyncio

    await mode.tell(here.store, live=here.settings.live)
    await here.connections.refresh()
    worker = new_worker(here)
    running = asyncio.create_task(worker.run()) if with_worker else None
    watching = _watch(here)
    # What start-up made stays for ever: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        watching.cancel()
        worker.stop()
        if running:
            await running
        await here.close()


def _watch(here: Installation) -> "asyncio.Task[None]":
    """Look for keys that staff gives, as long as this runs; a provider that is new has its work planned."""
    import asyncio

    async def changed() -> None:
        await here.store.write(lambda tx: upkeep.schedule(tx, here.plan, here.desk.providers))

    return asyncio.create_task(here.connections.watch(changed))


def _site(here: Installation) -> Site:
    settings = here.settings
    return Site(
        desk=here.desk,
        applications=WebApplications(here.store),
        organization=str(here.store.read_now(people.organization_id)),
        migrated=migrations.head(),
        payment_origins=_payment_origins(settings),
        secure_cookies=settings.base_url.startswith("https://"),
        live=settings.live,
        terms=here.remote.terms if here.remote else None,
        proxies=Proxies(tuple(ipaddress.ip_network(text) for text in settings.trusted_proxies)),
        tokens=Tokens(settings.secret_key),
        protection=Protection(Limits(settings.api_requests, settings.api_seconds, settings.api_at_once)),
        vault=vault(settings),
        connections=here.connections,
        place=place(settings),
        identity=identity(settings),
        more_time=timedelta(minutes=settings.more_time_minutes),
        orders=Throttle(settings.orders_per_client, ORDERS_WINDOW_S),
        second_factor_required=settings.staff_second_factor == "required",
    )


def identity(settings: Settings) -> IdentityProvider | None:
    """Where staff may sign in elsewhere. Calls nobody."""
    if settings.oidc_issuer is None:
        return None
    return IdentityProvider(
        name=settings.oidc_name,
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        redirect_uri=f"{settings.base_url}/staff/sign-in/back",
        role_claim=settings.oidc_role_claim,
        roles={value: Role.of(role) for value, role in settings.oidc_roles.items()},
    )


def _payment_origins(settings: Settings) -> tuple[str, ...]:
    """Where a form of ours may lead to: our own address, whichever name the buyer came by, and the provider's pages."""
    own, provider = (_origin(url) for url in (settings.base_url, settings.stripe_api_base))
    return (own, *(_STRIPE_PAGES if provider == _origin(STRIPE_API) else (provider,)))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def plan(settings: Settings) -> Plan:
    """How this installation looks after itself."""
    pull_every = timedelta(seconds=settings.pull_seconds) if settings.pull_seconds else None
    reconcile_every = timedelta(minutes=settings.reconcile_minutes) if settings.reconcile_minutes else None
    kept = timedelta(days=settings.keep_notifications_days)
    return Plan(pull_every, kept, reconcile_every, settings.report_to, settings.remote)


def remote_of(settings: Settings) -> Remote | None:
    """The Dataverse that this installation serves. Calls nobody."""
    if not settings.remote:
        return None
    url = settings.dataverse_url or ""
    terms = Terms(
        url=url,
        provider="stripe",
        live=settings.live,
        hold=timedelta(minutes=settings.dataverse_hold_minutes),
        way=Way(settings.dataverse_payment_way),
        late=LateMoney(settings.dataverse_late_money),
        return_origins=settings.return_origins,
        rules=lane.rules(settings.dataverse_calls_per_s, settings.dataverse_at_once),
    )
    return Remote(Dataverse(url, _credential(settings, url)), terms)


def _credential(settings: Settings, url: str) -> Connection | ManagedIdentity:
    """How tokens for the environment at `url` are asked for."""
    if given := settings.dataverse_managed_identity:
        return ManagedIdentity(url, given.client_id, given.endpoint, given.header)
    return Connection(
        settings.dataverse_authority,
        settings.dataverse_tenant_id or "",
        settings.dataverse_client_id or "",
        _proof(settings),
        f"{url}/.default",
    )


def _proof(settings: Settings) -> str | Certificate:
    """How we say who we are. Raises SettingError for a file that holds no certificate."""
    if settings.dataverse_client_certificate is None:
        return settings.dataverse_client_secret or ""
    try:
        return Certificate(settings.dataverse_client_certificate)
    except (BadCertificate, OSError) as error:
        raise SettingError(f"GATEPASS_DATAVERSE_CLIENT_CERTIFICATE: {error}") from error


def place(settings: Settings) -> Place:
    """Where this installation stands, for whoever checks its connections."""
    return Place(settings.base_url, settings.live, plan(settings).pull_every)


def providers(settings: Settings, keys: Keys | None = None) -> dict[str, PaymentProvider]:
    """The payment providers that are connected, by name; `keys`: what staff gave counts first. Calls nobody.

    In front of a Dataverse the settings alone count: there is no page that shows what staff gave.
    """
    keys = None if settings.remote else keys
    secret_key = keys.secret_key if keys else settings.stripe_secret_key
    if secret_key is None:
        return {}
    stripe = Stripe(
        secret_key,
        (*settings.stripe_webhook_secret, *(keys.webhook_secrets if keys else ())),
        settings.stripe_api_base,
        Opening(settings.stripe_opening),
        settings.provider_calls_per_s,
        settings.stripe_publishable_key,
    )
    return {stripe.name: stripe}


def connected(settings: Settings, store: Store) -> dict[str, PaymentProvider]:
    """The same with the keys that staff gave, as every process uses them. Raises Refused when they cannot be read."""
    return providers(settings, store.read_now(lambda tx: connecting.newest(tx, vault(settings))))


def _post(settings: Settings) -> MailDirectory | MailServer:
    if settings.smtp_host is None:
        return MailDirectory(settings.mail_dir)
    return MailServer(
        settings.smtp_host, settings.smtp_port, settings.smtp_username, settings.smtp_password, settings.smtp_tls
    )


async def work(settings: Settings) -> None:
    """The worker alone, until SIGINT or SIGTERM."""
    import asyncio
    import signal

    here = installation(settings)
    await here.connections.refresh()
    worker, watching = new_worker(here), _watch(here)
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_, worker.stop)
    try:
        await worker.run()
    finally:
        watching.cancel()
        await here.close()
