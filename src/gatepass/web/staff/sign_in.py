"""The door of the staff app: a password, the code of a second factor, and out again."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.services import accounts, sessions, signing_in
from gatepass.services.access import Caller
from gatepass.services.sessions import Way
from gatepass.services.signing_in import Answer
from gatepass.web.pages import problem
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff import session
from gatepass.web.staff.door import CONFIRM, SIGN_IN, next_of
from gatepass.web.staff.layout import open_page, page

CODE = "/staff/sign-in/code"


async def form(request: Request) -> Response:
    """GET /staff/sign-in"""
    if await session.signed_in(request):
        return RedirectResponse(next_of(request.query_params), 303)
    return _page(request, next_url=next_of(request.query_params))


async def submit(request: Request) -> Response:
    """POST /staff/sign-in"""
    given = await form_of(request)
    email, next_url = given.get("email", "").strip(), next_of(given)
    store, visitor = site(request).store, session.visitor(request)
    tried = await signing_in.with_password(store, email, given.get("password", ""), visitor)
    if tried.wait_s:
        return too_often(request, tried.wait_s)
    if tried.token is None:
        return _page(request, next_url=next_url, email=email, refused=True)
    return await _in(request, tried, f"{CODE}?{urlencode({'next': next_url})}" if tried.code_wanted else next_url)


async def code_form(request: Request) -> Response:
    """GET /staff/sign-in/code"""
    found = await session.begun(request)
    if found is None or found.way is not Way.CODE_WANTED:
        return RedirectResponse(SIGN_IN, 303)
    return open_page(request, "code", {"next_url": next_of(request.query_params), "refused": False})


async def code(request: Request) -> Response:
    """POST /staff/sign-in/code"""
    given, here = await form_of(request), site(request)
    token, next_url = session.token_of(request) or "", next_of(given)
    tried = await signing_in.with_code(here.store, here.vault, token, given.get("code", ""), session.visitor(request))
    if tried.wait_s:
        return too_often(request, tried.wait_s)
    if tried.token is None:
        found = await session.begun(request)
        if found is None or found.way is not Way.CODE_WANTED:
            return RedirectResponse(SIGN_IN, 303)
        return open_page(request, "code", {"next_url": next_url, "refused": True}, 422)
    return await _in(request, tried, next_url)


async def sign_out(request: Request, caller: Caller) -> Response:
    """POST /staff/sign-out"""
    if token := session.token_of(request):
        await sessions.end(site(request).store, token)
    answer = RedirectResponse(SIGN_IN, 303)
    session.drop(request, answer)
    return answer


async def confirm_form(request: Request, caller: Caller) -> Response:
    """GET /staff/confirm: before secrets and refunds somebody shows once more who it is."""
    return _confirm_page(request, caller, next_of(request.query_params), refused=False)


async def confirm(request: Request, caller: Caller) -> Response:
    """POST /staff/confirm"""
    given, here = await form_of(request), site(request)
    found, next_url = session.current(request), next_of(given)
    tried = await signing_in.confirm(here.store, here.vault, found, given.get("proof", ""), session.visitor(request))
    if tried.wait_s:
        return too_often(request, tried.wait_s, CONFIRM)
    if tried.token is None:
        return _confirm_page(request, caller, next_url, refused=True)
    return RedirectResponse(next_url, 303)


async def forgot_form(request: Request) -> Response:
    """GET /staff/forgot"""
    return open_page(request, "forgot", {"sent": False})


async def forgot(request: Request) -> Response:
    """POST /staff/forgot: the answer is the same, whoever asks for whom."""
    email = (await form_of(request)).get("email", "")
    await site(request).store.write(lambda tx: accounts.forgotten(tx, email))
    return open_page(request, "forgot", {"sent": True})


def too_often(request: Request, wait_s: int, back: str = SIGN_IN) -> Response:
    """Somebody guesses."""
    minutes = -(-wait_s // 60)
    return problem.page(
        request,
        429,
        "Too many tries",
        f"It was wrong too many times. Wait {minutes} minute{'s' if minutes > 1 else ''}, or set a new password by mail.",
        next_url=back,
        next_label="Back to sign-in",
        state="ending",
        retry_after_s=wait_s,
    )


async def _in(request: Request, tried: Answer, next_url: str) -> Response:
    """A new session; the one that this browser had, perhaps of somebody else, has ended."""
    assert tried.token
    assert tried.user_id
    if (before := session.token_of(request)) and before != tried.token:
        await sessions.end(site(request).store, before)
    answer = RedirectResponse(next_url, 303)
    session.keep(request, answer, tried.token)
    if not tried.code_wanted:
        session.remember_browser(request, answer, tried.user_id)
    return answer


def _page(request: Request, *, next_url: str, email: str = "", refused: bool = False) -> Response:
    identity = site(request).identity
    context = {"next_url": next_url, "email": email, "refused": refused, "elsewhere": identity and identity.name}
    return open_page(request, "sign_in", context, 422 if refused else 200)


def _confirm_page(request: Request, caller: Caller, next_url: str, *, refused: bool) -> Response:
    found = session.current(request)
    context = {"next_url": next_url, "refused": refused, "session": found}
    return page(request, caller, "confirm", context, 422 if refused else 200)
