"""Feature switches of the installation."""

from starlette.requests import Request
from starlette.responses import Response

from gatepass.services import switches
from gatepass.services.access import Caller
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff.layout import done, page

SWITCHES = "/staff/switches"


async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/switches"""
    on = await site(request).store.read(lambda tx: {name for name in switches.ALL if switches.on(tx, name)})
    return page(request, caller, "switches", {"told": switches.TOLD, "on": on, "live": site(request).live})


async def put(request: Request, caller: Caller) -> Response:
    """POST /staff/switches"""
    given = await form_of(request)
    name, to = given.get("name", ""), given.get("to") == "on"
    await site(request).store.write(lambda tx: switches.put(tx, name, to=to, actor=caller.name))
    return done(request, SWITCHES, f"“{switches.TOLD[name][0]}” is {'on' if to else 'off'}.")
