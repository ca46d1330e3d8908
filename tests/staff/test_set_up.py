"""From nothing to the first paid registration by the staff pages alone, and what the pages refuse."""

import re
from datetime import UTC, datetime
from uuid import UUID

import httpx
import sqlalchemy as sa

from gatepass import model
from gatepass.domain.event import EventStatus
from gatepass.services import access, mode, switches
from gatepass.services.sessions import FRESH_FORM
from gatepass.store import events, people, rows, tables
from gatepass.web.staff.api.shapes import camel
from tests.running import STRIPE_KEY, WEBHOOK_SECRET, Running

from .browsing import PASSWORD, Staff, member
from .calling import program

SUMMIT = {
    "name": "Winter School", "place": "Spreehalle, Berlin", "description": "Three days.", "image_url": "https://contoso.example/a.jpg",
    "starts": "2027-12-01T09:00", "ends": "2027-12-03T17:00", "time_zone": "Europe/Berlin", "registration_closes": "2027-11-30T23:59",
    "capacity": "40", "late_policy": "700000000", "refund_terms": "Everything until November.", "websitepreference": "",
}  # fmt: skip
FULL = {"name": "Full pass", "description": "All days", "price_minor": "743.00", "allocation": "30"}


def said(answer: httpx.Response) -> list[str]:
    """What a page complains of."""
    return re.findall(r'<(?:div class="notice"|p class="error").*?</(?:div|p)>', answer.text, re.S)


def last_part(answer: httpx.Response) -> str:
    """The id at the end of where a form led to."""
    assert answer.status_code == 303, said(answer)
    return answer.headers["location"].removesuffix("/edit").rpartition("/")[2]


async def currency_id(system: Running, code: str) -> str:
    currency = tables.DECLARED["transactioncurrency"].c
    wanted = sa.select(currency.id).where(currency.iso_code == code)
    return str(await system.store.read(lambda tx: tx.execute(wanted).scalar_one()))


async def made_event(boss: Staff, **changes: str) -> str:
    form = SUMMIT | {"currency": await currency_id(boss.system, "EUR"), "payment_provider_id": ""} | changes
    return last_part(await boss.post("/staff/events/new", **form))


async def test_from_nothing_to_the_first_paid_registration(gatepass: Running) -> None:
    await gatepass.store.write(lambda tx: switches.put(tx, switches.PAYMENTS, to=False, actor="test"))
    async with member(gatepass, "administrator") as boss:
        provider = last_part(
            await boss.post(
                "/staff/providers/new",
                name="Our Stripe",
                kind="stripe",
                payment_page_url="/GatewayRedirect/PayWithStripe?",
                timeout_minutes="30",
            )
        )
        event = await made_event(boss)
        page = f"/staff/events/{event}"
        assert (await boss.post(f"{page}/passes/new", **FULL)).status_code == 303

        missing = await boss.get(page)
        assert "Payments are switched off" in missing.text
        assert "No payment provider is chosen" in missing.text
        assert "disabled>Go live" in missing.text
        too_early = await boss.post(f"{page}/publish")
        assert (too_early.status_code, "cannot go live yet" in too_early.text) == (409, True)

        assert (await boss.post("/staff/switches", name="payments", to="on")).status_code == 303
        version = re.search(r'name="version" value="(\d+)"', (await boss.get(f"{page}/edit")).text)
        assert version
        changed = SUMMIT | {
            "currency": await currency_id(gatepass, "EUR"), "payment_provider_id": provider, "payment_enabled": "on", "version": version[1],
        }  # fmt: skip
        assert (await boss.post(f"{page}/edit", **changed)).status_code == 303
        stale = await boss.post(f"{page}/edit", **changed)
        assert (stale.status_code, "Somebody else has changed this" in stale.text) == (409, True)
        ready = await boss.get(page)
        assert "No notification of Our Stripe was seen yet" in ready.text
        assert (await boss.post(f"{page}/publish")).status_code == 303

        pass_id = re.search(
            r'<option value="([0-9a-f-]{36})">Winter School', (await boss.get(f"/staff/providers/{provider}")).text
        )
        assert pass_id
        paying = await boss.post(f"/staff/providers/{provider}/test-payment", **{"pass": pass_id[1]})
        hosted = await gatepass.client.get(paying.headers["location"])
        await gatepass.sandbox.pay(hosted.headers["location"])

        async def sold() -> bool:
            found = await gatepass.store.read(lambda tx: events.get(tx, UUID(event)))
            return bool(found and found.sold == 1)

        await gatepass.until(sold)
        seen = await boss.get(page)
        assert "Notifications of Our Stripe arrive" in seen.text
    await gatepass.check_promises()


