"""The payment step as a buyer's browser does it: the page of ours, and the calls that Stripe.js makes."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import httpx
import sqlalchemy as sa

from gatepass.store import tables
from tests.running import Order, Running

PUBLISHABLE = "pk_test_sandbox"
ON_PAGE = {"GATEPASS_STRIPE_PUBLISHABLE_KEY": PUBLISHABLE}
PAID, POOR, SECURE, LATER, LATER_FAILS = (
    "4242424242424242", "4000000000009995", "4000002760003184", "AT611904300234573201", "AT861904300235473202",
)  # fmt: skip


async def pay_on_page(system: Running, way: str = "page") -> None:
    """The setting of the payment provider row."""
    await system.store.write(lambda tx: tx.execute(sa.update(tables.payment_provider).values(way=way)))


@dataclass(frozen=True)
class Step:
    """The step, open in one tab."""

    system: Running
    url: str
    html: str
    headers: httpx.Headers

    def __getattr__(self, name: str) -> str:
        """What the page hands to the script: `secret`, `key`, `back`."""
        found = re.search(rf'data-{name}="([^"]*)"', self.html)
        assert found, name
        return unescape(found[1])

    @property
    def intent(self) -> str:
        return self.secret.split("_secret_")[0]

    async def confirm(self, card: str = PAID, *, passes: bool = True) -> Any:
        """confirmPayment of Stripe.js: the error's members, or the intent's; the bank's step is taken when it comes."""
        api = f"{self.system.sandbox.url}/v1/payment_intents/{self.intent}"
        own = {"key": self.key, "client_secret": self.secret}
        answer = await self.system.client.post(f"{api}/confirm", data=own | _typed(card))
        said = answer.json()
        if said.get("status") == "requires_action":
            result = "complete" if passes else "fail"
            await self.system.client.post(said["next_action"]["redirect_to_url"]["url"], data={"result": result})
            said = (await self.system.client.get(api, params=own)).json()
        return said.get("error", said)

    async def look(self) -> Any:
        """What the page asks after each try."""
        answer = await self.system.client.post(f"{self.url}/look")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def choose(self, way: str) -> httpx.Response:
        """Press one of the buttons beside it."""
        return await self.system.client.post(self.url, data={"way": way})


async def open_step(system: Running, order: Order) -> Step:
    """Follow the payment link to our own page."""
    url = await system.open_pay_page(order)
    assert url.startswith(f"{system.base_url}/orders/"), url
    answer = await system.client.get(url)
    assert answer.status_code == 200, f"{answer.status_code} {answer.headers.get('location')} {answer.text}"
    return Step(system, url, answer.text, answer.headers)


def _typed(card: str) -> dict[str, str]:
    if card[0].isalpha():
        return {"payment_method_data[type]": "sepa_debit", "payment_method_data[sepa_debit][iban]": card}
    members = {"number": card, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
    data = {f"payment_method_data[card][{name}]": value for name, value in members.items()}
    return {"payment_method_data[type]": "card"} | data
