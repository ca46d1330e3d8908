"""Whether one can register for an event, and its page when one cannot: with what to do instead."""

from datetime import UTC, datetime
from enum import StrEnum

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.event import Event, EventStatus
from gatepass.languages import gettext as _
from gatepass.web.pages import draft as drafts
from gatepass.web.pages import problem
from gatepass.web.pages.common import address, picture, render
from gatepass.web.pages.draft import Draft
from gatepass.web.pages.language import kept


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
