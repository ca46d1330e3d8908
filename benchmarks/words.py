"""The requests of the bench: registrations, openings of payment links, signed notifications."""

import hashlib
import hmac
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import msgspec

from benchmarks.load import request
from benchmarks.system import TOKEN, Fair, Offer


def registration_body(offer: Offer, number: int = 0) -> bytes:
    """One attendee, one pass."""
    person = {
        "firstName": "Ada",
        "lastName": "Byron",
        "email": f"ada{number}@example.org",
        "passId": str(offer.pass_id),
    }
    return msgspec.json.encode({"attendees": [person]})


def registration(port: int, fair: Fair, offer: Offer, number: int = 0) -> bytes:
    """POST .../registrations"""
    path = f"/api/v1.0/orgs/{fair.organization}/eventmanagement/events/{offer.event}/registrations"
    body = registration_body(offer, number)
    return request("POST", f"{path}?emApplicationtoken={TOKEN}", port, body, Content_Type="application/json")


def payment_link(port: int, answer: bytes) -> bytes:
    """GET of the redirectUrl in the answer to a registration."""
    said = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
    parts = urlsplit(said["redirectUrl"])
    return request("GET", f"{parts.path}?{parts.query}", port)


def session_in(answer: bytes) -> str:
    """The provider's session that an answer leads to."""
    found = re.search(rb"cs_test_\w+", answer)
    assert found, answer
    return found[0].decode()


def notification(port: int, target: str, body: bytes, secret: str) -> bytes:
    """POST of a signed event."""
    at = int(time.time())
    digest = hmac.digest(secret.encode(), b"%d." % at + body, hashlib.sha256).hex()
    headers = {"Content_Type": "application/json; charset=utf-8", "Stripe_Signature": f"t={at},v1={digest}"}
    return request("POST", target, port, body, **headers)


def event_body(kind: str, session: dict[str, Any]) -> bytes:
    """A new event of Stripe's about a session, of the size that Stripe sends."""
    head = {
        "id": f"evt_{uuid4().hex}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
    }
    tail = {"livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None}, "type": kind}
    return msgspec.json.encode(head | {"data": {"object": session}} | tail)


def about(template: dict[str, Any], ref: str, purchase_id: str, payment_id: str) -> dict[str, Any]:
    """The template's session as another payment's."""
    metadata = template["metadata"] | {"order_id": purchase_id, "payment_id": payment_id}
    return template | {"id": ref, "client_reference_id": purchase_id, "metadata": metadata}


def new_session(port: int, key: str) -> bytes:
    """What our server asks of the provider at a first opening, without the SDK."""
    form = {
        "mode": "payment",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "12050",
        "line_items[0][price_data][product_data][name]": "Fair",
        "line_items[0][quantity]": "1",
        "metadata[order_id]": "7",
        "success_url": "http://127.0.0.1/done",
        "cancel_url": "http://127.0.0.1/back",
    }
    headers = {"Authorization": f"Bearer {key}", "Content_Type": "application/x-www-form-urlencoded"}
    return request("POST", "/v1/checkout/sessions", port, urlencode(form).encode(), **headers)


def looked_up(port: int, key: str, sessions: Sequence[str]) -> list[bytes]:
    """What our worker asks of the provider about each notification, without the SDK."""
    path = "/v1/checkout/sessions/{}?expand[0]=payment_intent"
    return [request("GET", path.format(at), port, Authorization=f"Bearer {key}") for at in sessions]
