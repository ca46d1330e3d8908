"""Who waits for an event, and who was offered a seat."""

from starlette.requests import Request
from starlette.responses import Response

from gatepass.services.access import Caller
from gatepass.store import waitlist
from gatepass.web.site import site
from gatepass.web.staff.asking import id_in, row_at
from gatepass.web.staff.event_form import EVENT
from gatepass.web.staff.layout import page

MOST = 500
"""Shown on one page."""


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/waitlist"""
    event_id = id_in(request, "event_id")
    event = await site(request).store.read(lambda tx: row_at(tx, EVENT, event_id))
    found = await site(request).store.read(lambda tx: waitlist.of_event(tx, event_id, MOST))
    return page(request, caller, "waitlist", {"event": event, "rows": found, "most": MOST})
