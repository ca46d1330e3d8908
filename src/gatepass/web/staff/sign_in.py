"""The door of the staff app: sign in, sign out."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.services import access
from gatepass.services.access import FAILURES_PER_WINDOW, WINDOW, Caller
from gatepass.web.pages import problem
from gatepass.web.pages.common import client_of, form_of
from gatepass.web.pages.throttle import Throttle
from gatepass.web.site import site
from gatepass.web.staff import session
from gatepass.web.staff.door import SIGN_IN, next_of
from gatepass.web.staff.layout import open_page

_failures = Throttle(FAILURES_PER_WINDOW, WINDOW.total_seconds())


async def form(request: Request) -> Response:
    """GET /staff/sign-in"""
    if await session.signed_in(request):
        return RedirectResponse(next_of(request.query_params), 303)
    return _page(request, next_url=next_of(request.query_params))


async def submit(request: Request) -> Response:
    """POST /staff/sign-in"""
    form = await form_of(request)
    email, next_url = form.get("email", "").strip(), next_of(form)
    key = f"{email.lower()} {client_of(request)}"
    if wait_s := _failures.wait_s(key):
        return _too_often(request, wait_s)
    token = await access.sign_in(site(request).store, email, form.get("password", ""))
    if token is None:
        _failures.failed(key)
        return _page(request, next_url=next_url, email=email, refused=True)
    _failures.forget(key)
    answer = RedirectResponse(next_url, 303)
    session.keep(request, answer, token)
    return answer


async def sign_out(request: Request, caller: Caller) -> Response:
    """POST /staff/sign-out"""
    if token := session.token_of(request):
        await access.sign_out(site(request).store, token)
    answer = RedirectResponse(SIGN_IN, 303)
    session.drop(request, answer)
    return answer


def _page(request: Request, *, next_url: str, email: str = "", refused: bool = False) -> Response:
    context = {"next_url": next_url, "email": email, "refused": refused}
    return open_page(request, "sign_in", context, 422 if refused else 200)


def _too_often(request: Request, wait_s: int) -> Response:
    return problem.page(
        request,
        429,
        "Too many tries",
        f"The password was wrong {FAILURES_PER_WINDOW} times. Wait {-(-wait_s // 60)} minutes, or ask an administrator for a new one.",
        next_url=SIGN_IN,
        next_label="Back to sign-in",
        state="ending",
        retry_after_s=wait_s,
    )
