"""A sold-out event: who waits gets the next seat, held, by a link in a mail, the longest waiting first."""

import asyncio
import email
import re
from datetime import UTC, datetime, timedelta
from email.policy import default

import httpx
import sqlalchemy as sa

from gatepass.model.choices import YES
from gatepass.store import tables, waitlist
from tests.running import TOKEN, Running
from tests.staff.browsing import member

OURS = {"Sec-Fetch-Site": "same-origin"}


async def sold_out(gatepass: Running) -> Running:
    """Two seats of a rare pass, both taken; those who come later can wait."""
    small = await gatepass.at(("Rare", 24900, 2), capacity=2)
    await small.change_event(waitlistthisevent=YES)
    return small


async def joins(system: Running, given: str, **more: str) -> httpx.Response:
    typed = {"att1_given": given, "att1_family": "Raman", "att1_email": f"{given.lower()}@fabrikam.example"}
    return await system.client.post(f"{page_of(system)}/waitlist", data=typed | more)


def page_of(system: Running) -> str:
    return f"{system.base_url}/e/{system.event.readable_id}"


WAITING, OFFER = "You are on the waiting list: Contoso Summit", "A seat is free for you: Contoso Summit"


def has_mail(system: Running, address: str, subject: str = OFFER) -> bool:
    return subject in system.mails_to(address)


def mail_to(system: Running, address: str, subject: str = OFFER) -> str:
    """The text of the one mail of this kind to somebody."""
    mails = [email.message_from_bytes(path.read_bytes(), policy=default) for path in system.mail_dir.glob("*.eml")]
    (found,) = [mail for mail in mails if address in str(mail["to"]) and mail["subject"] == subject]
    body = found.get_body(("plain",))
    assert body
    return str(body.get_content())


async def held_by(system: Running, given: str) -> sa.Row[tuple[object, ...]] | None:
    attendee, purchase = tables.attendee.c, tables.purchase.c
    found = sa.select(purchase.id, purchase.hold_until).join(tables.attendee, attendee.purchase_id == purchase.id)
    found = found.where(attendee.first_name == given, purchase.status == "awaiting_payment")
    return await system.store.read(lambda tx: tx.execute(found).one_or_none())


async def test_the_next_free_seat_goes_to_who_waits_longest(gatepass: Running) -> None:
    system = await sold_out(gatepass)
    first, second = await system.register(pass_name="Rare"), await system.register(pass_name="Rare")
    assert "Wait for a seat" in (await system.client.get(page_of(system))).text
    for given in ("Priya", "Liu"):
        joined = await joins(system, given)
        assert joined.status_code == 303
        assert (
            "You are on the waiting list"
            in (await system.client.get(f"{system.base_url}{joined.headers['location']}")).text
        )
    assert (await joins(system, "Priya")).status_code == 303, "twice is once, and looks the same"

    await system.free_the_seats_of(first)
    await system.hasten("seat_waitlist")
    await system.until(lambda: has_mail(system, "priya@fabrikam.example"))

    assert sorted(system.mails_to("priya@fabrikam.example")) == [OFFER, WAITING]
    assert system.mails_to("liu@fabrikam.example") == [WAITING]
    held = await held_by(system, "Priya")
    assert held
    assert held[1] > datetime.now(UTC) + timedelta(hours=11)
    assert (await system.pass_now("Rare")).held == 2
    link = re.search(rf"{system.base_url}/orders/\S+", mail_to(system, "priya@fabrikam.example"))
    assert link
    order = await system.client.get(link[0])
    assert "Your seat is held, " in order.text
    assert "PayWithStripe" in order.text
    async with member(system, "viewer") as viewer:
        listed = (await viewer.get(f"/staff/events/{system.event.id}/waitlist")).text
    assert listed.index("Priya") < listed.index("A seat was offered") < listed.index("Liu")
    await system.free_the_seats_of(second)


