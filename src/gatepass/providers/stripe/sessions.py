"""A Checkout Session by one call, read without the SDK's tree of objects, which takes twice the time of the call itself."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from gatepass.domain.errors import Unavailable
from gatepass.domain.payment import Report
from gatepass.providers.stripe.client import Connection, look, raw
from gatepass.providers.stripe.words import report_of_session

PATH = "/v1/checkout/sessions"


class _Named(msgspec.Struct):
    id: str


class _Intent(msgspec.Struct):
    id: str
    latest_charge: str | _Named | None = None
    last_payment_error: dict[str, object] | None = None


class _Session(msgspec.Struct):
    """The few members that we read."""

    id: str
    payment_status: str
    livemode: bool
    status: str | None = None
    amount_total: int | None = None
    currency: str | None = None
    metadata: dict[str, str] | None = None
    payment_intent: str | _Intent | None = None
    url: str | None = None


_decoder = msgspec.json.Decoder(_Session)


async def create(connection: Connection, params: Mapping[str, Any]) -> Report:
    """Open a session; the report goes by its own id."""
    answer = await raw(connection, PATH, method="post", **params)
    return _report(answer.body, None)


async def retrieve(connection: Connection, ref: str) -> Report:
    """What Stripe says of a session now, with the money and what became of it."""
    path = f"{PATH}/{quote(ref, safe='')}"
    return _report(await look(connection, path, "expand[0]=payment_intent", expand=["payment_intent"]), ref)


def _report(body: bytes, ref: str | None) -> Report:
    try:
        session = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise Unavailable("ProviderDown", "Stripe's answer cannot be read right now.") from error
    return report_of_session(session, ref or session.id)
