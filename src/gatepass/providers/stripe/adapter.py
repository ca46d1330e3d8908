"""Stripe, by its official SDK: one Checkout Session per attempt, or one Payment Link that can be paid once.

Where the buyer pays on our own page, it is one PaymentIntent per attempt. The reference says which of them a payment is.
Rules: docs.stripe.com/checkout/fulfillment, docs.stripe.com/refunds, docs.stripe.com/disputes.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gatepass.domain.dispute import DisputeReport
from gatepass.domain.errors import NotFound, Refused
from gatepass.domain.payment import PaymentState, Report, Way
from gatepass.domain.refund import RefundReport
from gatepass.providers.base import Check, Checkout, Delivery, RefundOrder, Told
from gatepass.providers.stripe import account, feed, intents, sessions
from gatepass.providers.stripe import checkout as told
from gatepass.providers.stripe.client import Connection, asked, every, keyed
from gatepass.providers.stripe.notifications import check_signature, delivery_of
from gatepass.providers.stripe.words import (
    report_of_dispute,
    report_of_intent,
    report_of_link,
    report_of_refund,
    report_of_session,
    word,
)

CLOCKS_DIFFER_S = 900
"""How far Stripe's clock may be behind ours: a page that seems to be opened this early is still found."""


class Opening(StrEnum):
    """How a payment is opened at Stripe."""

    SESSION = "session"
    LINK = "link"


class Stripe:
    """One Stripe account. `webhook_secrets`: each that may sign, so that one can be rolled without a gap.

    `calls_per_s`: how many calls leave this process at most; 0: as many as come.
    """

    name = "stripe"

    def __init__(
        self,
        secret_key: str,
        webhook_secrets: Sequence[str],
        api_base: str,
        opening: Opening = Opening.SESSION,
        calls_per_s: int = 0,
        publishable_key: str | None = None,
    ) -> None:
        self._secrets, self._opening = tuple(webhook_secrets), opening
        self.page_step = intents.step(publishable_key, api_base) if publishable_key else None
        self._connection = Connection(secret_key, api_base, calls_per_s)
        self.live = secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def _v1(self) -> Any:
        return self._connection.client.v1

    async def start(self, checkout: Checkout) -> Report:
        if checkout.way is Way.PAGE:
            return await intents.create(self._connection, checkout)
        if self._opening is Opening.LINK:
            link = await asked(self._v1.payment_links.create_async(told.link(checkout), keyed(checkout.key)))
            return report_of_link(link, checkout.amount)
        return await sessions.create(self._connection, told.session(checkout) | keyed(checkout.key))

    def verify(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        check_signature(headers.get("stripe-signature", ""), body, self._secrets, time.time())
        return delivery_of(body)

    async def fetch(self, ref: str) -> Report:
        if ref.startswith(intents.PREFIX):
            return await intents.retrieve(self._connection, ref)
        if ref.startswith("plink_"):
            return await self._fetch_link(ref)
        return await sessions.retrieve(self._connection, ref)

    async def find(self, checkout: Checkout) -> Report | None:
        since = int(checkout.opened.timestamp()) - CLOCKS_DIFFER_S
        newest = {"created": {"gte": since}, "limit": feed.PAGE}
        if checkout.way is Way.PAGE:
            return await self._find_intent(checkout, newest)
        listing = self._v1.checkout.sessions.list_async(newest)
        async for session in every(listing):
            if session.metadata and word(session.metadata, "payment_id") == str(checkout.payment_id):
                return report_of_session(session, session.payment_link or session.id)
        return None

    async def _find_intent(self, checkout: Checkout, newest: Any) -> Report | None:
        listing = self._v1.payment_intents.list_async(newest)
        async for intent in every(listing):
            if intents.is_payment(intent) and word(intent.metadata, "payment_id") == str(checkout.payment_id):
                return report_of_intent(intent)
        return None

    async def end(self, ref: str) -> Report:
        if ref.startswith(intents.PREFIX):
            return await intents.cancel(self._connection, ref)
        if ref.startswith("plink_"):
            return await self._end_link(ref)
        try:
            await asked(self._v1.checkout.sessions.expire_async(ref))
        except Refused:
            # Only an open session can be expired: this one has ended, or was paid, already.
            return await self.fetch(ref)
        return await self.fetch(ref)

    async def owner(self, money_ref: str) -> str | None:
        try:
            intent = await asked(self._v1.payment_intents.retrieve_async(money_ref))
        except NotFound:
            return None
        return word(intent.metadata, "payment_id") if intent.metadata else None

    async def refund(self, order: RefundOrder) -> RefundReport:
        return report_of_refund(await asked(self._v1.refunds.create_async(told.refund(order), keyed(order.key))))

    async def refunds(self, money_ref: str) -> Sequence[RefundReport]:
        listing = self._v1.refunds.list_async({"payment_intent": money_ref, "limit": feed.PAGE})
        return [report_of_refund(refund) async for refund in every(listing)]

    async def disputes(self, money_ref: str) -> Sequence[DisputeReport]:
        listing = self._v1.disputes.list_async({"payment_intent": money_ref, "limit": feed.PAGE})
        return [report_of_dispute(dispute) async for dispute in every(listing)]

    def events(self, since: datetime, until: datetime | None) -> AsyncIterator[Sequence[Told]]:
        return feed.events(self._connection, since, until)

    def payments_between(self, since: datetime, until: datetime) -> AsyncIterator[Report]:
        return feed.payments_between(self._connection, since, until)

    async def check(self, notify_url: str) -> Sequence[Check]:
        return await account.check(self._connection, notify_url, live=self.live, listening=bool(self._secrets))

    async def subscribe(self, notify_url: str) -> str | None:
        return await account.subscribe(self._connection, notify_url, listening=bool(self._secrets))

    def refunds_between(self, since: datetime, until: datetime) -> AsyncIterator[RefundReport]:
        return feed.refunds_between(self._connection, since, until)

    def disputes_between(self, since: datetime, until: datetime) -> AsyncIterator[DisputeReport]:
        return feed.disputes_between(self._connection, since, until)

    async def close(self) -> None:
        await self._connection.close()

    async def _fetch_link(self, ref: str) -> Report:
        """A link opens a session for each visitor: the first one that was paid tells, the others are named beside it."""
        link = await asked(self._v1.payment_links.retrieve_async(ref))
        sessions = list(reversed(await self._sessions_of(ref)))
        more = link.active or any(session.status == "open" for session in sessions)
        reports = [report_of_session(session, session.id) for session in sessions]
        paid = [report for report in reports if report.state is PaymentState.SUCCEEDED]
        waiting = [report for report in reports if report.state is PaymentState.PROCESSING]
        if money := (*paid, *waiting):
            return replace(money[0], session_ref=ref, takes_more=more, also=money[1:])
        declined = next((report for report in reports if report.reason_code), None)
        return report_of_link(link, None, declined)

    async def _end_link(self, ref: str) -> Report:
        await asked(self._v1.payment_links.update_async(ref, {"active": False}))
        for session in await self._sessions_of(ref):
            if session.status == "open":
                await self.end(session.id)
        return await self._fetch_link(ref)

    async def _sessions_of(self, ref: str) -> "list[Any]":
        params = {"payment_link": ref, "limit": feed.PAGE, "expand": ["data.payment_intent"]}
        listing = self._v1.checkout.sessions.list_async(params)
        return [session async for session in every(listing)]
