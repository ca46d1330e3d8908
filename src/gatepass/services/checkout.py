"""Where a payment link becomes the provider's page: one open payment per purchase, however often the link is opened.

The intent is stored before the provider is called, with a key made from its row; a crash or a timeout anywhere is mended
by doing the same again.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound, Refused, Unavailable
from gatepass.domain.keys import with_next_key
from gatepass.domain.payment import Payment, PaymentState, Report, Way
from gatepass.domain.purchase import PAID, Payable, Status
from gatepass.languages import later
from gatepass.providers.base import AnswerKept, Checkout, PaymentProvider
from gatepass.services.links import Links, allowed
from gatepass.services.management import EventManagement
from gatepass.services.payments import Ledger, ask_to_end, ask_to_look_up, look_up_briefly
from gatepass.store import Store, WriteTx, payments, timeline
from gatepass.store.payments import OpenPage
from gatepass.store.tables import new_id

PATIENCE_S = 18.0
"""For the provider while the buyer waits; then a page says to try again."""
RETURN_PATIENCE_S = 4.0
"""The same when the buyer comes back: the true state can follow on the page."""
PAGE_LIFE = timedelta(minutes=45)
"""Of the provider's page at least: Stripe's minimum is 30 minutes from its own clock, which may be ahead of ours by 10.

The end of the hold ends it earlier."""
DECLINED_TOO_OFTEN = later(
    "Too many cards were declined for this order, so no other can be tried. Nothing was charged. Ask the organizer."
)
ALMOST_OVER = timedelta(seconds=20)
"""A page that ends within this is not worth sending a buyer to."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a checkout works with."""

    store: Store
    management: EventManagement
    ledger: Ledger
    providers: Mapping[str, PaymentProvider]
    links: Links
    opening: dict[UUID, asyncio.Task[str]] = field(default_factory=dict[UUID, asyncio.Task[str]])
    """Openings under way in this process: whoever comes meanwhile waits for the same."""

    def provider(self, name: str) -> PaymentProvider:
        """The configured provider of this name; raises NotFound."""
        try:
            return self.providers[name]
        except KeyError:
            raise NotFound("ProviderUnknown", f"No payment provider '{name}' is connected here.") from None

    def connected(self, name: str) -> PaymentProvider:
        """The same for durable work, which waits until its key is there again; raises Unavailable."""
        if name not in self.providers:
            raise Unavailable("ProviderNotConnected", f"No key for {name} is set; connect it again.")
        return self.providers[name]


