"""`gatepass demo`: the whole system with a sample event and a payment sandbox, in one process, with no account.

Everything is kept in the data directory, so that a restart finds what was there.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from starlette.applications import Starlette

from gatepass import app, config, server
from gatepass.config import Settings
from gatepass.domain.event import Event, EventStatus
from gatepass.domain.money import Money
from gatepass.domain.payment import Way
from gatepass.domain.question import QuestionKind
from gatepass.gallery import Gallery
from gatepass.gallery import create_app as gallery_app
from gatepass.providers.stripe import API_VERSION, OUR_EVENTS
from gatepass.sandbox.app import SandboxConfig
from gatepass.sandbox.app import create_app as sandbox_app
from gatepass.sandbox.config import PUBLISHABLE_KEY
from gatepass.services import access, applications, passwords, setup, switches
from gatepass.services.access import Role
from gatepass.services.applications import Credentials
from gatepass.services.setup import NewEvent
from gatepass.store import ReadTx, Store, WriteTx, events, migrations, people
from gatepass.store import records as kept

PROVIDER = "Stripe (sandbox)"
PROVIDER_ON_PAGE = "Stripe (sandbox), on the registration page"
APPLICATION = "Demo web site"
LOOPBACK = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*", "https://localhost:*", "https://127.0.0.1:*"]
_WRITTEN = "# Written by gatepass demo at each start."
STORY = """\
Two days on software that people can rely on: **42 talks, 9 workshops**, and the people who wrote the code.

- *Thursday:* payments, queues and everything that happens twice
- *Friday:* three tracks, and a long walk along the river

Coffee is good, seats are few. Bring a laptop to the workshop.
"""
STAFF_EMAIL = "staff@contoso.example"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made at the demo's first start and kept in its directory."""

    stripe_secret_key: str
    stripe_webhook_secret: str
    application_token: str
    api_token: str
    client_id: str
    client_secret: str
    staff_password: str


@dataclass(frozen=True, slots=True)
class Sample:
    """What the demo sells."""

    readable_id: str
    event_id: UUID
    on_page: str
    """Readable id of the event that is paid on the registration page itself."""


def run(
    environment: Mapping[str, str], port: int, data_dir: Path | None, announce: Callable[[dict[str, Any]], None]
) -> None:
    """Serve until a signal; `announce` gets the description once everything answers."""
    directory = (data_dir or Path(environment.get("GATEPASS_DATA_DIR") or "gatepass-data")).absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = _secrets(directory / "demo.json")
    here, sandbox, hosts = (server.listen("127.0.0.1", port + more if port else 0) for more in range(3))
    settings = _settings(environment, directory, made, server.address(here), server.address(sandbox))
    server.log_to_stderr(environment.get("GATEPASS_LOG_LEVEL") or "warning")
    if migrations.current(settings.database_url) != migrations.head():
        migrations.migrate(settings.database_url)
    store = Store.open(settings.database_url)
    sample = store.write_now(lambda tx: _fill(tx, made))
    event = store.read_now(lambda tx: events.get(tx, sample.event_id))
    organization = store.read_now(people.organization_id)
    store.close()
    assert event is not None
    described = describe(settings, made, event, organization, server.address(sandbox))
    described["gallery"] = server.address(hosts)
    gallery = Gallery(settings.base_url, made.application_token, sample.on_page, sample.readable_id)
    served = [(app.web(app.installation(settings)), here)]
    notify = f"{settings.base_url}/GatewayEvents/HandleStripeEvent"
    served.append((sandbox_app(_sandbox_config(directory, made, notify, server.address(sandbox))), sandbox))
    served.append((gallery_app(gallery), hosts))
    server.run_forever(served, lambda: announce(described))


