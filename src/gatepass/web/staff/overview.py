"""A first look at what is going on."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.event import Event
from gatepass.domain.purchase import order_reference
from gatepass.services.access import Caller
from gatepass.store import ReadTx, events, records
from gatepass.web.site import site
from gatepass.web.staff.layout import page

SHOWN = 20
"""Live events, and entries that need a person."""


async def home(request: Request, caller: Caller) -> Response:
    """GET /staff"""
    return page(request, caller, "home", await site(request).store.read(_overview))


def _overview(tx: ReadTx) -> dict[str, Any]:
    return {
        "events": [_figures(event) for event in events.published(tx, SHOWN)],
        "attention": [dict(row) | {"reference": _reference(row)} for row in records.needing_attention(tx, SHOWN)],
        "most": SHOWN,
    }


def _figures(event: Event) -> dict[str, Any]:
    seats = sum(one.allocation for one in event.passes) if event.passes else event.capacity
    if event.passes and event.capacity is not None:
        seats = min(seats or 0, event.capacity)
    return {"event": event, "seats": seats, "left": None if seats is None else max(seats - event.sold - event.held, 0)}


def _reference(row: Mapping[str, Any]) -> str | None:
    return order_reference(row["purchase_id"]) if row["purchase_id"] else None
