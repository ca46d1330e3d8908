"""The completion service as the seed draws it: the redirect to the payment page, and the provider's notifications."""

from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import GatepassError, Refused
from gatepass.languages import gettext as _
from gatepass.languages import later
from gatepass.providers.base import BadSignature
from gatepass.services import checkout, notifications
from gatepass.web.body import limited_body
from gatepass.web.errors import headers_of, status_of
from gatepass.web.pages import problem
from gatepass.web.pages.language import kept, speaks
from gatepass.web.site import site

log = structlog.get_logger("gatepass.gateway")

_NOTHING_CHARGED = later("Nothing was charged by opening this page.")

_AWAY = (
    "The payment page cannot be opened right now",
    "Nothing was charged. Your seats are held.",
    "awaiting",
)

_OURS = later("Something went wrong on our side. Nothing was lost; please try again.")
# code -> (title, what happened to the money, state). Others: the message, under "This did not work".
_STATES = {
    "AlreadyPaid": (
        later("This order is paid"),
        later("Your payment has arrived. You will not be charged again."),
        "paid",
    ),
    "PurchaseCancelled": (later("This order was cancelled"), _NOTHING_CHARGED, "cancelled"),
    "PurchaseExpired": (later("This order has ended"), _NOTHING_CHARGED, "expired"),
    "PaymentProcessing": (later("Your payment is on its way"), later("Please do not pay again."), "awaiting"),
    "PaymentInQuestion": (later("Your payment is being checked"), later("Please do not pay again."), "attention"),
    "PurchaseUnknown": (later("We do not know this order"), _NOTHING_CHARGED, "failed"),
    "PurchaseIdInvalid": (later("This link is not complete"), _NOTHING_CHARGED, "failed"),
    "LinkDamaged": (later("This link was changed"), _NOTHING_CHARGED, "failed"),
    "ReturnUrlForeign": (later("This link leads to an unknown address"), _NOTHING_CHARGED, "failed"),
    "ProviderDown": (
        later("The payment page cannot be opened right now"),
        later("Nothing was charged. Your seats are held."),
        "awaiting",
    ),
    "DataverseDown": _AWAY,
    "DataverseBusy": _AWAY,
    "DataverseNoAccess": _AWAY,
    "PurchaseIncomplete": ("This order cannot be paid yet", _NOTHING_CHARGED, "attention"),
    "ProviderSilent": (
        later("The payment page cannot be opened right now"),
        later("Nothing was charged. Your seats are held."),
        "awaiting",
    ),
}


@speaks
async def pay(request: Request) -> Response:
    """GET /GatewayRedirect/PayWith{provider}?purchaseId&returnUrl[&signature] -> 302"""
    here = site(request)
    query = {name.lower(): value for name, value in request.query_params.items()}
    try:
        purchase_id = _guid(query.get("purchaseid", ""))
        # A link that a Dynamics gave out carries no signature of ours; what else its payment page URL adds is no matter of ours.
        if not here.remote and (signature := query.get("signature")):
            here.links.check_pay_signature(purchase_id, signature)
        provider = str(request.path_params["provider"]).lower()
        url = await checkout.pay_page(here.desk, provider, purchase_id, query.get("returnurl") or None)
    except GatepassError as error:
        return await _problem(request, error)
    # Our own page goes on in the language that was picked; a provider's address stays as it is.
    url += kept(request) if url.startswith(f"{here.links.base_url}/") else ""
    return RedirectResponse(url, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


@speaks
async def returned(request: Request) -> Response:
    """GET /GatewayRedirect/Return/{token}: the buyer comes back; the provider is asked, then the buyer goes on"""
    try:
        url = await checkout.returned(site(request).desk, request.path_params["token"])
    except GatepassError as error:
        return await _problem(request, error)
    return RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


async def handle_event(request: Request) -> Response:
    """POST /GatewayEvents/Handle{provider}Event"""
    return await _receive(request, str(request.path_params["provider"]).lower())


async def handle_stripe_event(request: Request) -> Response:
    """POST /WebhookEventListener: the same, by the name that Power Pages gave it"""
    return await _receive(request, "stripe")


async def _receive(request: Request, name: str) -> Response:
    here = site(request)
    try:
        body = await limited_body(request, notifications.MAX_BODY_BYTES)
        await notifications.receive(here.store, here.desk.provider(name), request.headers, body)
    except BadSignature as error:
        log.warning("notification.refused", provider=name, why=str(error))
        return Response(f"{error}\n", 400, media_type="text/plain")
    except GatepassError as error:
        return Response(f"{error.message}\n", status_of(error), headers_of(error), "text/plain")
    return Response(status_code=200)


async def _problem(request: Request, error: GatepassError) -> Response:
    title, money, state = _STATES.get(error.code, (later("This did not work"), None, "failed"))
    # What another service said of itself is for staff: it names settings and secrets.
    said = _OURS if error.code.startswith("Dataverse") else error.message
    return problem.page(
        request,
        status_of(error),
        _(title),
        _(said),
        next_url=str(request.url) if status_of(error) == 503 else "/",
        next_label=_("Try again") if status_of(error) == 503 else _("See the events"),
        state=state,
        retry_after_s=int(headers_of(error).get("Retry-After", 0)) or None,
        money_line=_(money) if money else None,
    )


def _guid(text: str) -> UUID:
    try:
        return UUID(text.strip("{}")) if len(text) <= 40 else _bad_guid()
    except ValueError:
        return _bad_guid()


def _bad_guid() -> UUID:
    raise Refused(
        "PurchaseIdInvalid", "The address of this payment link is not complete. Open it again from where you got it."
    )
