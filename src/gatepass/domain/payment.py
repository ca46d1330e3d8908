"""One attempt at one provider, and what the provider says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.money import Money


class Way(StrEnum):
    """Where the buyer pays."""

    REDIRECT = "redirect"
    """On the provider's page."""
    PAGE = "page"
    """On ours: the provider's fields stand in a step of the form."""


class PaymentState(StrEnum):
    """Where an attempt stands. An unknown word of a provider is never a success."""

    CREATED = "created"
    """The intent is stored; the buyer may be on the provider's page."""
    PROCESSING = "processing"
    """The buyer has done all; the bank needs days."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """We ended it: another one took its place, or the order was cancelled."""
    EXPIRED = "expired"


_O, _P, _S, _F, _X, _E = PaymentState

OPEN = frozenset({_O, _P})
"""At most one payment of a purchase may be in one of these: a unique index of the database says so."""

FOLLOWS: Mapping[tuple[PaymentState, PaymentState], PaymentState] = MappingProxyType(
    # (what we hold, what the provider says) -> what we hold then. Money outranks every other word, and stays.
    {(old, new): new for old, new in product((_O, _P), PaymentState)}
    | {(_P, _O): _P}
    | {(_S, new): _S for new in PaymentState}
    | {(old, new): old for old, new in product((_F, _X, _E), (_O, _F, _X, _E))}
    | {(old, new): new for old, new in product((_F, _X, _E), (_S,))}
    # A closed attempt that turns out to be under way at the bank is watched on, but takes no second open place.
    | {(old, _P): old for old in (_F, _X, _E)}
)


@dataclass(frozen=True, slots=True)
class Payment:
    """One row of the payment record."""

    id: UUID
    purchase_id: UUID
    number: int
    """1 for the first attempt of the purchase."""
    provider: str
    state: PaymentState
    amount: Money
    live: bool
    opened: datetime
    expires_at: datetime
    """UTC; when the provider's page ends by itself."""
    page_url: str | None = None
    """None until the provider has answered."""
    session_ref: str | None = None
    intent_ref: str | None = None
    charge_ref: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    return_url: str | None = None
    """Asked for with this opening and found allowed; None: the purchase's own."""
    opening: int = 1
    """Counts the keys used to open it: a provider that stored its own 500 under a key never answers that key otherwise."""
    fee: Money | None = None
    """What the provider keeps of it, and does not give back with a refund; None while it is not known."""
    way: Way = Way.REDIRECT

    @property
    def key(self) -> str:
        """The idempotency key of its opening: made from the row, so that a repeat is the same call."""
        return f"gatepass-{self.purchase_id}-{self.number}-{self.opening}"

    @property
    def open(self) -> bool:
        """True while money may still come by it."""
        return self.state in OPEN

    def told(self, report: "Report") -> "Payment":
        """The row after the provider's word. A later word never takes money back; refunds are rows of their own."""
        state = FOLLOWS[self.state, PaymentState.FAILED if self._came_back(report) else report.state]
        kept = state is self.state and report.state is not state
        return self if kept else replace(
            self,
            state=state,
            session_ref=report.session_ref,
            intent_ref=report.intent_ref or self.intent_ref,
            charge_ref=report.charge_ref or self.charge_ref,
            page_url=report.page_url or self.page_url,
            fee=report.fee or self.fee,
            reason_code=None if state is PaymentState.SUCCEEDED else report.reason_code or self.reason_code,
            reason_text=None if state is PaymentState.SUCCEEDED else report.reason_text or self.reason_text,
        )  # fmt: skip

    def _came_back(self, report: "Report") -> bool:
        """The bank refused what was under way. A payment on our page is then open for another try, and looks like before.

        The charge tells: a look from before the buyer sent this one knows another charge, or none.
        """
        waited = self.state is PaymentState.PROCESSING and report.state is PaymentState.CREATED
        return waited and report.reason_code is not None and report.charge_ref == self.charge_ref is not None


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says of one payment now: the only thing that counts.

    `amount` is None when the provider's amount cannot be written in our units; then nothing matches.
    """

    session_ref: str
    state: PaymentState
    amount: Money | None
    live: bool
    purchase_id: str | None
    """The purchase named in the provider's own record, as text: it may be anything."""
    intent_ref: str | None = None
    charge_ref: str | None = None
    reason_code: str | None = None
    reason_text: str | None = None
    page_url: str | None = None
    fee: Money | None = None
    """What the provider keeps of it; None while it is not known."""
    takes_more: bool = False
    """The page could be paid again: it has to be ended although money has come."""
    also: "tuple[Report, ...]" = ()
    """More money that came by the same page, each under a reference of its own: it is to be given back."""
    page_secret: str | None = field(default=None, repr=False)
    """With it a page of ours takes this payment, and no other. For the buyer's browser: never stored, never logged."""


MONEY = frozenset({PaymentState.SUCCEEDED, PaymentState.PROCESSING})
"""States in which an amount has been, or is being, charged."""


def mismatch(payment: Payment, report: Report) -> str | None:
    """Why this report cannot be about this payment, in words for staff; None when purchase, mode, amount and currency agree.

    The amount counts only where money moves: a session that ended unpaid frees its seats whatever it would have charged.
    """
    if report.purchase_id != str(payment.purchase_id):
        return (
            f"the provider names purchase {report.purchase_id or 'none'}, the payment belongs to {payment.purchase_id}"
        )
    if report.live is not payment.live:
        return f"the provider's payment is {_mode(report.live)}, the purchase is {_mode(payment.live)}"
    if report.state in MONEY and report.amount != payment.amount:
        return f"the provider charged {report.amount or 'an unknown amount'}, due was {payment.amount}"
    return None


def _mode(live: bool) -> str:
    return "live" if live else "test"
