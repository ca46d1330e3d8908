"""Events: the list, one event with its checklist, and the forms that make, change, copy and publish it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.domain.event import EventStatus
from gatepass.services import copying, golive, records
from gatepass.services.access import Caller
from gatepass.services.golive import Line, Remedy, Standing
from gatepass.services.planning import EVENT_QUESTION, QUESTION
from gatepass.store import ReadTx, WriteTx, events, rows
from gatepass.store.tables import Row
from gatepass.web.pages.common import form_of, picture
from gatepass.web.site import site
from gatepass.web.staff import fields
from gatepass.web.staff.asking import form_page, id_in, row_at
from gatepass.web.staff.door import ADMINISTERS, SETS_UP
from gatepass.web.staff.event_form import EVENT, EVENT_PARTS, event_form
from gatepass.web.staff.layout import done, page

EVENTS = "/staff/events"
MAX_SEARCH_CHARS = 100
_OF_THE_EVENT = frozenset({Remedy.EVENT, Remedy.PASSES, Remedy.TICKET})
"""Put right by whoever sets events up; the rest of the set-up is the administrators'."""


async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/events?q=&status=&before="""
    given = request.query_params
    wanted, status = given.get("q", "").replace("\0", "")[:MAX_SEARCH_CHARS].strip(), given.get("status", "")
    before = _id(given.get("before", ""))
    found, more = await site(request).store.read(lambda tx: events.listed(tx, wanted, status, before))
    context = {
        "rows": found, "more": more, "wanted": wanted, "status": status,
        "statuses": [(one.value, one.value.replace("_", " ").capitalize()) for one in EventStatus],
        "may": caller.role in SETS_UP,
    }  # fmt: skip
    return page(request, caller, "events", context)


async def new_form(request: Request, caller: Caller) -> Response:
    """GET /staff/events/new"""
    return await _form_page(request, caller, None)


async def create(request: Request, caller: Caller) -> Response:
    """POST /staff/events/new"""
    given = await form_of(request)

    def unit(tx: WriteTx) -> UUID:
        form = event_form(tx, given.get("time_zone", "UTC"))
        return records.create(tx, caller, EVENT, fields.values(_zoned(form), given))

    try:
        made = await site(request).store.write(unit)
    except GatepassError as refusal:
        return await _form_page(request, caller, None, given, refusal)
    return done(request, f"{EVENTS}/{made}", "The event is made. The list says what is still missing.")


async def edit_form(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/edit"""
    return await _form_page(request, caller, id_in(request, "event_id"))