def describe(settings: Settings, made: Secrets, event: Event, organization: UUID, sandbox_url: str) -> dict[str, Any]:
    """What `--json` prints."""
    base = settings.base_url
    own = settings.stripe_api_base == sandbox_url
    return {
        "base_url": base,
        "registration_page": f"{base}/e/{event.readable_id}",
        "events_api": {
            "endpoint": f"{base}/api/v1.0/orgs/{organization}/eventmanagement/",
            "token": made.application_token,
            "origin": base,
        },
        "event": {
            "readable_event_id": event.readable_id,
            "event_id": str(event.id),
            "passes": [
                {
                    "pass_id": str(one.id),
                    "name": one.name,
                    "price": float(one.price.amount),
                    "currency": one.price.currency,
                }
                for one in event.passes
            ],
        },
        "dataverse": {
            "url": base,
            "token": made.api_token,
            "tenant_id": str(organization),
            "client_id": made.client_id,
            "client_secret": made.client_secret,
            "authority": base,
        },
        "staff": {"url": f"{base}/staff", "email": STAFF_EMAIL, "password": made.staff_password},
        "sandbox": {
            "url": sandbox_url if own else settings.stripe_api_base,
            "stripe_secret_key": settings.stripe_secret_key,
            "stripe_webhook_secret": settings.stripe_webhook_secret[0] if settings.stripe_webhook_secret else None,
        },
        "mail_dir": str(settings.mail_dir),
    }


def friendly(described: Mapping[str, Any]) -> str:
    """The same for people: what to open, what to paste, how to stop."""
    api, event, passes = described["events_api"], described["event"], described["event"]["passes"]
    paid = next(one for one in passes if one["price"])
    attendee = {"firstName": "Jane", "lastName": "Doe", "email": "jane@contoso.example", "passId": paid["pass_id"]}
    body = json.dumps({"attendees": [attendee]})
    staff, sandbox = described["staff"], described["sandbox"]
    return f"""
  Gatepass is running. Open one of these in your browser:

    Register and pay     {described["registration_page"]}
                         card 4242 4242 4242 4242, any date to come, any code
    All events           {described["base_url"]}/
    Staff                {staff["url"]}
                         {staff["email"]}   {staff["password"]}
    Payment sandbox      {sandbox["url"]}
    Embedded form        {described["gallery"]}   host pages of another origin
    Mails                {described["mail_dir"]}

  Or register by the events API:

    curl -X POST '{api["endpoint"]}events/{event["readable_event_id"]}/registrations?emApplicationtoken={api["token"]}' \\
      -H 'Content-Type: application/json' \\
      -d '{body}'

  and open the redirectUrl of the answer. Say by hand that a purchase is paid:

    curl -X POST '{described["dataverse"]["url"]}/api/data/v9.1/msevtmgt_finalizeregistrationpayment' \\
      -H 'Authorization: Bearer {described["dataverse"]["token"]}' -H 'Content-Type: application/json' \\
      -d '{{"msevtmgt_purchaseid": "<purchase id>", "msevtmgt_paymentstatus": 100000001}}'

  Stop with Ctrl+C. Everything is kept, and found again at the next start.
"""


def _settings(environment: Mapping[str, str], directory: Path, made: Secrets, base: str, sandbox: str) -> Settings:
    """What the environment says wins over the demo's own."""
    own = {
        "GATEPASS_BASE_URL": base,
        "GATEPASS_STRIPE_API_BASE": sandbox,
        "GATEPASS_STRIPE_SECRET_KEY": made.stripe_secret_key,
        "GATEPASS_STRIPE_PUBLISHABLE_KEY": PUBLISHABLE_KEY,
        "GATEPASS_STRIPE_WEBHOOK_SECRET": made.stripe_webhook_secret,
        "GATEPASS_MAIL_FROM": "Contoso Events <tickets@contoso.example>",
        "GATEPASS_WEBHOOKS_ALLOW_PRIVATE": "true",
    }
    given = {name: value for name, value in environment.items() if name in config.VARIABLES and value.strip()}
    given.pop("GATEPASS_DATA_DIR", None)
    _write_settings(directory / config.SETTINGS_FILE, own | given)
    return config.read(environment, data_dir=directory)


