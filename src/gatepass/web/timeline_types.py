"""The story of a purchase over the wire: the same for the buyer's own tools, for staff and for support programs."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from gatepass.domain.money import Money
from gatepass.domain.timeline import Moment, Story
from gatepass.services import texts


class MoneyDto(msgspec.Struct):
    """Integer minor units of ISO 4217: 12050 EUR is 120.50 euro."""

    minor: int
    currency: str


class AnswerDto(msgspec.Struct):
    """Was I charged? `charged` is one of: no, not_known, being_confirmed, charged, being_put_right, charged_twice, being_refunded,
    refunded, disputed.
    """

    charged: str
    title: str
    text: str
    next: str


class MomentDto(msgspec.Struct, rename="camel"):
    """One thing that happened, or (`ahead`) is to happen. `staffOnly` and `detail` only for staff and programs."""

    at: datetime
    kind: str
    tone: str
    title: str
    text: str
    ahead: bool
    staff_only: bool | UnsetType = UNSET
    detail: dict[str, str] | UnsetType = UNSET


class TimelineDto(msgspec.Struct, rename="camel"):
    """The story of one purchase. Times are UTC; texts name them in `timeZone`, the event's.

    `status` is that of the purchase. In front of a Dynamics 365 it is `completed` only once Dynamics says so: what is paid
    is `being_confirmed` until then, or `in_question` while a person decides.
    """

    reference: str
    status: str
    test: bool
    event: str
    items: str
    time_zone: str
    total: MoneyDto
    charged: MoneyDto
    given_back: MoneyDto
    on_its_way_back: MoneyDto
    answer: AnswerDto
    moments: list[MomentDto]
    settled: bool
    purchase_id: UUID | UnsetType = UNSET


def encoded(story: Story, *, for_staff: bool) -> bytes:
    """As JSON; without `for_staff` there is nothing in it that the buyer's page does not show."""
    return msgspec.json.encode(told(story, for_staff=for_staff))


def told(story: Story, *, for_staff: bool) -> TimelineDto:
    """The same before it is JSON."""
    zone, moments = story.time_zone, story.moments if for_staff else story.for_buyer
    return TimelineDto(
        reference=story.reference,
        status=story.standing,
        test=not story.live,
        event=story.title,
        items=story.items,
        time_zone=zone,
        total=money(story.total),
        charged=money(story.sums.charged),
        given_back=money(story.sums.given_back),
        on_its_way_back=money(story.sums.on_its_way_back),
        answer=_answer(story),
        moments=[_moment(one, zone, for_staff=for_staff) for one in moments],
        settled=story.settled,
        purchase_id=story.purchase_id if for_staff else UNSET,
    )


def _answer(story: Story) -> AnswerDto:
    said, zone = story.answer, story.time_zone
    return AnswerDto(said.charged.value, said.title, texts.plain(said.text, zone), texts.plain(said.next, zone))


def _moment(one: Moment, zone: str, *, for_staff: bool) -> MomentDto:
    return MomentDto(
        at=one.at,
        kind=one.kind,
        tone=one.tone.value,
        title=one.title,
        text=texts.plain(one.text, zone),
        ahead=one.ahead,
        staff_only=one.audience.value == "staff" if for_staff else UNSET,
        detail=dict(one.detail) if for_staff else UNSET,
    )


def money(amount: Money) -> MoneyDto:
    """An amount over the wire."""
    return MoneyDto(amount.minor, amount.currency)
