"""What a buyer does at the payment page: type a card, pay, prove it is theirs. The page and the control API both use it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gatepass.sandbox import links, sessions
from gatepass.sandbox.cards import METHODS, Method, method_of, refusal
from gatepass.sandbox.errors import StripeError, no_such
from gatepass.sandbox.faults import DeliveryFault
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Store, Tx

Billing = Mapping[str, Any]
Result = Literal["paid", "processing", "requires_action", "declined", "already_complete", "expired"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went. `error` says why a card was declined."""

    result: Result
    session: Obj
    error: StripeError | None = None

    @property
    def complete(self) -> bool:
        return self.session["status"] == "complete"


def pay(store: Store, session: str, method: Method, billing: Billing, fault: DeliveryFault | None = None) -> Outcome:
    """Press Pay. However often and from however many windows: the session is paid once."""
    with store.change(fault) as tx:
        before = sessions.expire_if_due(tx, session)
        if before["status"] != "open":
            return Outcome("already_complete" if before["status"] == "complete" else "expired", before)
        if method.refuse == "incorrect_number":
            # The page itself sees that; no bank is asked and nothing is written.
            return Outcome("declined", before, refusal(method.refuse))
        return _outcome(tx, session, sessions.pay(tx, before, method, billing))


def authenticate(store: Store, session: str, passed: bool, fault: DeliveryFault | None = None) -> Outcome:
    """Press Complete or Fail at the bank's step."""
    with store.change(fault) as tx:
        before = sessions.expire_if_due(tx, session)
        if before["status"] != "open":
            return Outcome("already_complete" if before["status"] == "complete" else "expired", before)
        intent = tx.find(before["payment_intent"] or "")
        method = METHODS.get(tx.hidden(intent["id"]).get("card", "")) if intent else None
        if intent is None or method is None or intent["status"] != "requires_action":
            return Outcome("declined", before)
        return _outcome(tx, session, sessions.authenticate(tx, before, method, passed))


def pay_headless(store: Store, session: str, card: str, billing: Billing, passes: bool) -> Obj:
    """Pay without a page; returns {status, decline_code, code, message, session, success_url}."""
    outcome = pay(store, session, method_of(card), billing)
    if outcome.result == "requires_action":
        outcome = authenticate(store, session, passes)
    error = outcome.error.error if outcome.error else {}
    return {
        "status": outcome.result,
        "decline_code": error.get("decline_code") or error.get("code"),
        "code": error.get("code"),
        "message": error.get("message"),
        "session": session,
        "success_url": sessions.return_url(outcome.session) if outcome.complete else None,
    }


def session_at(store: Store, address: str) -> str:
    """The session that an id or an address means; a payment link's address opens a new one."""
    if found := re.search(r"cs_test_\w+", address):
        return found[0]
    found = re.search(r"plink_\w+", address)
    if not found:
        raise no_such("checkout.session", address, "session")
    with store.change() as tx:
        link = tx.get("payment_link", found[0])
        if not links.usable(tx, link):
            raise StripeError(410, link["inactive_message"] or "This link is no longer active.")
        return str(links.open_link(tx, link)["id"])


def _outcome(tx: Tx, identity: str, error: StripeError | None) -> Outcome:
    after = tx.get("checkout.session", identity)
    if error:
        return Outcome("declined", after, error)
    if after["status"] == "open":
        return Outcome("requires_action", after)
    return Outcome("processing" if after["payment_status"] == "unpaid" else "paid", after)
