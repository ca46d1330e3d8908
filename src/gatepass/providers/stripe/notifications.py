"""What Stripe posts: the signature over the raw body, and the few members that we read.

Rules: docs.stripe.com/webhooks, docs.stripe.com/api/events/types.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from gatepass.domain.notification import About
from gatepass.providers.base import BadSignature, Delivery

MAX_AGE_S, MAX_AHEAD_S = 300, 60
"""How old, or how far in the future, the time of a signature may be."""

MAX_REF_CHARS, MAX_KIND_CHARS = 255, 100
"""Of Stripe's ids (docs.stripe.com/upgrades) and of an event's type, as we keep them."""

_NAMES = {
    "checkout.session": (About.PAGE, "completed async_payment_succeeded async_payment_failed expired"),
    "payment_intent": (About.PAYMENT, "payment_failed processing succeeded canceled"),
    "charge": (About.REFUND, "refunded refund.updated"),
    "refund": (About.REFUND, "created updated failed"),
    "charge.dispute": (About.DISPUTE, "created updated closed funds_withdrawn funds_reinstated"),
}
OUR_EVENTS: Mapping[str, About] = MappingProxyType(
    {f"{noun}.{verb}": about for noun, (about, verbs) in _NAMES.items() for verb in verbs.split()}
)
"""Every event that says something to us, and what it is about. The webhook endpoint asks for exactly these."""


class _Object(msgspec.Struct):
    id: str | None = None
    metadata: dict[str, object] | None = None
    payment_intent: object = None


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct):
    """The few members of an event that we read; the SDK would build the whole tree (performance.md: 245 us)."""

    id: str
    type: str
    data: _Data | None = None
    livemode: bool = False
    object: str = "event"


_decoder = msgspec.json.Decoder(_Event)
_NO_EVENT = "The signed body is not an event of Stripe's webhooks, version 1."


def delivery_of(body: bytes) -> Delivery:
    """The few members of an event that we read. Raises BadSignature for what is no event."""
    try:
        event = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSignature(_NO_EVENT) from error
    if not (_plain(event.id, MAX_REF_CHARS) and _plain(event.type, MAX_KIND_CHARS)):
        raise BadSignature(_NO_EVENT)
    thing = event.data.object if event.data else _Object()
    return Delivery(
        event_ref=event.id,
        kind=event.type,
        live=event.livemode,
        about=OUR_EVENTS.get(event.type, About.OTHER),
        object_ref=_plain(thing.id, MAX_REF_CHARS),
        money_ref=_plain(thing.payment_intent, MAX_REF_CHARS),
        payment_hint=_plain((thing.metadata or {}).get("payment_id"), MAX_REF_CHARS),
    )


def check_signature(header: str, body: bytes, secrets: Sequence[str], now: float) -> None:
    """Stripe-Signature: t=<unix>,v1=<hex hmac-sha256 of "t.body">[,v1=...]; other schemes are ignored."""
    if not secrets:
        raise BadSignature("No webhook secret is set here, so no notification can be believed.")
    parts = [part.partition("=") for part in header.split(",")]
    stamp = next((value for name, _, value in parts if name.strip() == "t"), "")
    given = [value for name, _, value in parts if name.strip() == "v1"]
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12 or not given:
        raise BadSignature("The Stripe-Signature header is missing or garbled.")
    signed = stamp.encode() + b"." + body
    wanted = [hmac.digest(secret.encode(), signed, hashlib.sha256).hex() for secret in secrets]
    if not any(
        hmac.compare_digest(one.encode(), other.encode("utf-8", "replace")) for one in wanted for other in given
    ):
        raise BadSignature("No signature fits: check the webhook secret of this endpoint.")
    age = now - int(stamp)
    if age > MAX_AGE_S or age < -MAX_AHEAD_S:
        raise BadSignature("The signature's time is too far from ours: check both clocks.")


def _plain(text: object, limit: int) -> str | None:
    """A text that can be kept; None for anything else."""
    return text if isinstance(text, str) and 0 < len(text) <= limit and "\0" not in text else None
