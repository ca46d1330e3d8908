"""Who may sign in: invite people, give them a role, close their accounts."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.services import accounts, second_factor, sessions
from gatepass.services.access import STAFF, Caller, Role
from gatepass.store import WriteTx, staff
from gatepass.store.tables import Row
from gatepass.web.errors import status_of
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff.layout import done, page

PEOPLE = "/staff/people"
MAX_REASON_CHARS = 500
Change = Callable[[WriteTx, Row, str], object]
"""What is done to an account, with the reason that was given."""


async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/people"""
    return await _page(request, caller, {})


async def invite(request: Request, caller: Caller) -> Response:
    """POST /staff/people"""
    given = await form_of(request)
    email, name, role = given.get("email", ""), given.get("name", ""), Role.of(given.get("role"))
    try:
        added = await site(request).store.write(lambda tx: accounts.add(tx, email, name, role, caller.name, mail=True))
    except (Refused, Conflict) as wrong:
        return await _page(request, caller, given, wrong)
    said = "The invitation is on its way." if added.word == "added" else f"This account was {added.word}."
    return done(request, f"{PEOPLE}/{added.user_id}", said)


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/people/{user_id}"""
    return await _person(request, caller)


async def set_role(request: Request, caller: Caller) -> Response:
    """POST /staff/people/{user_id}/role"""
    given = await form_of(request)
    role = Role.of(given.get("role"))
    return await _change(
        request, caller, f"The role is {role.label} now.",
        lambda tx, user, reason: accounts.set_role(tx, user["email"], role, caller.name, reason), given,
    )  # fmt: skip


async def disable(request: Request, caller: Caller) -> Response:
    """POST /staff/people/{user_id}/disable"""
    return await _change(
        request, caller, "Closed: nobody signs in with this account.",
        lambda tx, user, reason: accounts.disable(tx, user["email"], caller.name, reason),
    )  # fmt: skip


async def enable(request: Request, caller: Caller) -> Response:
    """POST /staff/people/{user_id}/enable"""
    return await _change(
        request, caller, "Open again.",
        lambda tx, user, reason: accounts.enable(tx, user["email"], caller.name, reason),
    )  # fmt: skip


async def send_link(request: Request, caller: Caller) -> Response:
    """POST /staff/people/{user_id}/link: the invitation again, or a reset."""
    return await _change(
        request, caller, "A mail is on its way. Older links have ended.",
        lambda tx, user, reason: accounts.mail_new_link(tx, user, caller.name, reason),
    )  # fmt: skip


async def end_second_factor(request: Request, caller: Caller) -> Response:
    """POST /staff/people/{user_id}/second-factor: the phone is lost."""
    vault = site(request).vault

    def end(tx: WriteTx, user: Row, reason: str) -> None:
        second_factor.turn_off(tx, vault, user["id"], caller.name, reason)
        sessions.end_all(tx, user["id"], caller.name)

    return await _change(request, caller, "The second factor is off. They set up another one when they sign in.", end)


async def sign_out(request: Request, caller: Caller) -> Response:
    """POST /staff/people/{user_id}/sign-out: everywhere."""
    return await _change(
        request, caller, "Signed out everywhere.",
        lambda tx, user, reason: sessions.end_all(tx, user["id"], caller.name),
    )  # fmt: skip


async def _change(
    request: Request, caller: Caller, said: str, change: Change, given: Mapping[str, str] | None = None
) -> Response:
    """Do it; `given`: the form, where it was read already."""
    form = await form_of(request) if given is None else given
    user_id, reason = _id_of(request), form.get("reason", "").strip()[:MAX_REASON_CHARS]

    def unit(tx: WriteTx) -> None:
        change(tx, _found(staff.lock(tx, user_id)), reason)

    try:
        await site(request).store.write(unit)
    except (Refused, Conflict) as wrong:
        return await _person(request, caller, wrong)
    return done(request, f"{PEOPLE}/{user_id}", said)


async def _page(
    request: Request, caller: Caller, given: Mapping[str, str], wrong: GatepassError | None = None
) -> Response:
    context: dict[str, Any] = {
        "people": [told(row) for row in await site(request).store.read(staff.everybody)],
        "roles": STAFF,
        "given": given,
        "wrong": wrong,
    }
    return page(request, caller, "people", context, status_of(wrong) if wrong else 200)


async def _person(request: Request, caller: Caller, wrong: GatepassError | None = None) -> Response:
    user_id = _id_of(request)
    user = _found(await site(request).store.read(lambda tx: staff.get(tx, user_id)))
    context = {"person": told(user), "roles": STAFF, "wrong": wrong}
    return page(request, caller, "person", context, status_of(wrong) if wrong else 200)


def told(user: Row) -> dict[str, Any]:
    """What a page may know of an account: no hash."""
    if user["disabled"]:
        state, word = "failed", "closed"
    elif not user["password_hash"] and not user["identity"]:
        state, word = "awaiting", "invited"
    else:
        state, word = "done", "active"
    return {
        "id": user["id"], "email": user["email"], "name": user["name"], "role": Role.of(user["role"]), "state": state,
        "word": word, "elsewhere": user["identity"] is not None, "second_factor": user["second_factor"] is not None,
        "created": user["created"],
    }  # fmt: skip


def _id_of(request: Request) -> UUID:
    try:
        return UUID(request.path_params["user_id"])
    except ValueError:
        raise _unknown() from None


def _found(user: Row | None) -> Row:
    if user is None:
        raise _unknown()
    return user


def _unknown() -> NotFound:
    return NotFound("StaffUnknown", "There is no account with this id.")
