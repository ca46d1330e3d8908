"""The buyer's own page of an order, and where the payment page sends back to. It believes the provider, never the address."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.event import Event
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status, order_reference
from gatepass.domain.refund import Refund
from gatepass.languages import gettext as _
from gatepass.languages import later, speaking
from gatepass.services import holds
from gatepass.services.payments import Ledger, look_up_briefly
from gatepass.services.withdrawals import may_cancel
from gatepass.store import ReadTx, events, payments, purchases, refunds
from gatepass.store.purchases import AttendeeRow, Purchase
from gatepass.web.pages import problem
from gatepass.web.pages.common import render, templates, time_of
from gatepass.web.pages.draft import Line, registrations
from gatepass.web.pages.language import kept, language_of, picked_of, speaks
from gatepass.web.pages.throttle import AtMostEvery
from gatepass.web.site import Site, site

PATIENCE_S = 3.5
"""For the provider while the buyer waits for the page."""
LOOK_UP_PAUSE_S = 2.0
"""Between two questions about one payment, by this process."""
DELAYS_S = (2, 3, 5, 8, 13, 20, 30, 60)
"""Between two looks of an open page: fast at first, then ever more rarely."""
_look_ups = AtMostEvery(LOOK_UP_PAUSE_S)


class Face(StrEnum):
    """What the page says."""

    CONFIRMED = "confirmed"
    CONFIRMING = "confirming"
    """The buyer has done all, the bank has not answered."""
    CHECKING = "checking"
    """Money that does not fit: a person decides."""
    AWAITING = "awaiting"
    BY_HAND = "by_hand"
    """To be paid, but by no payment page."""
    WAITING = "waiting"
    """Paid late; the next free seat is this buyer's."""
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    """The order has ended, and what was paid goes back."""


SENT_AGAIN = "again"
"""In the address of an order whose form was sent once more."""
_LASTING = frozenset({Face.CONFIRMED, Face.EXPIRED, Face.CANCELLED, Face.RETURNED})
"""Nothing to wait for."""


_BY_STATUS = {
    Status.COMPLETED: Face.CONFIRMED,
    Status.PAID_LATE: Face.CHECKING,
    Status.WAITLISTED: Face.WAITING,
}


@dataclass(frozen=True, slots=True)
class Order:
    """Everything about one order, from one read."""

    purchase: Purchase
    event: Event
    people: Sequence[AttendeeRow]
    attempts: Sequence[Payment]
    """The first one first."""
    refunds: Sequence[Refund]
    may_cancel: bool
    """By the buyer."""
    may_extend: bool
    """More time to pay can be had."""
    tried_too_often: bool
    """Too many cards were declined: no other can be tried."""

    @property
    def reference(self) -> str:
        """A name for people."""
        return order_reference(self.purchase.id)

    @property
    def lines(self) -> list[Line]:
        """What was bought, at the price of that day."""
        counted = Counter((person.pass_id, person.price_minor) for person in self.people)
        return [Line(self._label(at, count), self._money(price * count)) for (at, price), count in counted.items()]

    def _label(self, pass_id: UUID | None, count: int) -> str:
        name = next((one.name for one in self.event.passes if one.id == pass_id), None)
        return f"{count} × {name}" if name else registrations(count)

    def pass_name(self, person: AttendeeRow) -> str:
        """What this person holds."""
        return next((one.name for one in self.event.passes if one.id == person.pass_id), _("Registration"))

    @property
    def face(self) -> Face:
        """What to say. Money that came, or may be under way, is never called nothing."""
        if face := _BY_STATUS.get(self.purchase.status):
            return face
        if any(row.reason_code == "mismatch" for row in self.attempts):
            return Face.CHECKING
        states = {row.state for row in self.attempts}
        if PaymentState.PROCESSING in states:
            return Face.CONFIRMING
        return Face.RETURNED if PaymentState.SUCCEEDED in states else self._face_without_money

    @property
    def _face_without_money(self) -> Face:
        status = self.purchase.status
        if status is not Status.AWAITING_PAYMENT:
            return Face.EXPIRED if status is Status.EXPIRED else Face.CANCELLED
        return Face.AWAITING if self.purchase.provider_id and self.event.provider else Face.BY_HAND

    @property
    def declined(self) -> str | None:
        """Why the last attempt failed, in plain words; None when none did."""
        last = self.attempts[-1] if self.attempts else None
        return last.reason_text if last and last.reason_code and last.state is not PaymentState.SUCCEEDED else None

    @property
    def returned(self) -> Money:
        """What has gone back, or is on its way."""
        return self._money(sum(one.amount.minor for one in self.refunds if one.counts))

    @property
    def open_payment(self) -> Payment | None:
        """The payment by which money may still come."""
        return next((row for row in self.attempts if row.open), None)

    def _money(self, minor: int) -> Money:
        return Money(minor, self.purchase.total.currency)


@speaks
@problem.readable
async def show(request: Request) -> Response:
    """GET /orders/{token}"""
    token, order = await true_order(request)
    with speaking(language_of(request, order.purchase)):
        content = _content(request, token, order)
        context = _context(request, token, order, content, times=0)
        page = "order_again.html" if SENT_AGAIN in request.query_params else "order.html"
        return render(request, page, context | {"content": content})


