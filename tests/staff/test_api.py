"""The staff API: from nothing to the first paid registration by JSON alone; work on orders; what it refuses."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from gatepass.services import audit, switches
from gatepass.services.audit import Wanted
from gatepass.services.tokens import Scope
from gatepass.store import staff, tables
from gatepass.web.staff.api.operations import OPERATIONS
from tests.running import STRIPE_KEY, Order, Running

from .browsing import member
from .calling import Program, program

SCHOOL = {
    "name": "Winter School", "starts": "2027-12-01T09:00:00", "ends": "2027-12-03T17:00:00", "timeZone": "Europe/Berlin",
    "currency": "EUR", "place": "Spreehalle, Berlin", "description": "Three days.", "latePolicy": "seat_else_waitlist",
    "registrationCloses": "2027-11-30T22:59:00Z", "capacity": 40,
}  # fmt: skip
FULL = {"name": "Full", "price": {"minor": 74300, "currency": "EUR"}, "allocation": 30}
NOWHERE = "00000000-0000-7000-8000-0000000000ff"


async def test_from_nothing_to_the_first_paid_registration_by_json_alone(gatepass: Running) -> None:
    await gatepass.store.write(lambda tx: switches.put(tx, switches.PAYMENTS, to=False, actor="test"))
    made, said, code = await gatepass.command(
        "token", "add", "deployment", *(word for scope in Scope for word in ("--scope", scope.value))
    )
    assert code == 0, said
    async with httpx.AsyncClient(base_url=gatepass.base_url, timeout=30) as web:
        script = Program("deployment", made.strip(), web)

        provider = await script.do(
            "POST", "/providers", {"name": "Ours", "paymentPageUrl": "/GatewayRedirect/PayWithStripe?"}
        )
        own = f"/providers/{provider['id']}"
        keyed = await script.do("PUT", f"{own}/keys/secret_key", {"value": STRIPE_KEY})
        assert (keyed["keys"]["secretKey"]["lastFour"], STRIPE_KEY in str(keyed)) == (STRIPE_KEY[-4:], False)
        await script.do("POST", f"{own}/webhook")
        checked = await script.do("GET", f"{own}/check")
        assert {line["health"] for line in checked["findings"] if line["what"] == "key"} == {"fine"}

        event = await script.do(
            "POST", "/events", SCHOOL | {"paymentEnabled": True, "paymentProviderId": provider["id"]}
        )
        here = f"/events/{event['id']}"
        assert (event["latePolicy"], event["registrationCloses"]) == ("seat_else_waitlist", "2027-11-30T22:59:00Z")
        event = await script.do("POST", f"{here}/passes", FULL)
        event = await script.do(
            "POST",
            f"{here}/questions",
            {"text": "Meal?", "type": "single_choice", "choices": "Meat\nFish", "required": False},
        )
        assert await script.refused("POST", f"{here}/publish") == (409, "EventNotReady")
        missing = [line["remedy"] for line in event["checklist"] if line["standing"] == "missing"]
        assert missing == ["switches"]
        await script.do("PUT", "/switches/payments", {"on": True})
        event = await script.do("POST", f"{here}/publish")
        site = await script.do("POST", "/web-applications", {"name": "Shop", "origins": ["https://shop.example"]})

        answer = await gatepass.client.post(
            f"{gatepass.api}/events/{event['readableId']}/registrations",
            params={"emApplicationtoken": site["token"]},
            json={"attendees": [_jane(event["passes"][0]["id"])]},
        )
        assert answer.json()["status"] == "Redirect", answer.text
        page = await gatepass.client.get(answer.json()["redirectUrl"])
        await gatepass.sandbox.pay(page.headers["location"])
        purchase = UUID(answer.json()["purchaseId"])
        await gatepass.until_status(Order(purchase, "Redirect", "", ""), "completed")

        told = await script.do("GET", f"/purchases/{purchase}")
        assert (told["status"], told["timeline"]["answer"]["charged"]) == ("completed", "charged")
        figures = await script.do("GET", f"{here}/figures?period=7")
        assert (figures["registrations"]["total"], figures["revenue"][0]["total"]) == (1, 74300)
        assert (figures["passes"][0]["sold"], figures["passes"][0]["left"]) == (1, 29)
        shown = await script.do("GET", f"/web-applications/{site['id']}")
        assert (shown["token"], shown["tokenLastFour"]) == (None, site["token"][-4:])
    entries, _ = await gatepass.store.read(lambda tx: audit.search(tx, Wanted(actor="token deployment")))
    assert {row["action"] for row in entries} >= {
        "payment_provider.create", "payment_provider.secret_key", "event.create", "pass.create", "custom_field.create", "switch",
        "event.change", "web_application.create",
    }  # fmt: skip
    assert not any(
        secret in str(row["detail"]) for row in entries for secret in (STRIPE_KEY, site["token"], made.strip())
    )


async def test_an_event_is_changed_copied_and_called_off(gatepass: Running) -> None:
    order = await gatepass.paid()
    here = f"/events/{gatepass.event.id}"
    async with program(gatepass) as script:
        before = await script.do("GET", here)
        changed = await script.do("PATCH", here, {"name": "Bigger Summit", "version": before["version"]})
        assert (changed["name"], changed["place"]) == ("Bigger Summit", before["place"])
        stale = {"name": "Smaller Summit", "version": before["version"]}
        assert (await script.refused("PATCH", here, stale))[0] in {409, 412}
        rare = next(one for one in changed["passes"] if one["name"] == "Rare")
        dearer = {"price": {"minor": 30000, "currency": "EUR"}}
        priced = await script.do("PATCH", f"{here}/passes/{rare['id']}", dearer)
        assert next(one for one in priced["passes"] if one["name"] == "Rare")["price"]["minor"] == 30000
        in_yen = {"price": {"minor": 1, "currency": "JPY"}}
        assert await script.refused("PATCH", f"{here}/passes/{rare['id']}", in_yen) == (422, "CurrencyDiffers")

        copy = await script.do("POST", f"{here}/copy", {"name": "Next Summit"}, key="copy 1")
        again = await script.do("POST", f"{here}/copy", {"name": "Next Summit"}, key="copy 1")
        assert copy == again
        gone = await script.do("DELETE", f"/events/{copy['id']}/passes/{copy['passes'][0]['id']}")
        assert len(gone["passes"]) == len(copy["passes"]) - 1
        listed = await script.do("GET", "/events?q=summit")
        assert [one["name"] for one in listed["items"]] == ["Next Summit", "Bigger Summit"]

        forecast = await script.do("GET", f"{here}/call-off")
        assert (forecast["cash"], forecast["orders"]) == ([{"minor": 12050, "currency": "EUR"}], {"completed": 1})
        wish = {"name": "Bigger Summit", "reason": "Storm"}
        assert await script.refused("POST", f"{here}/call-off", wish) == (400, "IdempotencyKeyMissing")
        assert await script.refused("POST", f"{here}/call-off", wish | {"name": "?"}, key="a") == (422, "NameDiffers")
        assert (await script.do("POST", f"{here}/call-off", wish, key="b"))["status"] == "cancelled"
        await gatepass.until_refunded(order, "succeeded")
        assert (await script.do("GET", f"{here}/call-off"))["left"] == 0


async def test_money_goes_back_once_however_often_it_is_asked_for(gatepass: Running) -> None:
    order = await gatepass.paid(seats=2)
    own = f"/purchases/{order.id}"
    async with program(gatepass) as script:
        shown = await script.do("GET", own)
        one = shown["attendees"][1]["id"]
        wish = {"reason": "Ill", "attendees": [one]}
        preview = await script.do("POST", f"{own}/refunds/preview", wish)
        assert (preview["amount"]["minor"], preview["left"]["minor"], preview["ends"]) == (12050, 12050, 1)
        assert (await script.do("GET", own))["refundable"]["minor"] == 24100

        answers = await asyncio.gather(*(script.do("POST", f"{own}/refunds", wish, key="ill") for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        assert await script.refused("POST", f"{own}/refunds", wish | {"reason": "?"}, key="ill") == (
            409,
            "IdempotencyKeyReused",
        )
        stale = {"reason": "All", "expectedLeft": 24100}
        assert await script.refused("POST", f"{own}/refunds", stale, key="all") == (409, "RefundStale")
        # What was refused left nothing: the key is free.
        await script.do("POST", f"{own}/refunds", stale | {"expectedLeft": 12050}, key="all")
        await gatepass.until_refunded(order, "succeeded", "succeeded")
        assert await script.refused("POST", f"{own}/refunds", {"reason": "More"}, key="more") == (
            409,
            "AlreadyRefunded",
        )
        whole = {"reason": "x", "amount": {"minor": 10**30, "currency": "EUR"}}
        assert (await script.refused("POST", f"{own}/refunds/preview", whole))[0] == 409
    entries, _ = await gatepass.store.read(lambda tx: audit.search(tx, Wanted(actor=script.actor, action="refund")))
    assert [row["detail"]["before"]["left"] for row in entries] == ["120.50 EUR", "241.00 EUR"]


async def test_an_order_is_found_helped_settled_and_cancelled(gatepass: Running) -> None:
    order, other = await gatepass.register(), await gatepass.register()
    own = f"/purchases/{order.id}"
    async with program(gatepass) as script:
        found = await script.do("GET", f"/purchases?q={order.email}&state=awaiting_payment")
        assert [line["id"] for line in found["items"]] == [str(order.id)]
        person = (await script.do("GET", own))["attendees"][0]
        renamed = {"lastName": "King", "reason": "Married"}
        told = await script.do("PATCH", f"{own}/attendees/{person['id']}", renamed)
        assert (told["attendees"][0]["lastName"], told["attendees"][0]["email"]) == ("King", order.email)
        assert await script.refused("POST", f"{own}/resend", {}) == (409, "NothingToSend")
        assert await script.refused("POST", f"{own}/settle", {}, key="s") == (422, "ReasonMissing")
        settled = await script.do("POST", f"{own}/settle", {"reason": "By transfer"}, key="s")
        assert settled["status"] == "completed"
        assert await script.refused("POST", f"{own}/cancel", {"reason": "Oops"}, key="c") == (409, "PurchaseState")
        await script.do("POST", f"{own}/resend", {})
        await script.do("POST", f"{own}/resend", {"what": "link"})
        cancelled = await script.do("POST", f"/purchases/{other.id}/cancel", {"reason": "Asked by phone"}, key="d")
        assert cancelled["status"] == "cancelled"
    entries, _ = await gatepass.store.read(
        lambda tx: audit.search(tx, Wanted(subject=f"purchase:{order.id}", actor=script.actor))
    )
    change = next(row["detail"] for row in entries if row["action"] == "attendee.change")
    assert (change["before"]["last_name"], change["after"]["last_name"], change["reason"]) == (
        "Byron",
        "King",
        "Married",
    )
    assert "email" not in change["before"]


async def test_what_needs_attention_is_read_page_by_page_and_put_right(gatepass: Running) -> None:
    await gatepass.notify({"id": "evt_odd", "type": "checkout.session.completed", "data": {"object": {"id": "cs_odd"}}})

    async def stands_there() -> bool:
        return bool(await gatepass.attention())

    async with program(gatepass) as script:
        await gatepass.until(stands_there)
        (entry,) = (await script.do("GET", "/attention"))["items"]
        after = await script.do("GET", f"/attention?after={entry['id']}")
        assert after == {"items": [], "next": None}
        own = f"/attention/{entry['id']}"
        if entry["again"]:
            await script.do("POST", f"{own}/again")
            await gatepass.until(stands_there)
            (entry,) = (await script.do("GET", "/attention"))["items"]
            own = f"/attention/{entry['id']}"
        assert await script.refused("POST", f"{own}/close", {}) == (422, "ReasonMissing")
        await script.do("POST", f"{own}/close", {"reason": "A test of theirs"})
        assert (await script.do("GET", "/attention"))["items"] == []


async def test_people_are_invited_given_a_role_and_let_in_no_more(gatepass: Running) -> None:
    async with program(gatepass) as script:
        made = await script.do("POST", "/people", {"email": "Eva@contoso.example", "role": "finance"})
        own = f"/people/{made['id']}"
        assert (made["email"], made["state"]) == ("eva@contoso.example", "invited")
        assert (await script.do("PUT", f"{own}/role", {"role": "viewer", "reason": "Moves"}))["role"] == "viewer"
        await script.do("POST", f"{own}/link", {})
        assert (await script.do("POST", f"{own}/disable", {"reason": "Leaves"}))["state"] == "closed"
        assert (await script.do("POST", f"{own}/enable", {}))["state"] == "invited"
        assert await script.refused("POST", "/people", {"email": "nobody", "role": "viewer"}) == (422, "EmailInvalid")
        assert len((await script.do("GET", "/people"))["items"]) == 2
        told = (await script.do("GET", f"/audit?subject=staff:{made['id']}"))["items"]
    assert [row["action"] for row in told if row["actor"] == script.actor] == [
        "staff.enable", "staff.disable", "staff.link", "staff.role", "staff.add",
    ]  # fmt: skip
    role = next(row["detail"] for row in told if row["action"] == "staff.role")
    assert (role["before"], role["after"], role["reason"]) == ({"role": "finance"}, {"role": "viewer"}, "Moves")


@pytest.mark.parametrize("scope", Scope)
async def test_each_scope_opens_what_it_is_for_and_nothing_else(gatepass: Running, scope: Scope) -> None:
    async with program(gatepass, scope.value) as script:
        for one in OPERATIONS:
            path = one.path
            for name in ("event", "pass", "question", "purchase", "attendee", "provider", "site", "user", "entry"):
                path = path.replace(f"{{{name}_id}}", NOWHERE)
            answer = await script.ask(one.method, path.replace("{name}", "nothing"), key=uuid4().hex, json={})
            assert (answer.status_code == 403) is (one.scope is not scope), (one.method, one.path, answer.text)
            assert answer.status_code < 500
            if answer.status_code == 403:
                assert (answer.json()["code"], "insufficient_scope" in answer.headers["www-authenticate"]) == (
                    "ScopeMissing",
                    True,
                )


async def test_a_token_makes_nobody_an_administrator(gatepass: Running) -> None:
    by_people = (403, "AdministratorByPeople")
    async with program(gatepass, "admin") as script, member(gatepass, "administrator") as boss:
        assert (
            await script.refused("POST", "/people", {"email": "eve@contoso.example", "role": "administrator"})
            == by_people
        )
        eve = (
            f"/people/{(await script.do('POST', '/people', {'email': 'eve@contoso.example', 'role': 'viewer'}))['id']}"
        )
        assert await script.refused("PUT", f"{eve}/role", {"role": "administrator"}) == by_people
        once = next(one for one in (await script.do("GET", "/people"))["items"] if one["email"] == boss.email)
        await boss.change_account(disabled=datetime.now(UTC))
        assert await script.refused("POST", f"/people/{once['id']}/enable", {}) == by_people
        roles = {one["email"]: (one["role"], one["state"]) for one in (await script.do("GET", "/people"))["items"]}
    assert (roles["eve@contoso.example"], roles[boss.email][1]) == (("viewer", "invited"), "closed")


async def test_a_token_is_shown_once_kept_as_a_hash_and_ends(gatepass: Running) -> None:
    async with member(gatepass, "administrator") as boss, program(gatepass, "read") as script:
        page = await boss.post("/staff/tokens", name="Reports", scope_read="on", days="30")
        token = page.text.partition('aria-label="Token"><code>')[2].partition("<")[0]
        assert (token.startswith("gpst_"), token in (await boss.get("/staff/tokens")).text) == (True, False)
        kept = await gatepass.store.read(lambda tx: tx.rows(sa.select(tables.staff_token)))
        assert token not in str(kept)
        again = await boss.post("/staff/tokens", name="Reports", scope_read="on", days="30")
        assert (again.status_code, "Revoke it" in again.text) == (409, True)
        for wrong in ({"name": ""}, {"days": "367"}, {"days": "x"}, {"days": "0"}, {"scope_read": ""}):
            form = {
                name: value
                for name, value in ({"name": "Other", "scope_read": "on", "days": "9"} | wrong).items()
                if value or name == "name"
            }
            assert (await boss.post("/staff/tokens", **form)).status_code == 422, wrong

        reports = Program("Reports", token, script.web)
        assert (await reports.do("GET", "/events"))["items"]
        row = next(row for row in kept if row["name"] == "Reports")
        used = await gatepass.store.read(
            lambda tx: tx.rows(sa.select(tables.staff_token.c.last_used).where(tables.staff_token.c.id == row["id"]))
        )
        assert used[0]["last_used"]
        assert (await boss.post(f"/staff/tokens/{row['id']}/revoke")).status_code == 303
        assert await reports.refused("GET", "/events") == (401, "SignInNeeded")
        listed, _, _ = await gatepass.command("token", "list")
        assert any(line.startswith("Reports") and "revoked" in line for line in listed.splitlines())
        _, _, code = await gatepass.command("token", "revoke", script.name)
        assert (code, await script.refused("GET", "/events")) == (0, (401, "SignInNeeded"))

        over = sa.update(tables.staff_token).where(tables.staff_token.c.id == row["id"])
        past = datetime.now(UTC) - timedelta(seconds=1)
        await gatepass.store.write(lambda tx: tx.execute(over.values(revoked=None, expires=past)))
        assert await reports.refused("GET", "/events") == (401, "SignInNeeded")
        for header in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": f"Bearer {STRIPE_KEY}"}):
            answer = await script.web.get("/staff/api/v1/events", headers=header)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        # A session of a browser is no token: there is nothing that a foreign page could ride on.
        assert (await boss.get("/staff/api/v1/events")).status_code == 401


async def test_who_was_refused_is_logged_without_a_name(gatepass: Running, capsys: pytest.CaptureFixture[str]) -> None:
    async with member(gatepass, "viewer") as anna, program(gatepass, "read") as script:
        await anna.get("/staff/people")
        await script.refused("GET", "/people")
        row = await gatepass.store.read(lambda tx: staff.by_email(tx, anna.email))
    assert row
    said = [line for line in capsys.readouterr().out.splitlines() if "refused" in line]
    assert any("staff.refused" in line and str(row["id"]) in line and "/staff/people" in line for line in said), said
    assert any("staff_api.refused" in line and "ScopeMissing" in line for line in said), said
    assert not any(anna.email in line or script.token in line for line in said)


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/events", {"name": "x"}, (422, "ValueInvalid")),
        ("POST", "/events", SCHOOL | {"held": 3}, (422, "ValueInvalid")),
        ("POST", "/events", SCHOOL | {"currency": "XXX"}, (422, "CurrencyUnknown")),
        ("POST", "/events", SCHOOL | {"ends": "2027-11-01T09:00:00"}, (422, "RuleBroken")),
        ("POST", "/events", SCHOOL | {"starts": "0001-01-01T00:00:00"}, (422, "NumberOutOfRange")),
        ("POST", "/events", SCHOOL | {"registrationCloses": "0001-01-01T00:00:00+14:00"}, (422, "NumberOutOfRange")),
        ("POST", "/events", SCHOOL | {"name": "a\0b"}, (400, "JsonMalformed")),
        ("POST", "/events", SCHOOL | {"paymentProviderId": NOWHERE}, (404, "RecordMissing")),
        ("GET", "/events/nonsense", None, (404, "RecordMissing")),
        ("GET", "/events?status=odd", None, (400, "QueryInvalid")),
        ("GET", "/events?before=x", None, (400, "QueryInvalid")),
        ("GET", "/events?odd=1", None, (400, "QueryInvalid")),
        ("GET", "/events?q=%00", None, (400, "QueryInvalid")),
        ("GET", "/nothing", None, (404, "AddressUnknown")),
        ("DELETE", "/events", None, (405, "MethodWrong")),
        ("PUT", "/switches/odd", {"on": True}, (422, "SwitchUnknown")),
        ("PUT", f"/providers/{NOWHERE}/keys/secret_key", {"value": "sk_test_x"}, (404, "ProviderUnknown")),
        ("GET", f"/purchases/{NOWHERE}", None, (404, "PurchaseUnknown")),
        ("PUT", "/switches/%00", {"on": True}, (422, "SwitchUnknown")),
        ("DELETE", "/events/%00/passes/%00", None, (404, "RecordMissing")),
    ],
)  # fmt: skip
async def test_every_refusal_has_one_shape(
    gatepass: Running, method: str, path: str, body: Any, expected: tuple[int, str]
) -> None:
    async with program(gatepass) as script:
        assert await script.refused(method, path, body) == expected


async def test_a_key_of_no_name_is_refused(gatepass: Running) -> None:
    own = f"/providers/{gatepass.provider_id}/keys"
    async with program(gatepass) as script:
        for name in ("odd", "%00", "x" * 1000):
            assert await script.refused("PUT", f"{own}/{name}", {"value": "sk_test_1"}) == (422, "KeyUnknown")
            assert await script.refused("DELETE", f"{own}/{name}") == (422, "KeyUnknown")


async def test_a_refusal_names_the_member_that_is_wrong(gatepass: Running) -> None:
    async with program(gatepass) as script:
        wrong = {
            "price.minor": FULL | {"price": {"minor": "x", "currency": "EUR"}},
            "allocation": FULL | {"allocation": -1},
        }
        for member_, body in wrong.items():
            answer = await script.ask("POST", f"/events/{gatepass.event.id}/passes", json=body)
            assert (answer.status_code, answer.json()["field"]) == (422, member_)
        refused = await script.ask("POST", "/events", json=SCHOOL | {"timeZone": "Berlin"})
        assert "There is no time zone" in refused.json()["detail"]


def _jane(pass_id: str) -> dict[str, str]:
    return {"firstName": "Jane", "lastName": "Doe", "email": "jane@contoso.example", "passId": pass_id}
