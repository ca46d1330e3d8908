"""Every call of the Stripe API that the sandbox plays, in one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gatepass.sandbox import catalog, disputes, endpoints, events, links, lists, parameters, payments, refunds, sessions
from gatepass.sandbox.errors import StripeError
from gatepass.sandbox.forms import Tree, merged
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Tx

Run = Callable[[Tx, str, Mapping[str, Any]], Obj | StripeError]


@dataclass(frozen=True, slots=True)
class Operation:
    """`run` gets the id in the path (or ""), and the typed parameters."""

    method: str
    path: str
    params: Tree
    run: Run
    for_buyers: bool = False
    """With the publishable key too, about the payment whose client secret is told."""


def _get(path: str, kind: str, param: str) -> Operation:
    def run(tx: Tx, identity: str, _: Mapping[str, Any]) -> Obj:
        found = tx.get(kind, identity, param)
        return events.readable(tx, found) if kind == "event" else found

    return Operation("GET", f"/v1/{path}/{{id}}", parameters.EMPTY, run)


def _list(path: str, kind: str, params: Tree) -> Operation:
    def run(tx: Tx, _: str, given: Mapping[str, Any]) -> Obj:
        return lists.page(tx, kind, given, f"/v1/{path}")

    return Operation("GET", f"/v1/{path}", params, run)


def _lines(path: str, kind: str, param: str) -> Operation:
    def run(tx: Tx, identity: str, given: Mapping[str, Any]) -> Obj:
        tx.get(kind, identity, param)
        return lists.line_items(tx, identity, given, f"/v1/{path}/{identity}/line_items")

    return Operation("GET", f"/v1/{path}/{{id}}/line_items", parameters.listing(), run)


def _post(path: str, params: Tree, run: Run) -> Operation:
    return Operation("POST", f"/v1/{path}", params, run)


def _set_metadata(kind: str, param: str) -> Run:
    def run(tx: Tx, identity: str, given: Mapping[str, Any]) -> Obj:
        obj = tx.get(kind, identity, param)
        return tx.save(obj | {"metadata": merged(obj["metadata"], given.get("metadata", {}))})

    return run


OPERATIONS = (
    _post("checkout/sessions", parameters.SESSION_CREATE, sessions.create),
    _list("checkout/sessions", "checkout.session", parameters.SESSION_LIST),
    _get("checkout/sessions", "checkout.session", "session"),
    _post("checkout/sessions/{id}", parameters.SESSION_UPDATE, sessions.update),
    _post("checkout/sessions/{id}/expire", parameters.EMPTY, sessions.expire),
    _lines("checkout/sessions", "checkout.session", "session"),
    _post("payment_links", parameters.LINK_CREATE, links.create),
    _list("payment_links", "payment_link", parameters.LINK_LIST),
    _get("payment_links", "payment_link", "payment_link"),
    _post("payment_links/{id}", parameters.LINK_UPDATE, links.update),
    _lines("payment_links", "payment_link", "payment_link"),
    _post("products", parameters.PRODUCT_CREATE, catalog.create_product),
    _list("products", "product", parameters.PRODUCT_LIST),
    _get("products", "product", "id"),
    _post("products/{id}", parameters.PRODUCT_UPDATE, catalog.update_product),
    _post("prices", parameters.PRICE_CREATE, catalog.create_price),
    _list("prices", "price", parameters.PRICE_LIST),
    _get("prices", "price", "price"),
    _post("prices/{id}", parameters.PRICE_UPDATE, catalog.update_price),
    _post("payment_intents", parameters.INTENT_CREATE, payments.create),
    _list("payment_intents", "payment_intent", parameters.CREATED_LIST),
    replace(_get("payment_intents", "payment_intent", "intent"), params=parameters.INTENT_GET, for_buyers=True),
    _post("payment_intents/{id}", parameters.INTENT_UPDATE, payments.update),
    replace(_post("payment_intents/{id}/confirm", parameters.INTENT_CONFIRM, payments.confirm), for_buyers=True),
    _post("payment_intents/{id}/cancel", parameters.INTENT_CANCEL, payments.cancel),
    _list("charges", "charge", parameters.CHARGE_LIST),
    _get("charges", "charge", "charge"),
    _post("charges/{id}", parameters.METADATA_UPDATE, _set_metadata("charge", "charge")),
    _post("refunds", parameters.REFUND_CREATE, refunds.create),
    _list("refunds", "refund", parameters.REFUND_LIST),
    _get("refunds", "refund", "refund"),
    _post("refunds/{id}", parameters.METADATA_UPDATE, refunds.update),
    _post("refunds/{id}/cancel", parameters.EMPTY, refunds.cancel),
    _list("disputes", "dispute", parameters.DISPUTE_LIST),
    _get("disputes", "dispute", "dispute"),
    _post("disputes/{id}", parameters.DISPUTE_UPDATE, disputes.update),
    _post("disputes/{id}/close", parameters.EMPTY, disputes.close),
    _list("balance_transactions", "balance_transaction", parameters.TRANSACTION_LIST),
    _get("balance_transactions", "balance_transaction", "id"),
    _list("events", "event", parameters.EVENT_LIST),
    _get("events", "event", "id"),
    _post("webhook_endpoints", parameters.ENDPOINT_CREATE, endpoints.create),
    _list("webhook_endpoints", "webhook_endpoint", parameters.listing()),
    _get("webhook_endpoints", "webhook_endpoint", "webhook_endpoint"),
    _post("webhook_endpoints/{id}", parameters.ENDPOINT_UPDATE, endpoints.update),
    Operation("DELETE", "/v1/webhook_endpoints/{id}", parameters.EMPTY, endpoints.delete),
)
