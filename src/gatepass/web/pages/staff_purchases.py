"""Purchases for staff: find one, and read everything that happened to it."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gatepass.domain.money import Money
from gatepass.domain.purchase import order_reference
from gatepass.domain.timeline import Story
from gatepass.services import timeline
from gatepass.services.access import Caller
from gatepass.store import ReadTx, purchases
from gatepass.store.purchases import AttendeeRow
from gatepass.store.tables import Row
from gatepass.web import timeline_types
from gatepass.web.pages import problem
from gatepass.web.pages.common import render, templates
from gatepass.web.pages.order import fingerprint
from gatepass.web.pages.staff import SIGN_IN, signed_in
from gatepass.web.pages.timeline import NO_STORE, changed, next_look, purchase_id_of
from gatepass.web.site import Site, site

MAX_SEARCH_CHARS = 200
_HEADERS = {"Referrer-Policy": "same-origin"}

StaffHandler = Callable[[Request, Caller], Awaitable[Response]]


def for_staff(handler: StaffHandler) -> Callable[[Request], Awaitable[Response]]:
    """Whoever is not signed in does so first, and comes back."""

    @problem.readable
    @wraps(handler)
    async def answer(request: Request) -> Response:
        caller = await signed_in(request)
        if caller is None:
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': wanted})}", 303)
        return await handler(request, caller)

    return answer


@for_staff
async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases?q="""
    wanted = request.query_params.get("q", "").replace("\0", "")[:MAX_SEARCH_CHARS]
    rows = await site(request).store.read(lambda tx: timeline.search(tx, wanted))
    context = {"caller": caller, "wanted": wanted.strip(), "rows": [_line(row) for row in rows]}
    return render(request, "staff_purchases.html", context, headers=_HEADERS)


@for_staff
async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}"""
    story, content = await _told(request)
    poll = next_look(request, f"/staff/purchases/{story.purchase_id}/state", story, 0, fingerprint(content))
    context = {
        "caller": caller,
        "title": f"{story.reference} – Gatepass",
        "reference": story.reference,
        "content": content,
        "poll": poll,
    }
    return render(request, "staff_purchase.html", context, headers=_HEADERS)


async def state(request: Request) -> Response:
    """GET /staff/purchases/{purchase_id}/state: the next look, and what has changed since `seen`."""
    if await signed_in(request) is None:
        return HTMLResponse("Sign in first.", 401, NO_STORE)
    story, content = await _told(request)
    return changed(request, f"/staff/purchases/{story.purchase_id}/state", story, content)


@for_staff
async def document(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}/timeline.json: everything"""
    story = await timeline.tell(site(request).store, purchase_id_of(request))
    return Response(timeline_types.encoded(story, for_staff=True), media_type="application/json", headers=NO_STORE)


async def _told(request: Request) -> tuple[Story, str]:
    here, purchase_id = site(request), purchase_id_of(request)

    def look(tx: ReadTx) -> tuple[Story, list[AttendeeRow]]:
        return timeline.tell_now(tx, purchase_id), purchases.tickets(tx, purchase_id)

    story, people = await here.store.snapshot(look)
    return story, _content(here, story, people)


def _content(here: Site, story: Story, people: list[AttendeeRow]) -> str:
    order_url = here.links.order(story.purchase_id, story.created)
    context = {"story": story, "people": people, "order_url": order_url}
    return templates().get_template("staff_purchase_content.html").render(context)


def _line(row: Row) -> dict[str, Any]:
    return dict(row) | {
        "reference": order_reference(row["id"]),
        "total": Money(row["total_minor"], row["currency"]),
    }
