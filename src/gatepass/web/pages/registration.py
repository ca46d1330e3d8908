"""Where a visitor becomes a buyer: details, review, then the payment page. Each step is a plain form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import Conflict, GatepassError, Refused, Unavailable
from gatepass.domain.event import Event, EventStatus
from gatepass.domain.purchase import Status
from gatepass.domain.question import Question
from gatepass.languages import gettext as _
from gatepass.languages import later
from gatepass.services import registrations, switches
from gatepass.services.registrations import Registered
from gatepass.store import ReadTx, events, questions
from gatepass.web.errors import headers_of, status_of
from gatepass.web.pages import draft as drafts
from gatepass.web.pages import problem
from gatepass.web.pages.common import address, client_of, form_of, picture, render
from gatepass.web.pages.draft import Draft
from gatepass.web.pages.language import kept, speaks
from gatepass.web.site import site

FEW, SOME = 10, 100
"""Seats left that are worth a warning, and worth telling."""


class Standing(StrEnum):
    """Whether one can register for an event."""

    OPEN = "open"
    NOT_YET = "not_yet"
    SOLD_OUT = "sold_out"
    CLOSED = "closed"
    OVER = "over"
    CANCELLED = "cancelled"
    HIDDEN = "hidden"
    """Not there, or not published: nobody is told which."""


_RESIZES = {"fewer": -1, "more": 1}
_WORTH_A_TRY = frozenset({Standing.OPEN, Standing.SOLD_OUT})
"""Whoever has typed already keeps it: seats come back."""


@dataclass(frozen=True, slots=True)
class _Sale:
    event: Event
    questions: Sequence[Question]
    by_gateway: bool
    """True when a total above nothing is paid on a payment page."""


@speaks
@problem.readable
async def form(request: Request) -> Response:
    """GET /e/{readable_id}"""
    sale = await _sale(request)
    if sale is None or standing(sale.event) is not Standing.OPEN:
        return closed(request, sale and sale.event)
    draft = drafts.new(sale.event, sale.questions, request.query_params.get("pass", ""))
    return _details(request, sale, draft, story=True)


@speaks
@problem.readable
async def submit(request: Request) -> Response:
    """POST /e/{readable_id}: one of the steps, named by the button."""
    typed = await form_of(request)
    try:
        sale = await _sale(request)
        if sale is None or standing(sale.event) not in _WORTH_A_TRY:
            return closed(request, sale and sale.event)
        draft = drafts.read(sale.event, sale.questions, typed)
        if typed.get("step") in _RESIZES:
            # Only the form is exchanged where a script asks: the story above it stays, and says what the event is.
            under_story = "story" in typed and "hx-request" in request.headers
            return _details(
                request, sale, draft.resized(len(draft.people) + _RESIZES[typed["step"]]), under_story=under_story
            )
        return await _step(request, sale, draft, typed.get("step", ""))
    except Unavailable as error:
        return again(request, typed, error)


async def _step(request: Request, sale: _Sale, draft: Draft, step: str) -> Response:
    match step:
        case "details":
            return _details(request, sale, draft)
        case "language":
            return _details(request, sale, draft, story=True)
        case "register":
            return await _register(request, sale, drafts.checked(draft))
        case _:
            return _review(request, sale, drafts.checked(draft))


def standing(event: Event | None, now: datetime | None = None) -> Standing:
    """Whether one can register now."""
    from gatepass.services import texts

    now = now or datetime.now(UTC)
    if event is None or event.status not in {EventStatus.LIVE, EventStatus.CANCELLED}:
        return Standing.HIDDEN
    if event.status is EventStatus.CANCELLED:
        return Standing.CANCELLED
    if texts.utc_of(event.ends, event.time_zone) <= now:
        return Standing.OVER
    if event.registration_closes and event.registration_closes <= now:
        return Standing.CLOSED
    if event.registration_opens and event.registration_opens > now:
        return Standing.NOT_YET
    return Standing.SOLD_OUT if _sold_out(event) else Standing.OPEN


def _sold_out(event: Event) -> bool:
    full = event.left is not None and event.left <= 0
    return full or (bool(event.passes) and all(one.left <= 0 for one in event.passes))


async def _sale(request: Request) -> _Sale | None:
    readable_id: str = request.path_params["readable_id"].replace("\0", "\ufffd")
    return await site(request).store.read(lambda tx: _read_sale(tx, readable_id))


def _read_sale(tx: ReadTx, readable_id: str) -> _Sale | None:
    event = events.find(tx, readable_id)
    on = switches.on(tx, switches.PAYMENTS)
    return event and _Sale(
        event, questions.of_event(tx, event.id), on and event.payment_enabled and event.provider is not None
    )


def closed(request: Request, event: Event | None, draft: Draft | None = None) -> Response:
    """The event's page when nobody can register. `draft`: what somebody typed who wants to wait for a seat."""
    state = standing(event)
    if event is None or state is Standing.HIDDEN:
        return problem.page(
            request,
            404,
            _("There is no event at this address"),
            _(
                "The link may be mistyped, or the organizer has not published the event yet. "
                "Ask whoever sent it to you."
            ),
            next_url=f"/{kept(request)}",
            next_label=_("All events"),
            state="closed",
        )
    context = {
        "event": event,
        "path": address(event),
        "picture": picture(event.image_url),
        "standing": state.value,
        "draft": draft or drafts.new(event, (), ""),
        "waiting": "waiting" in request.query_params,
    }
    # A part of a page is asked for, and there is none any more: htmx then opens the whole page.
    headers = {"HX-Redirect": address(event) + kept(request)} if "hx-request" in request.headers else {}
    status = 410 if state is Standing.CANCELLED else 422 if draft and draft.problems else 200
    return render(request, "closed.html", context, status, headers)


