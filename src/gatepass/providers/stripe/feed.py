"""Stripe's own lists: what happened, and what was opened, in a time."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from gatepass.domain.dispute import DisputeReport
from gatepass.domain.errors import Unavailable
from gatepass.domain.payment import Report
from gatepass.domain.refund import RefundReport
from gatepass.providers.base import BadSignature, Told
from gatepass.providers.stripe.client import Connection, every, raw
from gatepass.providers.stripe.intents import is_payment
from gatepass.providers.stripe.notifications import OUR_EVENTS, delivery_of
from gatepass.providers.stripe.words import (
    report_of_dispute,
    report_of_intent,
    report_of_refund,
    report_of_session,
    word,
)

LATEST_S = 253_402_300_799
"""The end of the year 9999, in seconds since 1970."""
PAGE = 100
"""Rows of one page: the most that Stripe gives."""
# What a look at a paid session brings with it here: the money, what came of it, and what it cost.
_DEEP = ["data.payment_intent.latest_charge.balance_transaction"]
_DEEP_INTENT = ["data.latest_charge.balance_transaction"]


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool = False


class _Made(msgspec.Struct):
    id: str
    created: Annotated[int, msgspec.Meta(ge=0, le=LATEST_S)]


_pages = msgspec.json.Decoder(_Page)
_dated = msgspec.json.Decoder(_Made)


async def events(connection: Connection, since: datetime, until: datetime | None) -> AsyncIterator[Sequence[Told]]:
    """Events that say something to us, the newest first; Stripe keeps them for 30 days (docs.stripe.com/api/events)."""
    created = {"gte": int(since.timestamp())} | ({"lt": int(until.timestamp())} if until else {})
    wanted: dict[str, Any] = {"created": created, "limit": PAGE, "types": sorted(OUR_EVENTS)}
    more = True
    while more:
        page, more = _read((await raw(connection, "/v1/events", **wanted)).body)
        if page:
            yield page
            wanted["starting_after"] = page[-1].delivery.event_ref
        more = more and bool(page)


def _read(body: bytes) -> tuple[Sequence[Told], bool]:
    """One page, each event with its bytes as they came, and whether more follow."""
    try:
        page = _pages.decode(body)
        return [_told(bytes(event)) for event in page.data], page.has_more
    except (msgspec.DecodeError, BadSignature) as error:
        raise Unavailable("ProviderDown", "Stripe's list of events cannot be read right now.") from error


def _told(event: bytes) -> Told:
    return Told(delivery_of(event), event, datetime.fromtimestamp(_dated.decode(event).created, UTC))


async def payments_between(connection: Connection, since: datetime, until: datetime) -> AsyncIterator[Report]:
    """Sessions that name a purchase of ours, then intents that are payments by themselves, each the newest first."""
    wanted: Any = {**_made(since, until), "expand": _DEEP}
    listing = connection.client.v1.checkout.sessions.list_async(wanted)
    async for session in every(listing):
        if session.metadata and word(session.metadata, "order_id"):
            yield report_of_session(session, str(session.payment_link or session.id))
    wanted = {**_made(since, until), "expand": _DEEP_INTENT}
    listing = connection.client.v1.payment_intents.list_async(wanted)
    async for intent in every(listing):
        if is_payment(intent):
            yield report_of_intent(intent)


async def refunds_between(connection: Connection, since: datetime, until: datetime) -> AsyncIterator[RefundReport]:
    """All refunds of the account, the newest first."""
    listing = connection.client.v1.refunds.list_async(_made(since, until))
    async for refund in every(listing):
        yield report_of_refund(refund)


async def disputes_between(connection: Connection, since: datetime, until: datetime) -> AsyncIterator[DisputeReport]:
    """All disputes of the account, the newest first."""
    listing = connection.client.v1.disputes.list_async(_made(since, until))
    async for dispute in every(listing):
        yield report_of_dispute(dispute)


def _made(since: datetime, until: datetime) -> Any:
    return {"created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())}, "limit": PAGE}
