"""Who is signed in with the cookie of a request, and the cookies themselves."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import NotFound
from gatepass.services import sessions
from gatepass.services.access import STAFF, Caller
from gatepass.services.sessions import LIFE, Session, Way
from gatepass.services.tries import Visitor
from gatepass.web.pages.common import client_of
from gatepass.web.site import site

SESSION, SESSION_OVER_HTTP = "__Host-gatepass", "gatepass_staff"
"""A browser takes the first one over https only, for this host alone, and lets no other page of the domain set it."""
BROWSER, BROWSER_OVER_HTTP = "__Host-gatepass-browser", "gatepass_browser"
"""Says which account this browser has signed in to: no credential, but strangers' tries do not count against it."""
BROWSER_LIFE = timedelta(days=180)


async def signed_in(request: Request) -> Caller | None:
    """Who is signed in with the cookie of this request."""
    found = await look(request)
    return found.caller if found else None


async def look(request: Request) -> Session | None:
    """The session of this request, of somebody who is signed in."""
    found = await begun(request)
    return found if found and found.way is not Way.CODE_WANTED and found.caller.role in STAFF else None


async def begun(request: Request) -> Session | None:
    """The same, or one that waits for its second factor."""
    token = token_of(request)
    return await sessions.look(site(request).store, token) if token else None


def current(request: Request) -> Session:
    """The session that the door has found for this request."""
    found = request.state.staff_session
    assert isinstance(found, Session)
    return found


def token_of(request: Request) -> str | None:
    """What the browser sent as its session."""
    return request.cookies.get(SESSION if site(request).secure_cookies else SESSION_OVER_HTTP)


def keep(request: Request, answer: Response, token: str) -> None:
    """Give the browser its session."""
    _set(request, answer, (SESSION, SESSION_OVER_HTTP), token, LIFE)


def drop(request: Request, answer: Response) -> None:
    """Take it away."""
    secure = site(request).secure_cookies
    name = SESSION if secure else SESSION_OVER_HTTP
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def remember_browser(request: Request, answer: Response, user_id: UUID) -> None:
    """Somebody has signed in here."""
    token = site(request).links.token("browser", user_id, datetime.now(UTC) + BROWSER_LIFE)
    _set(request, answer, (BROWSER, BROWSER_OVER_HTTP), token, BROWSER_LIFE)


def visitor(request: Request) -> Visitor:
    """Who tries."""
    here = site(request)
    token = request.cookies.get(BROWSER if here.secure_cookies else BROWSER_OVER_HTTP, "")
    try:
        return Visitor(client_of(request), here.links.read("browser", token))
    except NotFound:
        return Visitor(client_of(request))


def _set(request: Request, answer: Response, names: tuple[str, str], value: str, life: timedelta) -> None:
    secure = site(request).secure_cookies
    life_s = int(life.total_seconds())
    answer.set_cookie(names[not secure], value, life_s, path="/", secure=secure, httponly=True, samesite="lax")
