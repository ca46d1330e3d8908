"""There and back: sign in at the identity provider of the organization, and confirm there."""

from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import Refused
from gatepass.services import identity, sessions
from gatepass.services.identity import FLOW_LIFE, Flow, Person
from gatepass.services.secrets import Place
from gatepass.services.sessions import Way
from gatepass.store import staff
from gatepass.web.pages import problem
from gatepass.web.site import Site, site
from gatepass.web.staff import session
from gatepass.web.staff.door import SIGN_IN, next_of

_PLACE = Place("cookie", UUID(int=0), "flow")


async def begin(request: Request) -> Response:
    """GET /staff/sign-in/elsewhere?next=&confirm="""
    here = site(request)
    if here.identity is None:
        return RedirectResponse(SIGN_IN, 303)
    confirming = "confirm" in request.query_params
    url, flow = await here.identity.begin(next_of(request.query_params), confirming=confirming)
    sealed = here.vault.sealer.seal(msgspec.json.encode(flow), _PLACE).hex()
    answer = RedirectResponse(url, 303, {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})
    life_s = int(FLOW_LIFE.total_seconds())
    # Lax: the way back is a top-level GET from another site.
    answer.set_cookie(
        _cookie(here), sealed, life_s, path="/", secure=here.secure_cookies, httponly=True, samesite="lax"
    )
    return answer


async def back(request: Request) -> Response:
    """GET /staff/sign-in/back?code=&state="""
    here = site(request)
    flow = _flow(request)
    if here.identity is None or flow is None:
        return _refused(request, "This sign-in was begun in another browser, or has ended. Begin again.")
    try:
        person = await here.identity.back(flow, dict(request.query_params))
        answer = await (_confirmed if flow.confirming else _signed_in)(
            request, person, next_of({"next": flow.next_url})
        )
    except Refused as refusal:
        answer = _refused(request, refusal.message)
    answer.delete_cookie(_cookie(here), path="/", secure=here.secure_cookies, httponly=True, samesite="lax")
    return answer


async def _signed_in(request: Request, person: Person, next_url: str) -> Response:
    token, _ = await identity.sign_in(site(request).store, person)
    answer = RedirectResponse(next_url, 303)
    session.keep(request, answer, token)
    return answer


async def _confirmed(request: Request, person: Person, next_url: str) -> Response:
    """The same person as in the session, and nobody else."""
    found, store = await session.look(request), site(request).store
    user = await store.read(lambda tx: staff.by_identity(tx, person.identity))
    if found is None or found.way is not Way.IDENTITY or user is None or user["id"] != found.caller.user_id:
        return _refused(request, "Somebody else signed in there. Sign out, and begin again.")
    await store.write(lambda tx: sessions.confirm(tx, found))
    return RedirectResponse(next_url, 303)


def _flow(request: Request) -> Flow | None:
    try:
        sealed = bytes.fromhex(request.cookies.get(_cookie(site(request)), ""))
        return msgspec.json.decode(site(request).vault.sealer.read(sealed, _PLACE), type=Flow)
    except (ValueError, Refused, msgspec.MsgspecError):
        return None


def _refused(request: Request, why: str) -> Response:
    return problem.page(request, 403, "You are not signed in", why, next_url=SIGN_IN, next_label="Back to sign-in")


def _cookie(here: Site) -> str:
    return "__Host-gatepass-flow" if here.secure_cookies else "gatepass_flow"
