"""Payment providers: set up, connected by keys that no page shows again, checked, told where to send notifications, tried."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass import model
from gatepass.domain.errors import GatepassError
from gatepass.providers.base import Check
from gatepass.services import connecting, connection, records, trying
from gatepass.services.access import Caller
from gatepass.services.connecting import SECRET_KEY, WEBHOOK_SECRET
from gatepass.services.records.rules.setup import KINDS
from gatepass.store import ReadTx, WriteTx, inbox, rows
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff import fields
from gatepass.web.staff.asking import form_page, id_in, row_at
from gatepass.web.staff.layout import done, page

PROVIDERS = "/staff/providers"
TABLE = model.BY_NAME["payment_provider"]
_HINTS = {
    "payment_page_url": "Where a buyer is sent; it may end in ? or carry a query. Gatepass’s own: /GatewayRedirect/PayWithStripe?",
    "timeout_minutes": "How long places are held for somebody who pays.",
}
NAMES = ("name", "kind", "payment_page_url", "timeout_minutes")
_OWN_PAGE = "/GatewayRedirect/PayWithStripe?"
KEY_LABELS = {SECRET_KEY: "Secret key", WEBHOOK_SECRET: "Signing secret of the webhook"}


FORM = fields.Form(TABLE, NAMES, {}, _HINTS, {"kind": [(kind, kind.capitalize()) for kind in KINDS]})
"""Its mode is that of the installation."""


async def listed(request: Request, caller: Caller) -> Response:
    """GET /staff/providers"""
    here = site(request)

    def look(tx: ReadTx) -> list[dict[str, Any]]:
        return [dict(row) | {"told": inbox.any_of(tx, row["kind"])} for row in rows.matching(tx, TABLE, {})]

    found = await here.store.read(look)
    return page(request, caller, "providers", {"rows": found, "connected": here.desk.providers})


async def new_form(request: Request, caller: Caller) -> Response:
    """GET /staff/providers/new"""
    return _new_page(request, caller)


async def create(request: Request, caller: Caller) -> Response:
    """POST /staff/providers/new"""
    given = await form_of(request)
    try:
        values = fields.values(FORM, given)
        made = await site(request).store.write(lambda tx: records.create(tx, caller, TABLE, values))
    except GatepassError as refusal:
        return _new_page(request, caller, given, refusal)
    return done(request, f"{PROVIDERS}/{made}", "The payment provider is made. Now connect it.")


def _new_page(
    request: Request, caller: Caller, given: Mapping[str, str] | None = None, wrong: GatepassError | None = None
) -> Response:
    row = fields.blank(FORM) | {"payment_page_url": _OWN_PAGE}
    context = {"fields": fields.fields(FORM, row, given), "title": "New payment provider", "back": PROVIDERS}
    return form_page(request, caller, "record_new", context, wrong and fields.for_people(wrong, TABLE))


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/providers/{provider_id}"""
    return await _page(request, caller)


async def check(request: Request, caller: Caller) -> Response:
    """GET /staff/providers/{provider_id}/check: asks the provider now; changes nothing"""
    here, provider_id = site(request), id_in(request, "provider_id")
    kind = (await here.store.read(lambda tx: connecting.provider_at(tx, provider_id)))["kind"]
    adapter = here.desk.providers.get(kind)
    findings = await connection.check(adapter, here.place) if adapter else []
    return await _page(request, caller, findings=findings)


async def change(request: Request, caller: Caller) -> Response:
    """POST /staff/providers/{provider_id}"""
    given, provider_id = await form_of(request), id_in(request, "provider_id")
    try:
        values, version = fields.values(FORM, given), fields.version_of(given)
        await site(request).store.write(
            lambda tx: records.update(tx, caller, TABLE, provider_id, values, expected=version)
        )
    except GatepassError as refusal:
        return await _page(request, caller, given, refusal)
    return done(request, f"{PROVIDERS}/{provider_id}", "The payment provider is changed.")


async def set_key(request: Request, caller: Caller) -> Response:
    """POST /staff/providers/{provider_id}/keys: the key is stored encrypted, and used from now on"""
    given, provider_id, here = await form_of(request), id_in(request, "provider_id"), site(request)
    name, value = given.get("name", ""), given.get(given.get("name", ""), "")

    def unit(tx: WriteTx) -> None:
        connecting.set_key(tx, here.vault, caller, provider_id, name, value, live=here.live)

    try:
        await here.store.write(unit)
    except GatepassError as refusal:
        return await _page(request, caller, wrong=refusal)
    await here.connections.refresh()
    return done(request, f"{PROVIDERS}/{provider_id}/check", "The key is stored, and used from now on.")


async def remove_key(request: Request, caller: Caller) -> Response:
    """POST /staff/providers/{provider_id}/keys/remove"""
    given, provider_id, here = await form_of(request), id_in(request, "provider_id"), site(request)
    name = given.get("name", "")
    await here.store.write(lambda tx: connecting.remove_key(tx, here.vault, caller, provider_id, name))
    await here.connections.refresh()
    return done(request, f"{PROVIDERS}/{provider_id}", "The key is forgotten.")


async def register_webhook(request: Request, caller: Caller) -> Response:
    """POST /staff/providers/{provider_id}/webhook: the provider is told where to send; its secret is kept, and not shown"""
    provider_id, here = id_in(request, "provider_id"), site(request)
    row = await here.store.read(lambda tx: connecting.provider_at(tx, provider_id))
    try:
        adapter = here.desk.provider(row["kind"])
        await connecting.register_webhook(here.store, here.vault, caller, provider_id, adapter, here.place)
    except GatepassError as refusal:
        return await _page(request, caller, wrong=refusal)
    await here.connections.refresh()
    return done(request, f"{PROVIDERS}/{provider_id}/check", "The provider sends its notifications here.")


async def test_payment(request: Request, caller: Caller) -> Response:
    """POST /staff/providers/{provider_id}/test-payment: an order of the caller's own, and its payment page"""
    given, here = await form_of(request), site(request)
    try:
        url = await trying.test_payment(here.store, here.links, caller, _id(given.get("pass", "")), live=here.live)
    except GatepassError as refusal:
        return await _page(request, caller, wrong=refusal)
    return RedirectResponse(url, 303)


async def _page(
    request: Request, caller: Caller, given: Mapping[str, str] | None = None, wrong: GatepassError | None = None,
    findings: Sequence[Check] | None = None,
) -> Response:  # fmt: skip
    here, provider_id = site(request), id_in(request, "provider_id")

    def look(tx: ReadTx) -> dict[str, Any]:
        row = row_at(tx, TABLE, provider_id)
        return {
            "row": row, "keys": connecting.shown(tx, here.vault, provider_id), "told": inbox.any_of(tx, row["kind"]),
            "passes": trying.passes_to_try(tx, provider_id), "fields": fields.fields(FORM, row, given),
        }  # fmt: skip

    found = await here.store.read(look)
    adapter = here.desk.providers.get(found["row"]["kind"])
    context = found | {
        "findings": findings, "labels": KEY_LABELS, "live": here.live, "adapter": adapter,
        "notify_url": connection.notify_url(here.place, adapter) if adapter else None,
    }  # fmt: skip
    return form_page(request, caller, "provider", context, wrong and fields.for_people(wrong, TABLE))


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
