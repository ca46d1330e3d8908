"""The payment step of our own page: the one open payment of a purchase, and what the provider says of it right now.

Opening, repeating, ending and recording are those of every payment (checkout, payments): nothing of it happens here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound
from gatepass.domain.payment import Payment, PaymentState, Way
from gatepass.domain.purchase import Payable
from gatepass.providers.base import PageStep
from gatepass.services.checkout import RETURN_PATIENCE_S, Desk, pay_page
from gatepass.services.payments import Finding, look_up_briefly
from gatepass.store import payments


@dataclass(frozen=True, slots=True)
class Step:
    """Everything that the page shows and needs. `secret` goes to this buyer's browser and nowhere else."""

    payable: Payable
    payment: Payment
    page: PageStep
    secret: str
    return_url: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The order is paid on another page."""

    url: str


async def open_step(desk: Desk, purchase_id: UUID, way: Way | None = None) -> Step | Elsewhere:
    """The payment step, its payment opened when there is none. `way`: the buyer wants another than the open one.

    Raises as pay_page does; Conflict also when the provider says that the payment is over.
    """
    payable = await _payable(desk, purchase_id)
    url = await pay_page(desk, payable.provider, purchase_id, None, way)
    if url != desk.links.payment_step(payable.id, payable.created):
        return Elsewhere(url)
    provider, payment = desk.provider(payable.provider), await _open_payment(desk, purchase_id)
    if payment is None or payment.session_ref is None or provider.page_step is None:
        raise Conflict("PaymentEnded", "This order changed while the payment was being opened. Please look again.")
    report = await provider.fetch(payment.session_ref)
    payment = await desk.ledger.record(Finding(payment, report))
    if payment.state is not PaymentState.CREATED or report.page_secret is None:
        raise Conflict("PaymentEnded", "This payment is over. The page of your order says how it ended.")
    back = desk.links.back_from_payment(payment.id, payment.opened)
    return Step(payable, payment, provider.page_step, report.page_secret, back)


async def look(desk: Desk, purchase_id: UUID) -> Payment | None:
    """The newest payment, after asking the provider; None when nothing was ever opened."""
    payment = await _open_payment(desk, purchase_id)
    if payment:
        return await look_up_briefly(desk.ledger, desk.provider(payment.provider), payment, RETURN_PATIENCE_S)
    attempts = await desk.store.read(lambda tx: payments.of_purchase(tx, purchase_id))
    return attempts[-1] if attempts else None


async def _payable(desk: Desk, purchase_id: UUID) -> Payable:
    payable = await desk.management.find(purchase_id)
    if payable is None:
        raise NotFound("PurchaseUnknown", "This link belongs to no order that we know.")
    return payable


async def _open_payment(desk: Desk, purchase_id: UUID) -> Payment | None:
    attempts = await desk.store.read(lambda tx: payments.of_purchase(tx, purchase_id))
    return next((row for row in attempts if row.open), None)


def seconds_left(payable: Payable) -> int | None:
    """Until the hold ends; None: held without an end."""
    return None if payable.hold_until is None else max(0, int((payable.hold_until - datetime.now(UTC)).total_seconds()))