async def pay_page(
    desk: Desk, provider: str, purchase_id: UUID, return_url: str | None, way: Way | None = None
) -> str:  # fmt: skip
    """The address of the page where this purchase is paid: the provider's, or our own payment step.

    `way`: the buyer's choice; None takes the open payment as it is, and for a new one what the provider record says.

    Raises NotFound, Conflict (paid, cancelled, expired, being checked), Refused (foreign return address, amount that
    cannot be charged) or Unavailable (provider down or silent: nothing is lost, the same attempt works afterwards).
    """
    adapter = desk.provider(provider)
    payable, page = await desk.management.find_with_page(purchase_id)
    if payable is None:
        raise NotFound("PurchaseUnknown", "This payment link belongs to no order that we know.")
    await _check_return_url(desk, payable, return_url)
    _check_payable(payable, adapter)
    if page and _fits(page, payable, way):
        return page.url
    return await _open_once(desk, adapter, payable, _Wish(return_url, way))


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for with one opening."""

    return_url: str | None
    way: Way | None


async def _open_once(desk: Desk, adapter: PaymentProvider, payable: Payable, wish: _Wish) -> str:
    task = desk.opening.get(payable.id)
    if task is None:
        task = asyncio.create_task(_open_in_time(desk, adapter, payable, wish))
        desk.opening[payable.id] = task
        task.add_done_callback(lambda _: desk.opening.pop(payable.id, None))
    return await asyncio.shield(task)


async def _open_in_time(desk: Desk, adapter: PaymentProvider, payable: Payable, wish: _Wish) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _open(desk, adapter, payable, wish)
    except TimeoutError:
        raise Unavailable("ProviderSilent", "The payment provider does not answer.") from None


async def _open(desk: Desk, adapter: PaymentProvider, payable: Payable, wish: _Wish) -> str:
    """Store the intent, call, store the result. An older attempt that no longer fits is ended first."""
    while True:
        payment = await desk.store.write(lambda tx: _intend(desk, tx, adapter, payable, wish))
        if _reusable(payment, payable, wish.way) or payment.session_ref is None:
            break
        ended = await desk.ledger.end(adapter, payment)
        _check_ended(ended)
    if payment.page_url:
        return payment.page_url
    opened = await _start(desk, adapter, payable, payment)
    if payment.way is Way.PAGE:
        opened = replace(opened, page_url=desk.links.payment_step(payable.id, payable.created))
    stored = await desk.store.write(lambda tx: _opened(tx, payment, opened))
    if not stored.open or not stored.page_url:
        raise Conflict(
            "PaymentEnded", "This order changed while the payment page was being opened. Please look at it again."
        )
    return stored.page_url


async def _start(desk: Desk, adapter: PaymentProvider, payable: Payable, payment: Payment) -> Report:
    """Call the provider. A key whose answer is its own old failure is replaced, once it is sure that nothing was opened."""
    order = checkout_of(desk.links, payable, payment)
    try:
        return await adapter.start(order)
    except AnswerKept:
        if found := await adapter.find(order):
            return found
        fresh = await desk.store.write(lambda tx: _next_opening(tx, payment))
        return await adapter.start(checkout_of(desk.links, payable, fresh))
    except Refused as refusal:
        await desk.store.write(partial(_refused, payment, refusal))
        raise


def _intend(desk: Desk, tx: WriteTx, adapter: PaymentProvider, payable: Payable, wish: _Wish) -> Payment:
    """The open payment of a purchase: the one there is, or a new row."""
    now = desk.management.still(tx, payable)
    _check_payable(now, adapter)
    attempts = sorted(payments.lock_of_purchases(tx, [now.id]), key=lambda row: row.number)
    _check_no_open_question(attempts)
    if current := next((row for row in attempts if row.open), None):
        return current
    if desk.ledger.tried_too_often(tx, now.id):
        raise Conflict("DeclinedTooOften", DECLINED_TOO_OFTEN)
    payment = _new(tx, adapter, now, len(attempts) + 1, wish)
    payments.add(tx, payment)
    ask_to_look_up(tx, payment)
    return payment


def _new(tx: WriteTx, adapter: PaymentProvider, payable: Payable, number: int, wish: _Wish) -> Payment:
    # Whole seconds: providers count in them, and a repeat must be the same call.
    least = (tx.now + PAGE_LIFE).replace(microsecond=0)
    return Payment(
        id=new_id(),
        purchase_id=payable.id,
        number=number,
        provider=adapter.name,
        state=PaymentState.CREATED,
        amount=payable.total,
        live=payable.live,
        opened=tx.now.replace(microsecond=0),
        expires_at=max(payable.hold_until or least, least),
        return_url=wish.return_url,
        way=(wish.way or payable.way) if adapter.page_step else Way.REDIRECT,
    )


def _opened(tx: WriteTx, payment: Payment, report: Report) -> Payment:
    """Keep the provider's reference. When the payment was ended meanwhile, its page is ended too."""
    row = _locked(tx, payment)
    stored = replace(row, session_ref=report.session_ref, page_url=report.page_url)
    payments.save(tx, [stored])
    page = {"payment_id": str(stored.id), "number": stored.number, "provider": stored.provider}
    timeline.add(tx, [(stored.purchase_id, "pay_page.opened", page)])
    if not stored.open:
        ask_to_end(tx, stored)
    return stored


def _next_opening(tx: WriteTx, payment: Payment) -> Payment:
    fresh = with_next_key(_locked(tx, payment), payment)
    payments.save(tx, [fresh])
    return fresh


def _refused(payment: Payment, refusal: Refused, tx: WriteTx) -> None:
    row = _locked(tx, payment)
    if row.open and row.session_ref is None:
        failed = replace(row, state=PaymentState.FAILED, reason_code=refusal.code, reason_text=refusal.message[:1000])
        payments.save(tx, [failed])


def _locked(tx: WriteTx, payment: Payment) -> Payment:
    """The same attempt as it is stored now."""
    rows = payments.lock_of_purchases(tx, [payment.purchase_id])
    return next(row for row in rows if row.id == payment.id)


