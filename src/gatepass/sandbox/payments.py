"""Payment intents and their charges: the one place where money moves in. Used by the API and by the hosted page alike."""

from collections.abc import Mapping
from typing import Any

from gatepass.sandbox import balance, disputes, money
from gatepass.sandbox.cards import NAMED, Method, method_of, refusal
from gatepass.sandbox.errors import StripeError, card_error, invalid, wrong_state
from gatepass.sandbox.events import emit
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank, new_id, random_text
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]
_OPEN = frozenset(("requires_payment_method", "requires_confirmation", "requires_action"))
_COPIED = (
    "description",
    "metadata",
    "payment_method",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
    "capture_method",
    "confirmation_method",
    "automatic_payment_methods",
)


def create(tx: Tx, _: str, params: Params) -> Obj | StripeError:
    """POST /v1/payment_intents"""
    currency = money.known_currency(params["currency"])
    money.check_chargeable(params["amount"], currency, "amount")
    intent = add_intent(tx, params["amount"], currency, params)
    return confirm(tx, intent["id"], params) if params.get("confirm") else intent


def add_intent(tx: Tx, amount: int, currency: str, given: Params) -> Obj:
    identity = new_id("payment_intent")
    members = {name: given[name] for name in _COPIED if name in given}
    if method := members.get("payment_method"):
        _named(method)
        members["payment_method"] = method
    intent = blank("payment_intent", amount=amount, currency=currency, created=tx.at, **members)
    intent |= {"id": identity, "client_secret": f"{identity}_secret_{random_text(25)}"}
    if method:
        intent["status"] = "requires_confirmation"
    if currency == "eur" and given.get("automatic_payment_methods", {}).get("enabled"):
        intent["payment_method_types"] = ["card", "sepa_debit"]
    tx.add(intent)
    emit(tx, "payment_intent.created", intent)
    return intent


def confirm(tx: Tx, identity: str, params: Params) -> Obj | StripeError:
    """POST /v1/payment_intents/{id}/confirm"""
    intent = _own(tx, identity)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "confirm")
    name, method = _chosen(intent, params)
    if method.three_ds:
        return require_action(tx, intent, method, f"{tx.config.base_url}/3ds/{identity}", name)
    error = attempt(tx, intent, method, {}, name)
    if method.debit and not error:
        tx.hide(identity, later=method.later)
        tx.later(tx.config.async_delay_s, "settle_intent", identity)
    return error or tx.get("payment_intent", identity)


def _chosen(intent: Obj, params: Params) -> tuple[str | None, Method]:
    """What is to be paid with: typed in the frame of Stripe.js, or named. The frame itself sees a number that is none."""
    if typed := params.get("payment_method_data"):
        method = method_of(
            typed.get("card", typed.get("sepa_debit", {})).get("number" if "card" in typed else "iban", "")
        )
        if method.refuse == "incorrect_number":
            raise refusal(method.refuse)
        return None, method
    name = params.get("payment_method") or intent["payment_method"]
    if not name:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise wrong_state(message, "payment_intent_unexpected_state", payment_intent=intent)
    return name, _named(name)


def settle(tx: Tx, identity: str) -> Obj | None:
    """The bank answers a debit of an intent that is a payment by itself. None when nothing was waiting."""
    intent, later = tx.get("payment_intent", identity, "intent"), tx.hidden(identity).get("later")
    if intent["status"] != "processing" or later is None:
        return None
    charge = tx.get("charge", intent["latest_charge"])
    if later == "succeeds":
        capture(tx, intent, charge)
    else:
        fail_debit(tx, intent, charge)
    return intent


def seen_by_buyers(tx: Tx, identity: str, params: Params) -> Obj:
    """An intent for whoever knows its client secret; raises for everybody else."""
    intent = tx.get("payment_intent", identity, "intent")
    if params.get("client_secret") != intent["client_secret"]:
        raise StripeError(404, f"No such payment_intent: '{identity}'", param="intent", code="resource_missing")
    return intent | {"metadata": {}, "latest_charge": None, "receipt_email": None}


