"""The payment step of our own page. The provider's fields stand in the provider's frame; we never see a card.

What the browser says of a payment counts for nothing here: it is only a reason to ask the provider.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from gatepass.domain.errors import Conflict, GatepassError, Refused
from gatepass.domain.event import Event
from gatepass.domain.payment import Payment, PaymentState, Way
from gatepass.languages import gettext as _
from gatepass.languages import speaking
from gatepass.providers.base import PageStep
from gatepass.services import holds, mail, payment_step
from gatepass.services.payment_step import Step
from gatepass.store import ReadTx, events, purchases
from gatepass.store.purchases import Purchase
from gatepass.web.errors import headers_of, status_of
from gatepass.web.pages import problem
from gatepass.web.pages.common import form_of, framed_by, render, same_origin
from gatepass.web.pages.language import kept, language_of, speaks
from gatepass.web.pages.throttle import AtMostEvery
from gatepass.web.site import site

LOOK_PAUSE_S = 1.0
"""Between two questions about one order's payment, by this process."""
_looks = AtMostEvery(LOOK_PAUSE_S)

_STATES = {
    PaymentState.CREATED: "open",
    PaymentState.PROCESSING: "processing",
    PaymentState.SUCCEEDED: "paid",
}
"""What the page's script is told; every other state is "over"."""


@speaks
@problem.readable
async def show(request: Request) -> Response:
    """GET /orders/{token}/pay"""
    return await _step(request, None)


@speaks
@problem.readable
async def choose(request: Request) -> Response:
    """POST /orders/{token}/pay: another way to pay, or the link by mail."""
    purchase_id = _purchase_of(request)
    if not same_origin(request):
        raise Refused("FormForeign", "This form was sent from another site. Open the page of your order and try again.")
    typed = await form_of(request)
    if typed.get("way") == "link":
        await mail.ask_for_link(site(request).store, purchase_id)
        return RedirectResponse(f"{request.url.path}?sent{kept(request).replace('?', '&')}", 303)
    return await _step(request, Way.REDIRECT if typed.get("way") == "redirect" else Way.PAGE)


@speaks
async def look(request: Request) -> Response:
    """POST /orders/{token}/pay/look: how the payment stands, in the provider's own word"""
    here = site(request)
    try:
        purchase_id = _purchase_of(request)
        if not _looks.may(purchase_id):
            return JSONResponse({"state": "open", "reason": None}, headers={"Cache-Control": "no-store"})
        payment = await payment_step.look(here.desk, purchase_id)
    except GatepassError as error:
        return JSONResponse({"error": error.code}, status_of(error), headers_of(error))
    return JSONResponse(_told(payment), headers={"Cache-Control": "no-store"})


def _told(payment: Payment | None) -> dict[str, str | None]:
    if payment is None:
        return {"state": "over", "reason": None}
    reason = payment.reason_text and _(payment.reason_text)
    return {"state": _STATES.get(payment.state, "over"), "reason": reason}


async def _step(request: Request, way: Way | None) -> Response:
    purchase_id = _purchase_of(request)
    try:
        opened = await payment_step.open_step(site(request).desk, purchase_id, way)
    except Conflict:
        # Paid, on its way, or ended: the order's own page says which, and what now.
        return _go(f"/orders/{request.path_params['token']}{kept(request)}")
    if not isinstance(opened, Step):
        return _go(opened.url)
    about = await site(request).store.read(lambda tx: _about(tx, purchase_id))
    with speaking(language_of(request, about.purchase)):
        return await _page(request, opened, about)


@dataclass(frozen=True, slots=True)
class _About:
    """What our own tables say of the order; nothing where it lives in a remote Dataverse."""

    purchase: Purchase | None
    event: Event | None
    may_extend: bool


def _about(tx: ReadTx, purchase_id: UUID) -> _About:
    purchase = purchases.get(tx, purchase_id)
    if purchase is None:
        return _About(None, None, may_extend=False)
    may_extend = holds.may_extend(tx, purchase, datetime.now(UTC))
    return _About(purchase, events.get(tx, purchase.event_id), may_extend=may_extend)


def _go(url: str) -> Response:
    return RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


async def _page(request: Request, step: Step, about: _About) -> Response:
    here, payable = site(request), step.payable
    context = {
        "step": step,
        "event": about.event,
        "more_time": about.may_extend and bool(here.more_time),
        "payable": payable,
        "provider": payable.provider.capitalize(),
        "order_url": f"/orders/{request.path_params['token']}",
        "declined": step.payment.reason_text and _(step.payment.reason_text),
        "seconds_left": payment_step.seconds_left(payable),
        "sent": "sent" in request.query_params,
    }
    ancestors = await here.desk.management.origins(payable.id)
    headers = {
        "Content-Security-Policy": framed_by(_policy(here.payment_origins, step.page), ancestors[1:]),
        # Wallets open windows of their own and ask for the browser's payment sheet.
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "Permissions-Policy": f"camera=(), geolocation=(), microphone=(), payment=(self {_quoted(step.page)})",
    }
    return render(request, "payment.html", context, headers=headers)


def _policy(forms: Sequence[str], page: PageStep) -> str:
    """This page alone may load the provider's script."""
    return (
        f"default-src 'none'; script-src 'self' {' '.join(page.script_origins)}; style-src 'self'; "
        f"img-src 'self' data:; connect-src 'self' {' '.join(page.call_origins)}; "
        f"frame-src {' '.join(page.frame_origins)}; form-action 'self' {' '.join(forms)}; base-uri 'none'"
    )


def _quoted(page: PageStep) -> str:
    return " ".join(f'"{origin}"' for origin in page.script_origins if "*" not in origin)


def _purchase_of(request: Request) -> UUID:
    return site(request).links.read("order", request.path_params["token"])
