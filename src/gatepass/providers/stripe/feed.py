"""Stripe's own lists: what happened, and what was opened, in a time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from gatepass.domain.dispute import DisputeReport
from gatepass.domain.payment import Report
from gatepass.domain.refund import RefundReport
from gatepass.providers.base import Told
from gatepass.providers.stripe.client import Connection, asked
from gatepass.providers.stripe.notifications import OUR_EVENTS, delivery_of
from gatepass.providers.stripe.words import report_of_dispute, report_of_refund, report_of_session, word

PAGE = 100
"""Rows of one page: the most that Stripe gives."""
# What a look at a paid session brings with it here: the money, what came of it, and what it cost.
_DEEP = ["data.payment_intent.latest_charge.balance_transaction"]


async def events_since(connection: Connection, since: datetime) -> AsyncIterator[Told]:
    """Events that say something to us, the newest first; Stripe keeps them for 30 days (docs.stripe.com/api/events)."""
    wanted: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE, "types": sorted(OUR_EVENTS)}
    page = await asked(connection.client.v1.events.list_async(wanted))
    async for event in page.auto_paging_iter():
        body = str(event).encode()
        yield Told(delivery_of(body), body, datetime.fromtimestamp(event.created, UTC))


async def payments_between(connection: Connection, since: datetime, until: datetime) -> AsyncIterator[Report]:
    """Sessions that name a purchase of ours, the newest first."""
    wanted: Any = {**_made(since, until), "expand": _DEEP}
    page = await asked(connection.client.v1.checkout.sessions.list_async(wanted))
    async for session in page.auto_paging_iter():
        if session.metadata and word(session.metadata, "order_id"):
            yield report_of_session(session, str(session.payment_link or session.id))


async def refunds_between(connection: Connection, since: datetime, until: datetime) -> AsyncIterator[RefundReport]:
    """All refunds of the account, the newest first."""
    page = await asked(connection.client.v1.refunds.list_async(_made(since, until)))
    async for refund in page.auto_paging_iter():
        yield report_of_refund(refund)


async def disputes_between(connection: Connection, since: datetime, until: datetime) -> AsyncIterator[DisputeReport]:
    """All disputes of the account, the newest first."""
    page = await asked(connection.client.v1.disputes.list_async(_made(since, until)))
    async for dispute in page.auto_paging_iter():
        yield report_of_dispute(dispute)


def _made(since: datetime, until: datetime) -> Any:
    return {"created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())}, "limit": PAGE}
