"""Where a visitor becomes a buyer: details, review, then the payment page. Each step is a plain form.

What was sent is answered by a page to get, so that going back never asks to send it again. Only mistakes are said at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused, Unavailable
from gatepass.domain.event import Event
from gatepass.domain.purchase import Status
from gatepass.domain.question import Question
from gatepass.languages import gettext as _
from gatepass.languages import later
from gatepass.services import corrections, registrations, switches
from gatepass.services.corrections import Earlier
from gatepass.services.registrations import Registered
from gatepass.store import ReadTx, events, questions
from gatepass.store import drafts as kept_drafts
from gatepass.store.purchases import Purchase
from gatepass.web.errors import headers_of, status_of
from gatepass.web.pages import draft as drafts
from gatepass.web.pages import mistakes, problem
from gatepass.web.pages.common import address, client_of, form_of, picture, render
from gatepass.web.pages.draft import Draft
from gatepass.web.pages.language import kept, speaks
from gatepass.web.pages.order import SENT_AGAIN
from gatepass.web.pages.standing import Standing, closed, standing
from gatepass.web.pages.throttle import Throttle
from gatepass.web.site import site

FEW, SOME = 10, 100
"""Seats left that are worth a warning, and worth telling."""
_CHANGES = {"fewer": -1, "more": 1, "details": 0, "language": 0}
"""Buttons of the form that only show it again -> by how many people."""
_WORTH_A_TRY = frozenset({Standing.OPEN, Standing.SOLD_OUT})
"""Whoever has typed already keeps it: seats come back."""


@dataclass(frozen=True, slots=True)
class _Sale:
    event: Event
    """With the seats free that the earlier order would give back."""
    questions: Sequence[Question]
    by_gateway: bool
    """True when a total above nothing is paid on a payment page."""
    earlier: Earlier | None
    """The order that this form has made already."""


@speaks
@problem.readable
async def form(request: Request) -> Response:
    """GET /e/{readable_id}"""
    sale = await _sale(request)
    if sale is None or standing(sale.event) is not Standing.OPEN:
        return closed(request, sale and sale.event)
    draft = drafts.new(sale.event, sale.questions, request.query_params.get("pass", ""))
    page = _details(request, sale, draft, story=True)
    # Back shows this very page, and the same form makes the same order: nothing on it is anybody's yet.
    page.headers["Cache-Control"] = "private, no-cache"
    return page


@speaks
@problem.readable
async def submit(request: Request) -> Response:
    """POST /e/{readable_id}: one of the steps, named by the button"""
    typed = await form_of(request)
    try:
        sale = await _sale(request, typed)
        if sale is None or _hopeless(sale):
            return _turned_away(request, sale)
        return await _step(request, sale, typed)
    except Unavailable as error:
        return again(request, typed, error)


async def _step(request: Request, sale: _Sale, typed: Mapping[str, str]) -> Response:
    draft, step = drafts.read(sale.event, sale.questions, typed), typed.get("step", "")
    if step == "register":
        return await _register(request, sale, mistakes.checked(draft))
    if step in _CHANGES:
        draft = draft.resized(len(draft.people) + _CHANGES[step])
        if _by_script(request):
            # Only the form is exchanged: the story above it stays, and says what the event is.
            return _details(request, sale, draft, under_story="story" in typed)
        return await _go_on(request, draft, typed, "details")
    checked = mistakes.checked(draft)
    return _details(request, sale, checked) if checked.problems else await _go_on(request, draft, typed, "review")


async def _go_on(request: Request, draft: Draft, typed: Mapping[str, str], step: str) -> Response:
    """Keep what was typed, and have the browser get the next page: who comes back to it later finds it again."""
    here, ends = site(request), datetime.now(UTC) + drafts.LIFE
    slow_down(request, here.forms)
    kept_fields = {**typed, "people": str(len(draft.people)), "idempotency_key": draft.key}
    await here.store.write(lambda tx: kept_drafts.keep(tx, draft.id, kept_fields, ends))
    token = here.links.token("draft", draft.id, ends)
    return RedirectResponse(f"{address(draft.event)}/{step}/{token}{kept(request)}", 303)


@speaks
@problem.readable
async def details(request: Request) -> Response:
    """GET /e/{readable_id}/details/{token}: the form as it was typed"""

    def show(sale: _Sale, typed: Mapping[str, str]) -> Response:
        draft = drafts.read(sale.event, sale.questions, typed)
        return _details(request, sale, draft, story=typed.get("step") == "language")

    return await _as_typed(request, show)


@speaks
@problem.readable
async def review(request: Request) -> Response:
    """GET /e/{readable_id}/review/{token}"""

    def show(sale: _Sale, typed: Mapping[str, str]) -> Response:
        draft = mistakes.checked(drafts.read(sale.event, sale.questions, typed))
        return _details(request, sale, draft) if draft.problems else _review_page(request, sale, draft)

    return await _as_typed(request, show)


async def _as_typed(request: Request, show: Callable[[_Sale, Mapping[str, str]], Response]) -> Response:
    """What `show` makes of a form that was kept; where there is none, or it leads nowhere any more, the way on."""
    typed = await _typed_before(request)
    sale = await _sale(request, typed)
    if sale is None or _hopeless(sale) or not typed:
        return _turned_away(request, sale)
    return show(sale, typed)


async def _typed_before(request: Request) -> Mapping[str, str]:
    """Nothing when the link is no more."""
    here, now = site(request), datetime.now(UTC)
    try:
        draft_id = here.links.read("draft", request.path_params["token"])
    except NotFound:
        return {}
    return await here.store.read(lambda tx: kept_drafts.get(tx, draft_id, now)) or {}


def _hopeless(sale: _Sale) -> bool:
    """This form makes no order, or none any more."""
    return standing(sale.event) not in _WORTH_A_TRY or (sale.earlier is not None and sale.earlier.stands)


def _turned_away(request: Request, sale: _Sale | None) -> Response:
    """To the order that the form has made, or to what the event's page says now."""
    if sale is None or standing(sale.event) not in _WORTH_A_TRY:
        return closed(request, sale and sale.event)
    order = _made_before(request, sale.earlier.purchase) if sale.earlier else f"{address(sale.event)}{kept(request)}"
    return Response(headers={"HX-Redirect": order}) if _by_script(request) else RedirectResponse(order, 303)


