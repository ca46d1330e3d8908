"""Tokens of programs that call the staff API: made, shown once, revoked."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.services import tokens
from gatepass.services.access import Caller
from gatepass.services.tokens import LIFE_DAYS, MOST_DAYS, Scope
from gatepass.store import WriteTx
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff.asking import form_page, id_in
from gatepass.web.staff.layout import done

TOKENS = "/staff/tokens"
MEANINGS: Mapping[Scope, str] = {
    Scope.READ: "Look at events, purchases, figures and what needs attention",
    Scope.SETUP: "Set up events, passes and questions",
    Scope.WORK: "Help attendees: send tickets again, correct names",
    Scope.MONEY: "Give money back, settle, cancel, call events off",
    Scope.ADMIN: "Providers and their keys, web applications, switches, people, audit",
}


async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/tokens"""
    return await _page(request, caller, {})


async def create(request: Request, caller: Caller) -> Response:
    """POST /staff/tokens: the answer shows the token, this once"""
    given = await form_of(request)
    scopes = [scope.value for scope in Scope if f"scope_{scope.value}" in given]
    days = given.get("days", "").strip()

    def unit(tx: WriteTx) -> tuple[UUID, str]:
        wanted = int(days) if days.isascii() and days.isdigit() and len(days) < len(str(MOST_DAYS)) + 1 else 0
        return tokens.add(tx, given.get("name", ""), scopes, wanted, caller.name)

    try:
        _, token = await site(request).store.write(unit)
    except GatepassError as refusal:
        return await _page(request, caller, given, wrong=refusal)
    return await _page(request, caller, {}, token=token)


async def revoke(request: Request, caller: Caller) -> Response:
    """POST /staff/tokens/{token_id}/revoke"""
    at = id_in(request, "token_id")
    await site(request).store.write(lambda tx: tokens.revoke(tx, at, caller.name))
    return done(request, TOKENS, "The token is revoked: it opens nothing more.")


async def _page(
    request: Request, caller: Caller, given: Mapping[str, str], token: str | None = None, wrong: GatepassError | None = None
) -> Response:  # fmt: skip
    now = datetime.now(UTC)
    found = await site(request).store.read(tokens.listed)
    context: dict[str, Any] = {
        "rows": [dict(row) | {"counts": tokens.counts(row, now)} for row in found], "given": given, "token": token,
        "scopes": MEANINGS, "days": given.get("days", str(LIFE_DAYS)), "most_days": MOST_DAYS,
        "base_url": site(request).links.base_url,
    }  # fmt: skip
    return form_page(request, caller, "tokens", context, wrong)
