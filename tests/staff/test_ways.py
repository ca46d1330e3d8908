"""No page leads anybody where their role may not go."""

import re
from collections import Counter
from uuid import UUID

import pytest

from gatepass.domain.event import EventStatus
from gatepass.services import setup
from gatepass.services.access import STAFF as ROLES
from gatepass.services.access import Role
from tests.running import Running

from .browsing import member

SEEN_OF_A_KIND = 4
"""Pages of one address with other ids: enough for a draft, a live event, and what happened to each."""


@pytest.mark.parametrize("role", ROLES)
async def test_no_page_leads_a_role_where_it_may_not_go(gatepass: Running, role: Role) -> None:
    await gatepass.paid()
    draft = await gatepass.at(("Full", 12050, 10), status=EventStatus.DRAFT)
    mixed = await gatepass.at(("Full", 12050, 10), provider_id=await _live_provider(gatepass))
    async with member(gatepass, "administrator") as boss, member(gatepass, role.value) as person:
        # What the audit log tells of each kind of object.
        await boss.post("/staff/switches", name="payments", to="off")
        await boss.post("/staff/people", email="ann@contoso.example", name="Ann", role="viewer")
        await boss.post(
            "/staff/providers/new", name="New", kind="stripe", payment_page_url="/pay?", timeout_minutes="30"
        )
        await boss.post("/staff/sites/new", name="Shop", origins="https://shop.example", return_url="")
        seen, waiting = Counter[str](), ["/staff", *(f"/staff/events/{one.event.id}" for one in (draft, mixed))]
        while waiting:
            path = waiting.pop()
            kind = re.sub(r"[0-9a-f-]{36}", "*", path.partition("?")[0])
            if seen[kind] == SEEN_OF_A_KIND:
                continue
            seen[kind] += 1
            answer = await person.get(path)
            assert answer.status_code in {200, 303}, (role, path, answer.status_code)
            links = re.findall(r'href="(/staff[^"#]*)', answer.text)
            waiting += [link.replace("&amp;", "&") for link in links if not link.startswith("/staff/sign-in/elsewhere")]
        assert {"/staff/events/*", "/staff/purchases/*"} <= set(seen)
        assert ("/staff/providers/*" in seen) is (role is Role.ADMINISTRATOR)


async def _live_provider(system: Running) -> UUID:
    """Of the other mode, as an older set-up may have left it: something for an administrator."""
    return await system.store.write(lambda tx: setup.add_provider(tx, "Other", "stripe", "/pay?", live=True))