async def test_an_offer_that_is_not_taken_goes_to_the_next(gatepass: Running) -> None:
    system = await sold_out(gatepass)
    first, second = await system.register(pass_name="Rare"), await system.register(pass_name="Rare")
    await system.pay(second)
    await joins(system, "Priya")
    await joins(system, "Liu", locale="de")
    await system.free_the_seats_of(first)
    await system.hasten("seat_waitlist")
    await system.until(lambda: has_mail(system, "priya@fabrikam.example"))

    held = await held_by(system, "Priya")
    assert held
    ended = sa.update(tables.purchase).where(tables.purchase.c.id == held[0])
    await system.store.write(lambda tx: tx.execute(ended.values(hold_until=datetime.now(UTC) - timedelta(seconds=1))))
    await system.until(lambda: has_mail(system, "liu@fabrikam.example"))

    assert await held_by(system, "Priya") is None
    assert await held_by(system, "Liu")
    assert not await system.store.read(lambda tx: waitlist.to_be_seated(tx, datetime.now(UTC), 9))


async def test_mistakes_stay_on_the_page_and_nobody_waits_where_there_are_seats(gatepass: Running) -> None:
    system = await sold_out(gatepass)
    open_still = await joins(system, "Priya")
    await system.register(pass_name="Rare", seats=2)

    wrong = await joins(system, "Priya", att1_email="priya@fabrikam")

    assert open_still.headers["location"] == f"/e/{system.event.readable_id}"
    assert wrong.status_code == 422
    assert "like name@example.com" in wrong.text
    assert 'value="Priya"' in wrong.text
    async with member(system, "viewer") as viewer:
        assert "Nobody waits." in (await viewer.get(f"/staff/events/{system.event.id}/waitlist")).text
    await system.change_event(waitlistthisevent=None)
    assert "Wait for a seat" not in (await system.client.get(page_of(system))).text


# Nobody is faster than who waits


async def left_in_the_shop(system: Running) -> int:
    listed = await system.client.get(
        f"{system.api}/events/{system.event.readable_id}/passes", params={"emApplicationtoken": TOKEN}
    )
    return min(one["numberOfPassesLeft"] for one in listed.json())


async def test_a_seat_that_comes_free_is_kept_for_who_waits(gatepass: Running) -> None:
    system = await sold_out(gatepass)
    first, second = await system.register(pass_name="Rare"), await system.register(pass_name="Rare")
    await joins(system, "Priya")
    await system.delay("seat_waitlist")
    await system.free_the_seats_of(first)

    page = await system.client.get(page_of(system))
    strangers = await asyncio.gather(
        *(system.post_registration(system.body(pass_name="Rare")) for _ in range(5)), system.hasten("seat_waitlist")
    )
    await system.until(lambda: has_mail(system, "priya@fabrikam.example"))

    assert "All seats are taken" in page.text
    assert await left_in_the_shop(system) == 0
    assert {answer.status_code for answer in strangers[:5] if answer} == {409}
    assert await held_by(system, "Priya")
    await system.free_the_seats_of(second)
    assert (await system.register(pass_name="Rare")).status == "Redirect", "nobody waits any more"


async def test_the_room_of_the_event_is_kept_as_well(gatepass: Running) -> None:
    """The whole event is full, so that those who wait for one pass come before those who want another."""
    system = await gatepass.at(("Rare", 24900, 50), ("Other", 9900, 50), capacity=2)
    await system.change_event(waitlistthisevent=YES)
    first, second = await system.register(pass_name="Rare"), await system.register(pass_name="Other")
    await joins(system, "Priya", **{"pass": str(system.pass_id("Rare"))})
    await system.delay("seat_waitlist")
    await system.free_the_seats_of(second)

    stranger = await system.post_registration(system.body(pass_name="Other"))

    assert (stranger.status_code, stranger.json()["errorCode"]) == (409, "EventCapacityReached")
    await system.hasten("seat_waitlist")
    await system.until(lambda: has_mail(system, "priya@fabrikam.example"))
    await system.free_the_seats_of(first)


async def test_what_nobody_waits_for_is_sold(gatepass: Running) -> None:
    """Somebody waits for a pass whose seats are all taken; another pass has seats again."""
    system = await gatepass.at(("Rare", 24900, 1), ("Other", 9900, 1), capacity=50)
    await system.change_event(waitlistthisevent=YES)
    await system.register(pass_name="Rare")
    other = await system.register(pass_name="Other")
    await joins(system, "Priya", **{"pass": str(system.pass_id("Rare"))})
    await system.free_the_seats_of(other)

    assert (await system.register(pass_name="Other")).status == "Redirect"


