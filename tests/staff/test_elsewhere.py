"""Staff sign in at their organization: a real OpenID provider on a socket, which demands PKCE."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from gatepass.services import access
from gatepass.services.sessions import FRESH_FORM
from gatepass.store import staff, tables
from tests.running import Running, hash_of, running

from .browsing import PASSWORD, Staff
from .oidc_server import CLIENT_ID, CLIENT_SECRET

ROLES = "Events.Admin=administrator, Events.Money=finance, everybody=viewer"
NEXT = "/staff/account"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Its address, which is its issuer."""
    run = subprocess.Popen([sys.executable, "-m", "tests.staff.oidc_server", "0"], stdout=subprocess.PIPE, text=True)
    assert run.stdout
    try:
        yield run.stdout.readline().strip()
    finally:
        run.terminate()
        run.wait()


@dataclass
class Organization:
    """Gatepass, and the provider that it trusts."""

    system: Running
    issuer: str
    browser: Staff

    async def person(self, *roles: str, sub: str = "1", email: str = "ada@contoso.example", **more: Any) -> None:
        """Who sits at the browser, and what the provider says of them."""
        claims = {"email": email, "name": "Ada Byron", "roles": list(roles)}
        async with httpx.AsyncClient() as web:
            told = {"sub": sub, "claims": claims} | more
            assert (await web.post(f"{self.issuer}/_person", json=told)).is_success

    async def goes_there(self, query: str = "") -> str:
        """To the provider, and with its answer to the address that it names."""
        left = await self.browser.get(f"/staff/sign-in/elsewhere?next={NEXT}{query}")
        assert left.status_code == 303
        async with httpx.AsyncClient() as web:
            return (await web.get(left.headers["location"])).headers["location"]

    async def signs_in(self, query: str = "") -> httpx.Response:
        """There and back."""
        return await self.browser.get(await self.goes_there(query))


@pytest.fixture
async def organization(database_url: str, tmp_path: Path, provider: str) -> AsyncIterator[Organization]:
    async with _organization(database_url, tmp_path, provider) as made:
        yield made


@asynccontextmanager
async def _organization(database_url: str, directory: Path, provider: str) -> AsyncIterator[Organization]:
    settings = {
        "ISSUER": provider,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "ROLES": ROLES,
        "NAME": "Contoso",
    }
    variables = {f"GATEPASS_OIDC_{name}": value for name, value in settings.items()}
    async with (
        running(database_url, directory, **variables) as system,
        Staff(system, "ada@contoso.example").opened() as ada,
    ):
        yield Organization(system, provider, ada)


async def test_there_and_back_with_a_role_that_follows_the_provider(organization: Organization) -> None:
    assert "Sign in with Contoso" in (await organization.browser.get("/staff/sign-in")).text
    await organization.person("everybody", "Events.Money", "something else")

    assert (await organization.signs_in()).headers["location"] == NEXT

    assert "(finance)" in (await organization.browser.get("/staff")).text
    async with httpx.AsyncClient() as web:
        asked = (await web.get(f"{organization.issuer}/_asked")).json()[-1]
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid profile email")
    assert len(asked["nonce"]) >= 32
    assert asked["redirect_uri"] == f"{organization.system.base_url}/staff/sign-in/back"

    await organization.person("everybody", email="new.name@contoso.example")
    await organization.signs_in()
    assert (await organization.browser.get("/staff/people")).status_code == 403
    roles = sa.select(tables.audit.c.detail).where(tables.audit.c.action == "staff.role")
    told = await organization.system.store.read(lambda tx: tx.rows(roles))
    assert told[0]["detail"]["before"] == {"role": "finance"}
    assert told[0]["detail"]["after"] == {"role": "viewer"}


async def test_the_provider_may_change_its_key(organization: Organization) -> None:
    await organization.person("everybody")
    await organization.signs_in()
    async with httpx.AsyncClient() as web:
        await web.post(f"{organization.issuer}/_new_key")

    assert (await organization.signs_in()).status_code == 303


