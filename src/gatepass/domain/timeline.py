"""What happened to one purchase, as it is told: an answer on top, then moments, in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.money import Money

Words = tuple[str | datetime, ...]
"""A text whose times are still times: each reader sees them in a zone of theirs."""


class Charged(StrEnum):
    """Was I charged? The words are part of the JSON: never rename one."""

    NO = "no"
    NOT_KNOWN = "not_known"
    """A payment page is open and the provider does not answer."""
    CONFIRMING = "being_confirmed"
    """The bank has the order to pay, and has not said yes."""
    YES = "charged"
    PUT_RIGHT = "being_put_right"
    """Money came that has no seat, or does not fit; it is in somebody's hands."""
    TWICE = "charged_twice"
    """One of them goes back."""
    GOING_BACK = "being_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"


class Tone(StrEnum):
    """How a moment looks; `data-state` of the style sheet."""

    PLAIN = "plain"
    DONE = "done"
    NOW = "now"
    NEXT = "next"
    FAILED = "failed"
    ENDING = "ending"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    ATTENTION = "attention"


class Audience(StrEnum):
    """Who is told."""

    ALL = "all"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, or (`ahead`) is to happen."""

    at: datetime
    """UTC."""
    kind: str
    tone: Tone
    icon: str
    title: str
    text: Words = ()
    detail: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """References and other technical matter, for staff."""
    audience: Audience = Audience.ALL
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Was I charged, and what happens next."""

    charged: Charged
    title: str
    text: Words
    next: Words
    """Empty: nothing is to be waited for, or to be done."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What moved, in the currency of the purchase."""

    charged: Money
    given_back: Money
    """Arrived, as far as the provider knows."""
    on_its_way_back: Money

    @property
    def kept(self) -> Money:
        """What has not gone back, and is not about to."""
        return Money(self.charged.minor - self.given_back.minor - self.on_its_way_back.minor, self.charged.currency)


@dataclass(frozen=True, slots=True)
class Story:
    """All of it."""

    purchase_id: UUID
    reference: str
    standing: str
    """Its status in a word, or what is said of it instead where it lives elsewhere, such as `being_confirmed`."""
    live: bool
    created: datetime
    items: str
    total: Money
    title: str
    """The event's name."""
    time_zone: str
    """The event's."""
    answer: Answer
    sums: Sums
    moments: Sequence[Moment]
    """The first one first; what lies ahead at the end."""
    settled: bool
    """Nothing is under way: what is told today will be told tomorrow."""

    @property
    def for_buyer(self) -> Sequence[Moment]:
        """Without what only staff may know."""
        return [one for one in self.moments if one.audience is Audience.ALL]
