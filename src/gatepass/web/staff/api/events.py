"""Events, their passes and questions: set up, shown with the checklist, published, copied, called off."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import msgspec

from gatepass.domain.errors import GatepassError
from gatepass.services import cancellations, copying, golive, planning, records
from gatepass.services.answers import Answer
from gatepass.services.cancellations import Forecast
from gatepass.services.planning import EVENT_QUESTION, PASSES, QUESTIONS
from gatepass.store import ReadTx, WriteTx, events, rows
from gatepass.web.staff.api.door import Call, Told
from gatepass.web.staff.api.shapes import Shape
from gatepass.web.staff.api.types.setting_up import ChecklistLine, CopyIn, EventLine, EventLines, EventQuery
from gatepass.web.staff.api.types.work import CallOffIn, ForecastOut
from gatepass.web.staff.asking import row_at
from gatepass.web.staff.event_form import EVENT, EVENT_NAMES, PASS_NAMES, QUESTION_NAMES
from gatepass.web.timeline_types import MoneyDto

A_PASS = Shape(PASSES.table, "StaffPass", PASS_NAMES, (("sold", int), ("held", int)))
A_QUESTION = Shape(QUESTIONS.table, "StaffQuestion", QUESTION_NAMES)
AN_EVENT = Shape(
    EVENT,
    "StaffEvent",
    EVENT_NAMES,
    (
        ("readable_id", str), ("status", str), ("public_url", str), ("passes", list[cast("Any", A_PASS.told)]),
        ("questions", list[cast("Any", A_QUESTION.told)]), ("checklist", list[ChecklistLine]),
    ),
)  # fmt: skip


async def listed(call: Call, wanted: EventQuery) -> EventLines:
    """GET /events: events, the newest first (`q`, `status`, `before`)"""
    found, more = await call.store.read(lambda tx: events.listed(tx, wanted.q.strip(), wanted.status, wanted.before))
    return EventLines(items=[EventLine(**row) for row in found], next=more)


async def show(call: Call) -> Told:
    """GET /events/{event_id}: one event with passes, questions and the checklist to go live"""
    at = call.id("event_id")
    return await call.store.snapshot(lambda tx: _event(tx, call, at))


async def create(call: Call, wish: msgspec.Struct) -> Answer:
    """POST /events: a new event, a draft"""
    return await _written(
        call, AN_EVENT, lambda tx: records.create(tx, call.caller, EVENT, AN_EVENT.values(tx, wish))
    )  # fmt: skip


async def change(call: Call, wish: msgspec.Struct) -> Answer:
    """PATCH /events/{event_id}: change it"""
    at, version = call.id("event_id"), cast("Any", wish).version

    def unit(tx: WriteTx) -> UUID:
        return records.update(tx, call.caller, EVENT, at, AN_EVENT.values(tx, wish), expected=version)

    return await _written(call, AN_EVENT, unit)


async def publish(call: Call) -> Answer:
    """POST /events/{event_id}/publish: go live; 409 while something is missing"""
    at = call.id("event_id")

    def unit(tx: WriteTx) -> UUID:
        golive.publish(tx, call.caller, at, call.here.desk.providers)
        return at

    return await _written(call, AN_EVENT, unit)


async def take_back(call: Call) -> Answer:
    """POST /events/{event_id}/take-back: a draft again"""
    at = call.id("event_id")

    def unit(tx: WriteTx) -> UUID:
        golive.take_back(tx, call.caller, at)
        return at

    return await _written(call, AN_EVENT, unit)


async def copy(call: Call, wish: CopyIn) -> Answer:
    """POST /events/{event_id}/copy: a draft with the same passes and questions"""
    at = call.id("event_id")

    def unit(tx: WriteTx) -> UUID:
        name = wish.name.strip() or copying.copy_name(row_at(tx, EVENT, at)["name"])
        return copying.copy_event(tx, call.caller, at, name)

    return await _written(call, AN_EVENT, unit)


@dataclass(frozen=True, slots=True)
class Part:
    """Passes, or questions, of an event."""

    kind: planning.Part
    shape: Shape
    key: str

    async def create(self, call: Call, wish: msgspec.Struct) -> Answer:
        """POST /events/{event_id}/passes, or questions: a new one; the answer is the whole event"""
        event_id = call.id("event_id")

        def unit(tx: WriteTx) -> UUID:
            values = self.shape.values(tx, wish, row_at(tx, EVENT, event_id)["currency"])
            self.kind.add(tx, call.caller, event_id, values)
            return event_id

        return await _written(call, self.shape, unit)

    async def change(self, call: Call, wish: msgspec.Struct) -> Answer:
        """PATCH /events/{event_id}/passes/{pass_id}, or a question: change it"""
        event_id, at, version = call.id("event_id"), call.id(self.key), cast("Any", wish).version

        def unit(tx: WriteTx) -> UUID:
            values = self.shape.values(tx, wish, row_at(tx, EVENT, event_id)["currency"])
            self.kind.change(tx, call.caller, event_id, at, values, version)
            return event_id

        return await _written(call, self.shape, unit)

    async def remove(self, call: Call) -> Answer:
        """DELETE /events/{event_id}/passes/{pass_id}, or a question: take it from the event, while nobody holds it"""
        event_id, at = call.id("event_id"), call.id(self.key)

        def unit(tx: WriteTx) -> UUID:
            self.kind.remove(tx, call.caller, event_id, at)
            return event_id

        return await _written(call, self.shape, unit)


THE_PASSES, THE_QUESTIONS = Part(PASSES, A_PASS, "pass_id"), Part(QUESTIONS, A_QUESTION, "question_id")


async def forecast(call: Call) -> ForecastOut:
    """GET /events/{event_id}/call-off: what it would mean, or how far it is"""
    at = call.id("event_id")
    return _forecast(await call.store.read(lambda tx: cancellations.forecast(tx, at)))


async def call_off(call: Call, wish: CallOffIn) -> Answer:
    """POST /events/{event_id}/call-off: call the event off: everybody gets their money back"""
    at = call.id("event_id")

    def unit(tx: WriteTx) -> Told:
        cancellations.call_off_in(tx, at, wish.reason, call.caller.name, named=wish.name)
        return _forecast(cancellations.forecast(tx, at))

    return await call.once(unit)


def _forecast(found: Forecast) -> ForecastOut:
    return ForecastOut(
        event_id=found.event.id, status=found.event.status.value, left=sum(found.orders.values()),
        orders={status.value: count for status, count in found.orders.items()}, cash=_amounts(found.cash),
        fees=_amounts(found.fees), fees_unknown=found.fees_unknown, takes_seconds=int(found.takes.total_seconds()),
    )  # fmt: skip


def _amounts(by_currency: Any) -> list[MoneyDto]:
    return [MoneyDto(minor, currency) for currency, minor in sorted(by_currency.items()) if minor]


async def _written(call: Call, shape: Shape, unit: Callable[[WriteTx], UUID]) -> Answer:
    """Do it, and answer with the whole event that `unit` names. A refusal speaks of the members of `shape`."""
    try:
        return await call.once(lambda tx: _event(tx, call, unit(tx)))
    except GatepassError as error:
        raise shape.refused(error) from None


def _event(tx: ReadTx, call: Call, event_id: UUID) -> msgspec.Struct:
    row, event = row_at(tx, EVENT, event_id), events.get(tx, event_id)
    assert event is not None
    lines = golive.check(tx, event, call.here.desk.providers)
    return AN_EVENT.tell(
        row,
        readable_id=event.readable_id,
        status=event.status.value,
        public_url=f"{call.here.links.base_url}/e/{event.readable_id}",
        passes=[A_PASS.tell(one, sold=one["sold"], held=one["held"]) for one in _passes(tx, event_id)],
        questions=_questions(tx, event_id),
        checklist=[
            ChecklistLine(
                standing=line.standing.value, says=line.says, remedy=line.remedy.value, about=line.about, field=line.field
            )
            for line in lines
        ],
    )  # fmt: skip


def _passes(tx: ReadTx, event_id: UUID) -> list[Any]:
    return sorted(rows.matching(tx, PASSES.table, {"event_id": event_id}), key=lambda row: row["id"])


def _questions(tx: ReadTx, event_id: UUID) -> list[msgspec.Struct]:
    ties = rows.matching(tx, EVENT_QUESTION, {"event_id": event_id})
    ties.sort(key=lambda tie: (tie["position"] or 0, tie["id"]))
    return [A_QUESTION.tell(QUESTIONS.record(tx, event_id, tie["id"]), tie["id"]) for tie in ties]
