"""Payment links: an address that makes a new session each time somebody opens it."""

from collections.abc import Mapping
from typing import Any

from gatepass.sandbox import catalog, sessions
from gatepass.sandbox.errors import missing
from gatepass.sandbox.events import emit
from gatepass.sandbox.forms import merged
from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

Params = Mapping[str, Any]
_COPIED = (
    "active",
    "billing_address_collection",
    "customer_creation",
    "payment_method_types",
    "submit_type",
)
_INTENT_BLANKS = ("capture_method", "description", "setup_future_usage", "statement_descriptor")


def create(tx: Tx, _: str, params: Params) -> Obj:
    """POST /v1/payment_links"""
    lines = catalog.order_lines(tx, params["line_items"])
    link = blank("payment_link", currency=lines[0]["currency"])
    link["url"] = f"{tx.config.base_url}/l/{link['id']}"
    link |= _changes(tx, link, params)
    emit(tx, "payment_link.created", tx.add(link, {"line_items": lines, "completed": 0}))
    return link


def update(tx: Tx, identity: str, params: Params) -> Obj:
    """POST /v1/payment_links/{id}"""
    link = tx.get("payment_link", identity, "payment_link")
    changes = _changes(tx, link, params)
    previous = {name: link[name] for name, value in changes.items() if link[name] != value}
    emit(tx, "payment_link.updated", tx.save(link | changes), previous)
    return link | changes


def open_link(tx: Tx, link: Obj, reference: str | None = None) -> Obj:
    """What a buyer's click does: a session of its own, with the link's metadata."""
    after = link["after_completion"]
    members: Obj = {"payment_link": link["id"], "metadata": dict(link["metadata"]), "submit_type": link["submit_type"]}
    members["client_reference_id"] = reference
    members["success_url"] = after["redirect"]["url"] if after["type"] == "redirect" else None
    lines = [line | {"id": blank("item")["id"]} for line in tx.hidden(link["id"])["line_items"]]
    given: Obj = link["payment_intent_data"] or {}
    data = {name: value for name, value in given.items() if value is not None}
    return sessions.open_session(tx, lines, tx.at + sessions.LONGEST_S, members, data, {})


def usable(tx: Tx, link: Obj) -> bool:
    """Active, and not yet paid as often as it may be."""
    if not link["restrictions"]:
        return bool(link["active"])
    return (
        bool(link["active"])
        and tx.hidden(link["id"])["completed"] < link["restrictions"]["completed_sessions"]["limit"]
    )


def _changes(tx: Tx, link: Obj, params: Params) -> Obj:
    changes: Obj = {name: params[name] for name in _COPIED if name in params}
    if "metadata" in params:
        changes["metadata"] = merged(link["metadata"], params["metadata"])
    if "inactive_message" in params:
        changes["inactive_message"] = params["inactive_message"] or None
    if "after_completion" in params:
        changes["after_completion"] = _after_completion(params["after_completion"])
    if "restrictions" in params:
        changes["restrictions"] = _restrictions(tx, link, params["restrictions"])
    if "payment_intent_data" in params:
        blanks = dict.fromkeys((*_INTENT_BLANKS, "statement_descriptor_suffix", "transfer_group"))
        changes["payment_intent_data"] = {**blanks, "metadata": {}, **params["payment_intent_data"]}
    if "custom_text" in params:
        changes["custom_text"] = link["custom_text"] | params["custom_text"]
    return changes


def _after_completion(given: Obj) -> Obj:
    if given["type"] == "redirect":
        if "redirect" not in given:
            raise missing("after_completion[redirect]")
        return {"type": "redirect", "redirect": given["redirect"]}
    message = given.get("hosted_confirmation", {}).get("custom_message")
    return {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": message}}


def _restrictions(tx: Tx, link: Obj, given: Obj | str) -> Obj | None:
    if isinstance(given, str):
        return None
    count = tx.hidden(link["id"]).get("completed", 0)
    return {"completed_sessions": {"count": count, "limit": given["completed_sessions"]["limit"]}}
