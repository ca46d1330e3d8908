"""A buyer asks for more time. With a script the page stays as it is, so that nothing typed into it is lost."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from gatepass.domain.errors import Conflict, Refused
from gatepass.languages import gettext as _
from gatepass.languages import ngettext
from gatepass.services import holds
from gatepass.web.pages import problem
from gatepass.web.pages.common import form_of, same_origin
from gatepass.web.pages.language import kept, speaks
from gatepass.web.site import site

_FRESH = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@speaks
@problem.readable
async def more_time(request: Request) -> Response:
    """POST /orders/{token}/more-time: once per order; afterwards nothing changes"""
    here, token = site(request), request.path_params["token"]
    purchase_id = here.links.read("order", token)
    if not same_origin(request):
        raise Refused("FormForeign", "This form was sent from another site. Open the page of your order and try again.")
    typed = await form_of(request)
    try:
        until = await here.store.write(lambda tx: holds.extend(tx, purchase_id, here.more_time))
    except Conflict:
        until = None
    if request.headers.get("accept") == "application/json":
        return _told(until, int(here.more_time.total_seconds() // 60))
    step = "/pay" if typed.get("on") == "pay" else ""
    return RedirectResponse(f"/orders/{token}{step}{kept(request)}", 303, _FRESH)


def _told(until: datetime | None, minutes: int) -> Response:
    if until is None:
        return JSONResponse({"said": _("The time cannot be made longer again.")}, 409, _FRESH)
    said = ngettext("You have %(num)s minute more.", "You have %(num)s minutes more.", minutes)
    seconds = int((until - datetime.now(UTC)).total_seconds())
    return JSONResponse({"said": said, "seconds": seconds}, headers=_FRESH)
