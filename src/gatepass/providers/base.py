"""What every payment provider can do for us. Amounts and words are ours; each adapter translates."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from gatepass.domain.dispute import DisputeReport
from gatepass.domain.errors import Unavailable
from gatepass.domain.health import Health
from gatepass.domain.money import Money
from gatepass.domain.notification import About
from gatepass.domain.payment import Report, Way
from gatepass.domain.refund import RefundReport


class BadSignature(Exception):
    """The provider did not send exactly this body, or not now. The message says which, and never shows a secret."""


class AnswerKept(Unavailable):
    """The provider stored its own failure under our idempotency key and will repeat it for ever: use the next key."""


class KeyRefused(Unavailable):
    """The provider does not accept our key, or not for this: a person must set another."""


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
    way: Way = Way.REDIRECT
    locale: str | None = None
    """The buyer's language, such as "de"; None: the provider finds out."""


@dataclass(frozen=True, slots=True)
class PageStep:
    """What a page of ours needs to take payments itself. All of it may be seen by anybody."""

    script_url: str
    publishable_key: str
    script_origins: Sequence[str]
    """Where scripts may come from on that page, and on no other; so for frames and calls."""
    frame_origins: Sequence[str]
    call_origins: Sequence[str]


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


class Part(StrEnum):
    """What is looked at."""

    KEY = "key"
    MODE = "mode"
    CLOCK = "clock"
    WEBHOOK = "webhook"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding about a connection; `says` names the way out when it is not fine."""

    what: Part
    health: Health
    says: str


class PaymentProvider(Protocol):
    """One account at one provider."""

    name: str
    """Lower case, as in `/GatewayEvents/Handle{Name}Event`."""
    live: bool
    page_step: PageStep | None
    """None: payments are taken on the provider's page only."""
    declines: Collection[str]
    """Kinds of notifications that tell of a card that was declined, one each."""

    async def start(self, checkout: Checkout) -> Report:
        """Open one payment, the way that the checkout names. Repeatable by `checkout.key`.

        The report carries the reference, and the provider's page where that is the way.

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

    def events(self, since: datetime, until: datetime | None) -> AsyncIterator[Sequence[Told]]:
        """The provider's own list of events from `since` on, before `until`, page by page, in no order that counts.

        Times are by the provider's clock. Raises Unavailable; what came before is still good.
        """
        ...

    def payments_between(self, since: datetime, until: datetime) -> AsyncIterator[Report]:
        """Payments of ours that were opened in this time, paid or not, as they stand now."""
        ...

    def refunds_between(self, since: datetime, until: datetime) -> AsyncIterator[RefundReport]:
        """Every refund that was made in this time, by whomever and of whatever money, as it stands now."""
        ...

    def disputes_between(self, since: datetime, until: datetime) -> AsyncIterator[DisputeReport]:
        """Every dispute that was opened in this time, about whatever money, as it stands now."""
        ...

    async def check(self, notify_url: str) -> Sequence[Check]:
        """Key, mode, clock, and whether notifications of the right kinds are sent to `notify_url`. Changes nothing.

        Raises Unavailable when the provider cannot be asked, KeyRefused when the key is the reason.
        """
        ...

    async def subscribe(self, notify_url: str) -> str | None:
        """Have the provider send every kind of event that we need to `notify_url`; harmless when it does already.

        The signing secret of a new endpoint, shown this once; None when the endpoint whose secret we have was brought
        up to date.
        """
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
