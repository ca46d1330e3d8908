"""The buyer's page of an order that lives in a remote Dataverse: what became of the money, whether or not Dataverse answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import Refund
from gatepass.domain.remote import RemotePurchase, Word
from gatepass.languages import gettext as _
from gatepass.languages import later
from gatepass.services.payments import look_up_briefly
from gatepass.store import ReadTx, payments, refunds, remote
from gatepass.web.pages import problem
from gatepass.web.pages.common import render, templates
from gatepass.web.pages.language import speaks
from gatepass.web.pages.order import LOOK_UP_PAUSE_S, PATIENCE_S, fingerprint, next_look, times_of
from gatepass.web.pages.throttle import AtMostEvery
from gatepass.web.site import Site, site

_look_ups = AtMostEvery(LOOK_UP_PAUSE_S)


class Face(StrEnum):
    """What the page says."""

    CONFIRMED = "confirmed"
    PAID = "paid"
    """Paid, and being confirmed: Dataverse does not know yet, or does not answer."""
    BANK = "bank"
    """The buyer has done all, the bank has not answered."""
    CHECKING = "checking"
    """Money came, and a person decides."""
    AWAITING = "awaiting"
    RETURNED = "returned"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


_LASTING = frozenset({Face.CONFIRMED, Face.RETURNED, Face.EXPIRED, Face.CANCELLED})
"""Nothing to wait for."""

_TITLES = {
    Face.CONFIRMED: later("Your registration is confirmed"),
    Face.PAID: later("Paid, being confirmed"),
    Face.BANK: later("Your bank is confirming"),
    Face.CHECKING: later("Your payment is being checked"),
    Face.AWAITING: later("Awaiting payment"),
    Face.RETURNED: later("Your money goes back"),
    Face.EXPIRED: later("Order expired"),
    Face.CANCELLED: later("Order cancelled"),
}


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that we know about it, from one read."""

    purchase: RemotePurchase
    attempts: Sequence[Payment]
    refunds: Sequence[Refund]

    @property
    def face(self) -> Face:
        """What to say. Money that came, or may be under way, is never called nothing."""
        if any(one.counts for one in self.refunds):
            return Face.RETURNED
        if any(row.reason_code == "mismatch" for row in self.attempts):
            return Face.CHECKING
        if self.purchase.confirmed:
            return Face.CONFIRMED
        states = {row.state for row in self.attempts}
        if PaymentState.SUCCEEDED in states:
            return Face.PAID if self.purchase.wanted is Word.COMPLETED else Face.CHECKING
        return Face.BANK if PaymentState.PROCESSING in states else self._face_without_money

    @property
    def _face_without_money(self) -> Face:
        if self.purchase.status is Status.AWAITING_PAYMENT:
            return Face.AWAITING
        return Face.EXPIRED if self.purchase.status is Status.EXPIRED else Face.CANCELLED

    @property
    def title(self) -> str:
        """Of the page, and what is read out when it changes."""
        return _(_TITLES[self.face])

    @property
    def pay_path(self) -> str | None:
        """The payment link, here."""
        provider = self.attempts[-1].provider if self.attempts else None
        at = self.purchase.id
        return f"/GatewayRedirect/PayWith{provider.capitalize()}?purchaseId={at}" if provider else None

    @property
    def open_payment(self) -> Payment | None:
        """The payment by which money may still come."""
        return next((row for row in self.attempts if row.open), None)


@speaks
async def front(request: Request) -> Response:
    """GET /: there is nothing to choose here"""
    message = _("This address takes the payments of registrations. Open the payment link that you were given.")
    return problem.page(request, 200, _("Payments"), message, state="info")


@speaks
@problem.readable
async def show(request: Request) -> Response:
    """GET /orders/{token}"""
    token, order = await true_order(request)
    content = _content(token, order)
    context = {
        "order": order, "title": order.title, "content": content, "poll": _poll(request, order, token, 0, fingerprint(content))
    }  # fmt: skip
    return render(request, "order.html", context)


@speaks
async def state(request: Request) -> Response:
    """GET /orders/{token}/state: the next look, and what has changed since `seen`."""
    try:
        token, order = await true_order(request)
    except GatepassError as error:
        return HTMLResponse(error.message, 404 if isinstance(error, NotFound) else 503, {"Cache-Control": "no-store"})
    content = _content(token, order)
    seen = fingerprint(content)
    context = {
        "order": order,
        "title": order.title,
        "content": None if request.query_params.get("seen") == seen else content,
        "poll": _poll(request, order, token, times_of(request), seen),
    }
    return render(request, "order_state.html", context)


async def true_order(request: Request) -> tuple[str, Order]:
    """Token and order of a link, after asking the provider about money that may have come."""
    here, token = site(request), request.path_params["token"]
    purchase_id = here.links.read("order", token)
    order = await _read(here, purchase_id)
    payment = order.open_payment
    if payment is None or payment.session_ref is None or not _look_ups.may(payment.id):
        return token, order
    await look_up_briefly(here.desk.ledger, here.desk.provider(payment.provider), payment, PATIENCE_S)
    return token, await _read(here, purchase_id)


async def _read(here: Site, purchase_id: UUID) -> Order:
    order = await here.store.read(lambda tx: _read_order(tx, purchase_id))
    if order is None:
        raise NotFound("PurchaseUnknown", "This link belongs to no order that we know.")
    return order


def _read_order(tx: ReadTx, purchase_id: UUID) -> Order | None:
    purchase = remote.get(tx, purchase_id)
    if purchase is None:
        return None
    return Order(purchase, payments.of_purchase(tx, purchase_id), refunds.of_purchases(tx, [purchase_id]))


def _content(token: str, order: Order) -> str:
    return (
        templates()
        .get_template("remote_order_content.html")
        .render({"order": order, "face": order.face.value, "timeline_url": f"/orders/{token}/timeline"})
    )


def _poll(request: Request, order: Order, token: str, times: int, seen: str) -> dict[str, str | int] | None:
    """The next look of the page; None when nothing is to be waited for."""
    return None if order.face in _LASTING else next_look(request, f"/orders/{token}/state", times, seen)
