"""Work: orders, refunds, corrections, calling off."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from gatepass.web.staff.api.types import Before, In, Moment, Out, Reason
from gatepass.web.timeline_types import MoneyDto, TimelineDto


class PurchaseQuery(In):
    """`q`: a name, a mail address, an order or a reference of the provider."""

    q: Annotated[str, Meta(max_length=200)] = ""
    event: UUID | None = None
    state: Literal[
        "", "awaiting_payment", "completed", "cancelled", "expired", "paid_late", "waitlisted", "refunded", "disputed", "attention",
    ] = ""  # fmt: skip
    since: Moment = None
    before: Before = None


class PurchaseLine(Out):
    """One order in a list."""

    id: UUID
    reference: str
    status: str
    event: str
    buyer: str
    items: str
    total: MoneyDto
    created: datetime


class PurchaseLines(Out):
    """The newest first."""

    items: list[PurchaseLine]
    next: UUID | None = None


class AttendeeOut(Out):
    """One person of an order. `registered`: holds a registration, which a refund may end."""

    id: UUID
    first_name: str
    last_name: str
    email: str
    pass_id: UUID | None
    price: MoneyDto
    registered: bool


class PurchaseOut(Out):
    """An order with its story. `refundable`: what could go back now."""

    id: UUID
    reference: str
    status: str
    event_id: UUID
    total: MoneyDto
    refundable: MoneyDto
    created: datetime
    attendees: list[AttendeeOut]
    timeline: TimelineDto


class RefundIn(In):
    """Neither attendees nor amount: everything. `expectedLeft`: minor units that could go back when somebody decided; when it is
    another number by then, nothing is done.
    """

    reason: Reason
    attendees: Annotated[Sequence[UUID], Meta(max_length=1000)] = ()
    amount: MoneyDto | None = None
    keep_seats: bool = False
    expected_left: int | None = None


class PreviewOut(Out):
    """What a refund would do. `ends`: registrations that end with it."""

    amount: MoneyDto
    left_before: MoneyDto
    left: MoneyDto
    ends: int


class RefundOut(Out):
    """`state`: requested, until the provider has it. `byHand`: taken elsewhere, and only written down here."""

    id: UUID
    amount: MoneyDto
    state: str
    by_hand: bool


class RefundsOut(Out):
    """One for each payment that it is drawn from."""

    items: list[RefundOut]


class SettledOut(Out):
    """The order afterwards."""

    id: UUID
    status: str


class ResendIn(In):
    """The tickets of a completed order, or the link of any."""

    what: Literal["tickets", "link"] = "tickets"


class AttendeeIn(In):
    """A person corrected: what is not named stays."""

    reason: Reason
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None


class CallOffIn(In):
    """`name`: that of the event, so that it is not another one."""

    name: str
    reason: Reason


class ForecastOut(Out):
    """What calling off means, or how far it is. `cash` has to be at the provider; `fees` do not come back."""

    event_id: UUID
    status: str
    orders: dict[str, int]
    left: int
    cash: list[MoneyDto]
    fees: list[MoneyDto]
    fees_unknown: int
    takes_seconds: int
