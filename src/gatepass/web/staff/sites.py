"""Web applications: the sites that may register attendees, their tokens, and what to paste there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass import model
from gatepass.domain.errors import GatepassError
from gatepass.services import records, sites
from gatepass.services.access import Caller
from gatepass.store import ReadTx, WriteTx, events, people
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff import fields
from gatepass.web.staff.asking import form_page, id_in, row_at
from gatepass.web.staff.layout import done, page

SITES = "/staff/sites"
TABLE = model.BY_NAME["web_application"]
PLACEHOLDER = "YOUR-TOKEN"
FORM = fields.Form(
    TABLE,
    ("name", "origins", "return_url"),
    {"origins": "Origins"},
    {
        "name": "Such as the web site’s name.",
        "origins": "One in each line, such as https://events.contoso.com. For tests http://localhost:* allows every port.",
        "return_url": "Where buyers come back to after paying, on one of the origins. Empty: the order’s own page here.",
    },
)


async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/sites"""
    return page(request, caller, "sites", {"rows": await site(request).store.read(people.web_applications)})


async def new_form(request: Request, caller: Caller) -> Response:
    """GET /staff/sites/new"""
    return _new_page(request, caller)


async def create(request: Request, caller: Caller) -> Response:
    """POST /staff/sites/new: the answer shows the token, this once"""
    given = await form_of(request)

    def unit(tx: WriteTx) -> tuple[UUID, str]:
        made = records.create(tx, caller, TABLE, fields.values(FORM, given))
        return made, row_at(tx, TABLE, made)["token"]

    try:
        made, token = await site(request).store.write(unit)
    except GatepassError as refusal:
        return _new_page(request, caller, given, refusal)
    return await _page(request, caller, made, token=token)


def _new_page(
    request: Request, caller: Caller, given: Mapping[str, str] | None = None, wrong: GatepassError | None = None
) -> Response:
    shown = fields.fields(FORM, fields.blank(FORM), given)
    context = {"fields": shown, "title": "New web application", "back": SITES}
    return form_page(request, caller, "record_new", context, wrong and fields.for_people(wrong, TABLE))


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/sites/{site_id}"""
    return await _page(request, caller, id_in(request, "site_id"))


async def change(request: Request, caller: Caller) -> Response:
    """POST /staff/sites/{site_id}"""
    given, at = await form_of(request), id_in(request, "site_id")
    try:
        values, version = fields.values(FORM, given), fields.version_of(given)
        await site(request).store.write(lambda tx: records.update(tx, caller, TABLE, at, values, expected=version))
    except GatepassError as refusal:
        return await _page(request, caller, at, given, refusal)
    return done(request, f"{SITES}/{at}", "The web application is changed.")


async def rotate(request: Request, caller: Caller) -> Response:
    """POST /staff/sites/{site_id}/token: a new token, shown this once; the one before counts for a week"""
    at = id_in(request, "site_id")
    token = await site(request).store.write(lambda tx: sites.rotate(tx, caller, at))
    return await _page(request, caller, at, token=token)


async def end_old_token(request: Request, caller: Caller) -> Response:
    """POST /staff/sites/{site_id}/token/end-old"""
    at = id_in(request, "site_id")
    await site(request).store.write(lambda tx: sites.end_old_token(tx, caller, at))
    return done(request, f"{SITES}/{at}", "The token before this one has ended.")


async def _page(
    request: Request, caller: Caller, at: UUID, given: Mapping[str, str] | None = None,
    wrong: GatepassError | None = None, token: str | None = None,
) -> Response:  # fmt: skip
    here = site(request)

    def look(tx: ReadTx) -> dict[str, Any]:
        row = row_at(tx, TABLE, at)
        return {"row": row, "live": events.published(tx, 1), "fields": fields.fields(FORM, row, given)}

    found = await here.store.read(look)
    old_ends = found["row"]["old_token_ends"]
    context = found | {
        "token": token, "last_four": found["row"]["token"][-4:], "shown_token": token or PLACEHOLDER,
        "old_ends": old_ends if old_ends and old_ends > datetime.now(UTC) else None,
        "endpoint": f"{here.links.base_url}/api/v1.0/orgs/{here.organization}/eventmanagement/",
        "base_url": here.links.base_url,
        "sample": found["live"][0] if found["live"] else None,
    }  # fmt: skip
    return form_page(request, caller, "site", context, wrong and fields.for_people(wrong, TABLE))
