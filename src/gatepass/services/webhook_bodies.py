"""What a webhook says: written from the rows as they are at the first try, and kept for every retry.

Names and mail addresses are sent to endpoints that ask for them only. Ticket codes open the door and are never sent.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from gatepass.domain.errors import NotFound
from gatepass.domain.money import Money
from gatepass.domain.purchase import order_reference
from gatepass.domain.webhook import Kind
from gatepass.store import ReadTx, payments, refunds, webhooks
from gatepass.store.tables import Row
from gatepass.store.webhooks import Message

Json = dict[str, Any]


def written(tx: ReadTx, message: Message) -> str:
    """The body: type, timestamp (when it happened), data. Raises NotFound when the order does not live here."""
    body = {"type": message.kind, "timestamp": _moment(message.created), "data": _data(tx, message)}
    return msgspec.json.encode(body).decode()


def _data(tx: ReadTx, message: Message) -> Json:
    if message.purchase_id is None:
        return {"endpoint_id": str(message.endpoint_id)}
    order = webhooks.order(tx, message.purchase_id)
    if order is None:
        raise NotFound("PurchaseUnknown", f"There is no purchase {message.purchase_id}.")
    told = {"order": _order(order), "event": _event(order), "registrations": _registrations(tx, message, order)}
    return told | _SPECIAL.get(message.kind, _nothing)(tx, message)


def _order(row: Row) -> Json:
    return {
        "id": str(row["id"]),
        "reference": order_reference(row["id"]),
        "status": row["status"],
        "live": row["live"],
        "created": _moment(row["created"]),
        "seats": row["seats"],
        "items": row["items"],
        "total": _money(Money(row["total_minor"], row["currency"])),
    }


def _event(row: Row) -> Json:
    return {"id": str(row["event_id"]), "readable_id": row["readable_id"], "name": row["event_name"]}


def _registrations(tx: ReadTx, message: Message, order: Row) -> list[Json]:
    """All of the order; a cancellation names only those that it is about."""
    rows = webhooks.registrations(tx, order["id"])
    only = set(message.about) if message.kind == Kind.REGISTRATION_CANCELLED else set[str]()
    return [_registration(row, order, message) for row in rows if not only or str(row["id"]) in only]


def _registration(row: Row, order: Row, message: Message) -> Json:
    told: Json = {
        "id": str(row["id"]),
        "status": row["status"],
        "pass": {"id": str(row["pass_id"]), "name": row["pass_name"]} if row["pass_id"] else None,
        "price": _money(Money(row["price_minor"], order["currency"])),
    }
    if message.personal:
        told["attendee"] = {name: row[name] for name in ("first_name", "last_name", "email")}
    return told


def _payment(tx: ReadTx, message: Message) -> Json:
    found = payments.get(tx, UUID(message.about[0])) if message.about else None
    if found is None:
        return {}
    return {
        "payment": {
            "id": str(found.id),
            "number": found.number,
            "provider": found.provider,
            "state": found.state.value,
            "amount": _money(found.amount),
            "reason_code": found.reason_code,
            "reason": found.reason_text,
        }
    }


def _refund(tx: ReadTx, message: Message) -> Json:
    """Without its reason: that is in somebody's own words."""
    found = refunds.get(tx, UUID(message.about[0])) if message.about else None
    if found is None:
        return {}
    return {
        "refund": {
            "id": str(found.id),
            "payment_id": str(found.payment_id),
            "provider": found.provider,
            "state": found.state.value,
            "amount": _money(found.amount),
            "cause": found.cause.value,
        }
    }


def _nothing(_tx: ReadTx, _message: Message) -> Json:
    return {}


_SPECIAL: Mapping[str, Callable[[ReadTx, Message], Json]] = {
    Kind.PAYMENT_FAILED: _payment,
    Kind.PAYMENT_REFUNDED: _refund,
}


def _money(money: Money) -> Json:
    return {"minor": money.minor, "currency": money.currency, "amount": str(money.amount)}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