async def test_what_a_program_publishes_too_early_is_said_and_takes_no_money(gatepass: Running) -> None:
    """A client of Dynamics sets the status to live whenever it wants, and may take the money by a service of its own."""
    system = await gatepass.at(("Full", 12050, 10), status=EventStatus.DRAFT, provider_id=None)
    await gatepass.store.write(lambda tx: access.add_program(tx, "dynamics", "administrator", "token-of-dynamics"))
    url = f"{gatepass.base_url}/api/data/v9.2/msevtmgt_events({system.event.id})"
    headers = {"Authorization": "Bearer token-of-dynamics"}
    async with member(gatepass, "event_staff") as planner:
        page = f"/staff/events/{system.event.id}"
        assert "It is live, and" not in (await planner.get(page)).text

        live = await gatepass.client.patch(url, json={"msevtmgt_publishstatus": 100000003}, headers=headers)

        assert live.status_code == 204, live.text
        warned = (await planner.get(page)).text.partition("It is live, and something is missing")[2]
        assert "No payment provider is chosen" in warned.partition("</div>")[0]
        assert (await system.register()).pay_url == ""


async def test_a_form_keeps_what_was_typed_and_says_what_is_wrong(gatepass: Running) -> None:
    async with member(gatepass, "event_staff") as planner:
        euro = await currency_id(gatepass, "EUR")
        form = SUMMIT | {"currency": euro, "payment_provider_id": ""}

        refused = {
            name: await planner.post("/staff/events/new", **(form | {name: value}))
            for name, value in {
                "name": "x" * 101, "starts": "soon", "capacity": "many", "ends": "2027-01-01T09:00", "time_zone": "Berlin",
                "registration_opens": "2027-03-28T02:30", "currency": "", "late_policy": "1",
                "payment_provider_id": "01234567-89ab-cdef-0123-456789abcdef",
            }.items()
        }  # fmt: skip

        assert {answer.status_code for answer in refused.values()} <= {404, 422}
        assert [name for name, answer in refused.items() if "Three days." not in answer.text] == []
        assert [said(answer) for answer in refused.values() if "msevtmgt" in answer.text] == []
        assert 'id="starts-error"' in refused["starts"].text
        assert "There is no time zone" in refused["time_zone"].text
        assert "does not exist: clocks go forward that night" in refused["registration_opens"].text


async def test_before_buyers_are_sent_elsewhere_somebody_shows_once_more_who_it_is(gatepass: Running) -> None:
    async with member(gatepass, "administrator") as boss:
        provider = f"/staff/providers/{gatepass.provider_id}"
        elsewhere = {
            "name": "Ours",
            "kind": "stripe",
            "payment_page_url": "https://evil.example/?",
            "timeout_minutes": "30",
        }
        site = {"name": "Shop", "origins": "https://evil.example", "return_url": "https://evil.example/thanks"}
        switch = {"name": "payments", "to": "off"}
        await boss.age_session(confirmed=FRESH_FORM)

        for path, form in ((provider, elsewhere), ("/staff/sites/new", site), ("/staff/switches", switch)):
            asked = await boss.post(path, **form)
            assert asked.headers["location"].startswith("/staff/confirm"), path

        assert "evil.example" not in (await boss.get(provider)).text + (await boss.get("/staff/sites")).text
        assert await switches.is_on(gatepass.store, switches.PAYMENTS)
        await boss.post("/staff/confirm", proof=PASSWORD)
        assert (await boss.post("/staff/sites/new", **site)).status_code == 200


