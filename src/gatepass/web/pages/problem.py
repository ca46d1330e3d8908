"""One readable page for everything that is not as it should be: what happened to the money first, then what to do."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, NotFound, Unavailable
from gatepass.languages import gettext as _
from gatepass.languages import later
from gatepass.web.errors import status_of
from gatepass.web.pages.common import render

Handler = Callable[[Request], Awaitable[Response]]

ICONS = {
    "failed": "alert",
    "attention": "alert",
    "awaiting": "clock",
    "ending": "clock",
    "paid": "check",
    "done": "check",
}
NOTHING_CHARGED = later("Nothing was charged.")


def page(
    request: Request,
    status: int,
    title: str,
    message: str,
    *,
    next_url: str | None = None,
    next_label: str | None = None,
    state: str = "failed",
    retry_after_s: int | None = None,
    money_line: str | None = None,
) -> Response:
    """Say what happened to the money (`money_line`), what is the matter, and where to go on."""
    context = {
        "title": title,
        "message": message,
        "money_line": money_line,
        "next_url": next_url,
        "next_label": next_label or _("Go on"),
        "state": state,
        "icon_name": ICONS.get(state, "info"),
    }
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return render(request, "problem.html", context, status, headers)


def readable(handler: Handler) -> Handler:
    """Every refusal of a page becomes a page."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except GatepassError as error:
            return of(request, error)

    return answer


def of(request: Request, error: GatepassError) -> Response:
    """The page of a refusal."""
    if isinstance(error, Unavailable):
        return page(
            request,
            503,
            _("Please try again in a moment"),
            _("We could not reach our own records just now. What you had registered and paid before is safe."),
            next_url=request.url.path,
            next_label=_("Try again"),
            state="awaiting",
            retry_after_s=error.retry_after_s,
            money_line=_(NOTHING_CHARGED),
        )
    title = _("There is nothing at this address") if isinstance(error, NotFound) else _("That did not work")
    return page(request, status_of(error), title, _(error.message), next_url="/", next_label=_("All events"))
