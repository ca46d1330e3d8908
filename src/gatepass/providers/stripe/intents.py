"""A PaymentIntent that is a payment by itself, on our own page (docs.stripe.com/payments/payment-intents).

Beside sessions.py: the same work for the other way to pay.
"""

from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from gatepass.domain.errors import Refused, Unavailable
from gatepass.domain.payment import Report, Way
from gatepass.providers.base import Checkout, PageStep
from gatepass.providers.stripe import checkout as told
from gatepass.providers.stripe.client import Connection, asked, keyed, look, raw
from gatepass.providers.stripe.words import report_of_intent, word

PATH = "/v1/payment_intents"
PREFIX = "pi_"
API, SCRIPTS = "https://api.stripe.com", "https://js.stripe.com"


class _Named(msgspec.Struct):
    id: str


class _Intent(msgspec.Struct):
    """The few members that we read."""

    id: str
    status: str
    amount: int
    currency: str
    livemode: bool
    amount_received: int = 0
    client_secret: str | None = None
    latest_charge: str | _Named | None = None
    last_payment_error: dict[str, object] | None = None
    metadata: dict[str, str] | None = None


_decoder = msgspec.json.Decoder(_Intent)


def step(publishable_key: str, api_base: str) -> PageStep:
    """What the page loads and may talk to (docs.stripe.com/security/guide#content-security-policy).

    The sandbox serves all of it from its own address.
    """
    if api_base == API:
        frames = (SCRIPTS, "https://*.js.stripe.com", "https://hooks.stripe.com")
        return PageStep(f"{SCRIPTS}/v3/", publishable_key, (SCRIPTS, "https://*.js.stripe.com"), frames, (API,))
    parts = urlsplit(api_base)
    own = (f"{parts.scheme}://{parts.netloc}",)
    return PageStep(f"{api_base}/v3/", publishable_key, own, own, own)


async def create(connection: Connection, checkout: Checkout) -> Report:
    """Open an intent."""
    params: Any = told.intent(checkout) | keyed(checkout.key)
    return _report((await raw(connection, PATH, method="post", **params)).body)


async def retrieve(connection: Connection, ref: str) -> Report:
    """What Stripe says of an intent now."""
    return _report(await look(connection, f"{PATH}/{quote(ref, safe='')}", ""))


async def cancel(connection: Connection, ref: str) -> Report:
    """End an intent that was not paid; one that was, or is under way, is reported as what it is."""
    intents: Any = connection.client.v1.payment_intents
    try:
        await asked(intents.cancel_async(ref, {"cancellation_reason": "abandoned"}))
    except Refused:
        return await retrieve(connection, ref)
    return await retrieve(connection, ref)


def is_payment(intent: Any) -> bool:
    """Whether an intent is a payment of ours by itself: one of a session or a link tells through that."""
    return bool(intent.metadata) and word(intent.metadata, told.WAY) == Way.PAGE.value


def _report(body: bytes) -> Report:
    try:
        return report_of_intent(_decoder.decode(body))
    except msgspec.DecodeError as error:
        raise Unavailable("ProviderDown", "Stripe's answer cannot be read right now.") from error
