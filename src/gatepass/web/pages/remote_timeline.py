"""What happened to my payment, for a purchase of a remote Dataverse: the same page, behind the signed link of the order."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.timeline import Story
from gatepass.services.remote import story as stories
from gatepass.web import timeline_types
from gatepass.web.pages import problem, remote_order
from gatepass.web.pages.common import render
from gatepass.web.pages.language import speaks
from gatepass.web.pages.order import fingerprint
from gatepass.web.pages.timeline import NO_STORE, changed, content_of, next_look, title_of
from gatepass.web.site import site


@speaks
@problem.readable
async def show(request: Request) -> Response:
    """GET /orders/{token}/timeline"""
    token, story = await _story(request)
    content = content_of(request, token, story)
    poll = next_look(request, f"/orders/{token}/timeline/state", story, 0, fingerprint(content))
    return render(request, "timeline.html", {"title": title_of(story), "content": content, "poll": poll})


@speaks
async def state(request: Request) -> Response:
    """GET /orders/{token}/timeline/state: the next look, and what has changed since `seen`."""
    try:
        token, story = await _story(request)
    except GatepassError as error:
        return HTMLResponse(error.message, 404 if isinstance(error, NotFound) else 503, NO_STORE)
    return changed(request, f"/orders/{token}/timeline/state", story, content_of(request, token, story))


@problem.readable
async def document(request: Request) -> Response:
    """GET /orders/{token}/timeline.json"""
    _, story = await _story(request)
    return Response(timeline_types.encoded(story, for_staff=False), media_type="application/json", headers=NO_STORE)


async def _story(request: Request) -> tuple[str, Story]:
    here = site(request)
    token, order = await remote_order.true_order(request)
    told = await here.store.snapshot(lambda tx: stories.read(tx, order.purchase.id, live=here.live))
    if told is None:
        raise NotFound("PurchaseUnknown", "This link belongs to no order that we know.")
    # Put into words here, not on the store's threads: those do not know who reads.
    return token, stories.in_words(told)
