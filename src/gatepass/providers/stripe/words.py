"""Stripe's words and units in ours. A word that is not here is pending, never success."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from gatepass.domain.dispute import DisputeReport, DisputeState
from gatepass.domain.errors import Refused
from gatepass.domain.money import Money, Units, decimals_of
from gatepass.domain.payment import PaymentState, Report
from gatepass.domain.refund import RefundReport, RefundState

# docs.stripe.com/currencies: what Stripe counts otherwise than ISO 4217.
_UNITS: Mapping[str, Units] = MappingProxyType(
    dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), Units(3, step=10))
    | dict.fromkeys(("ISK", "UGX"), Units(2, step=100))
    | {"MGA": Units(0)}
)

# docs.stripe.com/api/checkout/sessions/create#create_checkout_session-locale: Arabic is not among them.
_LOCALES = frozenset(
    {
        "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu", "id", "it",
        "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th", "tr", "vi",
        "zh", "zh-HK", "zh-TW",
    }
)  # fmt: skip

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

# docs.stripe.com/payments/paymentintents/lifecycle. What is not here is pending, never success.
_INTENT_STATES: Mapping[str, PaymentState] = MappingProxyType(
    {
        "requires_payment_method": PaymentState.CREATED,
        "requires_confirmation": PaymentState.CREATED,
        "requires_action": PaymentState.CREATED,
        "processing": PaymentState.PROCESSING,
        "succeeded": PaymentState.SUCCEEDED,
        "canceled": PaymentState.CANCELLED,
    }
)

# docs.stripe.com/api/refunds/object: status
_REFUND_STATES: Mapping[str | None, RefundState] = MappingProxyType(
    {
        "succeeded": RefundState.SUCCEEDED,
        "failed": RefundState.FAILED,
        "canceled": RefundState.CANCELLED,
    }
)

# docs.stripe.com/api/disputes/object: status -> (state, the bank only asks)
_DISPUTE_STATES: Mapping[str, tuple[DisputeState, bool]] = MappingProxyType(
    {
        "needs_response": (DisputeState.NEEDS_RESPONSE, False),
        "under_review": (DisputeState.UNDER_REVIEW, False),
        "won": (DisputeState.WON, False),
        "lost": (DisputeState.LOST, False),
        "prevented": (DisputeState.WON, False),
        "warning_needs_response": (DisputeState.NEEDS_RESPONSE, True),
        "warning_under_review": (DisputeState.UNDER_REVIEW, True),
        "warning_closed": (DisputeState.WON, True),
    }
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


def locale_of(language: str | None) -> str:
    """The language of Stripe's page for a reader of this one; "auto": the browser's, where Stripe does not speak it."""
    known = (language or "", (language or "").partition("-")[0])
    return next((one for one in known if one in _LOCALES), "auto")


def units_of(currency: str) -> Units:
    """How Stripe counts this currency."""
    return _UNITS.get(currency) or Units(decimals_of(currency))


def report_of_session(session: Any, ref: str) -> Report:
    """A session in our words, under the name `ref` that our row goes by: its own id, or that of its payment link."""
    intent = session.payment_intent
    error = None if intent is None or isinstance(intent, str) else intent.last_payment_error
    state = _STATES.get((session.status, session.payment_status), PaymentState.PROCESSING)
    code = _code_of(error)
    if state is PaymentState.PROCESSING and code:
        # A delayed payment that the bank refused: the session stays complete and unpaid for ever.
        state = PaymentState.FAILED
    return Report(
        session_ref=ref,
        state=state,
        amount=money(session.amount_total, session.currency),
        live=session.livemode,
        purchase_id=word(session.metadata, "order_id") if session.metadata else None,
        intent_ref=_id_of(intent),
        charge_ref=None if intent is None or isinstance(intent, str) else _id_of(intent.latest_charge),
        reason_code=code,
        reason_text=_REASONS.get(code, _DECLINED) if code else None,
        page_url=session.url,
        fee=_fee(intent),
    )


def report_of_intent(intent: Any) -> Report:
    """An intent that is a payment by itself, on our own page; its id is the name of both page and money."""
    state = _INTENT_STATES.get(intent.status, PaymentState.PROCESSING)
    code = _code_of(intent.last_payment_error)
    if state is PaymentState.CANCELLED and code:
        # Ended after tries that were declined: that is what became of it.
        state = PaymentState.FAILED
    taken = intent.amount_received if state is PaymentState.SUCCEEDED else intent.amount
    return Report(
        session_ref=intent.id,
        state=state,
        amount=money(taken, intent.currency),
        live=intent.livemode,
        purchase_id=word(intent.metadata, "order_id") if intent.metadata else None,
        intent_ref=intent.id,
        charge_ref=_id_of(intent.latest_charge),
        reason_code=code,
        reason_text=_REASONS.get(code, _DECLINED) if code else None,
        fee=_fee(intent),
        page_secret=intent.client_secret,
    )


def report_of_link(link: Any, amount: Money | None, declined: Report | None = None) -> Report:
    """A payment link that nobody has paid yet; `declined` is the last try that failed."""
    return Report(
        session_ref=link.id,
        state=PaymentState.CREATED if link.active else PaymentState.EXPIRED,
        amount=amount,
        live=link.livemode,
        purchase_id=word(link.metadata, "order_id"),
        reason_code=declined and declined.reason_code,
        reason_text=declined and declined.reason_text,
        page_url=link.url,
    )


def _code_of(error: Any) -> str | None:
    """Why the last try failed; None: it did not."""
    return None if error is None else (word(error, "decline_code") or word(error, "code"))


def money(value: int | None, currency: str | None) -> Money | None:
    """An amount of Stripe's; None when it cannot be written in our units."""
    if value is None or currency is None:
        return None
    try:
        return Money.from_units(value, currency.upper(), units_of(currency.upper()))
    except Refused:
        return None


