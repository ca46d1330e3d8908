"""The audit log: who did what, before and after, and why; found by page and by object; nobody changes it."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gatepass.domain.errors import Unavailable
from gatepass.services import accounts, audit
from gatepass.services.access import Role
from gatepass.services.audit import Wanted
from gatepass.store import staff, tables
from tests.running import Running

from .browsing import member

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_who_changed_what_and_why(shared: Running) -> None:
    async with member(shared, "viewer") as anna, member(shared, "administrator") as boss:
        row = await shared.store.read(lambda tx: staff.by_email(tx, anna.email))
        assert row

        await boss.post(f"/staff/people/{row['id']}/role", role="finance", reason="takes over <the> books")

        page = (await boss.get(f"/staff/audit?subject=staff:{row['id']}")).text
        assert boss.email in page
        assert "staff.role" in page
        assert "takes over &lt;the&gt; books" in page
        assert "viewer" in page
        assert "finance" in page


async def test_it_is_found_by_person_action_object_and_day(shared: Running) -> None:
    async with member(shared, "administrator") as boss:
        for number in range(audit.PAGE + 5):
            email = f"many{number}-{boss.email}"
            await shared.store.write(
                lambda tx, email=email: accounts.add(tx, email, "", Role.VIEWER, boss.email, mail=False)
            )

        found, more = await shared.store.read(lambda tx: audit.search(tx, Wanted(actor=boss.email, action="staff.")))
        rest, end = await shared.store.read(lambda tx: audit.search(tx, Wanted(actor=boss.email, before=more)))

        assert (len(found), end) == (audit.PAGE, None)
        assert [row["detail"]["after"]["email"] for row in [*found, *rest] if row["action"] == "staff.add"] == [
            f"many{number}-{boss.email}" for number in reversed(range(audit.PAGE + 5))
        ]
        page = await boss.get("/staff/audit", params={"actor": boss.email})
        assert "Older entries" in page.text
        assert "No entry fits" in (await boss.get("/staff/audit?until=2020-01-01")).text
        assert "No entry fits" in (await boss.get("/staff/audit?since=2999-01-01&before=nonsense")).text
        assert "many50-" in (await boss.get(f"/staff/audit?subject=staff:&actor={boss.email}")).text


@pytest.mark.parametrize(
    "statement", [sa.update(tables.audit).values(actor="nobody"), sa.delete(tables.audit), sa.text("truncate audit")]
)
async def test_nobody_changes_what_stands_there(shared: Running, statement: sa.Executable) -> None:
    count = sa.select(sa.func.count()).select_from(tables.audit)
    before = await shared.store.read(lambda tx: tx.execute(count).scalar_one())

    with pytest.raises((DBAPIError, Unavailable)):
        await shared.store.write(lambda tx: tx.execute(statement))

    assert await shared.store.read(lambda tx: tx.execute(count).scalar_one()) == before
