"""What goes on: figures, what needs attention, and who did what."""

from uuid import UUID

from gatepass.domain.event import Event
from gatepass.services import attention, audit, figures, inbox
from gatepass.services.answers import Answer
from gatepass.services.audit import Wanted
from gatepass.services.figures import Figures, Series
from gatepass.store import ReadTx, WriteTx, events
from gatepass.web.staff.api.door import Call
from gatepass.web.staff.api.types.setting_up import ReasonIn
from gatepass.web.staff.api.types.watching import (
    AttentionLine,
    AttentionLines,
    AttentionQuery,
    AuditLine,
    AuditLines,
    AuditQuery,
    BackOut,
    FiguresOut,
    PeriodQuery,
    PointOut,
    SeriesOut,
    SoldOut,
    StepOut,
)
from gatepass.web.staff.asking import row_at
from gatepass.web.staff.attention import line
from gatepass.web.staff.event_form import EVENT
from gatepass.web.staff.figures import EVERYWHERE
from gatepass.web.staff.overview import entries
from gatepass.web.timeline_types import money

PAGE = 50


async def all_figures(call: Call, wanted: PeriodQuery) -> FiguresOut:
    """GET /figures: figures of all events"""
    return await _figures(call, wanted.period, None)


async def event_figures(call: Call, wanted: PeriodQuery) -> FiguresOut:
    """GET /events/{event_id}/figures: its figures (`period`: 7, 30 or 90 days)"""
    return await _figures(call, wanted.period, call.id("event_id"))


async def _figures(call: Call, period: str, event_id: UUID | None) -> FiguresOut:
    def look(tx: ReadTx) -> FiguresOut:
        if event_id:
            row_at(tx, EVENT, event_id)
        event = events.get(tx, event_id) if event_id else None
        return _told(figures.look(tx, period, event.time_zone if event else EVERYWHERE, event_id), event)

    return await call.store.snapshot(look)


def _told(found: Figures, event: Event | None) -> FiguresOut:
    return FiguresOut(
        since=found.since, until=found.until, time_zone=found.zone, registrations=_series(found.registrations),
        revenue=[_series(one) for one in found.revenue],
        steps=[StepOut(label=one.label, count=one.count, share=one.share) for one in found.steps],
        money_back=[BackOut(label=label, count=count, total=money(total)) for label, count, total in found.refunds],
        delay_seconds=found.delay_s, last_notification=found.last_notification, attention=found.attention,
        passes=_sold(event) if event else [],
    )  # fmt: skip


def _series(found: Series) -> SeriesOut:
    points = [PointOut(day=day, value=value) for day, value in found.points]
    return SeriesOut(label=found.label, currency=found.currency, total=found.total, points=points)


def _sold(event: Event) -> list[SoldOut]:
    return [
        SoldOut(
            id=one.id, name=one.name, price=money(one.price), allocation=one.allocation, sold=one.sold, held=one.held,
            left=one.left,
        )
        for one in event.passes
    ]  # fmt: skip


async def needing_attention(call: Call, wanted: AttentionQuery) -> AttentionLines:
    """GET /attention: what a person must decide, the oldest first (`after`)"""
    found = await call.store.snapshot(lambda tx: entries(tx, call.here, PAGE + 1, wanted.after))
    lines = [line(row, may_move_money=True) for row in found[:PAGE]]
    items = [
        AttentionLine(
            id=one["id"], kind=one["kind"], reason=one["reason"], opened=one["opened"], purchase_id=one["purchase_id"],
            remedies=dict(one["ways"]), again=one["again"],
        )
        for one in lines
    ]  # fmt: skip
    return AttentionLines(items=items, next=items[-1].id if len(found) > PAGE else None)


async def close(call: Call, wish: ReasonIn) -> Answer:
    """POST /attention/{entry_id}/close: with how it was dealt with"""
    at = call.id("entry_id")
    return await call.once(lambda tx: attention.close(tx, at, wish.reason, call.caller.name))


async def again(call: Call) -> Answer:
    """POST /attention/{entry_id}/again: a notification, or work that was given up, is put back to work"""
    at = call.id("entry_id")

    def unit(tx: WriteTx) -> None:
        inbox.again(tx, at, call.caller.name)

    return await call.once(unit)


async def audited(call: Call, asked: AuditQuery) -> AuditLines:
    """GET /audit: who did what, before and after, and why (`actor`, `action`, `subject`, `since`, `until`, `before`)"""
    wanted = Wanted(asked.actor, asked.action, asked.subject, asked.since, asked.until, asked.before)
    found, more = await call.store.read(lambda tx: audit.search(tx, wanted))
    return AuditLines(items=[AuditLine(**row) for row in found], next=more)
