"""Staff of the completion service: an order is found, understood, asked about again, and its money given back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gatepass.domain.purchase import Status
from gatepass.domain.remote import Word
from gatepass.web.routes import remote_routes, routes
from gatepass.web.staff.door import Page
from gatepass.web.staff.routes import PAGES, REMOTE_PAGES
from tests.remote.line import Trouble
from tests.remote.pair import Pair
from tests.running import SITE, Order
from tests.staff.browsing import Staff, member
from tests.staff.test_roles import FRESH, MAY, MONEY


async def test_an_order_is_found_by_its_name_its_id_and_what_the_provider_calls_it(pair: Pair) -> None:
    paid, waiting = await _confirmed(pair), await pair.register()
    await pair.open_pay_page(waiting)
    name = (await pair.kept(paid)).name
    refs = await _references(pair, paid)
    async with _somebody(pair, "viewer") as viewer:
        for text in (str(paid.id), name, name[:-1].lower() if name else "", *refs):
            shown = (await viewer.get("/staff/purchases", params={"q": text})).text
            assert f"/staff/purchases/{paid.id}" in shown, text
        assert str(waiting.id) not in (await viewer.get("/staff/purchases", params={"q": refs[0]})).text
        for state, there in (
            ("completed", (True, False)),
            ("awaiting_payment", (False, True)),
            ("refunded", (False,) * 2),
        ):
            listed = (await viewer.get("/staff/purchases", params={"state": state})).text
            assert (str(paid.id) in listed, str(waiting.id) in listed) == there, state

        page = (await viewer.get(f"/staff/purchases/{paid.id}")).text

    for told in ("Your registration is confirmed", "was charged", "confirmed the registration", *refs):
        assert told in page, told
    assert f"{pair.settings.dataverse_url}/main.aspx?pagetype=entityrecord" in page
    assert "payment_intent.succeeded" in page or "checkout.session.completed" in page, "every notification"


async def test_what_dynamics_refused_is_taken_up_from_the_page_of_the_order(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    pair.line.troubles = {"finalize": [Trouble.BAD]}
    await pair.sandbox.pay(page)
    await pair.until(pair.attention)
    async with _somebody(pair, "finance") as boss:
        inbox = (await boss.get("/staff/attention")).text
        assert f"/staff/purchases/{order.id}/help" in inbox
        told = (await boss.get(f"/staff/purchases/{order.id}")).text
        assert ("The event is archived" in told, "being confirmed" in told, "completed</p>" in told) == (
            True,
            True,
            False,
        )
        assert (await boss.get(f"/staff/purchases/{order.id}/timeline.json")).json()["status"] == "being_confirmed"
        home = (await boss.get("/staff")).text
        assert ("Refused: see needs attention" in home, "msevtmgt_paymentstatus" in home) == (True, False)
        assert str(order.id) in (await boss.get("/staff/purchases", params={"state": "being_confirmed"})).text

        assert (await boss.post(f"/staff/purchases/{order.id}/ask")).status_code == 303

        await pair.until_kept(order, told=Word.COMPLETED)
        assert await pair.attention() == []
        assert await pair.finalizations(order) == ["awaiting_payment -> completed"]


async def test_asking_again_finds_a_payment_that_nobody_told_of_and_says_nothing_twice(pair: Pair) -> None:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    await pair.sandbox.drop_deliveries()
    await pair.sandbox.pay(page)
    async with _somebody(pair, "finance") as boss:
        for _ in range(2):
            assert (await boss.post(f"/staff/purchases/{order.id}/ask")).status_code == 303
            await pair.until_kept(order, told=Word.COMPLETED, wanted=None)

    assert await pair.finalizations(order) == ["awaiting_payment -> completed"]


async def test_what_dynamics_forgot_is_told_again_from_the_page(pair: Pair) -> None:
    order = await _confirmed(pair)
    await pair.forget_over_there(order)
    async with _somebody(pair, "finance") as boss:
        await boss.post(f"/staff/purchases/{order.id}/ask")

    await pair.until_kept(order, told=Word.COMPLETED, wanted=None)
    assert (await pair.dynamics.purchase(order.id)).status is Status.COMPLETED


async def test_late_money_is_settled_once_dynamics_has_completed_the_purchase(pair: Pair) -> None:
    order = await _paid_too_late(pair)
    async with _somebody(pair, "finance") as boss:
        own = f"/staff/purchases/{order.id}"
        assert f"{own}/help" in (await boss.get("/staff/attention")).text
        refused = await boss.post(f"{own}/settle", reason="There was a place")
        assert (refused.status_code, "Complete it there" in refused.text) == (409, True)

        # Somebody makes room over there, and says so there.
        await pair.change_dynamics(order, status="completed")
        await boss.post(f"{own}/ask")
        await pair.until_kept(order, said=Word.COMPLETED, wanted=None)
        assert (await boss.post(f"{own}/settle", reason="")).status_code == 422
        assert (await boss.post(f"{own}/settle", reason="There was a place")).status_code == 303

        assert "Nothing needs a person" in (await boss.get("/staff/attention")).text
    assert (await pair.kept(order)).confirmed
    assert "Your registration is confirmed" in await pair.timeline_page(order)
    assert await pair.finalizations(order) == []
    await pair.change_dynamics(order, status="expired")


async def test_money_goes_back_from_the_page_and_a_person_is_asked_to_end_the_registration(pair: Pair) -> None:
    order = await _confirmed(pair)
    async with _somebody(pair, "finance") as boss:
        own = f"/staff/purchases/{order.id}/refund"
        form = (await boss.get(own)).text
        assert ('name="left" value="12050"' in form, "Whose?" in form) == (True, False)
        assert (
            await boss.post(own, what="amount", amount="20", left="12050", reason="Sorry", sure="yes")
        ).status_code == 303
        out, err, code = await pair.command("refund", str(order.id), "--amount", "0.50", "--reason", "Sorry")
        assert (code, "0.50" in out) == (0, True), err
        everything = {"what": "all", "reason": "All of it", "sure": "yes"}
        assert (await boss.post(own, left="12050", **everything)).status_code == 409
        assert (await boss.post(own, left="10000", **everything)).status_code == 303

        await pair.until(lambda: _says(boss, order, "all of it was given back"))
        assert await pair.attention() == ["release_by_hand"]
        assert "Cancel its registrations in Dynamics" in (await boss.get("/staff/attention")).text
    assert "all of it was given back" in await pair.timeline_page(order)


async def test_a_dispute_is_told_to_staff_and_buyer(pair: Pair) -> None:
    order = await _confirmed(pair)
    intent = next(ref for ref in await _references(pair, order) if ref.startswith("pi_"))
    await pair.sandbox.control("disputes", payment=intent)

    async with _somebody(pair, "viewer") as viewer:
        await pair.until(lambda: _says(viewer, order, "is disputed"))
    assert "is disputed" in await pair.timeline_page(order)


async def test_the_timeline_command_knows_the_name_that_dynamics_gave(pair: Pair) -> None:
    order = await _confirmed(pair)
    for name in ((await pair.kept(order)).name, str(order.id)):
        out, err, code = await pair.command("timeline", name)
        assert (code, "Your registration is confirmed" in out) == (0, True), err
    assert (await pair.command("timeline", "nobody"))[2] == 2


async def test_pages_of_what_lives_in_dynamics_are_not_here_and_the_others_keep_their_roles(pair: Pair) -> None:
    order = await _confirmed(pair)
    may = {(page.method, page.path): set(page.may) for page in REMOTE_PAGES if isinstance(page, Page)}
    own = {("POST", "/staff/purchases/{purchase_id}/ask"): MONEY}
    assert may == {at: (MAY | own)[at] for at in may}
    assert {at for at in may if at in FRESH} == {
        (page.method, page.path) for page in REMOTE_PAGES if isinstance(page, Page) and page.fresh
    }
    here, there = (_addresses(one) for one in (routes(), remote_routes()))
    assert there - here == {("POST", "/staff/purchases/{purchase_id}/ask")}
    assert not [path for _, path in there if path.startswith(("/staff/events", "/staff/figures", "/staff/sites"))]
    assert len(there) > len(PAGES) / 2
    async with _somebody(pair, "viewer") as viewer:
        for what in ("ask", "settle", "refund"):
            assert (await viewer.post(f"/staff/purchases/{order.id}/{what}", reason="x")).status_code == 403
        unknown = "/staff/purchases/00000000-0000-7000-8000-0000000000ff"
        assert (await viewer.get(unknown)).status_code == 404
        menu = (await viewer.get("/staff")).text
        assert ("/staff/purchases" in menu, "/staff/events" in menu) == (True, False)


async def test_set_up_pages_show_what_applies_and_where_the_rest_is_set(pair: Pair) -> None:
    async with _somebody(pair, "administrator") as admin:
        provider = (await admin.get("/staff/providers")).text
        switches = (await admin.get("/staff/switches")).text
        checked = (await admin.get("/staff/providers", params={"check": ""})).text
        for address in ("/staff/providers/new", "/staff/switches"):
            assert (await admin.post(address, name="payments", to="on")).status_code in {404, 405}, address

    for told in (
        "connected",
        f"{pair.base_url}/GatewayRedirect/PayWithStripe?",
        "GATEPASS_DATAVERSE_HOLD_MINUTES",
        "30 minutes",
        SITE,
    ):
        assert told in provider, told
    assert '<form method="post"' not in provider.partition("<main")[2]
    assert ("Dynamics 365’s own" in switches, "<form" in switches.partition("<main")[2]) == (True, False)
    assert ("Connection, just now" in provider, "Connection, just now" in checked) == (False, True)
    for page in (provider, switches):
        assert f'href="{pair.settings.dataverse_url}"' in page


def _addresses(listed) -> set[tuple[str, str]]:  # type: ignore[no-untyped-def]
    return {
        (method, route.path) for route in listed if str(getattr(route, "path", "")).startswith("/staff")
        for method in route.methods - {"HEAD"}
    }  # fmt: skip


@asynccontextmanager
async def _somebody(pair: Pair, role: str) -> AsyncIterator[Staff]:
    async with member(replace(pair.completion, base_url=pair.base_url), role) as person:
        yield person


async def _confirmed(pair: Pair) -> Order:
    order = await pair.register()
    await pair.pay(order)
    await pair.until_kept(order, told=Word.COMPLETED)
    return order


async def _paid_too_late(pair: Pair) -> Order:
    order = await pair.register()
    page = await pair.open_pay_page(order)
    await pair.sandbox.hold_deliveries()
    await pair.sandbox.pay(page)
    await pair.dynamics.let_hold_end(order)
    await pair.dynamics.hasten("sweep_holds")
    await pair.dynamics.until_status(order, "expired")
    # Our own hold ends as well before the money is heard of.
    await pair.let_hold_end(order)
    await pair.sandbox.deliver()
    await pair.until(pair.attention)
    return order


async def _references(pair: Pair, order: Order) -> list[str]:
    (paid,) = await pair.completion.payments(order.id)
    return [ref for ref in (paid.session_ref, paid.intent_ref) if ref]


async def _says(person: Staff, order: Order, text: str) -> bool:
    return text in (await person.get(f"/staff/purchases/{order.id}")).text


pytestmark = pytest.mark.asyncio