def _details(
    request: Request, sale: _Sale, draft: Draft, *, story: bool = False, under_story: bool = False
) -> Response:
    context = _context(sale, draft) | {"story": story, "under_story": under_story}
    return render(request, "details.html", context, 422 if draft.problems else 200)


def _review(request: Request, sale: _Sale, draft: Draft) -> Response:
    return _details(request, sale, draft) if draft.problems else _review_page(request, sale, draft)


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
    slow_down(request)
    try:
        registered = await registrations.register(site(request).store, draft.command())
    except (Conflict, Refused) as error:
        return await _refused(request, draft, error)
    return RedirectResponse(_next_address(request, registered), 303)


def slow_down(request: Request) -> None:
    """Count one order of this client; raises Unavailable when there are too many."""
    client, orders = client_of(request), site(request).orders
    if wait_s := orders.wait_s(client):
        raise Unavailable("TooManyOrders", "Too many orders come from this address.", retry_after_s=wait_s)
    orders.count(client)


def again(request: Request, typed: Mapping[str, str], error: Unavailable) -> Response:
    """The whole form once more, with one button: the same key makes it the same wish."""
    many = error.code == "TooManyOrders"
    minutes = -(-error.retry_after_s // 60)
    context = {"typed": typed, "action": f"{request.url.path}{kept(request)}", "minutes": minutes if many else None}
    return render(request, "again.html", context, status_of(error), headers_of(error))


async def _refused(request: Request, draft: Draft, error: GatepassError) -> Response:
    """Somebody was faster: show what is left now, with all that was typed."""
    sale = await _sale(request)
    if sale is None or standing(sale.event) not in _WORTH_A_TRY:
        return closed(request, sale and sale.event)
    chosen = next((one for one in sale.event.passes if draft.chosen and one.id == draft.chosen.id), None)
    now = drafts.checked(replace(draft, event=sale.event, chosen=chosen))
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


def _next_address(request: Request, registered: Registered) -> str:
    links = site(request).links
    order = links.order(registered.purchase_id, registered.created)
    if registered.payment_page_url and registered.status is Status.AWAITING_PAYMENT:
        return links.pay(registered.payment_page_url, registered.purchase_id, order)
    return order
