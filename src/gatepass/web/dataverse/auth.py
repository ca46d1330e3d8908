"""Who calls the Web API: a program with a bearer token, or staff who are signed in, from a page of ours."""

from starlette.requests import Request

from gatepass.domain.errors import Refused
from gatepass.services import applications
from gatepass.services.access import Caller
from gatepass.services.sessions import FRESH_FORM
from gatepass.web.pages.common import same_origin
from gatepass.web.site import site
from gatepass.web.staff.session import look

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


async def caller(request: Request) -> Caller:
    """Raises Refused (401) for nobody, Refused (403) for a foreign page that rides on a session."""
    found = await _by_token(request) or await _by_session(request)
    if found is None:
        raise Refused("SignInNeeded", "Send Authorization: Bearer with a token, or sign in at /staff first.")
    return found


def authority(request: Request) -> str:
    """Where tokens are to be had."""
    return site(request).proxies.origin(request)


async def _by_token(request: Request) -> Caller | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        return None
    here = site(request)
    return await applications.caller(here.store, here.tokens, token.strip())


async def _by_session(request: Request) -> Caller | None:
    found = await look(request)
    if found is None:
        return None
    if not same_origin(request):
        raise Refused("OriginForeign", "A signed-in session counts only for requests from our own pages.")
    if request.method not in _READS and not found.is_fresh(FRESH_FORM):
        # As on our pages before money moves; a program's token is not asked, for it has nobody to confirm it.
        raise Refused("PrivilegeMissing", "Show once more who you are, at /staff/confirm: this session is not fresh.")
    return found.caller
