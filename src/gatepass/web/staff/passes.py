"""Passes and questions of an event: made, changed, removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.services import planning, records
from gatepass.services.access import Caller
from gatepass.store import ReadTx, WriteTx
from gatepass.store.tables import Row
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff import fields
from gatepass.web.staff.asking import child_at, form_page, id_in, row_at
from gatepass.web.staff.event_form import EVENT, EVENT_QUESTION, PASS, QUESTION, pass_form, question_form
from gatepass.web.staff.events import EVENTS, event_page
from gatepass.web.staff.layout import done


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of part of an event, as its pages speak of it."""

    word: str
    path: str
    form: Callable[[Row], fields.Form]
    """By the event's row."""
    find: Callable[[ReadTx, UUID, UUID], Row]
    """The record of a form, by event and the id in the address."""


def _pass(tx: ReadTx, event_id: UUID, pass_id: UUID) -> Row:
    return child_at(tx, PASS, pass_id, event_id)


def _question(tx: ReadTx, event_id: UUID, tie_id: UUID) -> Row:
    return row_at(tx, QUESTION, child_at(tx, EVENT_QUESTION, tie_id, event_id)["customregistrationfield_id"])


A_PASS = Part("pass", "passes", lambda event: pass_form(event["currency"]), _pass)
A_QUESTION = Part("question", "questions", lambda event: question_form(), _question)


async def new_pass_form(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/passes/new"""
    return await _page(request, caller, A_PASS)


async def new_pass(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/passes/new"""
    event_id = id_in(request, "event_id")

    def unit(tx: WriteTx, form: fields.Form, given: Mapping[str, str]) -> None:
        planning.add_pass(tx, caller, event_id, fields.values(form, given))

    return await _saved(request, caller, A_PASS, unit, "The pass is made.")


async def pass_page(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/passes/{pass_id}"""
    return await _page(request, caller, A_PASS)


async def change_pass(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/passes/{pass_id}"""
    event_id, pass_id = id_in(request, "event_id"), id_in(request, "pass_id")

    def unit(tx: WriteTx, form: fields.Form, given: Mapping[str, str]) -> None:
        child_at(tx, PASS, pass_id, event_id)
        records.update(tx, caller, PASS, pass_id, fields.values(form, given), expected=fields.version_of(given))

    return await _saved(request, caller, A_PASS, unit, "The pass is changed.")


async def remove_pass(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/passes/{pass_id}/remove"""
    event_id, pass_id = id_in(request, "event_id"), id_in(request, "pass_id")

    def unit(tx: WriteTx) -> None:
        child_at(tx, PASS, pass_id, event_id)
        records.delete(tx, caller, PASS, pass_id)

    return await _removed(request, caller, event_id, unit, "The pass is gone.")


async def new_question_form(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/questions/new"""
    return await _page(request, caller, A_QUESTION)


async def new_question(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/questions/new"""
    event_id = id_in(request, "event_id")

    def unit(tx: WriteTx, form: fields.Form, given: Mapping[str, str]) -> None:
        planning.add_question(tx, caller, event_id, fields.values(form, given))

    return await _saved(request, caller, A_QUESTION, unit, "The question is asked from now on.")


async def question_page(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/questions/{question_id}"""
    return await _page(request, caller, A_QUESTION)


async def change_question(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/questions/{question_id}"""
    event_id, tie_id = id_in(request, "event_id"), id_in(request, "question_id")

    def unit(tx: WriteTx, form: fields.Form, given: Mapping[str, str]) -> None:
        found = _question(tx, event_id, tie_id)
        records.update(tx, caller, QUESTION, found["id"], fields.values(form, given), expected=fields.version_of(given))

    return await _saved(request, caller, A_QUESTION, unit, "The question is changed.")


async def remove_question(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/questions/{question_id}/remove"""
    event_id, tie_id = id_in(request, "event_id"), id_in(request, "question_id")

    def unit(tx: WriteTx) -> None:
        child_at(tx, EVENT_QUESTION, tie_id, event_id)
        records.delete(tx, caller, EVENT_QUESTION, tie_id)

    return await _removed(
        request, caller, event_id, unit, "The question is asked no more. Answers that were given stay."
    )


Unit = Callable[[WriteTx, fields.Form, Mapping[str, str]], None]


async def _saved(request: Request, caller: Caller, part: Part, unit: Unit, says: str) -> Response:
    given, event_id = await form_of(request), id_in(request, "event_id")

    def save(tx: WriteTx) -> None:
        unit(tx, part.form(row_at(tx, EVENT, event_id)), given)

    try:
        await site(request).store.write(save)
    except GatepassError as refusal:
        return await _page(request, caller, part, given, refusal)
    return done(request, f"{EVENTS}/{event_id}", says)


async def _removed(
    request: Request, caller: Caller, event_id: UUID, unit: Callable[[WriteTx], None], says: str
) -> Response:
    try:
        await site(request).store.write(unit)
    except GatepassError as refusal:
        return await event_page(request, caller, event_id, refusal)
    return done(request, f"{EVENTS}/{event_id}", says)


async def _page(
    request: Request, caller: Caller, part: Part, given: Mapping[str, str] | None = None, wrong: GatepassError | None = None
) -> Response:  # fmt: skip
    event_id = id_in(request, "event_id")
    key = "pass_id" if part is A_PASS else "question_id"
    at = id_in(request, key) if key in request.path_params else None

    def look(tx: ReadTx) -> dict[str, Any]:
        event = row_at(tx, EVENT, event_id)
        form, row = part.form(event), part.find(tx, event_id, at) if at else None
        shown = fields.fields(form, row or fields.blank(form), given)
        return {
            "owner": event,
            "row": row,
            "fields": shown,
            "table": form.table,
            "version": row["version"] if row else "",
        }

    found = await site(request).store.read(look)
    context = found | {"part": part, "at": at}
    return form_page(request, caller, "event_part", context, wrong and fields.for_people(wrong, found["table"]))
