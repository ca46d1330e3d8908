"""What Stripe is told of a payment. Only stored values, so that a repeat is the same call."""

from typing import Any

from gatepass.domain.payment import Way
from gatepass.providers.base import Checkout, RefundOrder
from gatepass.providers.stripe.words import locale_of, units_of

WAY = "way"
"""In the metadata of an intent that is a payment by itself: those of sessions and links carry none."""


def _metadata(checkout: Checkout) -> dict[str, str]:
    """On session and intent alike, so that refunds, failures and disputes can be tied to the purchase."""
    # `order_id` is the name that the seed's sample uses.
    return {
        "order_id": str(checkout.purchase_id),
        "payment_id": str(checkout.payment_id),
        "reference": checkout.reference,
    }


def _price(checkout: Checkout) -> dict[str, Any]:
    product: dict[str, Any] = {"name": checkout.title, "description": checkout.items}
    return {
        "currency": checkout.amount.currency.lower(),
        "unit_amount": checkout.amount.in_units(units_of(checkout.amount.currency)),
        "product_data": product,
    }


def session(checkout: Checkout) -> Any:
    email = {"customer_email": checkout.email} if checkout.email else {}
    return {
        "mode": "payment",
        "client_reference_id": str(checkout.purchase_id),
        "metadata": _metadata(checkout),
        "payment_intent_data": {
            "metadata": _metadata(checkout),
            "description": f"{checkout.title}, {checkout.reference}",
        },
        "line_items": [{"price_data": _price(checkout), "quantity": 1}],
        "success_url": checkout.success_url,
        "cancel_url": checkout.cancel_url,
        "expires_at": int(checkout.expires_at.timestamp()),
        "locale": locale_of(checkout.locale),
        **email,
    }


def intent(checkout: Checkout) -> Any:
    """For our own page. Which cards and methods it takes is set in Stripe's dashboard, as for the other ways."""
    email = {"receipt_email": checkout.email} if checkout.email else {}
    return {
        "amount": checkout.amount.in_units(units_of(checkout.amount.currency)),
        "currency": checkout.amount.currency.lower(),
        "automatic_payment_methods": {"enabled": True},
        "description": f"{checkout.title}, {checkout.reference}",
        "metadata": _metadata(checkout) | {WAY: Way.PAGE.value},
        **email,
    }


def link(checkout: Checkout) -> Any:
    return {
        "metadata": _metadata(checkout),
        "payment_intent_data": {"metadata": _metadata(checkout)},
        "line_items": [{"price_data": _price(checkout), "quantity": 1}],
        "restrictions": {"completed_sessions": {"limit": 1}},
        "inactive_message": "This order can no longer be paid here. Open the link in your mail to see how it stands.",
        "after_completion": {"type": "redirect", "redirect": {"url": checkout.success_url}},
    }


def refund(order: RefundOrder) -> Any:
    """Of POST /v1/refunds."""
    amount = order.amount
    return {
        "payment_intent": order.money_ref,
        "amount": amount.in_units(units_of(amount.currency)),
        "metadata": {"refund_id": str(order.refund_id), "order_id": str(order.purchase_id)},
    }