def cancel(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/payment_intents/{id}/cancel"""
    intent = _own(tx, identity)
    if intent["status"] not in _OPEN:
        raise _unexpected(intent, "cancel")
    return cancel_intent(tx, intent, params.get("cancellation_reason"))


def cancel_intent(tx: Tx, intent: Obj, reason: str | None) -> Obj:
    intent |= {"status": "canceled", "canceled_at": tx.at, "cancellation_reason": reason, "next_action": None}
    emit(tx, "payment_intent.canceled", tx.save(intent))
    return intent


def update(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/payment_intents/{id}"""
    intent = tx.get("payment_intent", identity)
    if {"amount", "currency", "payment_method"} & set(params) and intent["status"] not in _OPEN:
        raise _unexpected(intent, "update")
    changes = {k: v for k, v in params.items() if k not in {"metadata", "expand"}}
    if "metadata" in params:
        changes["metadata"] = merged(intent["metadata"], params["metadata"])
    after = intent | changes
    after["currency"] = money.known_currency(after["currency"])
    money.check_chargeable(after["amount"], after["currency"], "amount")
    return tx.save(after)


def require_action(tx: Tx, intent: Obj, method: Method, url: str, name: str | None = None) -> Obj:
    """The bank wants to see its customer first."""
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": None}}
    intent |= {"status": "requires_action", "next_action": action, "payment_method": name or new_id("payment_method")}
    emit(tx, "payment_intent.requires_action", tx.save(intent))
    tx.hide(intent["id"], card=method.number)
    return intent


def refuse_authentication(tx: Tx, intent: Obj) -> StripeError:
    """The buyer failed, or left, the bank's step."""
    message = (
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    )
    error = StripeError(402, message, code="payment_intent_authentication_failure")
    return _failed(tx, intent, error)


def attempt(tx: Tx, intent: Obj, method: Method, billing: Params, name: str | None = None) -> StripeError | None:
    """Charge once. Returns the decline, which is kept, or None: paid, or processing when it is a bank debit."""
    if method.debit and intent["currency"] != "eur":
        raise invalid("A SEPA bank debit takes euro only. Use a card.", "payment_method")
    intent["payment_method"] = name or new_id("payment_method")
    charge = _add_charge(tx, intent, method, billing)
    intent |= {"latest_charge": charge["id"], "next_action": None, "last_payment_error": None}
    if method.refuse:
        error = refusal(method.refuse)
        _refuse_charge(tx, charge, error)
        return _failed(tx, intent, error)
    if method.debit:
        intent["status"] = "processing"
        emit(tx, "payment_intent.processing", tx.save(intent))
        emit(tx, "charge.pending", charge)
        return None
    capture(tx, intent, charge)
    if method.dispute:
        disputes.open_dispute(tx, charge, method.dispute, inquiry=method.dispute == "general")
    return None


def capture(tx: Tx, intent: Obj, charge: Obj) -> None:
    """The money has arrived."""
    debit = charge["payment_method_details"]["type"] == "sepa_debit"
    fees = [balance.debit_fee() if debit else balance.card_fee(charge["amount"])]
    entry = balance.add(tx, charge, charge["amount"], "charge", fees, intent["id"])
    charge |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]}
    charge |= {"balance_transaction": entry["id"], "outcome": _outcome("authorized", "approved_by_network", None)}
    emit(tx, "charge.succeeded", tx.save(charge))
    intent |= {"status": "succeeded", "amount_received": charge["amount"]}
    emit(tx, "payment_intent.succeeded", tx.save(intent))


def fail_debit(tx: Tx, intent: Obj, charge: Obj) -> None:
    """A bank debit comes back unpaid."""
    error = card_error("charge_declined", "The customer's bank account could not be debited.", "insufficient_funds")
    _refuse_charge(tx, charge, error)
    _failed(tx, intent, error)


