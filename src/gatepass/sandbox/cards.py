"""The official test cards and test accounts, and what each does (docs.stripe.com/testing)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gatepass.sandbox.errors import StripeError, card_error
from gatepass.sandbox.faults import Outcome

_DECLINED = "Your card was declined."
# What the buyer reads for each reason. Lost, stolen and fraudulent are never named to whoever holds the card.
_MESSAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "generic_decline": ("card_declined", _DECLINED),
        "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
        "lost_card": ("card_declined", _DECLINED),
        "stolen_card": ("card_declined", _DECLINED),
        "card_velocity_exceeded": (
            "card_declined",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        ),
        "test_mode_live_card": (
            "card_declined",
            "Your card was declined. Your request was in test mode, but used a non test card.",
        ),
        "expired_card": ("expired_card", "Your card has expired."),
        "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
        "processing_error": (
            "processing_error",
            "An error occurred while processing your card. Try again in a little bit.",
        ),
        "incorrect_number": ("incorrect_number", "Your card number is incorrect."),
    }
)


@dataclass(frozen=True, slots=True)
class Method:
    """One way to pay. `refuse`: why it is declined. `refund`: what happens to a refund later."""

    number: str
    does: str
    brand: str = "visa"
    refuse: str | None = None
    three_ds: bool = False
    dispute: str | None = None
    refund: Outcome = "succeeds"
    later: Literal["succeeds", "fails"] | None = None

    @property
    def debit(self) -> bool:
        return self.later is not None

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def spaced(self) -> str:
        """As printed: in groups of four."""
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))


_ALL = (
    Method("4242424242424242", "Paid"),
    Method("4000002500003155", "Asks for 3-D Secure", three_ds=True),
    Method("4000000000009995", "Declined: insufficient funds", refuse="insufficient_funds"),
    Method("4000000000000002", "Declined, no reason given", refuse="generic_decline"),
    Method("AT611904300234573201", "Bank debit in euro: paid later", "sepa", later="succeeds"),
    Method("AT861904300235473202", "Bank debit in euro: fails later", "sepa", later="fails"),
    Method("4000000000000259", "Paid, then disputed as fraud", dispute="fraudulent"),
    Method("4000000000007726", "Paid; a refund waits, then succeeds", refund="pending"),
    Method("4000000000005126", "Paid; a refund fails later", refund="fails"),
    Method("5555555555554444", "Paid (Mastercard)", "mastercard"),
    Method("378282246310005", "Paid (American Express, code of 4 digits)", "amex"),
    Method("4000002760003184", "Asks for 3-D Secure, always", three_ds=True),
    Method("4000008400001629", "3-D Secure passes, then declined", three_ds=True, refuse="generic_decline"),
    Method("4000000000009987", "Declined: lost card", refuse="lost_card"),
    Method("4000000000009979", "Declined: stolen card", refuse="stolen_card"),
    Method("4000000000000069", "Declined: expired card", refuse="expired_card"),
    Method("4000000000000127", "Declined: wrong security code", refuse="incorrect_cvc"),
    Method("4000000000000119", "Declined: processing error", refuse="processing_error"),
    Method("4000000000006975", "Declined: used too often", refuse="card_velocity_exceeded"),
    Method("4000000000000341", "Accepted, but the charge fails", refuse="generic_decline"),
    Method("4242424242424241", "Not a card number", refuse="incorrect_number"),
    Method("4000000000002685", "Paid, then disputed: not received", dispute="product_not_received"),
    Method("4000000000001976", "Paid, then an inquiry", dispute="general"),
    Method("4000000000005423", "Paid, then warned of fraud"),
)
METHODS: Mapping[str, Method] = MappingProxyType({method.number: method for method in _ALL})
# Names for calls that confirm an intent without a page.
NAMED: Mapping[str, Method] = MappingProxyType(
    {
        name: METHODS[number]
        for name, number in {
            "pm_card_visa": "4242424242424242",
            "pm_card_mastercard": "5555555555554444",
            "pm_card_amex": "378282246310005",
            "pm_card_chargeDeclined": "4000000000000002",
            "pm_card_visa_chargeDeclined": "4000000000000002",
            "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
            "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
            "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
            "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
            "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
            "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
            "pm_card_chargeDeclinedProcessingError": "4000000000000119",
            "pm_card_visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
            "pm_card_chargeCustomerFail": "4000000000000341",
            "pm_card_threeDSecure2Required": "4000002760003184",
            "pm_card_authenticationRequired": "4000002760003184",
            "pm_card_createDispute": "4000000000000259",
            "pm_card_createDisputeProductNotReceived": "4000000000002685",
            "pm_card_createDisputeInquiry": "4000000000001976",
            "pm_card_pendingRefund": "4000000000007726",
            "pm_card_refundFail": "4000000000005126",
        }.items()
    }
)


def method_of(number: str) -> Method:
    """What a typed number does; a number that is not a test card is declined, as in Stripe's test mode."""
    digits = "".join(number.split()).replace("-", "").upper()
    if digits in METHODS:
        return METHODS[digits]
    return Method(digits, "", refuse="test_mode_live_card" if luhn(digits) else "incorrect_number")


def luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1)."""
    if not digits.isdecimal() or not digits.isascii() or len(digits) not in range(12, 20):
        return False
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def refusal(reason: str) -> StripeError:
    """The 402 for one reason."""
    code, message = _MESSAGES[reason]
    param = {"incorrect_number": "number", "incorrect_cvc": "cvc", "expired_card": "exp_month"}.get(code)
    return card_error(code, message, reason if code == "card_declined" else None, param=param)
