"""Somebody's own account: password, second factor, and where it is signed in."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import GatepassError, Refused
from gatepass.services import second_factor, sessions, signing_in
from gatepass.services.access import Caller
from gatepass.services.second_factor import Pending
from gatepass.store import ReadTx, WriteTx, staff
from gatepass.web.errors import status_of
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff import session
from gatepass.web.staff.door import SECOND_FACTOR
from gatepass.web.staff.layout import done, page
from gatepass.web.staff.sign_in import too_often

ACCOUNT = "/staff/account"


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/account"""
    return await _page(request, caller)


async def password(request: Request, caller: Caller) -> Response:
    """POST /staff/account/password"""
    given, here, found = await form_of(request), site(request), session.current(request)
    current, new = given.get("current", ""), given.get("password", "")
    try:
        tried = await signing_in.change_password(here.store, found, current, new, session.visitor(request))
    except Refused as wrong:
        return await _page(request, caller, wrong)
    if tried.wait_s:
        return too_often(request, tried.wait_s, ACCOUNT)
    if tried.token is None:
        return await _page(request, caller, Refused("PasswordWrong", "This is not your password.", field="current"))
    return done(request, ACCOUNT, "Your password is changed. Everywhere else you are signed out.")


async def sign_out_elsewhere(request: Request, caller: Caller) -> Response:
    """POST /staff/account/sign-out"""
    mine = session.current(request).token_hash
    ended = await site(request).store.write(lambda tx: sessions.end_all(tx, caller.user_id, caller.name, mine))
    return done(request, ACCOUNT, f"Signed out elsewhere: {ended}.")


async def second_factor_form(request: Request, caller: Caller) -> Response:
    """GET /staff/account/second-factor"""
    return _second_factor_page(request, caller)


async def begin_second_factor(request: Request, caller: Caller) -> Response:
    """POST /staff/account/second-factor: the secret for an authenticator app, shown until a code of it was typed."""
    here = site(request)

    def begin(tx: WriteTx) -> Pending | None:
        user = staff.lock(tx, caller.user_id)
        return second_factor.begin(tx, here.vault, user) if user else None

    return _second_factor_page(request, caller, await here.store.write(begin))


async def finish_second_factor(request: Request, caller: Caller) -> Response:
    """POST /staff/account/second-factor/code: the app works. The session becomes one with a second factor."""
    code, here = (await form_of(request)).get("code", ""), site(request)
    try:
        codes, token = await here.store.write(lambda tx: _finish(tx, request, caller, code))
    except Refused as wrong:
        waiting = await here.store.write(lambda tx: _waiting(tx, request, caller))
        return _second_factor_page(request, caller, waiting, wrong)
    answer = page(request, caller, "recovery_codes", {"codes": codes})
    session.keep(request, answer, token)
    return answer


async def new_recovery_codes(request: Request, caller: Caller) -> Response:
    """POST /staff/account/second-factor/recovery"""
    codes = await site(request).store.write(lambda tx: second_factor.new_recovery_codes(tx, caller.user_id))
    return page(request, caller, "recovery_codes", {"codes": codes})


async def end_second_factor(request: Request, caller: Caller) -> Response:
    """POST /staff/account/second-factor/off"""
    here = site(request)
    if here.second_factor_required:
        return RedirectResponse(SECOND_FACTOR, 303)
    await here.store.write(lambda tx: second_factor.turn_off(tx, here.vault, caller.user_id, caller.name))
    return done(request, ACCOUNT, "Your second factor is off.")


def _finish(tx: WriteTx, request: Request, caller: Caller, code: str) -> tuple[list[str], str]:
    codes = second_factor.finish(tx, site(request).vault, caller.user_id, code)
    # Sessions from before knew the password only.
    sessions.end_all(tx, caller.user_id, caller.name)
    return codes, sessions.begin(tx, caller.user_id, caller.name, sessions.Way.SECOND_FACTOR)


def _waiting(tx: WriteTx, request: Request, caller: Caller) -> Pending | None:
    user = staff.get(tx, caller.user_id)
    return second_factor.pending(tx, site(request).vault, user) if user else None


def _second_factor_page(
    request: Request, caller: Caller, pending: Pending | None = None, wrong: GatepassError | None = None
) -> Response:
    context: dict[str, Any] = {"pending": pending, "wrong": wrong, "required": site(request).second_factor_required}
    context["session"] = session.current(request)
    return page(request, caller, "second_factor", context, status_of(wrong) if wrong else 200)


async def _page(request: Request, caller: Caller, wrong: GatepassError | None = None) -> Response:
    here, found = site(request), session.current(request)

    def look(tx: ReadTx) -> dict[str, Any]:
        user = staff.get(tx, caller.user_id)
        left = user["recovery"] if user else None
        return {"sessions": staff.sessions_of(tx, caller.user_id, datetime.now(UTC)), "codes_left": len(left or ())}

    context = await here.store.read(look) | {"session": found, "wrong": wrong}
    return page(request, caller, "account", context, status_of(wrong) if wrong else 200)
