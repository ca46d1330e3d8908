"""What every payment provider can do for us. Amounts and words are ours; each adapter translates."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gatepass.domain.dispute import DisputeReport
from gatepass.domain.errors import Unavailable
from gatepass.domain.money import Money
from gatepass.domain.notification import About
from gatepass.domain.payment import Report
from gatepass.domain.refund import RefundReport


class BadSignature(Exception):
    """The provider did not send exactly this body, or not now. The message says which, and never shows a secret."""


class AnswerKept(Unavailable):
    """The provider stored its own failure under our idempotency key and will repeat it for ever: use the next key."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """Everything a provider needs to open one payment. All of it comes from stored rows, so a repeat is the same call."""

    key: str
    payment_id: UUID
    purchase_id: UUID
    reference: str
    amount: Money
    title: str
    items: str
    email: str | None
    success_url: str
    cancel_url: str
    opened: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Everything a provider needs to give money back. All of it comes from stored rows, so a repeat is the same call."""

    key: str
    refund_id: UUID
    purchase_id: UUID
    money_ref: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified notification: a hint where to look, never a fact to act on."""

    event_ref: str
    """The provider's id of the event: the same however often it is sent, and however it comes."""
    kind: str
    live: bool
    about: About
    object_ref: str | None
    """The provider's id of what it is about."""
    money_ref: str | None
    """The provider's name of the money that a refund or a dispute is about."""
    payment_hint: str | None
    """Our payment id as the provider repeats it; untrusted."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the provider's own list."""

    delivery: Delivery
    body: bytes
    at: datetime


class PaymentProvider(Protocol):
    """One account at one provider."""

    name: str
    """Lower case, as in `/GatewayEvents/Handle{Name}Event`."""
    live: bool

    async def start(self, checkout: Checkout) -> Report:
        """Open one payment; the report carries reference and page URL. Repeatable by `checkout.key`.

        Raises Unavailable when the outcome is unknown or the provider is down, AnswerKept when this key is spent,
        Refused when the provider will never accept it.
        """
        ...

    def verify(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Read a notification; raises BadSignature unless the provider sent exactly this body, recently."""
        ...

    async def fetch(self, ref: str) -> Report:
        """What the provider says of one payment now. Raises NotFound for an unknown reference."""
        ...

    async def find(self, checkout: Checkout) -> Report | None:
        """Look among the newest payments for one that `start` opened without our hearing of it."""
        ...

    async def end(self, ref: str) -> Report:
        """End an open payment, if it still is; returns what it is then. Money that came first is reported, not lost."""
        ...

    async def owner(self, money_ref: str) -> str | None:
        """Our payment id as the provider keeps it with this money, as text; None: not ours."""
        ...

    async def refund(self, order: RefundOrder) -> RefundReport:
        """Give money back. Repeatable by `order.key`.

        Raises Unavailable when the outcome is unknown, AnswerKept when this key is spent, Refused when the provider
        will never do it.
        """
        ...

    async def refunds(self, money_ref: str) -> Sequence[RefundReport]:
        """Every refund that was ever made of this money, by whomever. Raises NotFound for an unknown reference."""
        ...

    async def disputes(self, money_ref: str) -> Sequence[DisputeReport]:
        """Every dispute about this money."""
        ...

    def events_since(self, since: datetime) -> AsyncIterator[Told]:
        """The provider's own list of events made at or after `since`, in no order that counts."""
        ...

    def payments_between(self, since: datetime, until: datetime) -> AsyncIterator[Report]:
        """Payments of ours that were opened in this time, paid or not, as they stand now."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
