"""The Web API as its clients call it: a real server, a token, and headers by their names."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa

from gatepass.services import access
from gatepass.store import WriteTx
from gatepass.store.tables import DECLARED, new_id
from tests.running import Running

ADMINISTRATOR = "secret-token-of-an-administrator"
CURRENCIES = (
    ("EUR", "Euro", "€", 2),
    ("USD", "US Dollar", "$", 2),
    ("JPY", "Yen", "¥", 0),
    ("KWD", "Kuwaiti Dinar", "KD", 3),
)


@dataclass(frozen=True)
class WebApi:
    """The Web API of one installation."""

    here: Running
    token: str = ADMINISTRATOR
    version: str = "v9.2"

    @property
    def root(self) -> str:
        """The service root as this client writes it."""
        return f"{self.here.base_url}/api/data/{self.version}/"

    def by(self, **changes: Any) -> "WebApi":
        """The same by another token or version."""
        return replace(self, **changes)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request. Headers by keyword: `if_match` is If-Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent: dict[str, Any] = (
            {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        )
        authorized = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = path if path.startswith("http") else self.root + path
        return await self.here.client.request(method, url, headers=authorized | named, **sent)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET"""
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """POST"""
        return await self.call("POST", path, body, **headers)

    async def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """PATCH"""
        return await self.call("PATCH", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        """DELETE"""
        return await self.call("DELETE", path, **headers)

    async def make(self, set_name: str, **values: Any) -> str:
        """A new record; its id."""
        answer = await self.post(set_name, values)
        assert answer.status_code == 204, answer.text
        return answer.headers["odata-entityid"].rpartition("(")[2].removesuffix(")")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(shared: Running) -> AsyncIterator[WebApi]:
    """The Web API for somebody who may do everything."""
    await shared.store.write(_prepare)
    yield WebApi(shared)


def _prepare(tx: WriteTx) -> None:
    access.add_program(tx, "administrator", "administrator", ADMINISTRATOR)
    currency = DECLARED["transactioncurrency"]
    known = set(tx.execute(sa.select(currency.c.iso_code)).scalars())
    for code, name, symbol, decimals in CURRENCIES:
        if code not in known:
            row = {"iso_code": code, "currencyname": name, "currencysymbol": symbol, "currencyprecision": decimals}
            tx.execute(sa.insert(currency).values(id=new_id(), created=tx.now, exchangerate=10**10, **row))


def refused(answer: httpx.Response, status: int, code: str, says: str = "") -> None:
    """An error in Dataverse's shape."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json; odata.metadata=minimal"
    assert answer.headers["odata-version"] == "4.0"
    assert answer.headers["x-ms-service-request-id"]
    error = answer.json()["error"]
    assert set(error) == {"code", "message"}
    assert (error["code"], says in error["message"]) == (code, True), error