def _by_script(request: Request) -> bool:
    return "hx-request" in request.headers


async def _sale(request: Request, typed: Mapping[str, str] | None = None) -> _Sale | None:
    readable_id: str = request.path_params["readable_id"].replace("\0", "\ufffd")
    key = (typed or {}).get("idempotency_key", "")
    return await site(request).store.read(lambda tx: _read_sale(tx, readable_id, key))


def _read_sale(tx: ReadTx, readable_id: str, key: str) -> _Sale | None:
    event = events.find(tx, readable_id)
    if event is None:
        return None
    earlier = corrections.earlier(tx, drafts.order_key(event, key)) if key else None
    by_gateway = switches.on(tx, switches.PAYMENTS) and event.payment_enabled and event.provider is not None
    given_back = earlier.seats if earlier else ()
    return _Sale(event.without(given_back), questions.of_event(tx, event.id), by_gateway, earlier)


def _details(
    request: Request, sale: _Sale, draft: Draft, *, story: bool = False, under_story: bool = False
) -> Response:
    context = _context(sale, draft) | {"story": story, "under_story": under_story}
    return render(request, "details.html", context, 422 if draft.problems else 200)


def _review_page(
    request: Request,
    sale: _Sale,
    draft: Draft,
    refusal: tuple[str, str] | None = None,
    error: GatepassError | None = None,
) -> Response:
    shown = replace(draft, agreed=str(draft.total))
    context = _context(sale, shown) | {"refusal": refusal}
    status, headers = (status_of(error), headers_of(error)) if error else (422 if refusal else 200, {})
    return render(request, "review.html", context, status, headers)


