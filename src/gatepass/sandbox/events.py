"""Every change is told: an event and its deliveries are written in the transaction of the change itself."""

import random
from typing import Any

import msgspec

from gatepass.sandbox.config import API_VERSION
from gatepass.sandbox.errors import no_such
from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

SHUFFLE_S = 1.0
READABLE_S = 30 * 24 * 3600
"""How long events can be read (docs.stripe.com/api/events)."""


def emit(tx: Tx, kind: str, obj: Obj, previous: Obj | None = None) -> Obj:
    """Tell that `kind` (such as "charge.refunded") happened to `obj`, a snapshot of now. `previous`: what changed."""
    data: dict[str, Any] = {"object": obj}
    if previous is not None:
        data["previous_attributes"] = previous
    event = blank("event", type=kind, created=tx.at, api_version=API_VERSION, data=data, request=tx.request)
    endpoints = [e["id"] for e in _listeners(tx, kind)]
    event["pending_webhooks"] = len(endpoints)
    tx.add(event, {"subjects": _subjects(obj)})
    for endpoint in endpoints:
        for _ in range(max(1, tx.fault.times)):
            schedule(tx, event["id"], endpoint)
    tx.woke = True
    return event


def schedule(tx: Tx, event: str, endpoint: str) -> int:
    """Plan one delivery, with the faults of now. Returns its id."""
    state = "dropped" if tx.fault.mode == "drop" else "pending"
    due = tx.now + tx.fault.delay_s + (random.uniform(0, SHUFFLE_S) if tx.fault.shuffle else 0)  # noqa: S311
    fault = msgspec.json.encode(tx.fault).decode()
    sql = "insert into delivery (event, endpoint, due, first, state, fault) values (?, ?, ?, ?, ?, ?) returning id"
    row = tx.row(sql, event, endpoint, due, tx.now, state, fault)
    assert row
    return int(row["id"])


def readable(tx: Tx, event: Obj) -> Obj:
    """An event as it is read now: how many deliveries are still open. Raises `resource_missing` when it is too old."""
    if event["created"] < tx.at - READABLE_S:
        raise no_such("event", event["id"])
    row = tx.row("select count(*) n from delivery where event = ? and state = 'pending'", event["id"])
    return event | {"pending_webhooks": row["n"] if row else 0}


def _listeners(tx: Tx, kind: str) -> list[Obj]:
    enabled = tx.where("webhook_endpoint", "status", "enabled")
    return [e for e in enabled if kind in e["enabled_events"] or "*" in e["enabled_events"]]


def _subjects(obj: Obj) -> list[str]:
    """Ids by which an event is found again: the object's and its payment's."""
    return [v for v in (obj.get("id"), obj.get("payment_intent"), obj.get("charge")) if isinstance(v, str)]
