"""When our own records cannot be reached, a buyer loses nothing."""

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from typing import Any, NoReturn, cast
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette

from gatepass.domain.errors import Unavailable
from gatepass.services.checkout import Desk
from gatepass.services.links import Links
from gatepass.web.proxies import Proxies
from gatepass.web.routes import routes
from gatepass.web.site import Site


class Down:
    """A database that cannot be reached."""

    async def read(self, _: object) -> NoReturn:
        raise Unavailable("DatabaseDown", "The database does not answer.", retry_after_s=7)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    links = Links("http://testserver", ["k" * 32])
    nothing = cast(Any, None)
    application = Starlette(routes=list(routes()))
    unasked = {field.name: nothing for field in fields(Site)}
    application.state.site = replace(
        Site(**unasked),
        desk=Desk(store=cast(Any, Down()), management=nothing, ledger=nothing, providers={}, links=links),
        organization=str(uuid4()),
        migrated="",
        payment_origins=["https://checkout.example"],
        secure_cookies=True,
        live=False,
        proxies=Proxies(),
    )
    door = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=door, base_url="http://testserver") as client:
        yield client


async def test_a_form_comes_back_whole(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/e/summit", data={"att1_given": "Zoë <b>", "idempotency_key": "a" * 32, "step": "register"}
    )

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert "Nothing was charged, and nothing is lost" in answer.text
    for hidden in ('name="att1_given" value="Zoë &lt;b&gt;"', f'value="{"a" * 32}"', 'name="step" value="register"'):
        assert hidden in answer.text
    assert "https://checkout.example" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/e/summit"])
async def test_a_page_says_to_try_again(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert "Nothing was charged." in answer.text