def _write_settings(path: Path, own: Mapping[str, str]) -> None:
    """So that every other command on this directory acts as the demo does. A file that somebody else wrote is left alone."""
    if path.exists() and not path.read_text().startswith(_WRITTEN):
        return
    path.touch(mode=0o600)
    path.write_text("\n".join([_WRITTEN, *(f"{name}={value}" for name, value in own.items()), ""]))


def _sandbox_config(directory: Path, made: Secrets, webhook_url: str, url: str) -> SandboxConfig:
    """One webhook endpoint, registered as `gatepass connect stripe --register-webhook` would."""
    return SandboxConfig(
        database=directory / "sandbox.db",
        base_url=url,
        secret_key=made.stripe_secret_key,
        webhook_secret=made.stripe_webhook_secret,
        webhook_url=webhook_url,
        webhook_events=tuple(sorted(OUR_EVENTS)),
        webhook_version=API_VERSION,
    )


def _secrets(path: Path) -> Secrets:
    """What was made before counts; what an older version did not make is added."""
    made = {
        "stripe_secret_key": f"sk_test_{secrets.token_hex(16)}",
        "stripe_webhook_secret": f"whsec_{secrets.token_hex(24)}",
        "application_token": secrets.token_urlsafe(32),
        "api_token": secrets.token_urlsafe(32),
        "client_id": str(uuid4()),
        "client_secret": secrets.token_urlsafe(30),
        "staff_password": secrets.token_urlsafe(12),
    }
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if made.keys() - kept.keys():
        path.touch(mode=0o600)
        path.write_text(json.dumps(made | kept, indent=2))
    return Secrets(**(made | kept))


def _fill(tx: WriteTx, made: Secrets) -> Sample:
    """The sample data, at the first start."""
    client = Credentials(UUID(made.client_id), made.client_secret)
    if people.application_user(tx, client.client_id) is None:
        applications.add(tx, "Demo completion service", Role.FINALIZER, "demo", client)
    if known := kept.get_setting(tx, "demo.event_id"):
        return _sample(tx, UUID(known))
    provider = setup.add_provider(tx, PROVIDER, "stripe", "/GatewayRedirect/PayWithStripe?")
    switches.put(tx, switches.PAYMENTS, to=True, actor="demo")
    if people.web_application_by_token(tx, made.application_token, tx.now) is None:
        setup.add_web_application(tx, APPLICATION, LOOPBACK, made.application_token)
        access.add_program(tx, "demo token", "administrator", made.api_token)
        access.add_staff(tx, STAFF_EMAIL, "Demo staff", passwords.hashed(made.staff_password), "administrator")
    event_id, readable = _summit(tx, provider)
    _tokyo(tx, provider)
    page = setup.add_provider(tx, PROVIDER_ON_PAGE, "stripe", "/GatewayRedirect/PayWithStripe?", way=Way.PAGE)
    on_page = _workshop(tx, page)
    kept.put_setting(tx, "demo.on_page", on_page)
    kept.put_setting(tx, "demo.event_id", str(event_id))
    return Sample(readable, event_id, on_page)


def _sample(tx: ReadTx, event_id: UUID) -> Sample:
    event = events.get(tx, event_id)
    assert event is not None
    return Sample(event.readable_id, event.id, kept.get_setting(tx, "demo.on_page") or event.readable_id)


