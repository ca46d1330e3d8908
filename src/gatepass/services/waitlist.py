"""Where somebody waits for a sold-out event, and gets the next free seat: an order of their own, held, by a link in a mail.

The seat is taken as by anybody else, so no rule of capacity is another one here. Nobody else can take it before: the sale
keeps as many free seats back as there are people who wait (`store/waitlist.kept`).
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gatepass.domain.errors import Conflict, Refused
from gatepass.domain.event import Event
from gatepass.domain.purchase import Status
from gatepass.domain.registration import Attendee, Register, checked_attendees
from gatepass.model import BY_NAME
from gatepass.services import contacts, registrations
from gatepass.services.mail import OFFER_KIND
from gatepass.store import Store, WriteTx, events, jobs, purchases, rows
from gatepass.store import waitlist as kept
from gatepass.store.contacts import put
from gatepass.store.jobs import Job
from gatepass.store.tables import new_id
from gatepass.store.waitlist import Waiting

JOB = "seat_waitlist"
OFFER = timedelta(hours=12)
"""How long an offered seat is held: a mail is not read at once. Below Stripe's longest session (24 hours)."""
LOOK_EVERY = timedelta(seconds=5)
AT_ONCE = 50
"""Offers in one look."""


def join(tx: WriteTx, event: Event, person: Attendee, locale: str) -> None:
    """Wait for the event: once per address and pass. Whoever waits already goes on waiting, and nobody is told which."""
    person = checked_attendees([person])[0]
    key = contacts.match_key(person.email, person.first_name, person.last_name)
    row = contacts.row_of(tx, key, person.first_name, person.last_name, person.email)
    contact_id = put(tx, [row])[key]
    # Of two at once the second one sees the first.
    events.hold(tx, [event.id])
    if kept.is_waiting(tx, event.id, person.pass_id, person.email):
        return
    name = contacts.full_name(person.first_name, person.last_name)[:100]
    about = {"name": name, "contact_id": contact_id, "event_id": event.id, "pass_id": person.pass_id, "locale": locale}
    item_id = new_id()
    rows.add(tx, BY_NAME["waitlist_item"], {"id": item_id, **about})
    jobs.add(tx, "send_waiting", {"item_id": str(item_id)}, dedupe=f"waiting:{item_id}")


async def seat(store: Store, claim: Job) -> None:
    """Offer what is free to those who wait, the longest waiting first."""
    now = datetime.now(UTC)
    for one in await store.read(lambda tx: kept.to_be_seated(tx, now, AT_ONCE)):
        await _offer(store, one)
    await store.write(lambda tx: jobs.again(tx, claim, tx.now + LOOK_EVERY))


async def _offer(store: Store, one: Waiting) -> None:
    try:
        await store.write(lambda tx: _offer_in(tx, one))
    except Conflict:
        return  # a seat less than a moment ago: the next look
    except Refused:
        await store.write(lambda tx: kept.leave(tx, one.id))


def _offer_in(tx: WriteTx, one: Waiting) -> None:
    """An order for one seat, unless the place was left meanwhile."""
    if not kept.still_waits(tx, one.id):
        return
    person = Attendee(one.first_name, one.last_name, one.email, one.pass_id)
    wish = Register(
        event=one.readable_id, attendees=[person], web_application_id=None, return_url=None,
        idempotency_key=f"waitlist:{one.id}", locale=one.locale, own_seats=[one.pass_id],
    )  # fmt: skip
    _tell(tx, one, registrations.register_in(tx, wish))


def _tell(tx: WriteTx, one: Waiting, registered: registrations.Registered) -> None:
    """Hold the seat until a mail can have been read. What is free of charge is confirmed already, by its own mail."""
    purchase = purchases.lock(tx, [registered.purchase_id])[registered.purchase_id]
    if not kept.offered(tx, one.id, purchase.id) or purchase.status is not Status.AWAITING_PAYMENT:
        return
    event = events.get(tx, purchase.event_id)
    ends = min(tx.now + OFFER, event.begins) if event else tx.now + OFFER
    held = replace(purchase, hold_until=max(ends, purchase.hold_until or ends))
    purchases.set_status(tx, [(held.id, held.status, held.hold_until)], {})
    payload = {"purchase_id": str(held.id), "kind": OFFER_KIND}
    jobs.add(tx, "send_link", payload, dedupe=f"{OFFER_KIND}:{held.id}")
