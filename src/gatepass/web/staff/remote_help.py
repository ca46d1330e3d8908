"""What staff does for one purchase of a remote Dataverse: links for its buyer, everybody asked again, late money settled."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from gatepass.services.access import Caller
from gatepass.services.helping import By
from gatepass.services.remote import helping
from gatepass.store import ReadTx, payments, remote
from gatepass.web.pages.common import form_of
from gatepass.web.pages.timeline import purchase_id_of
from gatepass.web.site import Site, site
from gatepass.web.staff.asking import form_page
from gatepass.web.staff.layout import done


async def form(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}/help"""
    return await _page(request, caller)


async def ask(request: Request, caller: Caller) -> Response:
    """POST /staff/purchases/{purchase_id}/ask: the payment provider and Dynamics are asked again"""
    purchase_id = purchase_id_of(request)
    await helping.ask_again(site(request).desk, purchase_id, caller.name)
    return done(request, f"/staff/purchases/{purchase_id}", "Everybody is asked again. What they say is shown here.")


async def settle(request: Request, caller: Caller) -> Response:
    """POST /staff/purchases/{purchase_id}/settle: late money is for the registration that stands in Dynamics; with a reason"""
    given, purchase_id = await form_of(request), purchase_id_of(request)
    by = By(caller.name, given.get("reason", ""))
    try:
        await site(request).store.write(lambda tx: helping.settle(tx, purchase_id, by))
    except GatepassError as refusal:
        return await _page(request, caller, refusal)
    return done(request, f"/staff/purchases/{purchase_id}", "The payment is settled.")


async def _page(request: Request, caller: Caller, wrong: GatepassError | None = None) -> Response:
    here, purchase_id = site(request), purchase_id_of(request)
    context = await here.store.snapshot(lambda tx: _look(tx, here, purchase_id))
    return form_page(request, caller, "remote_help", context, wrong)


def _look(tx: ReadTx, here: Site, purchase_id: UUID) -> dict[str, Any]:
    row = remote.get(tx, purchase_id)
    if row is None:
        raise NotFound("PurchaseUnknown", "Nobody has opened the payment link of this purchase yet.")
    attempts = payments.of_purchase(tx, purchase_id)
    provider = attempts[-1].provider if attempts else "stripe"
    return {
        "row": row,
        "reference": row.reference,
        "order_url": here.links.order(row.id, row.created),
        "pay_url": f"{here.links.base_url}/GatewayRedirect/PayWith{provider.capitalize()}?purchaseId={row.id}",
        "record_url": here.desk.management.views.record_url(row.id),
        "open": row.status is Status.AWAITING_PAYMENT,
        "in_question": helping.in_question(tx, row),
        "completed": row.said is Word.COMPLETED,
    }