WRONG: dict[str, dict[str, Any]] = {
    "another audience": {"wrong": {"aud": ["somebody else"]}},
    "another issuer": {"wrong": {"iss": "https://evil.example"}},
    "another nonce": {"wrong": {"nonce": "of another sign-in"}},
    "an old token": {"wrong": {"exp": int(time.time()) - 600}},
    "a token of tomorrow": {"wrong": {"iat": int(time.time()) + 6000}},
    "made for two": {"wrong": {"aud": [CLIENT_ID, "somebody else"], "azp": "somebody else"}},
    "no address": {"wrong": {"email": None}},
}


async def test_what_the_provider_did_not_say_to_us_now_opens_nothing(organization: Organization) -> None:
    for what, person in WRONG.items():
        await organization.person("Events.Admin", **person)

        assert (await organization.signs_in()).status_code == 403, what

    assert (await organization.browser.get("/staff")).status_code == 303
    assert not await organization.system.store.read(lambda tx: staff.by_email(tx, "ada@contoso.example"))


async def test_an_answer_for_another_browser_or_a_second_time_opens_nothing(organization: Organization) -> None:
    await organization.person("Events.Admin")
    back = await organization.goes_there()
    async with Staff(organization.system, "mallory@contoso.example").opened() as mallory:
        assert (await mallory.get(back)).status_code == 403
        await mallory.get("/staff/sign-in/elsewhere")
        assert (await mallory.get(back)).status_code == 403

    assert (await organization.browser.get(f"{back}&iss=https://evil.example")).status_code == 403
    back = await organization.goes_there()
    assert (await organization.browser.get(back)).status_code == 303
    assert (await organization.browser.get(back)).status_code == 403
    refused = urlsplit(await organization.goes_there())
    state = parse_qs(refused.query)["state"][0]
    assert (await organization.browser.get(f"{refused.path}?error=access_denied&state={state}")).status_code == 403


async def test_without_a_role_or_with_a_closed_account_nobody_comes_in(organization: Organization) -> None:
    await organization.person("something else")
    assert "no role" in (await organization.signs_in()).text
    await organization.person("everybody")
    await organization.signs_in()
    closed = sa.update(tables.staff_user).where(tables.staff_user.c.email == "ada@contoso.example")
    await organization.system.store.write(lambda tx: tx.execute(closed.values(disabled=tx.now)))

    assert "closed" in (await organization.signs_in()).text


async def test_an_account_with_a_password_is_not_taken_over(organization: Organization) -> None:
    store = organization.system.store
    await store.write(lambda tx: access.add_staff(tx, "ada@contoso.example", "Ada", hash_of(PASSWORD), "administrator"))
    await organization.person("everybody")

    assert (await organization.signs_in()).status_code == 403


async def test_confirming_happens_there_and_needs_that_somebody_was_asked(organization: Organization) -> None:
    await organization.person("Events.Admin")
    await organization.signs_in()
    page = "/staff/people"
    await organization.browser.age_session(confirmed=FRESH_FORM)
    asked = await organization.browser.post(page, email="b@contoso.example", name="Ben", role="viewer")
    assert asked.headers["location"].startswith("/staff/confirm")
    assert "Confirm where you signed in" in (await organization.browser.get("/staff/confirm")).text

    await organization.person("Events.Admin", auth_time=int(time.time()) - 3600)
    assert (await organization.signs_in("&confirm=1")).status_code == 403
    await organization.person("Events.Admin", sub="2", email="other@contoso.example")
    assert (await organization.signs_in("&confirm=1")).status_code == 403
    await organization.person("Events.Admin")
    assert (await organization.signs_in("&confirm=1")).status_code == 303

    invited = await organization.browser.post(page, email="b@contoso.example", name="Ben", role="viewer")
    assert invited.headers["location"].startswith("/staff/people/")


async def test_a_provider_that_is_away_is_told(database_url: str, tmp_path: Path) -> None:
    async with _organization(database_url, tmp_path, "http://127.0.0.1:9") as organization:
        answer = await organization.browser.get("/staff/sign-in/elsewhere")

        assert answer.status_code == 503
        assert (await organization.browser.get("/staff/sign-in")).status_code == 200
