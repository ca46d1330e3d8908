"""Where a purchase moves: set by set, under the locks of purchase and event. This is `msevtmgt_finalizeregistrationpayment`.

settle() may be told the same thing any number of times, in any order; it acts once.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.event import SEATS_AGAIN, Event, EventStatus, LatePolicy
from gatepass.domain.purchase import HOLDS_SEATS, SOLD_SEATS, Move, Status, after
from gatepass.domain.webhook import Kind
from gatepass.services import audit
from gatepass.services.contacts import Contacts, contacts_of
from gatepass.services.webhooks import Subject, announce
from gatepass.store import WriteTx, events, jobs, purchases, questions, records, timeline
from gatepass.store.purchases import AttendeeRow, Purchase
from gatepass.store.tables import Row, new_id

REOPENED_HOLD = timedelta(minutes=30)
"""How long seats stay held after a delayed payment failed."""
_CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_CHARS = 16
"""80 random bits."""


Order = tuple[UUID, str, Sequence[AttendeeRow]]
"""What a completed purchase is about: event id, currency, people."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A purchase is to make a move."""

    purchase_id: UUID
    move: Move
    refundable: bool = True
    """False: the money was taken where we cannot give it back, so that a person must."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What it was and what it is."""

    before: Status
    after: Status
    give_back: bool = False
    """The money came too late for a seat: it has to go back."""

    @property
    def changed(self) -> bool:
        """False for a repeat."""
        return self.before is not self.after