def checkout_of(links: Links, payable: Payable, payment: Payment) -> Checkout:
    """What the provider is told of this attempt, now and at every repeat."""
    return Checkout(
        key=payment.key,
        payment_id=payment.id,
        purchase_id=payment.purchase_id,
        reference=payable.reference,
        amount=payment.amount,
        title=payable.title,
        items=payable.items,
        email=payable.email,
        success_url=links.back_from_payment(payment.id, payment.opened),
        cancel_url=links.order(payable.id, payable.created),
        opened=payment.opened,
        expires_at=payment.expires_at,
        way=payment.way,
        locale=payable.locale,
    )


def _reusable(payment: Payment, payable: Payable, way: Way | None) -> bool:
    return payment.state is PaymentState.CREATED and payment.page_url is not None and _fits(payment, payable, way)


def _fits(page: Payment | OpenPage, payable: Payable, way: Way | None) -> bool:
    fresh = page.expires_at - datetime.now(UTC) > ALMOST_OVER and way in {None, page.way}
    return fresh and page.amount == payable.total and page.provider == payable.provider


def _check_payable(payable: Payable, adapter: PaymentProvider) -> None:
    if payable.status in PAID:
        raise Conflict("AlreadyPaid", "This order is paid already. Nothing more will be charged.")
    if payable.status is Status.CANCELLED:
        raise Conflict("PurchaseCancelled", "This order was cancelled. Nothing was charged by opening this page.")
    if payable.status is Status.EXPIRED or _hold_over(payable):
        raise Conflict(
            "PurchaseExpired", "The seats of this order were held for a while and are free again. Nothing was charged."
        )
    if payable.provider != adapter.name:
        raise Refused("ProviderWrong", f"This order cannot be paid with {adapter.name.capitalize()}.")
    if payable.live is not adapter.live:
        raise Refused("ModeWrong", "This order and the connected payment account do not fit together (test and live).")


def _hold_over(payable: Payable) -> bool:
    return payable.hold_until is not None and payable.hold_until <= datetime.now(UTC)


def _check_no_open_question(attempts: list[Payment]) -> None:
    if any(row.state is PaymentState.PROCESSING for row in attempts):
        raise Conflict(
            "PaymentProcessing", "Your payment is on its way; the bank has yet to confirm it. Please do not pay again."
        )
    if any(row.reason_code == "mismatch" for row in attempts):
        raise Conflict(
            "PaymentInQuestion", "A payment for this order is being checked by the organizer. Please do not pay again."
        )


def _check_ended(payment: Payment) -> None:
    if payment.state is PaymentState.SUCCEEDED:
        raise Conflict("AlreadyPaid", "This order is paid already. Nothing more will be charged.")
    if payment.open:
        raise Conflict(
            "PaymentProcessing", "Your payment is on its way; the bank has yet to confirm it. Please do not pay again."
        )


async def _check_return_url(desk: Desk, payable: Payable, return_url: str | None) -> None:
    if not return_url or return_url == payable.return_url or allowed(return_url, [desk.links.base_url]):
        return
    if not allowed(return_url, await desk.management.origins(payable.id)):
        raise Refused(
            "ReturnUrlForeign", "This payment link would send you to an address that the organizer has not listed."
        )


async def returned(desk: Desk, token: str) -> str:
    """Where to send a buyer who comes back from the provider: asks the provider first, believes nothing of the URL."""
    payment_id = desk.links.read("return", token)
    payment = await desk.store.read(lambda tx: payments.get(tx, payment_id))
    payable = payment and await desk.management.find(payment.purchase_id)
    if payment is None or payable is None:
        raise NotFound("PaymentUnknown", "This link belongs to no payment that we know.")
    if payment.open:
        # Told once per payment: whoever opens the address again later finds it closed.
        came_back = (payment.purchase_id, "buyer.returned", {"payment_id": str(payment.id)})
        await desk.store.write(lambda tx: timeline.add(tx, [came_back]))
        payment = await look_up_briefly(desk.ledger, desk.provider(payment.provider), payment, RETURN_PATIENCE_S)
    if payment.way is Way.PAGE and payment.state is PaymentState.CREATED and payment.page_url:
        # Back from a bank's page without having paid: the step says why, and is there for another try.
        return payment.page_url
    return payment.return_url or payable.return_url or desk.links.order(payable.id, payable.created)
