"""Accounts of an installation: the first one, the last administrator, and the same by command."""

from pathlib import Path

import httpx
import sqlalchemy as sa

from gatepass import app
from gatepass.store import staff, tables
from tests.running import STAFF, Running, running

from .browsing import OWN, PASSWORD, Staff


async def test_the_last_administrator_stays(gatepass: Running) -> None:
    async with Staff(gatepass, STAFF[0], STAFF[1]).opened() as anna:
        await anna.signs_in()
        row = await gatepass.store.read(lambda tx: staff.by_email(tx, STAFF[0]))
        assert row

        invited = {"email": "new@contoso.example", "name": "New", "role": "administrator", "reason": "x"}
        assert (await anna.post("/staff/people", **invited)).status_code == 303, "who was only invited can do nothing"

        refused = await anna.post(f"/staff/people/{row['id']}/disable")

        assert (refused.status_code, "last administrator" in refused.text) == (409, True)
        assert (await anna.post(f"/staff/people/{row['id']}/role", role="viewer")).status_code == 409


async def test_the_first_start_prints_a_link_that_makes_one_administrator(gatepass: Running) -> None:
    assert app.first_link(gatepass.installation) is None
    await gatepass.store.write(lambda tx: tx.execute(sa.delete(tables.staff_user)))
    link = app.first_link(gatepass.installation)
    assert link
    typed = {"email": "first@contoso.example", "name": "First", "password": PASSWORD}
    async with httpx.AsyncClient(headers=OWN) as web:
        assert (await web.get(link)).status_code == 200
        assert (await web.post(link, data=typed | {"password": "first@contoso"})).status_code == 422

        assert (await web.post(link, data=typed)).status_code == 303

        assert (await web.post(link, data=typed | {"email": "second@contoso.example"})).status_code == 404
        assert app.first_link(gatepass.installation) is None
    async with Staff(gatepass, "first@contoso.example").opened() as first:
        await first.signs_in()
        assert (await first.get("/staff/people")).status_code == 200


async def test_where_it_is_required_nothing_opens_without_a_second_factor(database_url: str, tmp_path: Path) -> None:
    variables = {"GATEPASS_STAFF_SECOND_FACTOR": "required"}
    async with (
        running(database_url, tmp_path, **variables) as system,
        Staff(system, STAFF[0], STAFF[1]).opened() as anna,
    ):
        await anna.signs_in()
        for path in ("/staff", "/staff/people", "/staff/audit", "/staff/account"):
            assert (await anna.get(path)).headers["location"] == "/staff/account/second-factor"

        await anna.sets_up_second_factor()

        assert (await anna.get("/staff/people")).status_code == 200
        await anna.post("/staff/account/second-factor/off")
        assert (await anna.get("/staff/account/second-factor")).text.count("New recovery codes") == 1


async def test_behind_https_cookies_are_for_this_host_alone(database_url: str, tmp_path: Path) -> None:
    variables = {"GATEPASS_BASE_URL": "https://events.contoso.example"}
    async with running(database_url, tmp_path, **variables) as system, httpx.AsyncClient(headers=OWN) as web:
        form = {"email": STAFF[0], "password": STAFF[1]}
        answer = await web.post(f"{system.base_url}/staff/sign-in", data=form)

    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["__Host-gatepass", "__Host-gatepass-browser"]
    for cookie in cookies:
        for word in ("; Secure", "; HttpOnly", "; SameSite=lax", "; Path=/"):
            assert word in cookie
        assert "domain" not in cookie.lower()


async def test_accounts_by_command_as_often_as_you_like(gatepass: Running) -> None:
    email = "ben@contoso.example"
    said, _, code = await gatepass.command("user", "add", email, "--name", "Ben", "--role", "finance")
    assert (code, said.splitlines()[0]) == (0, f"{email}: added.")
    link = said.splitlines()[1]
    async with Staff(gatepass, email).opened() as ben:
        await ben.post(link, password=PASSWORD)
        assert (await ben.signs_in()).status_code == 303

        assert (await gatepass.command("user", "add", email, "--role", "finance"))[0] == f"{email}: there already.\n"
        assert (await gatepass.command("user", "role", email, "event_staff"))[0] == "Event staff.\n"
        assert (await ben.get("/staff")).status_code == 303
        assert (await gatepass.command("user", "disable", email))[0] == "Disabled.\n"
        assert (await gatepass.command("user", "disable", email))[0::2] == ("Disabled already.\n", 0)
        listed = (await gatepass.command("user", "list"))[0]
        assert any(line.startswith(email) and "disabled" in line for line in listed.splitlines())
        refused = await gatepass.command("user", "role", STAFF[0], "viewer")
        assert (refused[2], "last administrator" in refused[1]) == (2, True)
        assert (await gatepass.command("user", "add", "nonsense"))[2] == 2
        assert (await gatepass.command("user", "role", email, "king"))[2] == 2