@speaks
async def state(request: Request) -> Response:
    """GET /orders/{token}/state: the next look, and what has changed since `seen`."""
    try:
        token, order = await true_order(request)
    except GatepassError as error:
        return HTMLResponse(error.message, 404 if isinstance(error, NotFound) else 503, {"Cache-Control": "no-store"})
    with speaking(language_of(request, order.purchase)):
        content = _content(request, token, order)
        context = _context(request, token, order, content, times=times_of(request))
        known = request.query_params.get("seen") == fingerprint(content)
        return render(request, "order_state.html", context | {"content": None if known else content})


def _context(request: Request, token: str, order: Order, content: str, *, times: int) -> dict[str, Any]:
    poll = None if order.face in _LASTING else next_look(request, f"/orders/{token}/state", times, fingerprint(content))
    return {"event": order.event, "title": _title(order), "poll": poll}


async def true_order(request: Request) -> tuple[str, Order]:
    """Token and order of a link, after asking the provider about money that may have come."""
    here, token = site(request), request.path_params["token"]
    purchase_id = here.links.read("order", token)
    order = await read_order(here, purchase_id)
    payment = order.open_payment
    if payment is None or payment.session_ref is None or not _look_ups.may(payment.id):
        return token, order
    return token, await read_order(here, purchase_id) if await _asked(here, payment) else order


async def _asked(here: Site, payment: Payment) -> bool:
    """True when the provider's answer changed our record."""
    try:
        provider = here.desk.provider(payment.provider)
    except NotFound:
        return False
    return await look_up_briefly(here.desk.ledger, provider, payment, PATIENCE_S) != payment


async def read_order(here: Site, purchase_id: UUID) -> Order:
    order = await here.store.read(lambda tx: _order_in(tx, here.desk.ledger, purchase_id))
    if order is None:
        raise NotFound("PurchaseUnknown", "This link belongs to no order that we know.")
    return order


def _order_in(tx: ReadTx, ledger: Ledger, purchase_id: UUID) -> Order | None:
    purchase = purchases.get(tx, purchase_id)
    event = purchase and events.get(tx, purchase.event_id)
    if purchase is None or event is None:
        return None
    people, attempts = purchases.tickets(tx, purchase_id), payments.of_purchase(tx, purchase_id)
    returned, own = refunds.of_purchases(tx, [purchase_id]), may_cancel(tx, purchase)
    return Order(
        purchase, event, people, attempts, returned, may_cancel=own,
        may_extend=holds.may_extend(tx, purchase, datetime.now(UTC)),
        tried_too_often=ledger.tried_too_often(tx, purchase_id),
    )  # fmt: skip


def _content(request: Request, token: str, order: Order) -> str:
    links, provider = site(request).links, order.event.provider
    own = links.order(order.purchase.id, order.purchase.created)
    until = order.purchase.hold_until
    context = {
        "order": order,
        "kept": kept(request),
        "order_url": f"/orders/{token}",
        "tickets": [links.ticket(person.id, order.purchase.created) for person in order.people],
        "may_cancel": order.may_cancel,
        "more_time": order.may_extend and bool(site(request).more_time),
        "help": order.event.contact_email,
        "hold_end": until and time_of(until, order.event.time_zone),
        "face": order.face.value,
        "pay_url": links.pay(provider.payment_page_url, order.purchase.id, own) if provider else None,
        "over": _over(order),
        "first_name": order.people[0].first_name if order.people else "",
        "timeline_url": f"/orders/{token}/timeline{kept(request)}",
    }
    # An order that a program made has no attendees: it is only a sum.
    name = "order_content.html" if order.people else "order_sum.html"
    return templates().get_template(name).render(context)


def _over(order: Order) -> bool:
    """True between the end of the hold and the moment at which the seats are given back."""
    until = order.purchase.hold_until
    return until is not None and until <= datetime.now(UTC)


def next_look(request: Request, path: str, times: int, seen: str) -> dict[str, str | int]:
    """When an open page looks again, and where; in the language that was picked for it."""
    picked = picked_of(request)
    query = f"times={times + 1}&seen={seen}" + (f"&lang={picked}" if picked else "")
    return {"url": f"{path}?{query}", "delay_s": DELAYS_S[min(times, len(DELAYS_S) - 1)]}


def times_of(request: Request) -> int:
    """How often this page has looked already."""
    text = request.query_params.get("times", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def fingerprint(content: str) -> str:
    """A fingerprint: what was seen already is not sent again, and not read out again."""
    return hashlib.sha256(content.encode()).hexdigest()[:16]


_TITLES = {
    Face.CONFIRMED: later("You are in"),
    Face.CONFIRMING: later("Your bank is confirming"),
    Face.CHECKING: later("Your payment is being checked"),
    Face.AWAITING: later("Awaiting payment"),
    Face.BY_HAND: later("Awaiting confirmation"),
    Face.WAITING: later("Waiting for a seat"),
    Face.RETURNED: later("Your money goes back"),
    Face.EXPIRED: later("Order expired"),
    Face.CANCELLED: later("Order cancelled"),
}


def _title(order: Order) -> str:
    return f"{_(_TITLES[order.face])} – {order.event.name}"
