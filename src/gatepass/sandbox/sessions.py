"""Checkout sessions: one order, one page, at most one successful payment."""

from collections.abc import Mapping
from typing import Any, cast

from gatepass.sandbox import catalog, money, payments
from gatepass.sandbox.cards import Method
from gatepass.sandbox.errors import StripeError, invalid, missing, wrong_state
from gatepass.sandbox.events import emit
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]
SHORTEST_S = 30 * 60
LONGEST_S = 24 * 3600
# A client counts from its own clock and the request takes a while.
SLACK_S = 60
_COPIED = (
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer_creation",
    "customer_email",
    "integration_identifier",
    "locale",
    "metadata",
    "submit_type",
    "success_url",
)


def create(tx: Tx, _: str, params: Params) -> Obj:
    """POST /v1/checkout/sessions"""
    _check_create(params)
    lines = catalog.order_lines(tx, params["line_items"])
    _check_currency(params, lines)
    members = {name: params[name] for name in _COPIED if name in params}
    return open_session(tx, lines, _expiry(tx, params), members, params.get("payment_intent_data", {}), params)


def open_session(tx: Tx, lines: list[Obj], expires_at: int, members: Obj, intent_data: Obj, params: Params) -> Obj:
    """A new session with its page; `lines` as catalog.order_lines makes them."""
    amount, currency = catalog.total(lines), str(lines[0]["currency"])
    if amount:
        money.check_chargeable(amount, currency, "line_items")
    session = blank("checkout.session", created=tx.at, expires_at=expires_at, currency=currency, **members)
    session |= {"amount_subtotal": amount, "amount_total": amount, "url": f"{tx.config.base_url}/c/pay/{session['id']}"}
    session["custom_text"] |= params.get("custom_text", {})
    session["payment_status"] = "unpaid" if amount else "no_payment_required"
    if currency == "eur":
        session["payment_method_types"] = ["card", "sepa_debit"]
    session["payment_method_types"] = members.get("allowed_payment_method_types", session["payment_method_types"])
    tx.add(session, {"line_items": lines, "intent": intent_data})
    tx.later(expires_at - tx.at, "expire", session["id"])
    return session


