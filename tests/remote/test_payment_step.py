"""The payment step of our own page, for purchases that live in Dynamics: the same step, and the same one finalization."""

from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from tests.conftest import fresh_database
from tests.remote.conftest import dynamics_database
from tests.remote.line import Trouble
from tests.remote.pair import THANKS, paired
from tests.step import ON_PAGE, PAID, POOR, Step

WAY = {"GATEPASS_DATAVERSE_PAYMENT_WAY": "page"}


async def test_it_is_paid_on_our_own_page_and_confirmed_once(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url, dynamics = fresh_database("postgresql", tmp_path, request), dynamics_database(request, tmp_path)
    async with paired(url, dynamics, tmp_path, **ON_PAGE, **WAY) as pair:
        order = await pair.register()
        link = await pair.open_pay_page(order)
        assert (link.startswith(f"{pair.base_url}/orders/"), link.endswith("/pay")) == (True, True)
        page = await pair.client.get(link)
        step = Step(replace(pair.completion, base_url=pair.base_url), link, page.text, page.headers)
        assert (page.status_code, "120.50" in page.text, "Send me the link" in page.text) == (200, True, False)

        assert (await step.confirm(POOR))["code"] == "card_declined"
        assert (await step.look())["state"] == "open"
        pair.line.troubles = {"finalize": [Trouble.RESET_AFTER]}
        assert (await step.confirm(PAID))["status"] == "succeeded"
        await pair.until(lambda: _paid(step))

        await pair.until_kept(order, status=Status.COMPLETED)
        assert (await pair.client.get(link)).headers["location"] == link.removeprefix(pair.base_url).removesuffix(
            "/pay"
        )
        await pair.until_kept(order, told=Word.COMPLETED)
        assert await pair.finalizations(order) == ["awaiting_payment -> completed"]
        assert (await pair.client.get(step.back)).headers["location"] == THANKS
        await pair.check_promises()


async def test_a_buyer_may_pay_on_stripes_page_instead(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url, dynamics = fresh_database("sqlite", tmp_path, request), dynamics_database(request, tmp_path)
    async with paired(url, dynamics, tmp_path, **ON_PAGE, **WAY) as pair:
        order = await pair.register()
        link = await pair.open_pay_page(order)
        await pair.client.get(link)

        elsewhere = await pair.client.post(link, data={"way": "redirect"}, headers={"Sec-Fetch-Site": "same-origin"})

        assert elsewhere.headers["location"].startswith(pair.sandbox.url)
        await pair.sandbox.pay(elsewhere.headers["location"])
        await pair.until_kept(order, told=Word.COMPLETED)
        await pair.check_promises()


async def _paid(step: Step) -> bool:
    """The provider is asked once a second at most."""
    return (await step.look())["state"] == "paid"
