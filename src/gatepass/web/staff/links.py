"""What the links in mails open: a form to set a password; and the one that the first start prints."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, NotFound, Refused
from gatepass.services import accounts
from gatepass.store.tables import Row
from gatepass.web.errors import status_of
from gatepass.web.pages import problem
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff.door import SIGN_IN
from gatepass.web.staff.layout import done, open_page

# The address is a credential until it is used.
_HEADERS = {"Referrer-Policy": "no-referrer"}


async def form(request: Request) -> Response:
    """GET /staff/link/{token}: looking at it uses nothing up, for mail scanners look too."""
    here, token = site(request), request.path_params["token"]
    try:
        user = await here.store.write(lambda tx: accounts.behind(tx, here.links, token))
    except NotFound as over:
        return _over(request, over)
    return _page(request, {"user": user, "first": False, "given": {}, "wrong": None})


async def submit(request: Request) -> Response:
    """POST /staff/link/{token}"""
    here, token = site(request), request.path_params["token"]
    given = await form_of(request)
    try:
        user = await here.store.write(lambda tx: accounts.behind(tx, here.links, token))
        return await _set(request, user, token, given.get("password", ""))
    except NotFound as over:
        return _over(request, over)


async def _set(request: Request, user: Row, token: str, password: str) -> Response:
    here = site(request)
    try:
        await accounts.set_password(here.store, here.links, token, password)
    except Refused as wrong:
        return _page(request, {"user": user, "first": False, "given": {}, "wrong": wrong}, wrong)
    return done(request, SIGN_IN, "Your password is set. Sign in with it.")


async def first_form(request: Request) -> Response:
    """GET /staff/first/{token}"""
    here, organization = site(request), UUID(site(request).organization)
    try:
        await here.store.read(
            lambda tx: accounts.check_first(tx, here.links, organization, request.path_params["token"])
        )
    except NotFound as over:
        return _over(request, over)
    return _page(request, {"user": None, "first": True, "given": {}, "wrong": None})


async def first(request: Request) -> Response:
    """POST /staff/first/{token}"""
    here, token, given = site(request), request.path_params["token"], await form_of(request)
    typed = (given.get("email", ""), given.get("name", ""), given.get("password", ""))
    try:
        await here.store.write(lambda tx: accounts.make_first(tx, here.links, UUID(here.organization), token, *typed))
    except NotFound as over:
        return _over(request, over)
    except Refused as wrong:
        return _page(request, {"user": None, "first": True, "given": given, "wrong": wrong}, wrong)
    return done(request, SIGN_IN, "You are the first administrator. Sign in.")


def _page(request: Request, context: Mapping[str, Any], wrong: GatepassError | None = None) -> Response:
    answer = open_page(request, "set_password", context, status_of(wrong) if wrong else 200)
    answer.headers.update(_HEADERS)
    return answer


def _over(request: Request, over: GatepassError) -> Response:
    return problem.page(
        request, 404, "This link does not work any more", over.message,
        next_url="/staff/forgot", next_label="Ask for a new link",
    )  # fmt: skip
