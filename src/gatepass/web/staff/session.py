"""Who is signed in with the cookie of a request, and the cookie itself."""

from starlette.requests import Request
from starlette.responses import Response

from gatepass.services import access
from gatepass.services.access import SESSION_LIFE, Caller
from gatepass.web.site import Site, site

COOKIE, COOKIE_OVER_HTTP = "__Host-gatepass", "gatepass_staff"
"""A browser takes the first one over https only, for this host alone, and lets no other page of the domain set it."""


async def signed_in(request: Request) -> Caller | None:
    """Who is signed in with the cookie of this request."""
    token = token_of(request)
    return await access.staff(site(request).store, token) if token else None


def token_of(request: Request) -> str | None:
    """What the browser sent as its session."""
    return request.cookies.get(_cookie(site(request)))


def keep(request: Request, answer: Response, token: str) -> None:
    """Give the browser its session."""
    here = site(request)
    life_s = int(SESSION_LIFE.total_seconds())
    answer.set_cookie(_cookie(here), token, life_s, path="/", secure=here.secure_cookies, httponly=True, samesite="lax")


def drop(request: Request, answer: Response) -> None:
    """Take it away."""
    here = site(request)
    answer.delete_cookie(_cookie(here), path="/", secure=here.secure_cookies, httponly=True, samesite="lax")


def _cookie(here: Site) -> str:
    return COOKIE if here.secure_cookies else COOKIE_OVER_HTTP
