"""What is sold: events and their passes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from gatepass.domain.money import Money
from gatepass.domain.payment import Way

_COLOR = re.compile("#[0-9A-Fa-f]{6}")
_NO_ZONES = frozenset({"localtime", "Factory"})


class EventStatus(StrEnum):
    """Publish status; only LIVE has effect (event-management.md, choices)."""

    DRAFT = "draft"
    READY = "ready_to_go_live"
    IN_PROGRESS = "in_progress"
    LIVE = "live"
    CANCELLED = "cancelled"
    GOING_LIVE = "going_live"


class LatePolicy(StrEnum):
    """What happens to money that comes after the seats were given away."""

    SEAT_ELSE_REFUND = "seat_else_refund"
    """The default: the seats again while there is room, else the money back."""
    SEAT_ELSE_WAITLIST = "seat_else_waitlist"
    """The seats again, now or when some are free; the money back when the event begins without them."""
    SEAT_ELSE_ATTENTION = "seat_else_attention"
    REFUND = "refund"
    """Never a seat, always the money back."""
    ATTENTION = "attention"
    """A person decides each."""


SEATS_AGAIN = frozenset({LatePolicy.SEAT_ELSE_REFUND, LatePolicy.SEAT_ELSE_WAITLIST, LatePolicy.SEAT_ELSE_ATTENTION})


@dataclass(frozen=True, slots=True)
class Pass:
    """A kind of admission. `allocation` counts all; held and sold never exceed it."""

    id: UUID
    event_id: UUID
    name: str
    description: str
    price: Money
    allocation: int
    held: int
    sold: int

    @property
    def left(self) -> int:
        """Seats that can still be asked for."""
        return self.allocation - self.held - self.sold


@dataclass(frozen=True, slots=True)
class PaymentProviderRecord:
    """A named configuration of a payment provider, as staff set it up."""

    id: UUID
    name: str
    kind: str
    payment_page_url: str
    """May end in `?` or carry its own query; without a host it is a page of this installation."""
    timeout_minutes: int
    live: bool
    way: Way = Way.REDIRECT


@dataclass(frozen=True, slots=True)
class Event:
    """One event with its passes, as one read finds them."""

    id: UUID
    readable_id: str
    name: str
    description: str
    place: str
    image_url: str | None
    color: str | None
    """Such as #0a7f6f; None: the standard one."""
    contact_email: str | None
    """Whom attendees ask."""
    status: EventStatus
    currency: str
    capacity: int | None
    """None: no limit beside the passes."""
    held: int
    sold: int
    starts: datetime
    """Local to `time_zone`, naive, as Dataverse keeps it."""
    ends: datetime
    time_zone: str
    """IANA name, such as Europe/Berlin."""
    registration_opens: datetime | None
    """UTC; None: as soon as the event is live."""
    registration_closes: datetime | None
    """UTC; None: open to the end."""
    payment_enabled: bool
    """The event's "Enable payment gateway"."""
    provider: PaymentProviderRecord | None
    late_policy: LatePolicy
    passes: Sequence[Pass]
    waitlist: bool = False
    """When all seats are taken, people can wait for one."""

    @property
    def left(self) -> int | None:
        """Seats of the whole event still free; None without a limit."""
        return None if self.capacity is None else self.capacity - self.held - self.sold

    @property
    def begins(self) -> datetime:
        """When it starts, UTC."""
        return self.starts.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)

    @property
    def finishes(self) -> datetime:
        """When it ends, UTC."""
        return self.ends.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)

    @property
    def live(self) -> bool:
        """True when registrations may reach it."""
        return self.status is EventStatus.LIVE


@dataclass(frozen=True, slots=True)
class WebApplication:
    """A site that may register attendees: its public token and the origins it may call from."""

    id: UUID
    name: str
    origins: Sequence[str]
    """Such as https://events.contoso.com, or http://localhost:* for every port."""
    token: str
    return_url: str | None
    last_used: datetime | None = None
    """UTC, to the hour."""


def is_color(text: str) -> bool:
    """True for # and six hexadecimal digits: nothing else goes into a style sheet."""
    return _COLOR.fullmatch(text) is not None


@cache
def time_zones() -> frozenset[str]:
    """IANA names, such as Europe/Berlin; not those that mean on each machine what it is set to, or nothing."""
    return frozenset(available_timezones() - _NO_ZONES)
