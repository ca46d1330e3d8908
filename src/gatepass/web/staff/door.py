"""Every staff page stands behind this: signed in, of a role that may, from a page of ours, and lately confirmed where it matters."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from gatepass.services.access import STAFF, Caller, Role
from gatepass.services.sessions import FRESH, FRESH_FORM, Session, Way
from gatepass.web.pages import problem
from gatepass.web.pages.common import same_origin
from gatepass.web.site import site
from gatepass.web.staff.session import look

log = structlog.get_logger("gatepass.staff")

HOME, SIGN_IN, CONFIRM = "/staff", "/staff/sign-in", "/staff/confirm"
SECOND_FACTOR = "/staff/account/second-factor"
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")

OpenHandler = Callable[[Request], Awaitable[Response]]
StaffHandler = Callable[[Request, Caller], Awaitable[Response]]

EVERYBODY = frozenset(STAFF)
SETS_UP = frozenset({Role.EVENT_STAFF, Role.ADMINISTRATOR})
"""Events, passes, what attendees read and get."""
MOVES_MONEY = frozenset({Role.FINANCE, Role.ADMINISTRATOR})
CARES = SETS_UP | MOVES_MONEY
"""Helps attendees: tickets again, names corrected."""
ADMINISTERS = frozenset({Role.ADMINISTRATOR})
"""People, providers, sites, switches, secrets."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page or action of the staff app: `may` is who; `fresh`: only for somebody who has signed in, or confirmed it, just now."""

    method: str
    path: str
    handler: StaffHandler
    may: Collection[Role]
    fresh: bool = False
    poll: bool = False
    """Asked for by a script: who is not signed in hears 401, and is sent nowhere."""
    without_second_factor: bool = False
    """Also for somebody who still has to set one up, where it is required."""


@dataclass(frozen=True, slots=True)
class Open:
    """A page for whoever is not signed in yet."""

    method: str
    path: str
    handler: OpenHandler


def route(declared: Page | Open) -> Route:
    """The route of a declaration, with its guard before it."""
    guarded = _open(declared) if isinstance(declared, Open) else _guarded(declared)
    return Route(declared.path, guarded, methods=[declared.method])


def _guarded(page: Page) -> OpenHandler:
    @problem.readable
    async def answer(request: Request) -> Response:
        found = await look(request)
        # With a session to ride on, a form has to show that it is ours; without one it is enough that nothing speaks against it.
        if page.method != "GET" and not same_origin(request, or_unknown=found is None):
            return foreign(request)
        if found is None:
            return HTMLResponse("Sign in first.", 401, {"Cache-Control": "no-store"}) if page.poll else _first(request)
        return _stopped(request, page, found) or await _handled(request, page, found)

    return answer


def _stopped(request: Request, page: Page, session: Session) -> Response | None:
    """Why this page is not for this session, or not yet."""
    if session.caller.role not in page.may:
        log.info("staff.refused", user=str(session.caller.user_id), method=page.method, path=page.path)
        return may_not(request, session.caller)
    if site(request).second_factor_required and session.way is Way.PASSWORD and not page.without_second_factor:
        return RedirectResponse(SECOND_FACTOR, 303)
    if page.fresh and not session.is_fresh(FRESH if page.method == "GET" else FRESH_FORM):
        return RedirectResponse(f"{CONFIRM}?{urlencode({'next': _form_of(request)})}", 303)
    return None


async def _handled(request: Request, page: Page, session: Session) -> Response:
    request.state.staff_session = session
    return await page.handler(request, session.caller)


def _form_of(request: Request) -> str:
    """The page that somebody is on: where to come back to."""
    if request.method == "GET":
        return request.url.path
    return next_of({"next": urlsplit(request.headers.get("referer", "")).path or HOME})


def _open(page: Open) -> OpenHandler:
    @problem.readable
    async def answer(request: Request) -> Response:
        if page.method != "GET" and not same_origin(request):
            return foreign(request)
        return await page.handler(request)

    return answer


def _first(request: Request) -> Response:
    """Sign in, and come back; after a form to the page that it stood on."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': wanted})}", 303)


def next_of(given: Mapping[str, str]) -> str:
    """Where to go after signing in: a path of our own, never another host."""
    wanted = given.get("next", HOME)
    return wanted if _LOCAL.fullmatch(wanted) else HOME


def foreign(request: Request) -> Response:
    """A form that came from a page of somebody else."""
    return problem.page(
        request,
        403,
        "This form came from another site",
        "Nothing was changed. Open the staff pages yourself and do it there.",
        next_url=HOME,
        next_label="Staff pages",
    )


def may_not(request: Request, caller: Caller) -> Response:
    """A page that is not for this role."""
    return problem.page(
        request,
        403,
        "Your role may not do this",
        f"Nothing was changed. You are signed in as {caller.role.label}. Ask an administrator to do it, or for the role.",
        next_url=HOME,
        next_label="Staff pages",
    )
