"""Refunds: money goes back, at once or later, and sometimes comes home again."""

from collections.abc import Mapping
from typing import Any

from gatepass.sandbox import money, payments
from gatepass.sandbox.cards import METHODS
from gatepass.sandbox.errors import StripeError, invalid, wrong_state
from gatepass.sandbox.events import emit
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]


def create(tx: Tx, _: str, params: Params) -> Obj:
    """POST /v1/refunds"""
    charge = _charge_of(tx, params)
    amount = _amount(charge, params)
    method = METHODS[tx.hidden(charge["id"])["card"]]
    refund = blank(
        "refund",
        amount=amount,
        charge=charge["id"],
        created=tx.at,
        currency=charge["currency"],
        metadata=params.get("metadata", {}),
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        reason=params.get("reason"),
        status="pending" if method.refund == "pending" else "succeeded",
    )
    refund["balance_transaction"] = payments.add_transaction(tx, refund, -amount, "refund")["id"]
    tx.add(refund)
    _give_back(tx, charge, amount)
    emit(tx, "charge.refunded", charge)
    emit(tx, "refund.created", refund)
    if method.refund:
        action = "refund_succeeds" if method.refund == "pending" else "refund_fails"
        tx.later(tx.config.async_delay_s, action, refund["id"])
    return refund


def update(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/refunds/{id}"""
    refund = tx.get("refund", identity, "refund")
    refund["metadata"] = merged(refund["metadata"], params.get("metadata", {}))
    _tell(tx, tx.save(refund))
    return refund


def cancel(tx: Tx, identity: str, _: Params) -> Obj:
    """POST /v1/refunds/{id}/cancel. Only refunds that wait for the buyer can be cancelled; cards have none of those."""
    refund = tx.get("refund", identity, "refund")
    message = f"You can only cancel a refund with a status of requires_action; this one is {refund['status']}."
    raise wrong_state(message)


def succeed(tx: Tx, identity: str) -> None:
    refund = tx.get("refund", identity)
    if refund["status"] == "pending":
        _tell(tx, tx.save(refund | {"status": "succeeded"}))


def fail(tx: Tx, identity: str) -> None:
    """The buyer's bank sends the refund back: the money is the merchant's again."""
    refund = tx.get("refund", identity)
    if refund["status"] == "failed":
        return
    entry = payments.add_transaction(tx, refund, refund["amount"], "refund_failure")
    refund |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
    refund["failure_balance_transaction"] = entry["id"]
    _give_back(tx, tx.get("charge", refund["charge"]), -refund["amount"])
    emit(tx, "refund.failed", tx.save(refund))
    _tell(tx, refund)


def _charge_of(tx: Tx, params: Params) -> Obj:
    if ("charge" in params) == ("payment_intent" in params):
        raise invalid("One of the following params should be provided: payment_intent or charge.", "payment_intent")
    if "charge" in params:
        identity = params["charge"]
    else:
        intent = tx.get("payment_intent", params["payment_intent"], "payment_intent")
        identity = intent["latest_charge"]
        if intent["status"] != "succeeded" or not identity:
            raise wrong_state(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    charge = tx.get("charge", identity, "charge")
    if charge["status"] != "succeeded":
        raise wrong_state(f"This charge has a status of {charge['status']}. Only succeeded charges can be refunded.")
    return charge


def _amount(charge: Obj, params: Params) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        raise wrong_state(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if charge["disputed"]:
        raise wrong_state(f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed")
    amount = int(params.get("amount", left))
    money.check_step(amount, charge["currency"], "amount")
    if amount > left:
        wanted, rest = money.display(amount, charge["currency"]), money.display(left, charge["currency"])
        message = f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({rest})"
        raise StripeError(400, message, param="amount")
    return amount


def _give_back(tx: Tx, charge: Obj, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
    tx.save(charge)


def _tell(tx: Tx, refund: Obj) -> None:
    emit(tx, "refund.updated", refund)
    emit(tx, "charge.refund.updated", refund)
