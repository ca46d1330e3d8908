"""What staff does for one order by hand: settle, cancel, send tickets again, correct a person."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.domain.purchase import Status, order_reference
from gatepass.services import helping
from gatepass.services.access import Caller
from gatepass.services.finalize import Word
from gatepass.services.helping import By
from gatepass.store import ReadTx, purchases
from gatepass.web.pages.common import form_of
from gatepass.web.pages.timeline import purchase_id_of
from gatepass.web.site import site
from gatepass.web.staff.asking import form_page, id_in
from gatepass.web.staff.layout import done

_MAILS = {
    "link": (helping.resend_link, "The link of the order is mailed, once an hour at most."),
    "tickets": (helping.resend, "The tickets are sent again."),
}


_NOW = {Status.COMPLETED: "The order is completed.", Status.CANCELLED: "The order is cancelled."}
_LATE = (
    "The money is written down, but the order has no seats yet: make room and settle it again, or give the money back."
)


async def form(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}/help"""
    return await _page(request, caller)


async def settle(request: Request, caller: Caller) -> Response:
    """POST /staff/purchases/{purchase_id}/settle: paid another way, or cancelled; with a reason"""
    given, purchase_id = await form_of(request), purchase_id_of(request)
    word = Word.CANCELLED if given.get("what") == Word.CANCELLED.value else Word.COMPLETED
    try:
        now = await helping.settle(site(request).store, purchase_id, word, By(caller.name, given.get("reason", "")))
    except GatepassError as refusal:
        return await _page(request, caller, given, refusal)
    return done(request, f"/staff/purchases/{purchase_id}", _NOW.get(now, _LATE))


async def resend(request: Request, caller: Caller) -> Response:
    """POST /staff/purchases/{purchase_id}/resend: the tickets, or the link of the order"""
    given, purchase_id = await form_of(request), purchase_id_of(request)
    send, says = _MAILS["link" if given.get("what") == "link" else "tickets"]
    try:
        await site(request).store.write(lambda tx: send(tx, purchase_id, caller.name))
    except GatepassError as refusal:
        return await _page(request, caller, wrong=refusal)
    return done(request, f"/staff/purchases/{purchase_id}", says)


async def change_attendee(request: Request, caller: Caller) -> Response:
    """POST /staff/purchases/{purchase_id}/attendees/{attendee_id}"""
    given, purchase_id, attendee_id = await form_of(request), purchase_id_of(request), id_in(request, "attendee_id")
    person = (given.get("first_name", ""), given.get("last_name", ""), given.get("email", ""))
    by = By(caller.name, given.get("reason", ""))
    try:
        await site(request).store.write(lambda tx: helping.change_attendee(tx, purchase_id, attendee_id, person, by))
    except GatepassError as refusal:
        return await _page(request, caller, given, refusal)
    return done(request, f"/staff/purchases/{purchase_id}", "The attendee is changed.")


async def _page(
    request: Request, caller: Caller, given: Mapping[str, str] | None = None, wrong: GatepassError | None = None
) -> Response:
    purchase_id = purchase_id_of(request)

    def look(tx: ReadTx) -> dict[str, Any]:
        return {"purchase": purchases.get(tx, purchase_id), "people": purchases.attendees(tx, [purchase_id])}

    context = await site(request).store.read(look) | {
        "reference": order_reference(purchase_id), "purchase_id": purchase_id, "given": given or {},
        "open": Status.AWAITING_PAYMENT, "completed": Status.COMPLETED,
    }  # fmt: skip
    return form_page(request, caller, "help", context, wrong)
