"""Disputes: the buyer's bank takes the money, or asks first; evidence, time or a person decides who keeps it.

An inquiry (`warning_...`) moves no money. When the bank is not content with the answer it becomes a real dispute.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from gatepass.sandbox import balance
from gatepass.sandbox.errors import StripeError, invalid, wrong_state
from gatepass.sandbox.events import emit
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]
Result = Literal["won", "lost", "escalated"]
ANSWER_S = 9 * 24 * 3600
MOST_EVIDENCE = 150_000
"""Characters of all texts together (docs.stripe.com/api/disputes/update)."""
# Texts that decide a dispute of the test mode (docs.stripe.com/testing, "Disputes").
_DECIDE: Mapping[str, str] = MappingProxyType({"winning_evidence": "dispute_won", "losing_evidence": "dispute_lost"})
_REVIEW: Mapping[str, str] = MappingProxyType(
    {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
)
_OPEN = frozenset((*_REVIEW, *_REVIEW.values()))
_CHANGED = ("evidence", "evidence_details", "metadata", "status")


def open_dispute(tx: Tx, charge: Obj, reason: str, inquiry: bool, amount: int | None = None) -> Obj:
    """The holder of the card wants the money back; of what was not refunded, unless an amount is named."""
    if open_ones(tx, charge["id"]):
        raise StripeError(409, f"{charge['id']} has a dispute that is open.", param="payment")
    left = charge["amount"] - charge["amount_refunded"] or charge["amount"]
    dispute = blank(
        "dispute",
        amount=left if amount is None else amount,
        charge=charge["id"],
        created=tx.at,
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="warning_needs_response" if inquiry else "needs_response",
        is_charge_refundable=inquiry,
    )
    if dispute["amount"] > charge["amount"]:
        raise StripeError(400, f"Invalid amount: {charge['id']} is of {charge['amount']}.", param="amount")
    _describe(dispute, charge)
    charge["disputed"] = True
    tx.save(charge)
    dispute["evidence_details"]["due_by"] = tx.at + ANSWER_S
    emit(tx, "charge.dispute.created", tx.add(dispute))
    tx.later(ANSWER_S, "dispute_due", dispute["id"])
    if not inquiry:
        _withdraw(tx, dispute)
    return dispute


def update(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/disputes/{id}. Evidence goes to the bank at once unless `submit` is false."""
    dispute = tx.get("dispute", identity, "dispute")
    before = {name: dispute[name] for name in _CHANGED}
    if "metadata" in params:
        dispute["metadata"] = merged(dispute["metadata"], params["metadata"])
    if given := params.get("evidence"):
        _check_answerable(dispute)
        dispute["evidence"] = dispute["evidence"] | {name: text or None for name, text in given.items()}
        length = sum(len(text) for text in dispute["evidence"].values() if isinstance(text, str))
        if length > MOST_EVIDENCE:
            raise invalid(f"All evidence together is limited to {MOST_EVIDENCE} characters.", "evidence")
        dispute["evidence_details"] = dispute["evidence_details"] | {"has_evidence": length > 0}
    if params.get("submit", bool(given)):
        _submit(tx, dispute)
    previous = {name: value for name, value in before.items() if dispute[name] != value}
    if previous:
        emit(tx, "charge.dispute.updated", tx.save(dispute), previous)
    return dispute


def close(tx: Tx, identity: str, _: Params) -> Obj:
    """POST /v1/disputes/{id}/close: the merchant gives up."""
    dispute = tx.get("dispute", identity, "dispute")
    _check_answerable(dispute)
    return _end(tx, dispute, "warning_closed" if _asked_only(dispute) else "lost")


def resolve(tx: Tx, identity: str, result: Result) -> Obj:
    """The bank decides. An inquiry that is lost, or escalated, becomes a dispute and takes the money."""
    dispute = tx.get("dispute", identity, "dispute")
    if dispute["status"] not in _OPEN:
        raise StripeError(409, f"{identity} is {dispute['status']}.", param="dispute")
    if _asked_only(dispute):
        return _end(tx, dispute, "warning_closed") if result == "won" else _escalate(tx, dispute)
    if result == "escalated":
        raise StripeError(409, f"{identity} is no inquiry.", param="result")
    if result == "won":
        _reinstate(tx, dispute)
    return _end(tx, dispute, result)