def update(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/checkout/sessions/{id}"""
    session = tx.get("checkout.session", identity, "session")
    return tx.save(session | {"metadata": merged(session["metadata"], params.get("metadata", {}))})


def expire(tx: Tx, identity: str, _: Params) -> Obj:
    """POST /v1/checkout/sessions/{id}/expire"""
    session = tx.get("checkout.session", identity, "session")
    if session["status"] != "open":
        message = (
            f"Only open Checkout Sessions can be expired. This Checkout Session has a status of `{session['status']}`."
        )
        raise wrong_state(message)
    return _expire(tx, session)


def expire_if_due(tx: Tx, identity: str) -> Obj:
    """The session as it stands now: an open one past its time ends here."""
    session = tx.get("checkout.session", identity, "session")
    if session["status"] == "open" and session["expires_at"] <= tx.at:
        return _expire(tx, session)
    return session


def pay(tx: Tx, session: Obj, method: Method, billing: Params) -> StripeError | None:
    """Pay an open session once. Returns the decline, or None: complete, or waiting for 3-D Secure."""
    if not session["amount_total"]:
        _complete(tx, session, "no_payment_required", billing)
        return None
    if method.debit and "sepa_debit" not in session["payment_method_types"]:
        raise invalid("A SEPA bank debit takes euro only. Use a card.", "payment_method")
    intent = _intent_of(tx, session)
    tx.hide(session["id"], billing=dict(billing))
    if method.three_ds:
        payments.require_action(tx, intent, method, f"{tx.config.base_url}/c/pay/{session['id']}/3ds")
        return None
    return _charge(tx, session, intent, method, billing)


def authenticate(tx: Tx, session: Obj, method: Method, passed: bool) -> StripeError | None:
    """The buyer comes back from the bank's step. Returns the decline, or None when paid."""
    intent = tx.get("payment_intent", session["payment_intent"])
    if not passed:
        return payments.refuse_authentication(tx, intent)
    return _charge(tx, session, intent, method, tx.hidden(session["id"]).get("billing", {}))


def settle(tx: Tx, identity: str) -> Obj | None:
    """The bank answers a debit: it is paid, or it came back. None when nothing was waiting."""
    session = tx.get("checkout.session", identity, "session")
    intent = tx.find(session["payment_intent"] or "")
    later = tx.hidden(identity).get("later")
    if not intent or intent["status"] != "processing" or later is None:
        return None
    charge = tx.get("charge", intent["latest_charge"])
    if later == "succeeds":
        payments.capture(tx, intent, charge)
        session["payment_status"] = "paid"
        emit(tx, "checkout.session.async_payment_succeeded", tx.save(session))
    else:
        payments.fail_debit(tx, intent, charge)
        emit(tx, "checkout.session.async_payment_failed", tx.save(session))
    return session


def return_url(session: Obj) -> str | None:
    """Where the buyer goes after paying."""
    url = cast("str | None", session["success_url"])
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"]) if url else None


def _check_create(params: Params) -> None:
    mode = params.get("mode")
    if mode is None:
        raise missing("mode")
    if mode != "payment":
        raise invalid(f"The sandbox plays mode=payment only, not mode={mode}.", "mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("The sandbox plays ui_mode=hosted_page only.", "ui_mode")
    for name in ("line_items", "success_url"):
        if name not in params:
            raise missing(name)


def _check_currency(params: Params, lines: list[Obj]) -> None:
    if "currency" in params and money.known_currency(params["currency"]) != lines[0]["currency"]:
        raise invalid(f"The prices of line_items are not in {params['currency']}.", "currency")


def _expiry(tx: Tx, params: Params) -> int:
    wanted = params.get("expires_at", tx.at + LONGEST_S)
    if not SHORTEST_S - SLACK_S <= wanted - tx.at <= LONGEST_S + SLACK_S:
        message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation."
        raise invalid(message, "expires_at")
    return int(wanted)


def _intent_of(tx: Tx, session: Obj) -> Obj:
    """The session's intent: made when the buyer first tries to pay, kept over declines."""
    if session["payment_intent"]:
        return tx.get("payment_intent", session["payment_intent"])
    given = tx.hidden(session["id"])["intent"]
    intent = payments.add_intent(tx, session["amount_total"], session["currency"], given)
    tx.hide(intent["id"], session=session["id"])
    intent["payment_method_types"] = session["payment_method_types"]
    tx.save(intent)
    session["payment_intent"] = intent["id"]
    tx.save(session)
    return intent


def _charge(tx: Tx, session: Obj, intent: Obj, method: Method, billing: Params) -> StripeError | None:
    error = payments.attempt(tx, intent, method, billing)
    if error:
        return error
    if method.debit:
        tx.hide(session["id"], later=method.later)
        tx.later(tx.config.async_delay_s, "settle", session["id"])
    _complete(tx, session, "unpaid" if method.debit else "paid", billing)
    return None


def _complete(tx: Tx, session: Obj, payment_status: str, billing: Params) -> None:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    details: Obj = {"email": billing.get("email"), "name": billing.get("name"), "phone": None, "address": address}
    details |= {"business_name": None, "individual_name": None, "tax_exempt": "none", "tax_ids": []}
    session |= {"status": "complete", "payment_status": payment_status, "url": None, "customer_details": details}
    emit(tx, "checkout.session.completed", tx.save(session))
    if session["payment_link"]:
        _count(tx, session["payment_link"])


def _count(tx: Tx, identity: str) -> None:
    """A link that has been paid as often as it may be goes off."""
    link = tx.get("payment_link", identity)
    done = int(tx.hidden(identity).get("completed", 0)) + 1
    tx.hide(identity, completed=done)
    if not link["restrictions"]:
        return
    counter = link["restrictions"]["completed_sessions"]
    counter["count"] = done
    if done >= counter["limit"]:
        link["active"] = False
    emit(tx, "payment_link.updated", tx.save(link))


def _expire(tx: Tx, session: Obj) -> Obj:
    session |= {"status": "expired", "url": None}
    tx.save(session)
    intent = tx.find(session["payment_intent"] or "")
    if intent and intent["status"] != "canceled":
        payments.cancel_intent(tx, intent, "expired")
    emit(tx, "checkout.session.expired", session)
    return session
