"""Purchases for staff: find one, and read everything that happened to it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.timeline import Story
from gatepass.services.access import Caller
from gatepass.services.views import Line
from gatepass.store import ReadTx, events, purchases, questions
from gatepass.store.search import Wanted
from gatepass.store.tables import Row
from gatepass.web import timeline_types
from gatepass.web.pages.common import templates
from gatepass.web.pages.order import fingerprint
from gatepass.web.pages.timeline import NO_STORE, changed, next_look, purchase_id_of
from gatepass.web.site import site
from gatepass.web.staff.door import CARES, MOVES_MONEY
from gatepass.web.staff.layout import page

MAX_SEARCH_CHARS = 200
FILTERS = ("q", "event", "state", "since")


SPANS = {"1": "Today and yesterday", "7": "Last 7 days", "30": "Last 30 days"}
"""Days, as the filter names them."""


async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases?q=&event=&state=&since=&before="""
    here, views = site(request), site(request).desk.management.views
    given = {name: request.query_params.get(name, "").replace("\0", "")[:MAX_SEARCH_CHARS].strip() for name in FILTERS}

    def look(tx: ReadTx) -> tuple[list[Line], UUID | None, list[Row]]:
        rows, more = views.found(tx, _wanted(given, views.states, request.query_params.get("before", "")))
        return rows, more, [] if here.remote else events.names(tx)

    rows, more, known = await here.store.read(look)
    context = {
        "given": given, "rows": rows, "events": known, "spans": SPANS, "states": views.states, "remote": here.remote,
        "more": more, "filtered": any(given.values()),
        "chips": [(name, _chip(name, value, known), {**given, name: ""}) for name, value in given.items() if value and name != "q"],
    }  # fmt: skip
    return page(request, caller, "purchases", context)


def _wanted(given: Mapping[str, str], states: Sequence[str], before: str) -> Wanted:
    days = given["since"]
    return Wanted(
        text=given["q"],
        event_id=_id(given["event"]),
        state=given["state"] if given["state"] in states else "",
        since=datetime.now(UTC) - timedelta(days=int(days)) if days in SPANS else None,
        before=_id(before),
    )


def _chip(name: str, value: str, known: list[Row]) -> str:
    if name == "event":
        return next((row["name"] for row in known if str(row["id"]) == value), "Another event")
    return SPANS.get(value, value) if name == "since" else value.replace("_", " ").capitalize()


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}"""
    story, content = await _told(request, caller)
    poll = next_look(request, f"/staff/purchases/{story.purchase_id}/state", story, 0, fingerprint(content))
    context = {
        "title": f"{story.reference} – Gatepass",
        "reference": story.reference,
        "content": content,
        "poll": poll,
    }
    return page(request, caller, "purchase", context)


async def state(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}/state: the next look, and what has changed since `seen`."""
    story, content = await _told(request, caller)
    return changed(request, f"/staff/purchases/{story.purchase_id}/state", story, content)


async def document(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}/timeline.json: everything"""
    here, purchase_id = site(request), purchase_id_of(request)
    story = await here.store.snapshot(lambda tx: here.desk.management.views.story(tx, purchase_id))
    return Response(timeline_types.encoded(story, for_staff=True), media_type="application/json", headers=NO_STORE)


async def _told(request: Request, caller: Caller) -> tuple[Story, str]:
    here, purchase_id = site(request), purchase_id_of(request)

    def look(tx: ReadTx) -> tuple[Story, list[dict[str, Any]]]:
        return here.desk.management.views.story(tx, purchase_id), _people(tx, purchase_id)

    story, people = await here.store.snapshot(look)
    context = {
        "story": story, "people": people, "order_url": here.links.order(story.purchase_id, story.created),
        "record_url": here.desk.management.views.record_url(story.purchase_id), "may_refund": caller.role in MOVES_MONEY,
        "may_help": caller.role in CARES,
    }  # fmt: skip
    return story, templates().get_template("staff/purchase_content.html").render(context)


def _people(tx: ReadTx, purchase_id: UUID) -> list[dict[str, Any]]:
    """Each with the name of the pass, and (question, answer) pairs."""
    people = purchases.tickets(tx, purchase_id)
    passes = events.pass_names(tx, {one.pass_id for one in people if one.pass_id})
    answers = questions.answers_of(tx, purchase_id)
    return [
        {
            "person": one,
            "pass": passes.get(one.pass_id) if one.pass_id else None,
            "answers": [(row["text"], row["response"]) for row in answers if row["attendee_id"] == one.id],
        }
        for one in people
    ]
