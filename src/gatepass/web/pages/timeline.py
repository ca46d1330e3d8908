"""What happened to my payment: the buyer's page behind the signed link of an order. It asks the provider before it speaks."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.timeline import Charged, Story
from gatepass.services import timeline
from gatepass.web import timeline_types
from gatepass.web.pages import problem
from gatepass.web.pages.common import render, templates
from gatepass.web.pages.order import DELAYS_S, fingerprint, times_of, true_order
from gatepass.web.site import site

NO_STORE = {"Cache-Control": "no-store"}

Poll = dict[str, str | int]


@problem.readable
async def show(request: Request) -> Response:
    """GET /orders/{token}/timeline"""
    token, story = await _story(request)
    content = content_of(token, story)
    poll = next_look(f"/orders/{token}/timeline/state", story, 0, fingerprint(content))
    return render(request, "timeline.html", {"title": title_of(story), "content": content, "poll": poll})


async def state(request: Request) -> Response:
    """GET /orders/{token}/timeline/state: the next look, and what has changed since `seen`."""
    try:
        token, story = await _story(request)
    except GatepassError as error:
        return HTMLResponse(error.message, 404 if isinstance(error, NotFound) else 503, NO_STORE)
    return changed(request, f"/orders/{token}/timeline/state", story, content_of(token, story))


@problem.readable
async def document(request: Request) -> Response:
    """GET /orders/{token}/timeline.json: the buyer's view, without technical matter."""
    _, story = await _story(request)
    return Response(timeline_types.encoded(story, for_staff=False), media_type="application/json", headers=NO_STORE)


async def _story(request: Request) -> tuple[str, Story]:
    token, order = await true_order(request)
    return token, await timeline.tell(site(request).store, order.purchase.id)


def content_of(token: str, story: Story) -> str:
    """The page without its frame."""
    may_pay = story.answer.charged is Charged.NO and any(one.kind == "hold.ends" for one in story.moments)
    context = {"story": story, "order_url": f"/orders/{token}", "may_pay": may_pay}
    return templates().get_template("timeline_content.html").render(context)


def changed(request: Request, url: str, story: Story, content: str) -> Response:
    """The answer to an open page: the next look, and the content when it is not what was seen."""
    seen = fingerprint(content)
    context = {
        "title": title_of(story),
        "content": None if request.query_params.get("seen") == seen else content,
        "poll": next_look(url, story, times_of(request), seen),
    }
    return render(request, "order_state.html", context)


def next_look(url: str, story: Story, times: int, seen: str) -> Poll | None:
    """None when nothing is to be waited for."""
    if story.settled:
        return None
    return {"url": f"{url}?times={times + 1}&seen={seen}", "delay_s": DELAYS_S[min(times, len(DELAYS_S) - 1)]}


def title_of(story: Story) -> str:
    """The answer, then the event: what is read out when it changes."""
    return f"{story.answer.title} – {story.title}"


def purchase_id_of(request: Request) -> UUID:
    """The id in an address for staff and programs; raises NotFound for what is none."""
    try:
        return UUID(request.path_params["purchase_id"])
    except ValueError:
        raise NotFound("PurchaseUnknown", "There is no purchase with this id.") from None