def _context(sale: _Sale, draft: Draft) -> dict[str, Any]:
    event = sale.event
    return {
        "event": event,
        "path": address(event),
        "draft": draft,
        "picture": picture(event.image_url),
        "free": {one.id: drafts.free(event, one) for one in event.passes},
        "few": FEW,
        "some": SOME,
        "most": drafts.MOST_PEOPLE,
        "by_gateway": sale.by_gateway,
        "hold_minutes": _hold_minutes(sale),
    }


def _hold_minutes(sale: _Sale) -> int:
    provider = sale.event.provider if sale.by_gateway else None
    return provider.timeout_minutes if provider else int(registrations.DEFAULT_HOLD.total_seconds() // 60)


async def _register(request: Request, sale: _Sale, draft: Draft) -> Response:
    if draft.problems:
        return _details(request, sale, draft)
    if draft.agreed != str(draft.total):
        changed = (_("The price has changed"), _("Nothing was charged. Please look at the new total, then go on."))
        return _review_page(request, sale, draft, changed)
    here = site(request)
    slow_down(request, here.orders)
    try:
        if sale.earlier:
            registered = await corrections.correct(here.desk, draft.command())
        else:
            registered = await registrations.register(here.store, draft.command())
    except (Conflict, Refused) as error:
        return await _refused(request, draft, error)
    return RedirectResponse(_next_address(request, registered), 303)


def slow_down(request: Request, counted: Throttle) -> None:
    """Count one order, or form, of this client; raises Unavailable when there are too many."""
    client = client_of(request)
    if wait_s := counted.wait_s(client):
        raise Unavailable("TooManyOrders", "Too many orders come from this address.", retry_after_s=wait_s)
    counted.count(client)


def again(request: Request, typed: Mapping[str, str], error: Unavailable) -> Response:
    """The whole form once more, with one button: the same key makes it the same wish."""
    many = error.code == "TooManyOrders"
    minutes = -(-error.retry_after_s // 60)
    context = {"typed": typed, "action": f"{request.url.path}{kept(request)}", "minutes": minutes if many else None}
    return render(request, "again.html", context, status_of(error), headers_of(error))


async def _refused(request: Request, draft: Draft, error: GatepassError) -> Response:
    """Somebody was faster: show what is left now, with all that was typed."""
    sale = await _sale(request, {"idempotency_key": draft.key})
    if sale is None or _hopeless(sale):
        return _turned_away(request, sale)
    chosen = next((one for one in sale.event.passes if draft.chosen and one.id == draft.chosen.id), None)
    now = mistakes.checked(replace(draft, event=sale.event, chosen=chosen))
    if now.problems:
        return _details(request, sale, now)
    return _review_page(request, sale, now, (_("Nothing was charged"), _(_REFUSALS.get(error.code, _OTHER))), error)


_OTHER = later("The order could not be made. Please try again, or ask the organizer.")
_REFUSALS = {
    "IdempotencyKeyReused": later("This form was sent before with other details. Open the event's page anew."),
    "PassSoldOut": later(
        "Somebody was faster: there are not enough seats any more. Register fewer people, or look again."
    ),
    "EventCapacityReached": later(
        "Somebody was faster: there are not enough seats any more. Register fewer people, or look again."
    ),
}


def _made_before(request: Request, order: Purchase) -> str:
    """The order of this form, on a page that says so: what has been changed in the form since is not in it."""
    return f"{site(request).links.order(order.id, order.created)}?{SENT_AGAIN}"


def _next_address(request: Request, registered: Registered) -> str:
    links = site(request).links
    order = links.order(registered.purchase_id, registered.created)
    if registered.payment_page_url and registered.status is Status.AWAITING_PAYMENT:
        return links.pay(registered.payment_page_url, registered.purchase_id, order)
    return order