NONSENSE = {
    "event": (
        ("name", "", "ValueMissing"), ("name", " \u200b ", "ValueMissing"), ("name", "Summit\r\nBcc: eve@evil.example", "ValueInvalid"),
        ("name", "Summit\x07", "ValueInvalid"), ("place", "Hall\nB", "ValueInvalid"),
        ("contact_email", "Ann <ann@contoso.com>", "RuleBroken"), ("contact_email", "ann@contoso.com?bcc=eve", "RuleBroken"),
        ("contact_email", "ann", "RuleBroken"),
        ("time_zone", "localtime", "RuleBroken"), ("time_zone", "Factory", "RuleBroken"),
    ),
    "payment_provider": (("name", "", "ValueMissing"), ("payment_page_url", "", "ValueMissing"), ("payment_page_url", " ", "RuleBroken")),
    "web_application": (("name", "\t", "ValueInvalid"), ("name", "", "ValueMissing")),
}  # fmt: skip
"""By table: our name of a column, what somebody gives for it, and the refusal."""


async def test_nonsense_is_refused_the_same_at_every_door(gatepass: Running) -> None:
    await gatepass.store.write(lambda tx: access.add_program(tx, "dynamics", "administrator", "token-of-dynamics"))
    headers = {"Authorization": "Bearer token-of-dynamics"}
    (site,) = await gatepass.store.read(people.web_applications)
    doors = {
        "event": (gatepass.event.id, "/events", "/staff/events/{}/edit"),
        "payment_provider": (gatepass.provider_id, "/providers", "/staff/providers/{}"),
        "web_application": (site["id"], "/web-applications", "/staff/sites/{}"),
    }
    async with member(gatepass, "administrator") as boss, program(gatepass) as script:
        for name, cases in NONSENSE.items():
            table, (at, path, page) = model.BY_NAME[name], doors[name]
            before = await gatepass.store.read(lambda tx, table=table, at=at: rows.find(tx, table, at))
            for column, value, code in cases:
                api = await script.refused("PATCH", f"{path}/{at}", {camel(column): value})
                assert api == (422, code), (column, value)
                url = f"{gatepass.base_url}/api/data/v9.2/{table.set_name}({at})"
                body = {table.by_name[column].logical: value}
                assert (await gatepass.client.patch(url, json=body, headers=headers)).status_code == 400, (
                    column,
                    value,
                )
                posted = await boss.post(page.format(at), **{column: value})
                assert posted.status_code == 422, (column, value)
            assert await gatepass.store.read(lambda tx, table=table, at=at: rows.find(tx, table, at)) == before


async def test_a_provider_takes_the_money_of_its_installation(gatepass: Running) -> None:
    ours = {"name": "Ours", "paymentPageUrl": "/GatewayRedirect/PayWithStripe?"}
    async with program(gatepass, "admin") as script:
        live = await script.ask("POST", "/providers", json=ours | {"live": True})
        assert (live.status_code, live.json()["code"]) == (422, "RuleBroken")
        assert "takes test money (GATEPASS_MODE)" in live.json()["detail"]
        assert (await script.do("POST", "/providers", ours))["live"] is False
    await mode.tell(gatepass.store, live=True)
    async with program(gatepass, "admin") as script:
        assert (await script.do("POST", "/providers", ours | {"name": "Another"}))["live"] is True
    said, why, code = await gatepass.command("provider", "add", "A third")
    assert (code, "takes live money" in why) == (2, True), said


