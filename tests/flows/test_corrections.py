"""A buyer who comes back to the form and corrects it: the order takes its own place, and no money is ever in doubt."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from gatepass.model.choices import YES
from gatepass.store import tables
from tests.flows.test_waitlist import joins
from tests.running import Running

Form = dict[str, str]
DEBIT_LATER = "AT611904300234573201"


async def last_seat(gatepass: Running) -> Running:
    """An event with one seat."""
    return await gatepass.at(("Rare", 24900, 1))


def filled_in(system: Running, **changes: str) -> Form:
    typed = {
        "idempotency_key": uuid4().hex, "people": "1", "pass": str(system.pass_id("Rare")), "agreed": "249.00 EUR",
        "att1_given": "Ana", "att1_family": "Schneider", "att1_email": "ana@fabrikam.example",
    }  # fmt: skip
    return typed | changes


async def send(system: Running, typed: Form, step: str) -> httpx.Response:
    url = f"{system.base_url}/e/{system.event.readable_id}"
    return await system.client.post(url, data=typed | {"step": step})


async def follow(system: Running, answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 303, answer.text
    return await system.client.get(str(httpx.URL(system.base_url).join(answer.headers["location"])))


async def page_at_the_provider(system: Running, answer: httpx.Response) -> str:
    opened = await follow(system, answer)
    assert opened.status_code == 302, opened.text
    return opened.headers["location"]


async def orders(system: Running) -> dict[UUID, str]:
    """Every order of the event and its status, the oldest first."""
    of_event = sa.select(tables.purchase.c.id, tables.purchase.c.status).order_by(tables.purchase.c.id)
    mine = of_event.where(tables.purchase.c.event_id == system.event.id)
    return {row["id"]: row["status"] for row in await system.store.read(lambda tx: tx.rows(mine))}


async def test_a_typo_on_the_last_seat_is_corrected(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    left_open = await page_at_the_provider(system, await send(system, typed, "register"))
    corrected = typed | {"att1_given": "Anna", "att1_email": "anna@fabrikam.example"}

    changing = await follow(system, await send(system, corrected, "details"))
    review = await follow(system, await send(system, corrected, "review"))
    answer = await send(system, corrected, "register")

    assert "Sold out" not in changing.text
    assert (review.status_code, "Is everything right?" in review.text) == (200, True)
    assert list((await orders(system)).values()) == ["cancelled", "awaiting_payment"]
    assert (await system.pass_now("Rare")).held == 1
    session = await system.sandbox.stripe(f"checkout/sessions/{left_open.rpartition('/')[2]}")
    assert session["status"] == "expired", "the page that was left open takes no money any more"
    await system.sandbox.pay(await page_at_the_provider(system, answer))
    await system.until(lambda: system.mails_to("anna@fabrikam.example"))
    assert list((await orders(system)).values()) == ["cancelled", "completed"]
    assert system.mails_to("ana@fabrikam.example") == []


async def test_the_same_again_is_the_same_order(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    answers = [await send(system, typed, "register") for _ in range(2)]
    await page_at_the_provider(system, answers[0])

    answers.append(await send(system, typed, "register"))

    assert len({answer.headers["location"] for answer in answers}) == 1
    assert list((await orders(system)).values()) == ["awaiting_payment"]
    (payment,) = await system.payments(next(iter(await orders(system))))
    assert payment.open, "the page at the provider was not ended by it"


async def test_back_to_what_was_typed_first(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    for given in ("Ana", "Anna", "Ana"):
        await page_at_the_provider(system, await send(system, typed | {"att1_given": given}, "register"))

    assert list((await orders(system)).values()) == ["cancelled", "cancelled", "awaiting_payment"]
    assert (await system.pass_now("Rare")).held == 1


async def test_money_that_was_faster_keeps_its_order(gatepass: Running) -> None:
    """Paid in another window, and nobody has told us yet."""
    system = await last_seat(gatepass)
    typed = filled_in(system)
    await system.sandbox.hold_deliveries()
    await system.sandbox.pay(await page_at_the_provider(system, await send(system, typed, "register")))

    answer = await send(system, typed | {"att1_given": "Anna"}, "register")
    page = await follow(system, answer)
    back = await follow(system, await send(system, typed | {"att1_given": "Anna"}, "review"))

    assert "You’re in, " in page.text
    assert "You’re in, " in back.text
    assert list((await orders(system)).values()) == ["completed"]
    await system.sandbox.deliver()


async def test_money_on_its_way_keeps_its_order(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    await system.sandbox.pay(await page_at_the_provider(system, await send(system, typed, "register")), DEBIT_LATER)
    corrected = typed | {"att1_given": "Anna"}

    pages = [await follow(system, await send(system, corrected, step)) for step in ("register", "review", "details")]

    assert ["Your bank is confirming the payment" in page.text for page in pages] == [True] * 3
    assert list((await orders(system)).values()) == ["awaiting_payment"]
    assert (await system.pass_now("Rare")).held == 1


async def test_another_price_is_another_order(gatepass: Running) -> None:
    """Who saw 100 pays 100: the page that was opened for 249 ends."""
    system = await last_seat(gatepass)
    typed = filled_in(system)
    left_open = await page_at_the_provider(system, await send(system, typed, "register"))
    cheaper = sa.update(tables.event_pass).where(tables.event_pass.c.id == system.pass_id("Rare"))
    await system.store.write(lambda tx: tx.execute(cheaper.values(price_minor=10000)))

    page = await page_at_the_provider(system, await send(system, typed | {"agreed": "100.00 EUR"}, "register"))

    assert page != left_open
    assert (await system.sandbox.stripe(f"checkout/sessions/{page.rpartition('/')[2]}"))["amount_total"] == 10000
    assert list((await orders(system)).values()) == ["cancelled", "awaiting_payment"]


async def test_a_correction_gives_no_more_time_and_takes_none(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    await send(system, typed, "register")
    (first,) = await orders(system)
    until = (await system.purchase(first)).hold_until
    assert until
    shorter = sa.update(tables.purchase).where(tables.purchase.c.id == first)
    await system.store.write(lambda tx: tx.execute(shorter.values(hold_until=until - timedelta(minutes=10))))

    await send(system, typed | {"att1_given": "Anna"}, "register")

    _, second = await orders(system)
    assert (await system.purchase(second)).hold_until == until - timedelta(minutes=10)


async def test_a_pass_that_is_not_there_is_named_for_whom_it_was_chosen(gatepass: Running) -> None:
    system = gatepass
    typed = filled_in(system, people="2") | {
        "att2_given": "Ben", "att2_family": "Schneider", "att2_email": "ben@fabrikam.example", "att2_pass": str(uuid4()),
    }  # fmt: skip

    answer = await send(system, typed, "review")

    assert (answer.status_code, "Attendee 2: Choose a pass." in answer.text) == (422, True)


async def test_a_provider_that_does_not_answer_changes_nothing(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    await page_at_the_provider(system, await send(system, typed, "register"))
    await system.sandbox.control("faults", api={"status": 500})

    answer = await send(system, typed | {"att1_given": "Anna"}, "register")

    assert answer.status_code == 503
    assert 'name="att1_given" value="Anna"' in answer.text, "nothing typed is lost"
    assert list((await orders(system)).values()) == ["awaiting_payment"]
    await system.sandbox.control("reset_faults")
    assert (await send(system, typed | {"att1_given": "Anna"}, "register")).status_code == 303
    assert list((await orders(system)).values()) == ["cancelled", "awaiting_payment"]


async def test_a_correction_that_finds_no_seats_gives_none_back(gatepass: Running) -> None:
    system = await gatepass.at(("Rare", 24900, 2))
    await system.register(pass_name="Rare")
    typed = filled_in(system)
    await page_at_the_provider(system, await send(system, typed, "register"))
    two = {"people": "2", "att2_given": "P", "att2_family": "R", "att2_email": "p@x.example", "agreed": "498.00 EUR"}

    refused = await send(system, typed | two, "register")

    assert refused.status_code == 422
    assert "Only 1 left of" in refused.text, "the buyer's own"
    assert (await system.pass_now("Rare")).held == 2
    assert (await send(system, typed | {"att1_given": "Anna"}, "register")).status_code == 303
    assert (await system.pass_now("Rare")).held == 2


async def test_corrections_at_once_leave_one_order(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    await send(system, typed, "register")

    answers = await asyncio.gather(
        *(send(system, typed | {"att1_given": f"Anna {number}"}, "register") for number in range(6))
    )

    assert {answer.status_code for answer in answers} == {303}
    standing = list((await orders(system)).values())
    assert sorted(standing) == ["awaiting_payment", *["cancelled"] * (len(standing) - 1)]
    assert (await system.pass_now("Rare")).held == 1


async def test_an_order_that_has_ended_is_made_anew(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    await send(system, typed, "register")
    (first,) = await orders(system)
    past = sa.update(tables.purchase).where(tables.purchase.c.id == first)
    await system.store.write(lambda tx: tx.execute(past.values(hold_until=datetime.now(UTC) - timedelta(seconds=1))))

    async def expired() -> bool:
        return (await orders(system))[first] == "expired"

    await system.until(expired)

    await page_at_the_provider(system, await send(system, typed, "register"))

    assert list((await orders(system)).values()) == ["expired", "awaiting_payment"]


@pytest.mark.parametrize("people", [1, 2])
async def test_own_seats_come_before_those_who_wait_and_no_others_do(gatepass: Running, people: int) -> None:
    system = await gatepass.at(("Rare", 24900, 2))
    await system.change_event(waitlistthisevent=YES)
    typed = filled_in(system)
    await send(system, typed, "register")
    other = await system.register(pass_name="Rare")
    await joins(system, "Priya")
    await system.delay("seat_waitlist")
    await system.free_the_seats_of(other)
    more = {"people": "2", "att2_given": "P", "att2_family": "R", "att2_email": "p@x.example", "agreed": "498.00 EUR"}

    answer = await send(system, typed | {"att1_given": "Anna"} | (more if people == 2 else {}), "register")

    assert answer.status_code == (303 if people == 1 else 422)
    assert (await system.pass_now("Rare")).held == 1


# What is kept meanwhile


async def test_the_address_of_the_review_tells_nothing_and_ends(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    answer = await send(system, typed, "review")
    url = f"{system.base_url}{answer.headers['location']}"

    assert "Ana" not in url
    assert typed["idempotency_key"] not in url
    assert "ana@fabrikam.example" in (await system.client.get(url)).text
    assert (await system.client.get(url)).headers["cache-control"] == "no-store"
    assert (await system.client.get(url[:-1])).headers["location"] == f"/e/{system.event.readable_id}"
    over = sa.update(tables.draft).values(ends=datetime.now(UTC) - timedelta(seconds=1))
    await system.store.write(lambda tx: tx.execute(over))
    assert (await system.client.get(url)).headers["location"] == f"/e/{system.event.readable_id}"
    await system.hasten("forget_done_jobs")

    async def forgotten() -> bool:
        kept = await system.store.read(lambda tx: tx.rows(sa.select(tables.draft.c.id)))
        return not kept

    await system.until(forgotten)


async def test_one_form_is_kept_once(gatepass: Running) -> None:
    system = await last_seat(gatepass)
    typed = filled_in(system)
    for given in ("Ana", "Anna"):
        page = await follow(system, await send(system, typed | {"att1_given": given}, "review"))
        assert f"{given} Schneider" in page.text

    assert len(await system.store.read(lambda tx: tx.rows(sa.select(tables.draft.c.id)))) == 1
