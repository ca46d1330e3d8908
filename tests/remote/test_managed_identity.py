"""A managed identity in place of a secret: asked for as Microsoft's own library does, and good for the whole work."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from azure.identity import ManagedIdentityCredential
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatepass import config, server
from gatepass.config import SettingError
from gatepass.dataverse import Dataverse, ManagedIdentity
from gatepass.domain.remote import Word
from tests.conftest import fresh_database
from tests.remote.conftest import dynamics_database
from tests.remote.pair import Pair, paired

RESOURCE = "https://contoso.crm4.dynamics.com"
CLIENT = "11111111-2222-3333-4444-555555555555"
HEADER = "a-header-that-azure-made-up"
IMDS = "/metadata/identity/oauth2/token"


@dataclass
class Azure:
    """Gives tokens as the two services of Azure do; `pair`: such as are good there."""

    url: str = ""
    pair: Pair | None = None
    asked: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = field(
        default_factory=list[tuple[str, Mapping[str, str], Mapping[str, str]]]
    )

    async def app_service(self, request: Request) -> Response:
        """Tells the end of a token as a moment, in a text."""
        self.asked.append((request.url.path, dict(request.query_params), dict(request.headers)))
        if request.headers.get("x-identity-header") != HEADER:
            return JSONResponse({"statusCode": 400, "message": "The parameter has an invalid value."}, 400)
        return JSONResponse({"access_token": await self._token(), "expires_on": "4070908800", "token_type": "Bearer"})

    async def metadata_service(self, request: Request) -> Response:
        """The machine's own."""
        self.asked.append((request.url.path, dict(request.query_params), dict(request.headers)))
        told = {"access_token": await self._token(), "expires_in": "86399", "expires_on": "4070908800"}
        return JSONResponse(told | {"resource": RESOURCE, "token_type": "Bearer"})

    async def _token(self) -> str:
        if self.pair is None:
            return "a token"
        own = self.pair.variables
        form = {
            "grant_type": "client_credentials", "client_id": own["GATEPASS_DATAVERSE_CLIENT_ID"],
            "client_secret": own["GATEPASS_DATAVERSE_CLIENT_SECRET"],
        }  # fmt: skip
        url = f"{self.pair.dynamics.base_url}/{self.pair.dynamics.organization}/oauth2/v2.0/token"
        async with httpx.AsyncClient() as http:
            answer = await http.post(url, data=form | {"scope": f"{self.pair.line.url}/.default"})
        return answer.json()["access_token"]


@asynccontextmanager
async def azure() -> AsyncIterator[Azure]:
    """Both services, on a socket."""
    made, listening = Azure(), server.listen("127.0.0.1", 0)
    made.url = server.address(listening)
    routes = [Route("/msi/token", made.app_service), Route(IMDS, made.metadata_service)]
    async with server.serving([(Starlette(routes=routes), listening)]):
        yield made


@pytest.mark.parametrize("client_id", [None, CLIENT])
async def test_app_service_is_asked_as_microsofts_library_asks(
    monkeypatch: pytest.MonkeyPatch, client_id: str | None
) -> None:
    async with azure() as there:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{there.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", HEADER)
        ours = ManagedIdentity(RESOURCE, client_id, f"{there.url}/msi/token", HEADER)
        await _both_ask(ours, client_id)

        (path, query, headers), (theirs_path, theirs_query, theirs_headers) = there.asked
    assert (path, query) == (theirs_path, theirs_query)
    assert headers["x-identity-header"] == theirs_headers["x-identity-header"]


async def test_the_metadata_service_is_asked_as_microsofts_library_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async with azure() as there:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", there.url)
        # Whatever proxy is set: an address of the machine itself is not asked for there.
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        ours = ManagedIdentity(RESOURCE, metadata_service=there.url + IMDS)
        dataverse = Dataverse(RESOURCE, ours)
        assert await dataverse.token() == "a token"
        await dataverse.close()
        monkeypatch.delenv("HTTP_PROXY")
        await _library_asks(None)

        (path, query, headers), *_, (theirs_path, theirs_query, theirs_headers) = there.asked
    assert (path, query["resource"]) == (theirs_path, theirs_query["resource"])
    assert query["api-version"] == theirs_query["api-version"]
    assert headers["metadata"] == theirs_headers["metadata"].lower() == "true"


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    async with azure() as there:
        dataverse = Dataverse(RESOURCE, ManagedIdentity(RESOURCE, None, f"{there.url}/msi/token", HEADER))
        assert [await dataverse.token() for _ in range(3)] == ["a token"] * 3
        await dataverse.close()
    assert len(there.asked) == 1


async def test_the_whole_work_is_done_without_any_secret(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url, dynamics = fresh_database("postgresql", tmp_path, request), dynamics_database(request, tmp_path)
    async with azure() as there:
        identity = {
            "GATEPASS_DATAVERSE_MANAGED_IDENTITY": CLIENT, "IDENTITY_ENDPOINT": f"{there.url}/msi/token",
            "IDENTITY_HEADER": HEADER,
        }  # fmt: skip
        async with paired(url, dynamics, tmp_path, **identity) as pair:
            there.pair = pair
            order = await pair.register()

            await pair.pay(order)

            await pair.until_kept(order, told=Word.COMPLETED)
            assert pair.line.count("token") == 0
            out, _, code = await pair.command("doctor")
            assert (code, "The managed identity gives one" in out) == (0, True), out

            pair.variables["IDENTITY_HEADER"] = "of somebody else"
            out, _, code = await pair.command("doctor")
            assert (code, "names no identity that was given" in out) == (1, True), out
            del pair.variables["IDENTITY_ENDPOINT"]
            assert HEADER not in out
    assert {query["client_id"] for _, query, _ in there.asked} == {CLIENT}


def test_neither_tenant_nor_client_nor_secret_is_asked_for_then_and_nonsense_is_refused(tmp_path: Path) -> None:
    least = {
        "GATEPASS_EVENT_MANAGEMENT": "dataverse", "GATEPASS_DATAVERSE_URL": RESOURCE, "GATEPASS_STRIPE_SECRET_KEY": "sk_test_1",
    }  # fmt: skip
    with pytest.raises(SettingError, match="CLIENT_SECRET"):
        config.read(least, data_dir=tmp_path)
    settings = config.read(least | {"GATEPASS_DATAVERSE_MANAGED_IDENTITY": "system"}, data_dir=tmp_path)
    assert settings.dataverse_managed_identity
    assert settings.dataverse_managed_identity.client_id is None
    with pytest.raises(SettingError, match="user-assigned"):
        config.read(least | {"GATEPASS_DATAVERSE_MANAGED_IDENTITY": "yes"}, data_dir=tmp_path)


async def _both_ask(ours: ManagedIdentity, client_id: str | None) -> None:
    dataverse = Dataverse(RESOURCE, ours)
    assert await dataverse.token() == "a token"
    await dataverse.close()
    await _library_asks(client_id)


async def _library_asks(client_id: str | None) -> None:
    library = ManagedIdentityCredential(**({"client_id": client_id} if client_id else {}))
    token = await anyio.to_thread.run_sync(partial(library.get_token, f"{RESOURCE}/.default"))
    assert token.token == "a token"
    library.close()