def win(tx: Tx, identity: str) -> None:
    """The bank has read the evidence and believes it."""
    if tx.get("dispute", identity)["status"] in _OPEN:
        resolve(tx, identity, "won")


def lose(tx: Tx, identity: str) -> None:
    """The bank has read the evidence and does not believe it."""
    if tx.get("dispute", identity)["status"] in _OPEN:
        resolve(tx, identity, "lost")


def end_unanswered(tx: Tx, identity: str) -> None:
    """The time for an answer is over: without one an inquiry is dropped, and a dispute is lost."""
    dispute = tx.get("dispute", identity)
    if dispute["status"] in _REVIEW and dispute["evidence_details"]["due_by"] <= tx.at:
        _end(tx, dispute, "warning_closed" if _asked_only(dispute) else "lost")


def close_inquiries(tx: Tx, charge: Obj) -> None:
    """A buyer who has got the money back asks no more."""
    for dispute in open_ones(tx, charge["id"]):
        if _asked_only(dispute):
            _end(tx, dispute, "warning_closed")


def open_ones(tx: Tx, charge: str) -> list[Obj]:
    return [dispute for dispute in tx.where("dispute", "charge", charge) if dispute["status"] in _OPEN]


def keeps_money(tx: Tx, charge: Obj) -> bool:
    """Whether the bank holds the money, or has it for good: then nothing can be refunded."""
    held = [d for d in tx.where("dispute", "charge", charge["id"]) if not d["is_charge_refundable"]]
    return any(dispute["status"] != "won" for dispute in held)


def _asked_only(dispute: Obj) -> bool:
    return str(dispute["status"]).startswith("warning_")


def _check_answerable(dispute: Obj) -> None:
    if dispute["status"] in _REVIEW:
        return
    if dispute["status"] in _OPEN:
        raise wrong_state("Evidence for this dispute was already submitted; it can be submitted once.")
    raise wrong_state(f"This dispute is already closed: its status is {dispute['status']}.")


def _submit(tx: Tx, dispute: Obj) -> None:
    _check_answerable(dispute)
    details = dispute["evidence_details"]
    late = tx.at > details["due_by"]
    dispute["evidence_details"] = details | {"submission_count": details["submission_count"] + 1, "past_due": late}
    dispute["status"] = _REVIEW[dispute["status"]]
    if action := _DECIDE.get((dispute["evidence"]["uncategorized_text"] or "").strip()):
        tx.later(tx.config.async_delay_s, action, dispute["id"])


def _escalate(tx: Tx, dispute: Obj) -> Obj:
    previous = {name: dispute[name] for name in ("status", "is_charge_refundable", "evidence_details")}
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    dispute["evidence_details"] = dispute["evidence_details"] | {"due_by": tx.at + ANSWER_S}
    _describe(dispute, tx.get("charge", dispute["charge"]))
    emit(tx, "charge.dispute.updated", tx.save(dispute), previous)
    tx.later(ANSWER_S, "dispute_due", dispute["id"])
    _withdraw(tx, dispute)
    return dispute


def _end(tx: Tx, dispute: Obj, status: str) -> Obj:
    previous = {"status": dispute["status"]}
    dispute |= {"status": status}
    emit(tx, "charge.dispute.closed", tx.save(dispute), previous)
    return dispute


def _withdraw(tx: Tx, dispute: Obj) -> None:
    _move(tx, dispute, -dispute["amount"], "dispute", [balance.dispute_fee()])
    emit(tx, "charge.dispute.funds_withdrawn", tx.save(dispute))


def _reinstate(tx: Tx, dispute: Obj) -> None:
    _move(tx, dispute, dispute["amount"], "dispute_reversal", [])
    emit(tx, "charge.dispute.funds_reinstated", tx.save(dispute))


def _move(tx: Tx, dispute: Obj, amount: int, category: str, fees: list[balance.Fee]) -> None:
    entry = balance.add(tx, dispute, amount, "adjustment", fees, dispute["payment_intent"], category)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], entry]


def _describe(dispute: Obj, charge: Obj) -> None:
    """How the card's network names the case; other ways to pay have no such member."""
    if card := charge["payment_method_details"].get("card"):
        case = "inquiry" if _asked_only(dispute) else "chargeback"
        details = {"brand": card["brand"], "case_type": case, "network": card["brand"], "network_reason_code": None}
        dispute["payment_method_details"] = {"type": "card", "card": details}