async def test_an_event_is_copied_with_passes_and_all_four_kinds_of_questions(gatepass: Running) -> None:
    async with member(gatepass, "event_staff") as planner:
        event = await made_event(planner)
        page = f"/staff/events/{event}"
        await planner.post(f"{page}/passes/new", **FULL)
        for kind, choices in enumerate(("", "", "Meat\nFish", "S\nM\nL")):
            made = await planner.post(
                f"{page}/questions/new", text=f"Question {kind}", type=str(100000000 + kind), choices=choices
            )
            assert made.status_code == 303, said(made)
        without = await planner.post(f"{page}/questions/new", text="Which?", type="100000002", choices="")
        assert (without.status_code, "needs choices" in without.text) == (422, True)

        copy = last_part(await planner.post(f"{page}/copy", name="Summer School"))

        found = await gatepass.store.read(lambda tx: events.get(tx, UUID(copy)))
        assert found
        assert (found.name, found.status.value, [one.price.minor for one in found.passes]) == (
            "Summer School",
            "draft",
            [74300],
        )
        shown = await planner.get(f"/staff/events/{copy}")
        assert [f"Question {kind}" in shown.text for kind in range(4)] == [True] * 4
        tie = re.search(rf"/staff/events/{copy}/questions/([0-9a-f-]+)", shown.text)
        assert tie
        assert (await planner.post(f"/staff/events/{copy}/questions/{tie[1]}/remove")).status_code == 303
        assert (await planner.post(f"/staff/events/{copy}/passes/{found.passes[0].id}/remove")).status_code == 303
        assert (await planner.get(f"{page}/passes/{found.passes[0].id}")).status_code == 404


async def test_a_token_is_shown_once_and_the_one_before_counts_a_while(gatepass: Running) -> None:
    async with member(gatepass, "administrator") as boss:
        made = await boss.post(
            "/staff/sites/new", name="Shop", origins="https://a.example\nhttp://localhost:*", return_url=""
        )
        token = re.search(r'aria-label="Token"><code>([^<]+)', made.text)
        assert token
        rows = await gatepass.store.read(people.web_applications)
        at = next(row["id"] for row in rows if row["name"] == "Shop")
        assert token[1] not in (await boss.get(f"/staff/sites/{at}")).text

        again = await boss.post(f"/staff/sites/{at}/token")
        second = re.search(r'aria-label="Token"><code>([^<]+)', again.text)
        assert second
        assert second[1] != token[1]
        for each in (token[1], second[1]):
            answer = await gatepass.client.get(f"{gatepass.api}/events/published", params={"emApplicationtoken": each})
            assert answer.status_code == 200
        assert "last used: never" not in (await boss.get(f"/staff/sites/{at}")).text.lower()

        ended = await boss.post(f"/staff/sites/{at}/token/end-old")
        assert ended.headers["location"] == f"/staff/sites/{at}"
        found = await gatepass.store.read(
            lambda tx: [people.web_application_by_token(tx, one, datetime.now(UTC)) for one in (token[1], second[1])]
        )
        assert [one is not None for one in found] == [False, True]


async def test_a_key_is_written_never_read_and_used_at_once(gatepass: Running) -> None:
    async with member(gatepass, "administrator") as boss:
        own = f"/staff/providers/{gatepass.provider_id}"
        wrong = await boss.post(f"{own}/keys", name="secret_key", secret_key="pk_test_nonsense")
        assert (wrong.status_code, "pk_test_nonsense" in wrong.text) == (422, False)
        other_mode = await boss.post(f"{own}/keys", name="secret_key", secret_key="sk_live_1234567890abcdef")
        assert "live key" in other_mode.text

        stored = await boss.post(f"{own}/keys", name="secret_key", secret_key=STRIPE_KEY + "_wrong_key_0000")
        checked = await boss.get(stored.headers["location"])
        assert ("Broken" in checked.text, "0000" in checked.text, STRIPE_KEY in checked.text) == (True, True, False)

        await boss.post(f"{own}/keys", name="secret_key", secret_key=STRIPE_KEY)
        fine = await boss.get(f"{own}/check")
        assert "Stripe accepts it" in fine.text
        registered = await boss.post(f"{own}/webhook")
        assert registered.status_code == 303, said(registered)
        assert WEBHOOK_SECRET not in (await boss.get(own)).text
        await gatepass.paid()
        await boss.post(f"{own}/keys/remove", name="secret_key")
    await gatepass.check_promises()