# One place for each, and a way out


async def waiting_now(system: Running) -> list[str]:
    found = await system.store.read(lambda tx: waitlist.of_event(tx, system.event.id, 99))
    return sorted(row["first_name"] for row in found)


async def test_one_address_waits_once_for_each_pass(gatepass: Running) -> None:
    system = await gatepass.at(("Rare", 24900, 1), ("Other", 9900, 1))
    await system.change_event(waitlistthisevent=YES)
    for name in ("Rare", "Other"):
        await system.register(pass_name=name)
    rare, other = ({"pass": str(system.pass_id(name))} for name in ("Rare", "Other"))
    same = {"att1_email": "Priya@Fabrikam.example"}

    at_once = await asyncio.gather(*(joins(system, given, **rare, **same) for given in ("Priya", "P.", "Prya", "P")))
    later = await joins(system, "Pria", **rare, **same)
    for_another = await joins(system, "Priya", **other, **same)

    assert len({(one.status_code, one.headers["location"]) for one in (*at_once, later, for_another)}) == 1
    assert len(await waiting_now(system)) == 2
    await system.until(lambda: len(system.mails_to("Priya@fabrikam.example")) == 2)
    await system.until_quiet()
    assert system.mails_to("Priya@fabrikam.example") == [WAITING] * 2


async def test_who_does_not_want_to_wait_any_more_leaves_by_the_mail(gatepass: Running) -> None:
    system = await sold_out(gatepass)
    first, second = await system.register(pass_name="Rare"), await system.register(pass_name="Rare")
    for given in ("Priya", "Liu"):
        await joins(system, given)
    await system.until(lambda: has_mail(system, "priya@fabrikam.example", WAITING))
    link = re.search(rf"{system.base_url}/waitlist/\S+", mail_to(system, "priya@fabrikam.example", WAITING))
    assert link

    looked = await system.client.get(link[0])
    foreign = await system.client.post(link[0], headers={"Sec-Fetch-Site": "cross-site"})
    both = await waiting_now(system)
    left = await system.client.post(link[0], headers=OURS)
    gone = await system.client.get(str(httpx.URL(system.base_url).join(left.headers["location"])))

    assert (foreign.status_code, both) == (422, ["Liu", "Priya"]), "looking at the link is not leaving"
    assert "Leave the waiting list for" in looked.text
    assert "You are not on the waiting list" in gone.text
    assert await waiting_now(system) == ["Liu"]
    await system.free_the_seats_of(first)
    await system.hasten("seat_waitlist")
    await system.until(lambda: has_mail(system, "liu@fabrikam.example"))
    assert not has_mail(system, "priya@fabrikam.example")
    assert (await system.client.get(f"{system.base_url}/waitlist/x")).status_code == 404
    await system.free_the_seats_of(second)


async def test_a_seat_that_was_offered_is_given_up_on_the_page_of_its_order(gatepass: Running) -> None:
    system = await sold_out(gatepass)
    first, second = await system.register(pass_name="Rare"), await system.register(pass_name="Rare")
    await joins(system, "Priya")
    await system.free_the_seats_of(first)
    await system.hasten("seat_waitlist")
    await system.until(lambda: has_mail(system, "priya@fabrikam.example"))
    link = re.search(rf"{system.base_url}/waitlist/\S+", mail_to(system, "priya@fabrikam.example", WAITING))
    assert link

    await system.client.post(link[0], headers=OURS)
    page = await system.client.get(link[0])

    assert "A seat was offered to you" in page.text
    order = re.search(rf"{system.base_url}/orders/[^\"?]+", page.text)
    assert order
    assert "Your seat is held, " in (await system.client.get(order[0])).text
    assert (await joins(system, "Priya")).status_code == 303
    assert await waiting_now(system) == ["Priya"], "an offer that stands is a place in the list"
    await joins(system, "Liu")
    assert (await system.client.post(f"{order[0]}/cancel", headers=OURS)).status_code == 303
    await system.hasten("seat_waitlist")
    await system.until(lambda: has_mail(system, "liu@fabrikam.example"))
    await system.free_the_seats_of(second)
