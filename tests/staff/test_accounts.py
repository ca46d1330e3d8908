"""Accounts of an installation: the first one, the last administrator, and the same by command."""

import httpx
import sqlalchemy as sa

from gatepass import app
from gatepass.store import staff, tables
from tests.running import STAFF, Running

from .browsing import OWN, PASSWORD, Staff


async def test_the_last_administrator_stays(gatepass: Running) -> None:
    async with Staff(gatepass, STAFF[0], STAFF[1]).opened() as anna:
        await anna.signs_in()
        row = await gatepass.store.read(lambda tx: staff.by_email(tx, STAFF[0]))
        assert row

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
