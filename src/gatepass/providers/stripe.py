"""Stripe, by its official SDK: one Checkout Session per attempt, or one Payment Link that can be paid once.

Rules: docs.stripe.com/checkout/fulfillment, docs.stripe.com/webhooks, docs.stripe.com/currencies.
"""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from gatepass.domain.errors import NotFound, Refused, Unavailable
from gatepass.domain.money import Money, Units, decimals_of
from gatepass.domain.payment import PaymentState, Report
from gatepass.providers.base import AnswerKept, BadSignature, Checkout, Delivery

if TYPE_CHECKING:
    import stripe

    from gatepass.providers.transport import Transport

API_VERSION = "2026-10-28.endive"
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 3.0, 7.0
RETRIES = 1
"""By the SDK, with the same key: two tries stay under the 20 s that a buyer may wait."""
MAX_AGE_S, MAX_AHEAD_S = 300, 60
"""How old, or how far in the future, the time of a signature may be."""

MAX_REF_CHARS, MAX_KIND_CHARS = 255, 100
"""Of Stripe's ids (docs.stripe.com/upgrades) and of an event's type, as we keep them."""

_SESSIONS = "/v1/checkout/sessions"

T = TypeVar("T")

# docs.stripe.com/currencies: what Stripe counts otherwise than ISO 4217.
_UNITS: Mapping[str, Units] = MappingProxyType(
    dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), Units(3, step=10))
    | dict.fromkeys(("ISK", "UGX"), Units(2, step=100))
    | {"MGA": Units(0)}
)

# (session status, payment status) -> our state. What is not here is pending, never success.
_STATES: Mapping[tuple[str | None, str | None], PaymentState] = MappingProxyType(
    {
        ("open", "unpaid"): PaymentState.CREATED,
        ("complete", "paid"): PaymentState.SUCCEEDED,
        ("complete", "no_payment_required"): PaymentState.SUCCEEDED,
        ("complete", "unpaid"): PaymentState.PROCESSING,
        ("expired", "unpaid"): PaymentState.EXPIRED,
    }
)

_SESSION_EVENTS = "completed async_payment_succeeded async_payment_failed expired"
OUR_EVENTS = frozenset(
    {f"checkout.session.{name}" for name in _SESSION_EVENTS.split()}
    | {f"payment_intent.{name}" for name in ("payment_failed", "processing", "succeeded", "canceled")}
)

# Never tell a buyer more than the bank would (docs.stripe.com/declines): the rest reads as a plain decline.
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "insufficient_funds": "The bank says there is not enough money on the card.",
        "expired_card": "The card has expired.",
        "incorrect_cvc": "The security code of the card was not right.",
        "incorrect_number": "The card number was not right.",
        "processing_error": "The bank could not be reached. Please try again.",
        "authentication_required": "The bank wanted a confirmation that was not given.",
        "payment_intent_authentication_failure": "The bank's confirmation was not given.",
    }
)
_DECLINED = "The bank declined the payment without naming a reason."


class Opening(StrEnum):
    """How a payment is opened at Stripe."""

    SESSION = "session"
    LINK = "link"


class _Object(msgspec.Struct):
    id: str | None = None
    metadata: dict[str, object] | None = None


class _Data(msgspec.Struct):
    object: _Object


class _Event(msgspec.Struct):
    """The few members of an event that we read; the SDK would build the whole tree (performance.md: 245 us)."""

    id: str
    type: str
    data: _Data | None = None
    livemode: bool = False
    object: str = "event"


class _Named(msgspec.Struct):
    id: str


class _Intent(msgspec.Struct):
    id: str
    latest_charge: str | _Named | None = None
    last_payment_error: dict[str, object] | None = None


class _Session(msgspec.Struct):
    """The few members of a Checkout Session that we read; the SDK's own objects take twice the time of the whole call."""

    id: str
    payment_status: str
    livemode: bool
    status: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    metadata: dict[str, str] | None = None
    payment_intent: str | _Intent | None = None
    payment_link: str | None = None
    url: str | None = None


_decoder = msgspec.json.Decoder(_Event)
_session_decoder = msgspec.json.Decoder(_Session)
_NO_EVENT = "The signed body is not an event of Stripe's webhooks, version 1."