@dataclass(slots=True)
class _Changes:
    """What a group of settlements adds up to, until it is written."""

    status: dict[UUID, tuple[Status, datetime | None]] = field(
        default_factory=dict[UUID, tuple[Status, datetime | None]]
    )
    event_seats: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    pass_seats: dict[UUID, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    granted: list[UUID] = field(default_factory=list[UUID])

    def seats(self, people: Sequence[AttendeeRow], event_id: UUID, held: int, sold: int) -> None:
        """Count seats of these people as held or sold (+1), or no longer (-1)."""
        for person in people:
            for total in (self.event_seats[event_id], *([self.pass_seats[person.pass_id]] if person.pass_id else [])):
                total[0] += held
                total[1] += sold


def settle(tx: WriteTx, wanted: Sequence[Settlement]) -> list[Settled | GatepassError]:
    """Move purchases; one answer each. NotFound for an unknown id, Conflict for a forbidden move; those change nothing."""
    held = purchases.lock(tx, {one.purchase_id for one in wanted})
    status = {purchase.id: purchase.status for purchase in held.values()}
    answers = [_decide(status, one) for one in wanted]
    _write(tx, held, status, wanted)
    return answers if not _late(held, status) else _seat_late(tx, held, status, wanted, answers)


def _decide(status: dict[UUID, Status], one: Settlement) -> Settled | GatepassError:
    before = status.get(one.purchase_id)
    if before is None:
        return NotFound("PurchaseUnknown", f"There is no purchase {one.purchase_id}.")
    try:
        status[one.purchase_id] = after(before, one.move, one.purchase_id)
    except GatepassError as refusal:
        return refusal
    return Settled(before, status[one.purchase_id])


def _write(
    tx: WriteTx, held: Mapping[UUID, Purchase], status: Mapping[UUID, Status], wanted: Sequence[Settlement]
) -> None:
    """Put the new statuses and what follows from them in the database."""
    moved = [held[at] for at, now in status.items() if now is not held[at].status]
    people = _people(tx, moved)
    changes = _Changes()
    for purchase in moved:
        now = status[purchase.id]
        changes.status[purchase.id] = (now, purchase.hold_until)
        sold = 1 if now in SOLD_SEATS else 0
        freed = -1 if purchase.status in HOLDS_SEATS else 0
        changes.seats(people[purchase.id], purchase.event_id, freed, sold)
        if sold:
            changes.granted.append(purchase.id)
    _rehold(tx, changes, held, status, wanted)
    _save(tx, changes, held, people)


def _rehold(
    tx: WriteTx,
    changes: _Changes,
    held: Mapping[UUID, Purchase],
    status: Mapping[UUID, Status],
    wanted: Sequence[Settlement],
) -> None:
    """WAIT holds the seats without an end, REOPEN starts the hold anew."""
    for one in wanted:
        if status.get(one.purchase_id) is Status.AWAITING_PAYMENT and one.move in {Move.WAIT, Move.REOPEN}:
            until = None if one.move is Move.WAIT else tx.now + REOPENED_HOLD
            changes.status[one.purchase_id] = (Status.AWAITING_PAYMENT, until)


def _save(
    tx: WriteTx, changes: _Changes, held: Mapping[UUID, Purchase], people: Mapping[UUID, Sequence[AttendeeRow]]
) -> None:
    # Before the event's row is locked, for which everybody waits.
    known = contacts_of(tx, [person for at in changes.granted for person in people[at]])
    if changes.event_seats:
        events.hold(tx, changes.event_seats)
    with tx.one_trip():
        _put(tx, changes, held, people, known)
    answered = [person.id for at in changes.granted for person in people[at] if person.answered]
    questions.give_to_registrations(tx, answered)


def _put(
    tx: WriteTx, changes: _Changes, held: Mapping[UUID, Purchase], people: Mapping[UUID, Sequence[AttendeeRow]],
    known: Contacts,
) -> None:  # fmt: skip
    if changes.event_seats:
        events.move_seats(tx, _pairs(changes.event_seats), _pairs(changes.pass_seats))
    if changes.status:
        buyers = {at: held[at].contact_id or known.get(people[at][0].id) for at in changes.granted if people[at]}
        purchases.set_status(tx, [(at, to, until) for at, (to, until) in changes.status.items()], buyers)
        purchases.set_attendee_contacts(tx, known)
        timeline.add(tx, [_entry(held[at], to) for at, (to, _) in changes.status.items() if to is not held[at].status])
    grant(tx, [(held[at].event_id, held[at].total.currency, people[at]) for at in changes.granted], known)


def _entry(purchase: Purchase, to: Status) -> timeline.Entry:
    return purchase.id, f"purchase.{to.value}", {"before": purchase.status.value}


def _pairs(seats: Mapping[UUID, Sequence[int]]) -> dict[UUID, tuple[int, int]]:
    return {at: (held, sold) for at, (held, sold) in seats.items() if held or sold}


def _people(tx: WriteTx, moved: Sequence[Purchase]) -> dict[UUID, list[AttendeeRow]]:
    people: dict[UUID, list[AttendeeRow]] = {purchase.id: [] for purchase in moved}
    for person in purchases.attendees(tx, list(people)) if people else ():
        people[person.purchase_id].append(person)
    return people


def grant(tx: WriteTx, orders: Iterable[Order], known: Contacts) -> None:
    """Give the attendees of completed purchases what they paid for; buyers and integrators are told.

    An order without people, as a program makes one, is only a sum that was paid: nobody gets a ticket or a mail.
    """
    registrations: list[Row] = []
    passes: list[Row] = []
    mails: list[Row] = []
    confirmed: list[Subject] = []
    for event_id, currency, people in orders:
        if not people:
            continue
        for person in people:
            registration = _registration(tx, event_id, person, known.get(person.id))
            registrations.append(registration)
            passes.append(_attendee_pass(registration, person, currency))
        purchase_id = people[0].purchase_id
        mails.append(
            jobs.row(tx, "send_confirmation", {"purchase_id": str(purchase_id)}, dedupe=f"confirm:{purchase_id}")
        )
        confirmed.append(Subject(purchase_id))
    if registrations:
        purchases.add_registrations(tx, registrations, passes)
        jobs.add_many(tx, mails)
        announce(tx, Kind.REGISTRATION_CONFIRMED, confirmed)


def _registration(tx: WriteTx, event_id: UUID, person: AttendeeRow, contact_id: UUID | None) -> Row:
    return {
        "id": new_id(),
        "event_id": event_id,
        "purchase_id": person.purchase_id,
        "attendee_id": person.id,
        "contact_id": contact_id,
        "name": ticket_code(),
        "status": "registered",
        "created": tx.now,
    }


def _attendee_pass(registration: Row, person: AttendeeRow, currency: str) -> Row:
    return {
        "id": new_id(),
        "registration_id": registration["id"],
        "pass_id": person.pass_id,
        "code": registration["name"],
        "price_minor": person.price_minor,
        "currency": currency,
    }


def ticket_code() -> str:
    """Such as 7K3F-92QD-0M4A-XY5T: what the door reads."""
    number = secrets.randbits(5 * _CODE_CHARS)
    text = "".join(_CODE_LETTERS[(number >> shift) & 31] for shift in range(0, 5 * _CODE_CHARS, 5))
    return "-".join(text[i : i + 4] for i in range(0, _CODE_CHARS, 4))


# Late money


def _late(held: Mapping[UUID, Purchase], status: Mapping[UUID, Status]) -> list[Purchase]:
    return [
        replace(held[at], status=now)
        for at, now in status.items()
        if now is Status.PAID_LATE and held[at].status is not Status.PAID_LATE
    ]


def _seat_late(
    tx: WriteTx, held: Mapping[UUID, Purchase], status: dict[UUID, Status], wanted: Sequence[Settlement],
    answers: Sequence[Settled | GatepassError],
) -> list[Settled | GatepassError]:  # fmt: skip
    """What becomes of money that came too late, by the policy of its event. Decided under the lock."""
    by_hand = {one.purchase_id for one in wanted if not one.refundable}
    moves = _moved_late(tx, _late(held, status), by_hand)
    status |= {at: after(Status.PAID_LATE, move, at) for at, move in moves.items()}
    return [
        Settled(answer.before, status[one.purchase_id], give_back=moves.get(one.purchase_id) is Move.GIVE_UP)
        if isinstance(answer, Settled)
        else answer
        for one, answer in zip(wanted, answers, strict=True)
    ]


def seat_those_who_wait(tx: WriteTx, limit: int) -> list[UUID]:
    """Seat those who paid late and wait, the longest waiting first; returns whose money has to go back instead."""
    waiting = list(purchases.lock(tx, purchases.waitlisted(tx, limit)).values())
    moves = _moved_late(tx, [one for one in waiting if one.status is Status.WAITLISTED], set())
    return [at for at, move in moves.items() if move is Move.GIVE_UP]


def _moved_late(tx: WriteTx, late: Sequence[Purchase], by_hand: Collection[UUID]) -> dict[UUID, Move]:
    """Seat, put on the waitlist or give up each of these locked purchases; those left out are for a person."""
    people = _people(tx, late)
    wishes = {person.pass_id for some in people.values() for person in some if person.pass_id}
    given_up = purchases.ever_registered(tx, list(people)) | purchases.short_of_money(tx, list(people))
    moves: dict[UUID, Move] = {}
    for purchase in sorted(late, key=lambda one: one.changed):
        event = events.lock(tx, [purchase.event_id], wishes)[purchase.event_id]
        move = _late_move(tx, event, people[purchase.id], again=purchase.id in given_up)
        if move is None or (move is Move.GIVE_UP and purchase.id in by_hand):
            _call_for_help(tx, purchase)
            continue
        moves[purchase.id] = move
        status = after(purchase.status, move, purchase.id)
        if status is not purchase.status:
            told = {"status": purchase.status.value}, {"status": status.value}
            why = f"late policy {event.late_policy.value}"
            audit.write(
                tx, audit.POLICY, "late_money", f"purchase:{purchase.id}", before=told[0], after=told[1], reason=why
            )
            _make_late_move(tx, purchase, people[purchase.id], move)
    return moves


def seat_by_hand(tx: WriteTx, purchase: Purchase) -> bool:
    """Seat a locked purchase that was paid late, when somebody has made room. False: there is none, or its money went back."""
    people = _people(tx, [purchase])[purchase.id]
    wishes = {person.pass_id for person in people if person.pass_id}
    event = events.lock(tx, [purchase.event_id], wishes)[purchase.event_id]
    spent = purchases.ever_registered(tx, [purchase.id]) | purchases.short_of_money(tx, [purchase.id])
    if spent or not event.live or not _fits(event, people):
        return False
    _make_late_move(tx, purchase, people, Move.SEAT)
    return True


def _late_move(tx: WriteTx, event: Event, people: Sequence[AttendeeRow], *, again: bool) -> Move | None:
    """None: a person decides. What was given up once, or has had money back, is never seated `again`."""
    if event.status is EventStatus.CANCELLED:
        return Move.GIVE_UP
    on_sale = event.live and not again and event.begins > tx.now
    if event.late_policy in SEATS_AGAIN and on_sale and _fits(event, people):
        return Move.SEAT
    if event.late_policy is LatePolicy.SEAT_ELSE_WAITLIST and on_sale:
        return Move.WAIT_FOR_SEAT
    if event.late_policy in {LatePolicy.ATTENTION, LatePolicy.SEAT_ELSE_ATTENTION}:
        return None
    return Move.GIVE_UP


def _fits(event: Event, people: Sequence[AttendeeRow]) -> bool:
    wanted = Counter(person.pass_id for person in people)
    left = {one.id: one.left for one in event.passes}
    room = event.left is None or event.left >= len(people)
    return room and all(at is None or left.get(at, 0) >= count for at, count in wanted.items())


def _make_late_move(tx: WriteTx, purchase: Purchase, people: Sequence[AttendeeRow], move: Move) -> None:
    changes = _Changes()
    changes.status[purchase.id] = (after(purchase.status, move, purchase.id), None)
    if move is Move.SEAT:
        changes.seats(people, purchase.event_id, 0, 1)
        changes.granted.append(purchase.id)
    _save(tx, changes, {purchase.id: purchase}, {purchase.id: people})


def _call_for_help(tx: WriteTx, purchase: Purchase) -> None:
    records.call_attention(
        tx,
        "paid_late",
        f"{purchase.total} arrived after the seats were given away. Refund it, or make room and seat them.",
        dedupe=f"paid_late:{purchase.id}",
        purchase_id=purchase.id,
    )


# Seats that go back


def release(tx: WriteTx, wanted: Mapping[UUID, Collection[UUID] | None]) -> None:
    """Give up registrations of purchases whose money goes back: (purchase -> attendees, or None for all of them).

    Frees their seats. A purchase that nobody is left of is cancelled. Repeatable; unknown people are left out.
    """
    held = purchases.lock(tx, wanted)
    registered = _registered(tx, list(held))
    changes = _Changes()
    leaving: list[UUID] = []
    holding = _people(tx, [one for one in held.values() if one.status in HOLDS_SEATS])
    for purchase in held.values():
        changes.seats(holding.get(purchase.id, ()), purchase.event_id, -1, 0)
        whom = wanted[purchase.id]
        gone = [person for person in registered[purchase.id] if whom is None or person.id in whom]
        leaving.extend(person.id for person in gone)
        changes.seats(gone, purchase.event_id, 0, -1)
        if whom is None or purchase.id in holding or (gone and len(gone) == len(registered[purchase.id])):
            _give_up(tx, changes, purchase)
    cancelled = purchases.cancel_registrations(tx, leaving)
    announce(tx, Kind.REGISTRATION_CANCELLED, [Subject(at, gone) for at, gone in cancelled.items()])
    _save(tx, changes, held, {})


def _give_up(tx: WriteTx, changes: _Changes, purchase: Purchase) -> None:
    move = Move.CANCEL if purchase.status in HOLDS_SEATS else Move.GIVE_UP
    to = after(purchase.status, move, purchase.id)
    if to is purchase.status:
        return
    changes.status[purchase.id] = (to, None)
    if not purchase.total.minor:
        # Where money goes back, the mail about that says it.
        payload = {"purchase_id": str(purchase.id)}
        jobs.add(tx, "send_cancellation", payload, dedupe=f"cancellation:{purchase.id}")


def _registered(tx: WriteTx, ids: Sequence[UUID]) -> dict[UUID, list[AttendeeRow]]:
    people: dict[UUID, list[AttendeeRow]] = {at: [] for at in ids}
    for person in purchases.registered(tx, ids):
        people[person.purchase_id].append(person)
    return people