async def edit(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/edit"""
    given, event_id = await form_of(request), id_in(request, "event_id")

    def unit(tx: WriteTx) -> None:
        form = event_form(tx, given.get("time_zone", "UTC"))
        values = fields.values(_zoned(form), given)
        records.update(tx, caller, EVENT, event_id, values, expected=fields.version_of(given))

    try:
        await site(request).store.write(unit)
    except GatepassError as refusal:
        return await _form_page(request, caller, event_id, given, refusal)
    return done(request, f"{EVENTS}/{event_id}", "The event is changed.")


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}"""
    return await event_page(request, caller, id_in(request, "event_id"))


async def publish(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/publish"""
    event_id, here = id_in(request, "event_id"), site(request)
    try:
        await here.store.write(lambda tx: golive.publish(tx, caller, event_id, here.desk.providers))
    except GatepassError as refusal:
        return await event_page(request, caller, event_id, refusal)
    return done(request, f"{EVENTS}/{event_id}", "The event is live: attendees can register.")


async def take_back(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/take-back"""
    event_id = id_in(request, "event_id")
    try:
        await site(request).store.write(lambda tx: golive.take_back(tx, caller, event_id))
    except GatepassError as refusal:
        return await event_page(request, caller, event_id, refusal)
    return done(request, f"{EVENTS}/{event_id}", "The event is a draft again: nobody can register.")


async def copy(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/copy"""
    event_id, given = id_in(request, "event_id"), await form_of(request)

    def unit(tx: WriteTx) -> UUID:
        name = given.get("name", "").strip() or copying.copy_name(row_at(tx, EVENT, event_id)["name"])
        return copying.copy_event(tx, caller, event_id, name)

    made = await site(request).store.write(unit)
    return done(request, f"{EVENTS}/{made}/edit", "This is the copy, a draft. Give it its own name and dates.")


async def event_page(
    request: Request, caller: Caller, event_id: UUID, wrong: GatepassError | None = None
) -> Response:  # fmt: skip
    """One event: its checklist, its passes and questions, and what can be done."""
    here = site(request)

    def look(tx: ReadTx) -> dict[str, Any]:
        row = row_at(tx, EVENT, event_id)
        event = events.get(tx, event_id)
        assert event is not None
        lines = golive.check(tx, event, here.desk.providers)
        return {"row": row, "event": event, "lines": lines, "questions": questions_of(tx, event_id)}

    found = await here.store.snapshot(look)
    wrong = wrong and fields.for_people(wrong, EVENT)
    context: dict[str, Any] = found | {
        "lines": [(line, _way_of(caller, event_id, line)) for line in found["lines"]],
        "missing": [line.says for line in found["lines"] if line.standing is Standing.MISSING],
        "may": caller.role in SETS_UP,
        "administers": caller.role in ADMINISTERS,
        "picture": picture(found["event"].image_url),
        "copy_name": copying.copy_name(found["event"].name),
        "public_url": f"{here.links.base_url}/e/{found['event'].readable_id}",
    }
    return form_page(request, caller, "event", context, wrong)


def _way_of(caller: Caller, event_id: UUID, line: Line) -> str | None:
    """Where this caller puts a line of the checklist right; None: it is done, or somebody else has to."""
    may = SETS_UP if line.remedy in _OF_THE_EVENT else ADMINISTERS
    return path_of(event_id, line) if caller.role in may and line.standing is not Standing.DONE else None


def path_of(event_id: UUID, line: Line) -> str:
    """The page on which a line of the checklist is put right."""
    own = f"{EVENTS}/{event_id}"
    field = f"#{line.field}" if line.field else ""
    return {
        Remedy.EVENT: f"{own}/edit{field}",
        Remedy.PASSES: f"{own}/passes/new",
        Remedy.TICKET: f"{own}/passes/{line.about}{field}",
        Remedy.PROVIDERS: "/staff/providers",
        Remedy.PROVIDER: f"/staff/providers/{line.about}{field}",
        Remedy.SITES: "/staff/sites",
        Remedy.SWITCHES: "/staff/switches",
    }[line.remedy]


def questions_of(tx: ReadTx, event_id: UUID) -> list[dict[str, Any]]:
    """The questions of an event in their order, each with its record."""
    ties = rows.matching(tx, EVENT_QUESTION, {"event_id": event_id})
    found = [(tie, rows.find(tx, QUESTION, tie["customregistrationfield_id"])) for tie in ties]
    labels = QUESTION.by_name["type"].choice
    lines = [
        {
            "tie": tie["id"],
            "order": tie["position"] or 0,
            "text": one["text"],
            "type": labels.label(one["type"]),
            "required": one["isrequired"],
        }
        for tie, one in found
        if one
    ]
    return sorted(lines, key=lambda line: line["order"])


async def _form_page(
    request: Request, caller: Caller, event_id: UUID | None, given: Mapping[str, str] | None = None, wrong: GatepassError | None = None
) -> Response:  # fmt: skip
    def look(tx: ReadTx) -> tuple[Row | None, dict[str, list[fields.Field]]]:
        row = row_at(tx, EVENT, event_id) if event_id else None
        form = event_form(tx, row["time_zone"] if row else "UTC")
        shown = _ids(tx, row) if row else fields.blank(form) | _first_choice(form)
        found = {one.name: one for one in fields.fields(form, shown, given)}
        return row, {title: [found[name] for name in names] for title, names in EVENT_PARTS.items()}

    row, parts = await site(request).store.read(look)
    context = {"row": row, "parts": parts, "version": (given or {}).get("version", row["version"] if row else "")}
    return form_page(request, caller, "event_form", context, wrong and fields.for_people(wrong, EVENT))


def _first_choice(form: fields.Form) -> dict[str, Any]:
    """Of a new event: the payment provider, where there is only one."""
    providers = form.options["payment_provider_id"]
    return {
        "payment_enabled": len(providers) == 1,
        "payment_provider_id": providers[0][0] if len(providers) == 1 else None,
    }


def _ids(tx: ReadTx, row: Row) -> dict[str, Any]:
    """A form posts the id of a currency."""
    return dict(row) | {"currency": copying.currency_id(tx, row["currency"])}


def _zoned(form: fields.Form) -> fields.Form:
    """A zone that there is none of is the rules' to refuse; till then moments are read in UTC."""
    return form if form.zone in form.suggestions["time_zone"] else fields.in_zone(form, "UTC")


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
