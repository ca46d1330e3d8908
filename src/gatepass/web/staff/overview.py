"""A first look at what is going on."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.event import Event
from gatepass.services.access import Caller
from gatepass.services.remote.lane import NAME
from gatepass.services.remote.tasks import TELL
from gatepass.store import ReadTx, call_lanes, events, jobs, records, remote
from gatepass.web.site import Site, site
from gatepass.web.staff.layout import page

SHOWN = 50
"""Entries of needs attention on a page."""
AT_A_GLANCE = 20
"""Live events, and entries that need a person, on the overview."""


async def remote_home(request: Request, caller: Caller) -> Response:
    """GET /staff, where purchases live in a remote Dataverse"""
    here = site(request)
    return page(request, caller, "remote_home", await here.store.snapshot(lambda tx: _at_the_lane(tx, here)))


async def home(request: Request, caller: Caller) -> Response:
    """GET /staff"""
    here = site(request)
    return page(request, caller, "home", await here.store.snapshot(lambda tx: _overview(tx, here)))


def _overview(tx: ReadTx, here: Site) -> dict[str, Any]:
    return {
        "events": [_figures(event) for event in events.published(tx, AT_A_GLANCE)],
        "attention": entries(tx, here, AT_A_GLANCE),
        "most": AT_A_GLANCE,
    }


def _at_the_lane(tx: ReadTx, here: Site) -> dict[str, Any]:
    return {
        "lane": call_lanes.standing(tx, NAME), "waiting": remote.waiting(tx), "parked": jobs.count_parked(tx, TELL),
        "attention": entries(tx, here),
    }  # fmt: skip


def entries(tx: ReadTx, here: Site, limit: int = SHOWN, after: UUID | None = None) -> list[dict[str, Any]]:
    """What needs attention, the oldest first, each with its purchase's name as `reference`; None: it has no page."""
    rows = records.needing_attention(tx, limit, after)
    names = here.desk.management.views.references(tx, {row["purchase_id"] for row in rows if row["purchase_id"]})
    return [dict(row) | {"reference": names.get(row["purchase_id"])} for row in rows]


def _figures(event: Event) -> dict[str, Any]:
    seats = sum(one.allocation for one in event.passes) if event.passes else event.capacity
    if event.passes and event.capacity is not None:
        seats = min(seats or 0, event.capacity)
    return {"event": event, "seats": seats, "left": None if seats is None else max(seats - event.sold - event.held, 0)}
