"""Tokens as Entra ID gives them: by the standard Azure credential, and by hand; what is wrong is said in Entra's words."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from gatepass.services import applications
from tests.dataverse.conftest import Environment


def _credential(there: Environment, secret: str) -> ClientSecretCredential:
    return ClientSecretCredential(
        there.tenant, str(there.client.client_id), secret, authority=there.url, disable_instance_discovery=True,
        connection_verify=str(there.secure.ca),
    )  # fmt: skip


async def test_a_standard_azure_credential_gets_a_token_that_opens_the_web_api(environment: Environment) -> None:
    credential = _credential(environment, environment.client.client_secret)

    token = await asyncio.to_thread(credential.get_token, f"{environment.url}/.default")

    answer = await _who_am_i(environment, token.token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["OrganizationId"] == environment.tenant


async def test_a_wrong_secret_is_refused_as_entra_refuses_it(environment: Environment) -> None:
    credential = _credential(environment, "wrong")

    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        await asyncio.to_thread(credential.get_token, f"{environment.url}/.default")


async def test_a_disabled_application_user_is_out_at_once(environment: Environment) -> None:
    credential = _credential(environment, environment.client.client_secret)
    token = await asyncio.to_thread(credential.get_token, f"{environment.url}/.default")

    await environment.here.store.write(lambda tx: applications.disable(tx, environment.client.client_id, "test"))

    assert (await _who_am_i(environment, token.token)).status_code == 401
    answer = await _ask(environment, {})
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [7000215])


@pytest.mark.parametrize(
    ("changed", "status", "error", "code"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": ""}, 400, "invalid_request", 900144),
        ({"client_id": str(uuid4())}, 400, "unauthorized_client", 700016),
        ({"client_id": "no guid"}, 400, "unauthorized_client", 700016),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"scope": "https://elsewhere.example/read"}, 400, "invalid_scope", 1002012),
    ],
)
async def test_what_is_wrong_is_said_in_entras_words(
    environment: Environment, changed: dict[str, str], status: int, error: str, code: int
) -> None:
    answer = await _ask(environment, changed)

    told = answer.json()
    assert (answer.status_code, told["error"], told["error_codes"]) == (status, error, [code])
    assert told["error_description"].startswith(f"AADSTS{code}: ")


async def test_a_token_from_elsewhere_or_damaged_opens_nothing(environment: Environment) -> None:
    good = (await _ask(environment, {})).json()["access_token"]

    for token in ("x", good[:-2], f"{good}x", "gpat.", "gpat.a.b.c"):
        answer = await environment.here.client.get(
            f"{environment.url}/api/data/v9.2/WhoAmI", headers={"Authorization": f"Bearer {token}".encode()}
        )
        assert answer.status_code == 401, token
        assert "authorization_uri=" in answer.headers["www-authenticate"]


async def test_another_tenant_is_not_found(environment: Environment) -> None:
    answer = await environment.here.client.post(
        f"{environment.url}/{uuid4()}/oauth2/v2.0/token", data={"grant_type": "x"}
    )

    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


async def _ask(there: Environment, changed: dict[str, str]) -> httpx.Response:
    form = {
        "grant_type": "client_credentials", "client_id": str(there.client.client_id),
        "client_secret": there.client.client_secret, "scope": f"{there.url}/.default",
    } | changed  # fmt: skip
    return await there.here.client.post(f"{there.url}/{there.tenant}/oauth2/v2.0/token", data=form)


async def _who_am_i(there: Environment, token: str) -> httpx.Response:
    return await there.here.client.get(
        f"{there.url}/api/data/v9.2/WhoAmI", headers={"Authorization": f"Bearer {token}"}
    )