def word(thing: Any, name: str) -> str | None:
    """A member that may be missing."""
    return thing[name] if name in thing else None  # noqa: SIM401 - no dict: it has no get()


def report_of_refund(refund: Any) -> RefundReport:
    """A refund in our words."""
    metadata, failure = refund.metadata, word(refund, "failure_reason")
    return RefundReport(
        refund_ref=refund.id,
        state=_REFUND_STATES.get(refund.status, RefundState.PROCESSING),
        amount=money(refund.amount, refund.currency),
        money_ref=_id_of(refund.payment_intent) or "",
        refund_id=word(metadata, "refund_id") if metadata else None,
        made=_moment(refund.created),
        reason_code=failure,
        reason_text=f"The bank sent the refund back ({failure})." if failure else None,
    )


def report_of_dispute(dispute: Any) -> DisputeReport:
    """A dispute in our words; an unknown status waits for a person."""
    state, inquiry = _DISPUTE_STATES.get(dispute.status, (DisputeState.NEEDS_RESPONSE, False))
    details = dispute.evidence_details
    due = details.due_by if details else None
    return DisputeReport(
        dispute_ref=dispute.id,
        state=state,
        amount=money(dispute.amount, dispute.currency),
        reason=dispute.reason,
        money_ref=_id_of(dispute.payment_intent) or "",
        inquiry=inquiry,
        due=_moment(due) if due else None,
        opened=_moment(dispute.created),
    )


def _fee(intent: Any) -> Money | None:
    """What Stripe kept, in the money of the payment; only where the answer brings charge and balance transaction."""
    charge: Any = getattr(intent, "latest_charge", None)
    entry: Any = getattr(charge, "balance_transaction", None)
    if entry is None or isinstance(entry, str) or entry.currency != charge.currency:
        return None
    return money(entry.fee, entry.currency)


def _moment(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def _id_of(thing: Any) -> str | None:
    """The id of something that Stripe may have expanded."""
    return thing if thing is None or isinstance(thing, str) else str(thing.id)