class Stripe:
    """One Stripe account. `webhook_secrets`: each that may sign, so that one can be rolled without a gap."""

    name = "stripe"

    def __init__(
        self, secret_key: str, webhook_secrets: Sequence[str], api_base: str, opening: Opening = Opening.SESSION
    ) -> None:
        self._key, self._secrets, self._base, self._opening = secret_key, tuple(webhook_secrets), api_base, opening
        self.live = secret_key.startswith(("sk_live_", "rk_live_"))
        self._made: stripe.StripeClient | None = None
        self._http: Transport

    @property
    def _client(self) -> "stripe.StripeClient":
        """Made on first use: the SDK's import costs 190 ms and 27 MB."""
        if self._made is None:
            import stripe

            from gatepass.providers.transport import Transport

            self._http = Transport(self._base, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            self._made = stripe.StripeClient(
                self._key,
                base_addresses={"api": self._base},
                stripe_version=API_VERSION,
                max_network_retries=RETRIES,
                http_client=self._http,
            )
        return self._made

    async def start(self, checkout: Checkout) -> Report:
        if self._opening is Opening.LINK:
            link = await _asked(self._client.v1.payment_links.create_async(_link(checkout), _keyed(checkout.key)))
            return _report_link(link, checkout.amount)
        return await self._told("post", _SESSIONS, _session(checkout) | _keyed(checkout.key))

    def verify(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        _check_signature(headers.get("stripe-signature", ""), body, self._secrets, time.time())
        try:
            event = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadSignature(_NO_EVENT) from error
        if not (_plain(event.id, MAX_REF_CHARS) and _plain(event.type, MAX_KIND_CHARS)):
            raise BadSignature(_NO_EVENT)
        about = event.data.object if event.data else _Object()
        metadata = about.metadata or {}
        return Delivery(
            event_ref=event.id,
            kind=event.type,
            live=event.livemode,
            concerns_us=event.type in OUR_EVENTS,
            object_ref=_plain(about.id, MAX_REF_CHARS),
            payment_hint=_plain(metadata.get("payment_id"), MAX_REF_CHARS),
        )

    async def fetch(self, ref: str) -> Report:
        if ref.startswith("plink_"):
            return await self._fetch_link(ref)
        return await self._told("get", f"{_SESSIONS}/{quote(ref, safe='')}", {"expand": ["payment_intent"]})

    async def find(self, checkout: Checkout) -> Report | None:
        since = int(checkout.opened.timestamp()) - MAX_AGE_S
        listed: Any = {"created": {"gte": since}, "limit": 100}
        page = await _asked(self._client.v1.checkout.sessions.list_async(listed))
        async for session in page.auto_paging_iter():
            if session.metadata and _word(session.metadata, "payment_id") == str(checkout.payment_id):
                return _report(session)
        return None

    async def end(self, ref: str) -> Report:
        if ref.startswith("plink_"):
            return await self._end_link(ref)
        try:
            await _asked(self._client.v1.checkout.sessions.expire_async(ref))
        except Refused:
            # Only an open session can be expired: this one has ended, or was paid, already.
            return await self.fetch(ref)
        return await self.fetch(ref)

    async def close(self) -> None:
        if self._made is not None:
            await self._http.close_async()

    async def _told(self, method: str, path: str, params: Mapping[str, Any]) -> Report:
        """One call about one session: sent, tried again and refused by the SDK, read by us."""
        client: Any = self._client
        answer = await _asked(client.raw_request_async(method, path, **params))
        return _report(_session_decoder.decode(answer.body))

    async def _fetch_link(self, ref: str) -> Report:
        """A link opens a session for each visitor: the first one that was paid tells, and how many were."""
        link = await _asked(self._client.v1.payment_links.retrieve_async(ref))
        reports = [_report(session) for session in reversed(await self._sessions_of(ref))]
        charged = tuple(one.intent_ref or "" for one in reports if one.state is PaymentState.SUCCEEDED)
        more = link.active or any(one.state is PaymentState.CREATED for one in reports)
        for state in (PaymentState.SUCCEEDED, PaymentState.PROCESSING):
            for report in reports:
                if report.state is state:
                    return replace(report, takes_more=more, charged=charged)
        declined = next((report for report in reports if report.reason_code), None)
        return _report_link(link, None, declined)

    async def _end_link(self, ref: str) -> Report:
        await _asked(self._client.v1.payment_links.update_async(ref, {"active": False}))
        for session in await self._sessions_of(ref):
            if session.status == "open":
                await self.end(session.id)
        return await self._fetch_link(ref)

    async def _sessions_of(self, ref: str) -> "list[Any]":
        params: Any = {"payment_link": ref, "limit": 100, "expand": ["data.payment_intent"]}
        page = await _asked(self._client.v1.checkout.sessions.list_async(params))
        return [session async for session in page.auto_paging_iter()]


def units_of(currency: str) -> Units:
    """How Stripe counts this currency."""
    return _UNITS.get(currency) or Units(decimals_of(currency))


def _check_signature(header: str, body: bytes, secrets: Sequence[str], now: float) -> None:
    """Stripe-Signature: t=<unix>,v1=<hex hmac-sha256 of "t.body">[,v1=...]; other schemes are ignored."""
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


def _keyed(key: str) -> Any:
    return {"idempotency_key": key}


def _metadata(checkout: Checkout) -> dict[str, str]:
    """On session and intent alike, so that refunds, failures and disputes can be tied to the purchase."""
    # `order_id` is the name that the seed's sample uses.
    return {
        "order_id": str(checkout.purchase_id),
        "payment_id": str(checkout.payment_id),
        "reference": checkout.reference,
    }


def _price(checkout: Checkout) -> dict[str, Any]:
    product: dict[str, Any] = {"name": checkout.title, "description": checkout.items}
    return {
        "currency": checkout.amount.currency.lower(),
        "unit_amount": checkout.amount.in_units(units_of(checkout.amount.currency)),
        "product_data": product,
    }


def _session(checkout: Checkout) -> Any:
    email = {"customer_email": checkout.email} if checkout.email else {}
    return {
        "mode": "payment",
        "client_reference_id": str(checkout.purchase_id),
        "metadata": _metadata(checkout),
        "payment_intent_data": {
            "metadata": _metadata(checkout),
            "description": f"{checkout.title}, {checkout.reference}",
        },
        "line_items": [{"price_data": _price(checkout), "quantity": 1}],
        "success_url": checkout.success_url,
        "cancel_url": checkout.cancel_url,
        "expires_at": int(checkout.expires_at.timestamp()),
        **email,
    }


def _link(checkout: Checkout) -> Any:
    return {
        "metadata": _metadata(checkout),
        "payment_intent_data": {"metadata": _metadata(checkout)},
        "line_items": [{"price_data": _price(checkout), "quantity": 1}],
        "restrictions": {"completed_sessions": {"limit": 1}},
        "inactive_message": "This order can no longer be paid here. Open the link in your mail to see how it stands.",
        "after_completion": {"type": "redirect", "redirect": {"url": checkout.success_url}},
    }


def _report(session: Any) -> Report:
    intent = session.payment_intent
    error = None if intent is None or isinstance(intent, str) else intent.last_payment_error
    state = _STATES.get((session.status, session.payment_status), PaymentState.PROCESSING)
    code = None if error is None else (_word(error, "decline_code") or _word(error, "code"))
    if state is PaymentState.PROCESSING and code:
        # A delayed payment that the bank refused: the session stays complete and unpaid for ever.
        state = PaymentState.FAILED
    return Report(
        # A session of a link goes by the link's name: that is what the payment's row holds.
        session_ref=session.payment_link or session.id,
        state=state,
        amount=_amount(session.amount_total, session.currency),
        live=session.livemode,
        purchase_id=_word(session.metadata, "order_id") if session.metadata else None,
        intent_ref=intent if intent is None or isinstance(intent, str) else intent.id,
        charge_ref=_charge(intent),
        reason_code=code,
        reason_text=_REASONS.get(code, _DECLINED) if code else None,
        page_url=session.url,
    )


def _report_link(link: Any, amount: Money | None, declined: Report | None = None) -> Report:
    return Report(
        session_ref=link.id,
        state=PaymentState.CREATED if link.active else PaymentState.EXPIRED,
        amount=amount,
        live=link.livemode,
        purchase_id=_word(link.metadata, "order_id"),
        reason_code=declined and declined.reason_code,
        reason_text=declined and declined.reason_text,
        page_url=link.url,
    )


def _amount(value: int | None, currency: str | None) -> Money | None:
    if value is None or currency is None:
        return None
    try:
        return Money.from_units(value, currency.upper(), units_of(currency.upper()))
    except Refused:
        return None


def _charge(intent: Any) -> str | None:
    charge = None if intent is None or isinstance(intent, str) else intent.latest_charge
    return charge if charge is None or isinstance(charge, str) else str(charge.id)


def _word(thing: Any, name: str) -> str | None:
    return thing[name] if name in thing else None  # noqa: SIM401 - no dict: it has no get()


async def _asked(call: Awaitable[T]) -> T:
    """Wait for Stripe and translate its errors. A 4xx is final, everything else may pass."""
    import stripe

    try:
        return await call
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NotFound("PaymentUnknown", f"Stripe does not know {error.param or 'it'}.") from error
        raise Refused("ProviderRefused", f"Stripe refused: {error.user_message or error.code}") from error
    except stripe.APIError as error:
        if (error.headers or {}).get("Idempotent-Replayed", (error.headers or {}).get("idempotent-replayed")) == "true":
            raise AnswerKept("ProviderDown", "Stripe repeats an old failure.") from error
        raise Unavailable("ProviderDown", "Stripe has a problem right now.") from error
    except stripe.StripeError as error:
        raise Unavailable("ProviderDown", f"Stripe cannot be used right now ({type(error).__name__}).") from error
