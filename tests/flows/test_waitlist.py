"""A sold-out event: who waits gets the next seat, held, by a link in a mail, the longest waiting first."""

import email
import re
from datetime import UTC, datetime, timedelta
from email.policy import default

import httpx
import sqlalchemy as sa

from gatepass.model.choices import YES
from gatepass.store import tables, waitlist
from tests.running import Running
from tests.staff.browsing import member


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


def mail_to(system: Running, address: str) -> str:
    """The text of the one mail to somebody."""
    mails = [email.message_from_bytes(path.read_bytes(), policy=default) for path in system.mail_dir.glob("*.eml")]
    (found,) = [mail for mail in mails if address in str(mail["to"])]
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
    await system.until(lambda: system.mails_to("priya@fabrikam.example"))

    assert system.mails_to("priya@fabrikam.example") == ["A seat is free for you: Contoso Summit"]
    assert system.mails_to("liu@fabrikam.example") == []
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
    await system.until(lambda: system.mails_to("priya@fabrikam.example"))

    held = await held_by(system, "Priya")
    assert held
    ended = sa.update(tables.purchase).where(tables.purchase.c.id == held[0])
    await system.store.write(lambda tx: tx.execute(ended.values(hold_until=datetime.now(UTC) - timedelta(seconds=1))))
    await system.until(lambda: system.mails_to("liu@fabrikam.example"))

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
