"""Watch: figures, the audit, and what needs attention."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from gatepass.web.staff.api.types import Before, In, Moment, Out
from gatepass.web.timeline_types import MoneyDto


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
    since: Moment = None
    until: Moment = None
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