def _summit(tx: WriteTx, provider: UUID) -> tuple[UUID, str]:
    summit = NewEvent(
        name="Contoso Summit",
        description=STORY,
        color="#0b7a6b",
        contact_email="events@contoso.example",
        place="Spreehalle, Uferstraße 12, 10245 Berlin",
        image_url="/static/cover.svg",
        currency="EUR",
        starts=datetime(2027, 6, 10, 9),
        ends=datetime(2027, 6, 11, 17),
        time_zone="Europe/Berlin",
        provider_id=provider,
        status=EventStatus.LIVE,
    )
    event_id, readable = setup.add_event(tx, summit)
    setup.add_pass(
        tx, event_id, "Full pass", "Both days, all sessions, Thursday's reception", Money(12000, "EUR"), 100_000
    )
    setup.add_pass(tx, event_id, "Online", "Main stage live, recordings for 30 days", Money(0, "EUR"), 100_000)
    setup.add_pass(
        tx, event_id, "Full pass and workshop", "A day in a small group on Wednesday 9 June", Money(24900, "EUR"), 10
    )
    _ask(tx, event_id)
    return event_id, readable


def _ask(tx: WriteTx, event_id: UUID) -> None:
    """A question of each kind; none has to be answered."""
    ask = partial(setup.add_question, tx, event_id)
    ask("Organization", QuestionKind.TEXT, position=1)
    ask("What do you eat?", QuestionKind.SEVERAL, "Vegetarian", "Vegan", "Halal", "No gluten", position=2)
    ask("Which track on Friday?", QuestionKind.ONE, "Payments", "Reliability", "Design", position=3)
    ask("Are you coming to the reception?", QuestionKind.YES_NO, position=4)


def _tokyo(tx: WriteTx, provider: UUID) -> None:
    tokyo = NewEvent(
        name="Contoso Summit Tokyo",
        description="One day in Tokyo, in Japanese and English.",
        color="#b3203c",
        contact_email="events@contoso.example",
        place="東京国際フォーラム, Tokyo",
        image_url="/static/cover.svg",
        currency="JPY",
        starts=datetime(2027, 9, 21, 10),
        ends=datetime(2027, 9, 21, 18),
        time_zone="Asia/Tokyo",
        provider_id=provider,
        status=EventStatus.LIVE,
        capacity=500,
    )
    event_id, _ = setup.add_event(tx, tokyo)
    setup.add_pass(tx, event_id, "Day pass", "All sessions of the day", Money(18000, "JPY"), 500)


def _workshop(tx: WriteTx, provider: UUID) -> str:
    """Paid on the registration page itself."""
    workshop = NewEvent(
        name="Contoso Workshop",
        description="A day in a small group: build a service that never loses a payment. Paid on this page, step 3.",
        place="Spreehalle, Uferstraße 12, 10245 Berlin",
        image_url="/static/cover.svg",
        currency="EUR",
        starts=datetime(2027, 6, 9, 9),
        ends=datetime(2027, 6, 9, 17),
        time_zone="Europe/Berlin",
        provider_id=provider,
        status=EventStatus.LIVE,
    )
    event_id, readable = setup.add_event(tx, workshop)
    setup.add_pass(tx, event_id, "Whole day", "With lunch", Money(24900, "EUR"), 100_000)
    setup.add_pass(tx, event_id, "Morning", "Four hours", Money(12000, "EUR"), 100_000)
    setup.add_pass(tx, event_id, "Listening in", "By video, without questions", Money(0, "EUR"), 100_000)
    return readable


def sandbox_alone(directory: Path, url: str, webhook_url: str) -> tuple[Starlette, str]:
    """The sandbox as an application of its own, and the settings that point a Gatepass at it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = _secrets(directory / "demo.json")
    settings = _sandbox_config(directory, made, webhook_url, url)
    keys = (
        f"GATEPASS_STRIPE_API_BASE={url}\n"
        f"GATEPASS_STRIPE_SECRET_KEY={made.stripe_secret_key}\n"
        f"GATEPASS_STRIPE_PUBLISHABLE_KEY={settings.publishable_key}\n"
        f"GATEPASS_STRIPE_WEBHOOK_SECRET={made.stripe_webhook_secret}"
    )
    return sandbox_app(settings), keys
