"""Refunds: money goes back, at once or later, and sometimes comes home again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gatepass.sandbox import balance, disputes, money
from gatepass.sandbox.cards import METHODS
from gatepass.sandbox.errors import StripeError, invalid, wrong_state
from gatepass.sandbox.events import emit
from gatepass.sandbox.faults import Outcome
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]
_LATER: Mapping[str, str] = MappingProxyType(
    {"pending": "refund_succeeds", "fails": "refund_fails", "pending_fails": "refund_fails"}
)


def create(tx: Tx, _: str, params: Params) -> Obj:
    """POST /v1/refunds"""
    return give_back(tx, _charge_of(tx, params), params, tx.faults.refunds.outcome)


def give_back(tx: Tx, charge: Obj, params: Params, outcome: Outcome) -> Obj:
    """Refund a charge, wholly or `params["amount"]` of it, with the outcome that is wanted or that its card has."""
    amount = _amount(tx, charge, params)
    if outcome == "card":
        method = METHODS.get(tx.hidden(charge["id"])["card"])
        outcome = method.refund if method else "succeeds"
    refund = _blank(tx, charge, amount, params)
    if outcome in {"pending", "pending_fails"}:
        refund |= {"status": "pending", "pending_reason": "processing"}
    entry = balance.add(tx, refund, -amount, "refund", [], charge["payment_intent"])
    tx.add(refund | {"balance_transaction": entry["id"]})
    _count(tx, charge, amount)
    emit(tx, "refund.created", tx.get("refund", refund["id"]))
    if outcome in _LATER:
        tx.later(tx.config.async_delay_s, _LATER[outcome], refund["id"])
    if charge["refunded"]:
        disputes.close_inquiries(tx, charge)
    return tx.get("refund", refund["id"])


def update(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/refunds/{id}"""
    refund = tx.get("refund", identity, "refund")
    previous = {"metadata": refund["metadata"]}
    refund["metadata"] = merged(refund["metadata"], params.get("metadata", {}))
    _tell(tx, tx.save(refund), previous)
    return refund


def cancel(tx: Tx, identity: str, _: Params) -> Obj:
    """POST /v1/refunds/{id}/cancel. Only refunds that wait for the buyer can be cancelled; cards have none of those."""
    refund = tx.get("refund", identity, "refund")
    message = f"You can only cancel a refund with a status of requires_action; this one is {refund['status']}."
    raise wrong_state(message)


def succeed(tx: Tx, identity: str) -> None:
    refund = tx.get("refund", identity)
    if refund["status"] == "pending":
        _tell(tx, _ended(tx, refund, "succeeded"), {"status": "pending"})


def fail(tx: Tx, identity: str, reason: str = "expired_or_canceled_card") -> None:
    """The buyer's bank sends the refund back: the money is the merchant's again."""
    refund = tx.get("refund", identity)
    if refund["status"] == "failed":
        return
    previous = {"status": refund["status"]}
    entry = balance.add(tx, refund, refund["amount"], "refund_failure", [], refund["payment_intent"])
    refund |= {"failure_reason": reason, "failure_balance_transaction": entry["id"]}
    _ended(tx, refund, "failed")
    _uncount(tx, tx.get("charge", refund["charge"]), refund["amount"])
    emit(tx, "refund.failed", refund)
    _tell(tx, refund, previous)


def settle(tx: Tx, identity: str, result: str) -> Obj:
    """The bank answers now. Raises 409 where there is nothing left to answer."""
    before = tx.get("refund", identity, "refund")["status"]
    if before in {"failed", result}:
        raise StripeError(409, f"{identity} is {before}.", param="refund")
    if result == "succeeded":
        succeed(tx, identity)
    else:
        fail(tx, identity)
    return tx.get("refund", identity)


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


def _amount(tx: Tx, charge: Obj, params: Params) -> int:
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        raise wrong_state(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if disputes.keeps_money(tx, charge):
        raise wrong_state(f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed")
    amount = int(params.get("amount", left))
    money.check_step(amount, charge["currency"], "amount")
    if amount > left:
        wanted, rest = money.display(amount, charge["currency"]), money.display(left, charge["currency"])
        message = f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({rest})"
        raise StripeError(400, message, param="amount")
    return amount


def _blank(tx: Tx, charge: Obj, amount: int, params: Params) -> Obj:
    return blank(
        "refund",
        amount=amount,
        charge=charge["id"],
        created=tx.at,
        currency=charge["currency"],
        metadata=params.get("metadata", {}),
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        reason=params.get("reason"),
    )


def _count(tx: Tx, charge: Obj, amount: int) -> None:
    previous = {name: charge[name] for name in ("amount_refunded", "refunded")}
    _add_up(charge, amount)
    emit(tx, "charge.refunded", tx.save(charge), previous)


def _uncount(tx: Tx, charge: Obj, amount: int) -> None:
    previous = {name: charge[name] for name in ("amount_refunded", "refunded")}
    _add_up(charge, -amount)
    emit(tx, "charge.updated", tx.save(charge), previous)


def _add_up(charge: Obj, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]


def _ended(tx: Tx, refund: Obj, status: str) -> Obj:
    refund.pop("pending_reason", None)
    refund["status"] = status
    return tx.save(refund)


def _tell(tx: Tx, refund: Obj, previous: Obj) -> None:
    emit(tx, "refund.updated", refund, previous)
    emit(tx, "charge.refund.updated", refund, previous)
