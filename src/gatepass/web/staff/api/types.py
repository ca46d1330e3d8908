"""What goes over the wire of the staff API beside declared records (shapes.py): camelCase, times in UTC, money in minor units."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gatepass.web.timeline_types import MoneyDto, TimelineDto


class In(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """A body, or a query: what it does not know it refuses."""


class Out(msgspec.Struct, rename="camel", kw_only=True):
    """An answer."""


Reason = Annotated[str, Meta(max_length=500, description="Why; for the audit. The buyer does not see it.")]
Before = Annotated[UUID | None, Meta(description="`next` of the page before")]


# Set-up


class EventQuery(In):
    """`q`: a part of the name."""

    q: Annotated[str, Meta(max_length=100)] = ""
    status: Literal["", "draft", "ready_to_go_live", "in_progress", "live", "cancelled", "going_live"] = ""
    before: Before = None


class EventLine(Out):
    """One event in a list; `starts` and `ends` on the clock of `timeZone`."""

    id: UUID
    readable_id: str
    name: str
    status: str
    starts: datetime
    ends: datetime
    time_zone: str
    currency: str
    capacity: int | None
    held: int
    sold: int


class EventLines(Out):
    """The newest first."""

    items: list[EventLine]
    next: UUID | None = None


class ChecklistLine(Out):
    """What stands between an event and its first paid registration. `standing`: done, advice or missing."""

    standing: str
    says: str
    remedy: str
    about: UUID | None
    field: str


class CopyIn(In):
    """Without a name it is “Copy of” and the name of the source."""

    name: Annotated[str, Meta(max_length=100)] = ""


class KeyIn(In):
    """A secret that is written and never read: the answer shows its last four characters."""

    value: Annotated[str, Meta(max_length=300)]


class KeyOut(Out):
    """What may be seen of a key."""

    last_four: str | None
    changed: datetime


class KeysOut(Out):
    """Null: none was given."""

    secret_key: KeyOut | None
    webhook_secret: KeyOut | None


class FindingOut(Out):
    """One line of a connection check. `health`: fine, warning or broken."""

    what: str
    health: str
    says: str


class FindingsOut(Out):
    """`connected`: false when there is no key."""

    connected: bool
    findings: list[FindingOut]


class TokenOut(Out):
    """The public token of a site, shown this once."""

    token: str


class SwitchOut(Out):
    """A feature switch of the installation."""

    name: str
    on: bool
    label: str
    meaning: str


class SwitchesOut(Out):
    """All of them."""

    items: list[SwitchOut]


class SwitchIn(In):
    """On or off."""

    on: bool


class InviteIn(In):
    """Who is there already gets the role."""

    email: str
    role: Literal["viewer", "event_staff", "finance", "administrator"]
    name: str = ""


class RoleIn(In):
    """Another role: their sessions end."""

    role: Literal["viewer", "event_staff", "finance", "administrator"]
    reason: Reason = ""


class ReasonIn(In):
    """Why, for the audit."""

    reason: Reason = ""


class PersonOut(Out):
    """Somebody who may sign in. `state`: invited, active or closed."""

    id: UUID
    email: str
    name: str
    role: str
    state: str
    second_factor: bool
    elsewhere: bool


class PeopleOut(Out):
    """Everybody."""

    items: list[PersonOut]


# Watch


class PeriodQuery(In):
    """Days, today included."""

    period: Literal["7", "30", "90"] = "30"


class PointOut(Out):
    """A day of the zone; minor units where the series has a currency."""

    day: date
    value: int


class SeriesOut(Out):
    """One number a day. Amounts of different currencies are never added."""

    label: str
    currency: str | None
    total: int
    points: list[PointOut]


class StepOut(Out):
    """One bar of the funnel; `share` in percent of those registered."""

    label: str
    count: int
    share: float


class BackOut(Out):
    """Refunds and disputes of one state and currency."""

    label: str
    count: int
    total: MoneyDto


class SoldOut(Out):
    """A pass now, whatever the period."""

    id: UUID
    name: str
    price: MoneyDto
    allocation: int
    sold: int
    held: int
    left: int


class FiguresOut(Out):
    """Figures of an event, or of all. `delaySeconds`: what 95 of 100 notifications do not exceed."""

    since: date
    until: date
    time_zone: str
    registrations: SeriesOut
    revenue: list[SeriesOut]
    steps: list[StepOut]
    money_back: list[BackOut]
    delay_seconds: float | None
    last_notification: datetime | None
    attention: int
    passes: list[SoldOut]


class AuditQuery(In):
    """`action` may be the beginning of one, `subject` a whole kind such as `event:`."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: Annotated[datetime, Meta(tz=True)] | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    before: Before = None


class AuditLine(Out):
    """Who did what; `detail` has `before`, `after` and `reason`, where there are."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditLines(Out):
    """The newest first."""

    items: list[AuditLine]
    next: UUID | None = None


# Work


class PurchaseQuery(In):
    """`q`: a name, a mail address, an order or a reference of the provider."""

    q: Annotated[str, Meta(max_length=200)] = ""
    event: UUID | None = None
    state: Literal[
        "", "awaiting_payment", "completed", "cancelled", "expired", "paid_late", "waitlisted", "refunded", "disputed", "attention",
    ] = ""  # fmt: skip
    since: Annotated[datetime, Meta(tz=True)] | None = None
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
    attendees: Annotated[list[UUID], Meta(max_length=1000)] = []
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


class AttentionQuery(In):
    """The oldest first."""

    after: Annotated[UUID | None, Meta(description="`next` of the page before")] = None


class AttentionLine(Out):
    """What a person must decide. `remedies`: addresses below `/staff` that settle it; `again`: it can be tried again."""

    id: UUID
    kind: str
    reason: str
    opened: datetime
    purchase_id: UUID | None
    remedies: dict[str, str]
    again: bool


class AttentionLines(Out):
    """The oldest first."""

    items: list[AttentionLine]
    next: UUID | None = None


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
