"""The audit log: who did what, before and after, and why; found by page and by object; nobody changes it."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gatepass import app
from gatepass.domain.errors import Unavailable
from gatepass.services import accounts, attention, audit, webhooks
from gatepass.services.access import Role
from gatepass.services.audit import Wanted
from gatepass.services.webhooks import NewEndpoint
from gatepass.store import records, staff, tables
from tests.running import STRIPE_KEY, TOKEN, WEBHOOK_SECRET, Running

from .browsing import PASSWORD, member
from .calling import program

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
        for far in ("since=0001-01-01", "until=9999-12-31", "since=9999-12-31T23:00:00-05:00"):
            assert (await boss.get(f"/staff/audit?{far}")).status_code == 200
        assert "many50-" in (await boss.get(f"/staff/audit?subject=staff:&actor={boss.email}")).text


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(tables.audit).values(actor="nobody"),
        sa.delete(tables.audit),
        sa.text("truncate audit"),
        sa.text("replace into audit select * from audit limit 1"),
    ],
)
async def test_nobody_changes_what_stands_there(shared: Running, statement: sa.Executable) -> None:
    count = sa.select(sa.func.count()).select_from(tables.audit)
    before = await shared.store.read(lambda tx: tx.execute(count).scalar_one())

    with pytest.raises((DBAPIError, Unavailable)):
        await shared.store.write(lambda tx: tx.execute(statement))

    assert await shared.store.read(lambda tx: tx.execute(count).scalar_one()) == before


NOTHING_CHANGED = {
    "sign_in",
    "sign_in.refused",
    "staff.link",
    "staff.forgotten",
    "purchase.resend",
    "replay",
    "webhook.test",
}
"""Kinds of entries that tell what was done, where nothing is another than it was."""


@pytest.mark.asyncio(loop_scope="function")
async def test_every_kind_of_change_tells_what_was_and_what_is(gatepass: Running) -> None:
    """By staff, program, command and policy; keys and tokens by their last four characters at most."""
    await _change_everything(gatepass)

    rows = await gatepass.store.read(lambda tx: tx.rows(sa.select(tables.audit)))
    found = {row["action"]: row["detail"] for row in rows}
    assert set(found) >= {
        "attendee.change", "event.change", "event.call_off", "pass.create", "pass.change", "pass.delete", "payment_provider.change",
        "payment_provider.secret_key", "payment_provider.secret_key.remove", "web_application.rotate", "web_application.end_old_token",
        "switch", "staff.role", "staff.disable", "staff_token.add", "staff_token.revoke", "application.add", "application.secret",
        "application.disable", "webhook.add", "webhook.rotate", "webhook.disable", "webhook.enable", "webhook.remove", "refund",
        "purchase.completed", "purchase.cancelled", "event.late_policy", "staff.password", "attention.close",
    }  # fmt: skip
    made = {"staff.add", "token.add", "staff_token.add", "application.add", "webhook.add", "webhook.redeliver"}
    for action, detail in found.items():
        if action in NOTHING_CHANGED:
            continue
        wanted = {"after"} if action in made or action.endswith((".create", ".associate")) else {"before", "after"}
        wanted = {"before"} if action.endswith(".delete") else wanted
        assert wanted <= set(detail), (action, detail)
    told = str(rows)
    for secret in (STRIPE_KEY, WEBHOOK_SECRET, TOKEN, PASSWORD, "whsec_", "gpst_", "argon2"):
        assert secret not in told, secret


async def _change_everything(gatepass: Running) -> None:
    order, other = await gatepass.paid(), await gatepass.register()
    settled = await gatepass.register()
    here, provider = f"/staff/events/{gatepass.event.id}", f"/staff/providers/{gatepass.provider_id}"
    async with (
        member(gatepass, "administrator") as boss,
        member(gatepass, "viewer") as anna,
        program(gatepass) as script,
    ):
        await script.do("PATCH", f"/events/{gatepass.event.id}", {"name": "Other Summit"})
        event = await script.do(
            "POST", f"/events/{gatepass.event.id}/passes", {"name": "Day", "price": _euro(100), "allocation": 1}
        )
        day = next(one["id"] for one in event["passes"] if one["name"] == "Day")
        await script.do("PATCH", f"/events/{gatepass.event.id}/passes/{day}", {"allocation": 2})
        await boss.post(f"{here}/passes/{day}/remove")
        await script.do("PATCH", f"/providers/{gatepass.provider_id}", {"timeoutMinutes": 31})
        await boss.post(f"{provider}/keys", name="secret_key", secret_key=STRIPE_KEY)
        await boss.post(f"{provider}/keys/remove", name="secret_key")
        (site,) = (await script.do("GET", "/web-applications"))["items"]
        await boss.post(f"/staff/sites/{site['id']}/token")
        await boss.post(f"/staff/sites/{site['id']}/token/end-old")
        await boss.post("/staff/switches", name="demo-payment-confirmation", to="on")
        person = await gatepass.store.read(lambda tx: staff.by_email(tx, anna.email))
        assert person
        await boss.post(f"/staff/people/{person['id']}/role", role="finance", reason="books")
        await boss.post(f"/staff/people/{person['id']}/disable", reason="leaves")
        await boss.post("/staff/account/password", current=PASSWORD, password="another plum kettle orbit")
        people = (await script.do("GET", f"/purchases/{order.id}"))["attendees"]
        await script.do(
            "PATCH", f"/purchases/{order.id}/attendees/{people[0]['id']}", {"lastName": "King", "reason": "Married"}
        )
        await script.do("POST", f"/purchases/{order.id}/refunds", {"reason": "Some", "amount": _euro(100)}, key="r")
        await script.do("POST", f"/purchases/{settled.id}/settle", {"reason": "Cash"}, key="s")
        await script.do("POST", f"/purchases/{other.id}/cancel", {"reason": "Asked"}, key="c")
    await _change_by_command(gatepass)
    await gatepass.until_refunded(order, "succeeded")
    async with program(gatepass) as script:
        wish = {"name": "Other Summit", "reason": "Storm"}
        await script.do("POST", f"/events/{gatepass.event.id}/call-off", wish, key="o")
        _, _, code = await gatepass.command("token", "revoke", script.name)
        assert code == 0
    await gatepass.until_quiet()


def _euro(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "EUR"}


async def _change_by_command(gatepass: Running) -> None:
    assert (await gatepass.command("late-policy", gatepass.event.readable_id, "refund"))[2] == 0
    made, _, _ = await gatepass.command("application", "add", "Reports")
    client = made.split()[5]
    for word in ("secret", "disable"):
        assert (await gatepass.command("application", word, client))[2] == 0, made
    sealer = app.vault(gatepass.installation.settings).sealer
    new = NewEndpoint("https://hooks.contoso.example/a")
    at, _ = await gatepass.store.write(lambda tx: webhooks.add(tx, sealer, new, allow_private=True, actor="test"))
    await gatepass.store.write(lambda tx: webhooks.rotate(tx, sealer, at, "test"))
    for change in (webhooks.disable, webhooks.enable, webhooks.remove):
        await gatepass.store.write(lambda tx, change=change: change(tx, at, "test"))
    await gatepass.notify({"id": "evt_odd", "type": "checkout.session.completed", "data": {"object": {"id": "cs_odd"}}})

    async def entry() -> UUID | None:
        found = await gatepass.store.read(records.needing_attention)
        return found[0]["id"] if found else None

    at = await gatepass.until(entry)
    await gatepass.store.write(lambda tx: attention.close(tx, at, "A test of theirs", "test"))
