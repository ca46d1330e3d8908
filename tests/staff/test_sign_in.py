"""People sign in: by password and second factor, once more before what matters, and by links that work once."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyotp
import pytest

from gatepass.services import access, accounts, passwords, tries
from gatepass.services.sessions import FRESH_FORM, IDLE, LIFE
from gatepass.store import staff
from tests.running import Running

from .browsing import PASSWORD, Staff, code_now, member

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_password_opens_and_signing_out_closes(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        assert (await anna.get("/staff")).status_code == 200

        assert (await anna.post("/staff/sign-out")).status_code == 303

        assert (await anna.get("/staff")).headers["location"].startswith("/staff/sign-in")


async def test_a_stolen_cookie_is_worth_nothing_after_signing_out(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        stolen = dict(anna.web.cookies)
        await anna.post("/staff/sign-out")

        anna.web.cookies.update(stolen)

        assert (await anna.get("/staff")).status_code == 303


@pytest.mark.parametrize(("column", "age"), [("seen", IDLE), ("expires", timedelta(0))])
async def test_a_session_ends_by_itself(shared: Running, column: str, age: timedelta) -> None:
    async with member(shared, "viewer") as anna:
        await anna.age_session(**{column: age + timedelta(seconds=1)})

        assert (await anna.get("/staff")).status_code == 303


async def test_a_session_lives_half_a_day_at_most(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        row = await anna.session()

        assert row["expires"] - row["created"] == LIFE
        assert row["token_hash"] == access.hashed(anna.web.cookies["gatepass_staff"])


async def test_signing_out_elsewhere_leaves_this_one(shared: Running) -> None:
    async with member(shared, "viewer") as here, Staff(shared, here.email).opened() as there:
        await there.signs_in()

        await here.post("/staff/account/sign-out")

        assert (await here.get("/staff")).status_code == 200
        assert (await there.get("/staff")).status_code == 303


async def test_the_second_factor_is_asked_for_and_each_code_works_once(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        secret, codes = await anna.sets_up_second_factor()
        await anna.post("/staff/sign-out")

        assert (await anna.signs_in()).headers["location"] == "/staff/sign-in/code?next=%2Fstaff"
        assert (await anna.get("/staff")).status_code == 303
        used = await shared.store.read(lambda tx: staff.by_email(tx, anna.email))
        assert used
        again = pyotp.TOTP(secret).at(used["last_step"] * 30)
        assert (await anna.post("/staff/sign-in/code", code=again)).status_code == 422
        assert (await anna.post("/staff/sign-in/code", code=codes[0])).status_code == 303
        assert (await anna.get("/staff")).status_code == 200

        await anna.post("/staff/sign-out")
        await anna.signs_in()
        assert (await anna.post("/staff/sign-in/code", code=codes[0])).status_code == 422
        assert (await anna.post("/staff/sign-in/code", code=codes[1].upper().replace("-", " "))).status_code == 303


async def test_a_new_code_of_the_app_opens(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        secret, _ = await anna.sets_up_second_factor()
        await anna.change_account(last_step=int(time.time()) // 30 - 5)
        await anna.post("/staff/sign-out")
        await anna.signs_in()

        assert (await anna.post("/staff/sign-in/code", code=code_now(secret))).status_code == 303
        assert (await anna.get("/staff")).status_code == 200


async def test_guessing_codes_has_to_wait(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        await anna.sets_up_second_factor()
        await anna.post("/staff/sign-out")
        await anna.signs_in()

        answers = [(await anna.post("/staff/sign-in/code", code="000000")).status_code for _ in range(11)]

        assert answers == [422] * tries.PER_PAIR + [429]


async def test_a_lost_phone_is_the_administrators_matter(shared: Running) -> None:
    async with member(shared, "viewer") as anna, member(shared, "administrator") as boss:
        await anna.sets_up_second_factor()
        row = await shared.store.read(lambda tx: staff.by_email(tx, anna.email))
        assert row

        await boss.post(f"/staff/people/{row['id']}/second-factor", reason="lost her phone")

        assert (await anna.get("/staff")).status_code == 303
        assert (await anna.signs_in()).headers["location"] == "/staff"


async def test_strangers_cannot_lock_an_account_for_its_owner(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        await anna.post("/staff/sign-out")
        key = tries._key("password", "account", anna.email)
        await shared.store.write(lambda tx: staff.add_tries(tx, [key] * tries.PER_ACCOUNT))

        async with Staff(shared, anna.email).opened() as stranger:
            assert (await stranger.signs_in()).status_code == 429
        assert (await anna.signs_in()).status_code == 303
        assert (await anna.get("/staff")).status_code == 200


async def test_a_hundred_at_once_count_as_a_hundred(shared: Running) -> None:
    import asyncio

    async with member(shared, "viewer") as anna, Staff(shared, anna.email).opened() as stranger:
        answers = await asyncio.gather(*(stranger.signs_in(password="wrong guess number") for _ in range(30)))

        assert sum(answer.status_code == 422 for answer in answers) == tries.PER_PAIR


async def test_who_signs_in_ends_the_session_that_the_browser_had(shared: Running) -> None:
    async with member(shared, "viewer") as anna, member(shared, "finance") as boss:
        before = dict(anna.web.cookies)
        await Staff(shared, boss.email, web=anna.web).signs_in()
        assert anna.web.cookies["gatepass_staff"] != before["gatepass_staff"]

        async with Staff(shared, anna.email).opened() as thief:
            thief.web.cookies.update(before)
            assert (await thief.get("/staff")).status_code == 303


async def test_the_web_api_changes_nothing_for_a_session_that_is_not_fresh(shared: Running) -> None:
    async with member(shared, "administrator") as anna:
        url = "/api/data/v9.2/contacts"
        assert (await anna.web.post(url, json={"lastname": "Byron"})).status_code == 204
        await anna.age_session(confirmed=FRESH_FORM)

        stale = await anna.web.post(url, json={"lastname": "Byron"})

        assert (stale.status_code, "/staff/confirm" in stale.text) == (403, True)
        assert (await anna.get(f"{url}?$top=1")).status_code == 200


async def test_before_a_refund_somebody_shows_once_more_who_it_is(shared: Running) -> None:
    async with member(shared, "finance") as anna:
        page = f"/staff/purchases/{uuid4()}/refund"
        assert (await anna.get(page)).status_code == 404
        await anna.age_session(confirmed=FRESH_FORM)

        asked = await anna.get(page)
        assert asked.headers["location"].startswith("/staff/confirm?next=%2Fstaff%2Fpurchases%2F")
        assert (await anna.post(page, reason="x")).headers["location"].startswith("/staff/confirm")
        assert (await anna.post("/staff/confirm", proof="wrong", next=page)).status_code == 422
        assert (await anna.get(page)).status_code == 303

        assert (await anna.post("/staff/confirm", proof=PASSWORD, next=page)).headers["location"] == page
        assert (await anna.get(page)).status_code == 404


async def test_with_a_second_factor_the_password_confirms_nothing(shared: Running) -> None:
    async with member(shared, "finance") as anna:
        _, codes = await anna.sets_up_second_factor()

        assert (await anna.post("/staff/confirm", proof=PASSWORD)).status_code == 422
        assert (await anna.post("/staff/confirm", proof=codes[2])).status_code == 303


async def test_an_invitation_is_mailed_and_its_link_works_once(shared: Running) -> None:
    email = f"{uuid4().hex[:8]}@contoso.example"
    async with member(shared, "administrator") as boss, Staff(shared, email).opened() as guest:
        invited = await boss.post("/staff/people", email=email, name="Ben", role="event_staff")
        assert invited.headers["location"].startswith("/staff/people/")
        link = await guest.mailed_link()

        assert (await guest.get(link)).status_code == 200
        assert (await guest.get(link)).status_code == 200
        weak = await guest.post(link, password="short")
        assert (weak.status_code, "12 to 200" in weak.text) == (422, True)
        assert (await guest.post(link, password=PASSWORD)).status_code == 303

        assert (await guest.post(link, password="another one of them")).status_code == 404
        assert (await guest.signs_in()).headers["location"] == "/staff"
        assert "event staff" in (await guest.get("/staff")).text


async def test_a_reset_ends_every_session_and_tells_nobody_who_has_an_account(shared: Running) -> None:
    async with member(shared, "viewer") as anna, Staff(shared, anna.email).opened() as forgetful:
        unknown = await forgetful.post("/staff/forgot", email="nobody@contoso.example")
        known = await forgetful.post("/staff/forgot", email=anna.email)
        assert unknown.text == known.text
        link = await forgetful.mailed_link()
        await forgetful.post("/staff/forgot", email=anna.email)

        await forgetful.post(link, password="a brand new secret phrase")

        assert (await anna.get("/staff")).status_code == 303
        assert (await anna.signs_in()).status_code == 422
        assert (await forgetful.signs_in(password="a brand new secret phrase")).status_code == 303


@pytest.mark.parametrize("change", [{"link_ends": datetime(2020, 1, 1, tzinfo=UTC)}, {"link": None}])
async def test_a_link_that_is_over_opens_nothing(shared: Running, change: dict[str, Any]) -> None:
    async with member(shared, "viewer") as anna:
        user = await shared.store.write(lambda tx: accounts.printed_link(tx, anna.email, "test"))
        link = accounts.address_of(shared.installation.desk.links, user)
        await anna.change_account(**change)

        assert (await anna.get(link)).status_code == 404
        assert (await anna.post(link, password=PASSWORD)).status_code == 404
        assert (await anna.get(f"{link[:-3]}abc")).status_code == 404


async def test_a_changed_password_signs_out_elsewhere(shared: Running) -> None:
    async with member(shared, "viewer") as here, Staff(shared, here.email).opened() as there:
        await there.signs_in()

        wrong = await here.post("/staff/account/password", current="not it at all", password="plenty of new words")
        assert wrong.status_code == 422
        assert (
            await here.post("/staff/account/password", current=PASSWORD, password="plenty of new words")
        ).status_code == 303

        assert (await here.get("/staff")).status_code == 200
        assert (await there.get("/staff")).status_code == 303


async def test_a_closed_account_is_signed_out_at_once_and_stays_out(shared: Running) -> None:
    async with member(shared, "viewer") as anna:
        await shared.store.write(lambda tx: accounts.disable(tx, anna.email, "test", "left us"))

        assert (await anna.get("/staff")).status_code == 303
        assert (await anna.signs_in()).status_code == 422


@pytest.mark.parametrize(
    "password",
    ["short", "aaaaaaaaaaaaaaa", "q1w2e3r4t5y6", "anna.miller@contoso.example", "gatepasspassword", "x" * 201],
)
async def test_weak_passwords_are_refused(password: str) -> None:
    with pytest.raises(Exception, match="will not do"):
        passwords.check(password, "anna.miller@contoso.example", "Anna Miller")


async def test_no_page_tells_a_hash(shared: Running) -> None:
    async with member(shared, "administrator") as boss:
        for path in ("/staff/people", "/staff/account", "/staff/audit"):
            page = await boss.get(path)
            assert not re.search(r"argon2|[0-9a-f]{64}", page.text), path
