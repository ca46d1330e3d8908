"""The door of the staff app: sign in, sign out, and a first look at what is going on."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.event import Event
from gatepass.domain.purchase import order_reference
from gatepass.services import access
from gatepass.services.access import FAILURES_PER_WINDOW, SESSION_LIFE, WINDOW, Caller
from gatepass.store import ReadTx, events, records
from gatepass.web.pages import problem
from gatepass.web.pages.common import client_of, form_of, render, same_origin
from gatepass.web.pages.throttle import Throttle
from gatepass.web.site import Site, site

HOME = "/staff"
SIGN_IN = "/staff/sign-in"
# No token is in these addresses, and with no-referrer a browser would not name the origin of a form.
_HEADERS = {"Referrer-Policy": "same-origin"}
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}")
_failures = Throttle(FAILURES_PER_WINDOW, WINDOW.total_seconds())


@problem.readable
async def sign_in_form(request: Request) -> Response:
    """GET /staff/sign-in"""
    if await signed_in(request):
        return RedirectResponse(_next_of(request.query_params), 303)
    return _sign_in_page(request, next_url=_next_of(request.query_params))


@problem.readable
async def sign_in(request: Request) -> Response:
    """POST /staff/sign-in"""
    if not same_origin(request):
        return foreign(request)
    form = await form_of(request)
    email, next_url = form.get("email", "").strip(), _next_of(form)
    key = f"{email.lower()} {client_of(request)}"
    if wait_s := _failures.wait_s(key):
        return _too_often(request, wait_s)
    token = await access.sign_in(site(request).store, email, form.get("password", ""))
    if token is None:
        _failures.failed(key)
        return _sign_in_page(request, next_url=next_url, email=email, refused=True)
    _failures.forget(key)
    answer = RedirectResponse(next_url, 303)
    _set_cookie(site(request), answer, token)
    return answer


@problem.readable
async def sign_out(request: Request) -> Response:
    """POST /staff/sign-out"""
    if not same_origin(request):
        return foreign(request)
    here = site(request)
    if token := request.cookies.get(_cookie(here)):
        await access.sign_out(here.store, token)
    answer = RedirectResponse(SIGN_IN, 303)
    answer.delete_cookie(_cookie(here), path="/", secure=here.secure_cookies, httponly=True, samesite="lax")
    return answer


@problem.readable
async def home(request: Request) -> Response:
    """GET /staff"""
    caller = await signed_in(request)
    if caller is None:
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'next': HOME})}", 303)
    found = await site(request).store.read(_overview)
    return render(request, "staff_home.html", {"caller": caller, **found}, headers=_HEADERS)


async def signed_in(request: Request) -> Caller | None:
    """Who is signed in with the cookie of this request."""
    here = site(request)
    token = request.cookies.get(_cookie(here))
    return await access.staff(here.store, token) if token else None


def _overview(tx: ReadTx) -> dict[str, Any]:
    return {
        "events": [_figures(event) for event in events.published(tx)],
        "attention": [dict(row) | {"reference": _reference(row)} for row in records.needing_attention(tx)],
    }


def _figures(event: Event) -> dict[str, Any]:
    seats = sum(one.allocation for one in event.passes) if event.passes else event.capacity
    if event.passes and event.capacity is not None:
        seats = min(seats or 0, event.capacity)
    return {"event": event, "seats": seats, "left": None if seats is None else max(seats - event.sold - event.held, 0)}


def _reference(row: Mapping[str, Any]) -> str | None:
    return order_reference(row["purchase_id"]) if row["purchase_id"] else None


def _sign_in_page(request: Request, *, next_url: str, email: str = "", refused: bool = False) -> Response:
    context = {"next_url": next_url, "email": email, "refused": refused}
    return render(request, "staff_sign_in.html", context, 422 if refused else 200, _HEADERS)


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


def _next_of(given: Mapping[str, str]) -> str:
    """Where to go after signing in: a path of our own, never another host."""
    wanted = given.get("next", HOME)
    return wanted if _LOCAL.fullmatch(wanted) else HOME


def _cookie(here: Site) -> str:
    return "__Host-gatepass" if here.secure_cookies else "gatepass_staff"


def _set_cookie(here: Site, answer: Response, token: str) -> None:
    answer.set_cookie(
        _cookie(here),
        token,
        int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=here.secure_cookies,
        httponly=True,
        samesite="lax",
    )
