"""Lists of Stripe's that are longer than a page: a line that breaks between two pages is a trouble like any other."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from gatepass.domain.errors import Unavailable
from gatepass.domain.money import Money
from gatepass.providers.base import Checkout
from gatepass.providers.stripe.adapter import Stripe
from gatepass.providers.stripe.feed import PAGE
from tests.running import STRIPE_KEY, Running
from tests.torture.proxy import Fault, proxying

PAGES = "https://tickets.example/"


async def test_every_page_of_a_list_is_read_and_none_breaks_through(gatepass: Running) -> None:
    async with proxying(gatepass.sandbox.url) as line:
        stripe = Stripe(STRIPE_KEY, (), line.url)
        since = datetime.now(UTC) - timedelta(minutes=1)
        opened = {(await stripe.start(_checkout())).session_ref for _ in range(PAGE + 1)}

        reports = stripe.payments_between(since, since + timedelta(hours=1))
        found = {(await anext(reports)).session_ref for _ in range(PAGE)}
        line.faults["GET /v1/checkout/sessions?"] = (Fault.ERROR, 2)
        with pytest.raises(Unavailable, match="Stripe has a problem right now"):
            await anext(reports)

        assert len(found) == PAGE
        assert {one.session_ref async for one in stripe.payments_between(since, since + timedelta(hours=1))} == opened
        await stripe.close()


def _checkout() -> Checkout:
    payment, now = uuid4(), datetime.now(UTC)
    return Checkout(
        key=str(payment), payment_id=payment, purchase_id=UUID(int=payment.int ^ 1), reference="GP-1", amount=Money(4900, "EUR"),
        title="Summit", items="1 x Standard", email=None, success_url=PAGES, cancel_url=PAGES, opened=now,
        expires_at=now + timedelta(minutes=40),
    )  # fmt: skip
