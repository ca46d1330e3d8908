"""Does the connection to Stripe stand: key, mode, clock, and the webhook endpoint that tells us.

Rules: docs.stripe.com/api/webhook_endpoints. Events are rendered at the endpoint's API version, which cannot be changed.
"""

import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import msgspec

from gatepass.domain.errors import Unavailable
from gatepass.domain.health import Health
from gatepass.providers.base import Check, KeyRefused, Part
from gatepass.providers.stripe.client import API_VERSION, Connection, asked, raw
from gatepass.providers.stripe.notifications import MAX_AGE_S, OUR_EVENTS

SKEW_WARNING_S = 60
"""Beyond this somebody should look at the clock; beyond MAX_AGE_S signatures fail."""
MOST_ENDPOINTS = 100
"""Read in one page; an account has 16 at most."""
ALL_EVENTS = "*"
T = TypeVar("T")
_REGISTER = "Run: gatepass connect stripe --register-webhook"


class Endpoint(msgspec.Struct):
    """A webhook endpoint as Stripe lists it."""

    id: str
    url: str
    status: str
    enabled_events: list[str]
    api_version: str | None = None


class _Endpoints(msgspec.Struct):
    data: list[Endpoint]


class _Event(msgspec.Struct):
    livemode: bool = False


class _Events(msgspec.Struct):
    data: list[_Event]


async def check(connection: Connection, notify_url: str, *, live: bool, listening: bool) -> list[Check]:
    """`listening`: a webhook secret is set here. Raises Unavailable, KeyRefused."""
    newest = await raw(connection, "/v1/events", limit=1)
    return [
        Check(Part.KEY, Health.FINE, "Stripe accepts it"),
        mode(any(event.livemode for event in _decoded(newest.body, _Events).data), live=live),
        *clock(newest.date, time.time()),
        *await _webhook_now(connection, notify_url, listening=listening),
    ]


async def _webhook_now(connection: Connection, notify_url: str, *, listening: bool) -> list[Check]:
    """A restricted key may be good for payments and not see this."""
    try:
        endpoints = await _endpoints(connection)
    except KeyRefused:
        return [
            _webhook(Health.WARNING, "the key may not read webhook endpoints, so nobody knows whether ours is right")
        ]
    return webhook(endpoints, notify_url, listening=listening)


async def subscribe(connection: Connection, notify_url: str, *, listening: bool) -> str | None:
    """The secret of an old endpoint is never shown again, so without one here a new endpoint is made."""
    known = [one for one in await _endpoints(connection) if one.url == notify_url and one.api_version == API_VERSION]
    endpoints: Any = connection.client.v1.webhook_endpoints
    if known and listening:
        await asked(endpoints.update_async(known[0].id, {"enabled_events": sorted(OUR_EVENTS), "disabled": False}))
        return None
    wanted = {
        "url": notify_url,
        "enabled_events": sorted(OUR_EVENTS),
        "api_version": API_VERSION,
        "description": "Gatepass",
    }
    made = await asked(endpoints.create_async(wanted))
    return str(made.secret)


def mode(found_live: bool, *, live: bool) -> Check:
    """What the key is, and what Stripe says that it did with it."""
    if found_live and not live:
        return Check(Part.MODE, Health.BROKEN, "the key is a test key, but Stripe tells of live payments")
    return Check(Part.MODE, Health.FINE, "live: money moves" if live else "test: no money moves")


def clock(date: str | None, now: float) -> list[Check]:
    """Our clock against the Date of Stripe's answer, in whole seconds."""
    if date is None:
        return []
    skew_s = round(now - parsedate_to_datetime(date).timestamp())
    says = f"ours is {abs(skew_s)} s {'ahead of' if skew_s > 0 else 'behind'} Stripe's"
    if abs(skew_s) > MAX_AGE_S:
        return [Check(Part.CLOCK, Health.BROKEN, f"{says}: every signature is refused. Set this machine's clock")]
    if abs(skew_s) > SKEW_WARNING_S:
        return [Check(Part.CLOCK, Health.WARNING, f"{says}; beyond {MAX_AGE_S} s signatures are refused")]
    return [Check(Part.CLOCK, Health.FINE, says)]


def webhook(endpoints: Sequence[Endpoint], notify_url: str, *, listening: bool) -> list[Check]:
    """Exactly one endpoint sends us exactly what we need, and we can read it."""
    ours = sorted((one for one in endpoints if one.url == notify_url), key=lambda one: one.status != "enabled")
    if not ours:
        return [_webhook(Health.BROKEN, f"no endpoint sends to {notify_url}. {_REGISTER}")]
    found = [_webhook(health, f"{ours[0].id} {says}") for health, says in _faults(ours[0], listening=listening)]
    enabled = [one.id for one in ours if one.status == "enabled"]
    if len(enabled) > 1:
        says = f"{len(enabled)} endpoints send to {notify_url}: delete all but one of {', '.join(enabled)} at Stripe"
        found.append(_webhook(Health.WARNING, says))
    return found or [_webhook(Health.FINE, f"{ours[0].id} sends all that is needed to {notify_url}")]


def _faults(endpoint: Endpoint, *, listening: bool) -> list[tuple[Health, str]]:
    told = set(endpoint.enabled_events)
    missing = sorted(set(OUR_EVENTS) - told) if ALL_EVENTS not in told else []
    superfluous = sorted(told - set(OUR_EVENTS))
    version = endpoint.api_version or "of the account"
    faults = [
        (endpoint.status != "enabled", Health.BROKEN, f"is {endpoint.status}. {_REGISTER}"),
        (not listening, Health.BROKEN, "is refused here: GATEPASS_STRIPE_WEBHOOK_SECRET is not set"),
        (missing, Health.BROKEN, f"does not send {', '.join(missing)}. {_REGISTER}"),
        (superfluous, Health.WARNING, f"sends more than is needed: {', '.join(superfluous)}. {_REGISTER}"),
        (version != API_VERSION, Health.WARNING, f"speaks API version {version}, not {API_VERSION}. {_REGISTER}"),
    ]
    return [(health, says) for found, health, says in faults if found]


def _webhook(health: Health, says: str) -> Check:
    return Check(Part.WEBHOOK, health, says)


async def _endpoints(connection: Connection) -> list[Endpoint]:
    answer = await raw(connection, "/v1/webhook_endpoints", limit=MOST_ENDPOINTS)
    return _decoded(answer.body, _Endpoints).data


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable("ProviderDown", "Stripe's answer cannot be read right now.") from error
