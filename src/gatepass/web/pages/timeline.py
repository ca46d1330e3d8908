"""What happened to my payment: the buyer's page behind the signed link of an order. It asks the provider before it speaks."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.timeline import Charged, Story
from gatepass.languages import speaking
from gatepass.services import timeline
from gatepass.web import timeline_types
from gatepass.web.pages import order, problem
from gatepass.web.pages.common import render, templates
from gatepass.web.pages.language import kept, language_of, speaks
from gatepass.web.pages.order import fingerprint, times_of, true_order
from gatepass.web.site import site

NO_STORE = {"Cache-Control": "no-store"}

Poll = dict[str, str | int]


@speaks
@problem.readable
async def show(request: Request) -> Response:
    """GET /orders/{token}/timeline"""
    token, found = await true_order(request)
    with speaking(language_of(request, found.purchase)):
        story = await timeline.tell(site(request).store, found.purchase.id)
        content = content_of(request, token, story)
        poll = next_look(request, f"/orders/{token}/timeline/state", story, 0, fingerprint(content))
        context = {"event": found.event, "title": title_of(story), "content": content, "poll": poll}
        return render(request, "timeline.html", context)


@speaks
async def state(request: Request) -> Response:
    """GET /orders/{token}/timeline/state: the next look, and what has changed since `seen`."""
    try:
        token, found = await true_order(request)
    except GatepassError as error:
        return HTMLResponse(error.message, 404 if isinstance(error, NotFound) else 503, NO_STORE)
    with speaking(language_of(request, found.purchase)):
        story = await timeline.tell(site(request).store, found.purchase.id)
        return changed(request, f"/orders/{token}/timeline/state", story, content_of(request, token, story))


@problem.readable
async def document(request: Request) -> Response:
    """GET /orders/{token}/timeline.json: the buyer's view, without technical matter."""
    _token, found = await true_order(request)
    story = await timeline.tell(site(request).store, found.purchase.id)
    return Response(timeline_types.encoded(story, for_staff=False), media_type="application/json", headers=NO_STORE)


def content_of(request: Request, token: str, story: Story) -> str:
    """The page without its frame."""
    may_pay = story.answer.charged is Charged.NO and any(one.kind == "hold.ends" for one in story.moments)
    context = {"story": story, "order_url": f"/orders/{token}", "may_pay": may_pay, "kept": kept(request)}
    return templates().get_template("timeline_content.html").render(context)


def changed(request: Request, url: str, story: Story, content: str) -> Response:
    """The answer to an open page: the next look, and the content when it is not what was seen."""
    seen = fingerprint(content)
    context = {
        "title": title_of(story),
        "content": None if request.query_params.get("seen") == seen else content,
        "poll": next_look(request, url, story, times_of(request), seen),
    }
    return render(request, "order_state.html", context)


def next_look(request: Request, url: str, story: Story, times: int, seen: str) -> Poll | None:
    """None when nothing is to be waited for."""
    return None if story.settled else order.next_look(request, url, times, seen)


def title_of(story: Story) -> str:
    """The answer, then the event: what is read out when it changes."""
    return f"{story.answer.title} – {story.title}"


def purchase_id_of(request: Request) -> UUID:
    """The id in an address for staff and programs; raises NotFound for what is none."""
    try:
        return UUID(request.path_params["purchase_id"])
    except ValueError:
        raise NotFound("PurchaseUnknown", "There is no purchase with this id.") from None