def charge_of(tx: Tx, identity: str) -> Obj:
    """The charge that a session, an intent or a charge was paid with; raises when there is none that succeeded."""
    found = tx.find(identity)
    while found and found["object"] != "charge":
        name = "payment_intent" if found["object"] == "checkout.session" else "latest_charge"
        found = tx.find(str(found.get(name)))
    if not found or found["status"] != "succeeded":
        raise StripeError(409, f"{identity} has no payment that succeeded.", param="payment")
    return found


def _own(tx: Tx, identity: str) -> Obj:
    """An intent that the API may move; one that belongs to a session moves with its session only."""
    intent = tx.get("payment_intent", identity, "intent")
    if tx.hidden(identity).get("session"):
        message = (
            "This PaymentIntent belongs to a Checkout Session: you cannot confirm or cancel it. Expire the session."
        )
        raise wrong_state(message, "payment_intent_unexpected_state", payment_intent=intent)
    return intent


def _named(name: str) -> Method:
    if name not in NAMED:
        raise StripeError(400, f"No such PaymentMethod: '{name}'", code="resource_missing", param="payment_method")
    return NAMED[name]


def _unexpected(intent: Obj, verb: str) -> StripeError:
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return wrong_state(message, "payment_intent_unexpected_state", payment_intent=intent)


def _failed(tx: Tx, intent: Obj, error: StripeError) -> StripeError:
    """Keep the reason; the intent may be tried again."""
    told = {k: v for k, v in error.error.items() if k != "payment_intent"}
    intent |= {"status": "requires_payment_method", "last_payment_error": told | {"charge": intent["latest_charge"]}}
    intent |= {"payment_method": None, "next_action": None}
    if intent["latest_charge"] is None:
        del told["type"]
        intent["last_payment_error"] = {"type": "card_error", **told}
    emit(tx, "payment_intent.payment_failed", tx.save(intent))
    error.error["payment_intent"] = dict(intent)
    if intent["latest_charge"]:
        error.error["charge"] = intent["latest_charge"]
    return error


def _add_charge(tx: Tx, intent: Obj, method: Method, billing: Params) -> Obj:
    charge = blank(
        "charge",
        amount=intent["amount"],
        created=tx.at,
        currency=intent["currency"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=intent["payment_method"],
        payment_method_details=_details(method, billing),
        receipt_email=intent["receipt_email"],
        calculated_statement_descriptor=tx.config.merchant.upper()[:22],
    )
    charge["billing_details"] |= {"email": billing.get("email"), "name": billing.get("name")}
    charge["receipt_url"] = f"{tx.config.base_url}/receipts/{charge['id']}"
    return tx.add(charge, {"card": method.number})


def _refuse_charge(tx: Tx, charge: Obj, error: StripeError) -> None:
    reason = error.error.get("decline_code") or error.error["code"]
    charge |= {"status": "failed", "failure_code": error.error["code"], "failure_message": error.error["message"]}
    charge["outcome"] = _outcome("issuer_declined", "declined_by_network", reason)
    emit(tx, "charge.failed", tx.save(charge))


def _details(method: Method, billing: Params) -> Obj:
    if method.debit:
        bank: Obj = {
            "bank_code": "19043",
            "branch_code": "",
            "country": "AT",
            "fingerprint": "sandbox",
            "mandate": None,
        }
        return {"type": "sepa_debit", "sepa_debit": bank | {"last4": method.last4}}
    secure = (
        {"authentication_flow": "challenge", "result": "authenticated", "version": "2.2.0"} if method.three_ds else None
    )
    card: Obj = {
        "amount_authorized": None,
        "authorization_code": None,
        "brand": method.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": billing.get("exp_month", 12),
        "exp_year": billing.get("exp_year", 2034),
        "fingerprint": f"sandbox{method.last4}",
        "funding": "credit",
        "installments": None,
        "last4": method.last4,
        "mandate": None,
        "network": method.brand,
        "three_d_secure": secure,
        "wallet": None,
    }
    return {"type": "card", "card": card}


def _outcome(kind: str, network: str, reason: str | None) -> Obj:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network,
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "Payment complete." if reason is None else "The bank did not return any further details.",
        "type": kind,
    }
