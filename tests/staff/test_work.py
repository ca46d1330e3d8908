"""Orders are found by what people say, and helped along; what needs a person is one click from its remedy."""

import re

import sqlalchemy as sa

from gatepass.store import tables
from tests.running import Running

from .browsing import member
from .calling import program
from .test_set_up import said


async def test_an_order_is_found_and_helped_along(gatepass: Running) -> None:
    first, second = await gatepass.paid(), await gatepass.register()
    (payment,) = await gatepass.payments(first.id)
    async with member(gatepass, "finance") as boss:
        for text in (first.email.upper(), "byr", "ada byron", str(first.id), payment.intent_ref or payment.session_ref):
            shown = await boss.get("/staff/purchases", params={"q": text})
            assert f"/staff/purchases/{first.id}" in shown.text, text
        reference = re.search(r"GP-\w{4}-\w{4}", (await boss.get(f"/staff/purchases/{first.id}")).text)
        assert reference
        assert str(first.id) in (await boss.get("/staff/purchases", params={"q": reference[0]})).text
        for wanted, there in (
            ({"state": "completed"}, (True, False)),
            ({"state": "awaiting_payment"}, (False, True)),
            ({"event": str(gatepass.event.id), "since": "7"}, (True, True)),
            ({"q": "nobody"}, (False, False)),
        ):
            listed = (await boss.get("/staff/purchases", params=wanted)).text
            assert (str(first.id) in listed, str(second.id) in listed) == there, wanted

        own = f"/staff/purchases/{second.id}"
        assert (await boss.post(f"{own}/settle", what="completed", reason="")).status_code == 422
        settled = await boss.post(f"{own}/settle", what="completed", reason="Bank transfer")
        assert settled.status_code == 303, said(settled)
        await gatepass.until(lambda: gatepass.mails_to(second.email))
        (person,) = await gatepass.tickets(second.id)
        await boss.post(
            f"{own}/attendees/{person.id}",
            first_name="Augusta",
            last_name="King",
            email="king@example.org",
            reason="Married",
        )
        assert (await boss.post(f"{own}/resend")).status_code == 303
        await gatepass.until(lambda: gatepass.mails_to("king@example.org"))
        for path in (own, f"{own}/help", f"/staff/purchases/{first.id}/help"):
            assert (await boss.get(path)).status_code == 200
    await gatepass.check_promises()


async def test_pages_of_the_list_follow_each_other_without_a_gap(gatepass: Running) -> None:
    made = {(await gatepass.register(pass_name="Free")).id for _ in range(27)}
    async with member(gatepass, "viewer") as viewer:
        seen: list[str] = []
        path: str | None = f"/staff/purchases?event={gatepass.event.id}"
        while path:
            listed = (await viewer.get(path)).text
            seen += re.findall(r'<th scope="row"><a href="/staff/purchases/([0-9a-f-]{36})"', listed)
            following = re.search(r'href="([^"]+)" rel="next"', listed)
            path = following[1].replace("&amp;", "&") if following else None
        assert sorted(seen) == sorted(str(one) for one in made)


async def test_late_money_is_one_click_from_its_remedy(gatepass: Running) -> None:
    await gatepass.change_event(late_policy="attention")
    order = await gatepass.register()
    page = await gatepass.open_pay_page(order)
    await gatepass.free_the_seats_of(order)
    await gatepass.sandbox.pay(page)
    await gatepass.until_status(order, "paid_late")
    async with member(gatepass, "finance") as boss:
        inbox = (await boss.get("/staff/attention")).text
        assert f"/staff/purchases/{order.id}/refund" in inbox
        assert f"/staff/purchases/{order.id}/help" in inbox
        entry = re.search(r"/staff/attention/([0-9a-f-]{36})/close", inbox)
        assert entry
        assert (await boss.post(f"/staff/attention/{entry[1]}/close", reason=" ")).status_code == 422

        settled = await boss.post(f"/staff/purchases/{order.id}/settle", what="completed", reason="There was a place")

        assert settled.status_code == 303, said(settled)
        assert "Nothing needs a person" in (await boss.get("/staff/attention")).text
    await gatepass.check_promises()


async def test_an_order_that_was_given_back_is_not_settled_again(gatepass: Running) -> None:
    order, free = await gatepass.paid(), await gatepass.register(pass_name="Free")
    await gatepass.refund(order)
    await gatepass.until_refunded(order, "succeeded")
    assert (await gatepass.command("release", str(free.id), "--reason", "Not coming"))[2] == 0
    async with member(gatepass, "finance") as boss, program(gatepass) as script:
        for one in (order, free):
            before = await gatepass.payments(one.id)

            page = await boss.post(f"/staff/purchases/{one.id}/settle", what="completed", reason="Bank transfer")
            told = await script.refused(
                "POST", f"/purchases/{one.id}/settle", {"reason": "Bank transfer"}, key=str(one.id)
            )

            assert (page.status_code, "Register the people anew" in page.text) == (409, True)
            assert told == (409, "PurchaseGivenBack")
            assert (await gatepass.purchase(one.id)).status.value == "cancelled"
            assert await gatepass.payments(one.id) == before
        cancelled = await gatepass.register()
        for what in ("cancelled", "completed"):
            settled = await boss.post(f"/staff/purchases/{cancelled.id}/settle", what=what, reason="She called")
            assert settled.status_code == 303, said(settled)
        assert (await gatepass.purchase(cancelled.id)).status.value == "completed"
    assert await gatepass.attention() == []
    await gatepass.check_promises()


async def test_an_event_is_called_off_after_a_look_at_what_it_means(gatepass: Running) -> None:
    order = await gatepass.paid()
    async with member(gatepass, "finance") as boss:
        page = f"/staff/events/{gatepass.event.id}/call-off"
        assert "1 order<" in (await boss.get(page)).text
        assert (await boss.post(page, name="Another", reason="Storm")).status_code == 422
        assert (await boss.post(page, name=gatepass.event.name, reason="Storm")).status_code == 303

        await gatepass.until_refunded(order, "succeeded")
        assert "Everything is done" in (await boss.get(page)).text
        entries = await gatepass.store.read(
            lambda tx: tx.rows(sa.select(tables.audit).where(tables.audit.c.action == "event.call_off"))
        )
        assert [row["detail"]["reason"] for row in entries] == ["Storm"]
    await gatepass.check_promises()
