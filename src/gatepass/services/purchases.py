"""Where a purchase moves: set by set, under the locks of purchase and event. This is `msevtmgt_finalizeregistrationpayment`.

settle() may be told the same thing any number of times, in any order; it acts once.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.event import SEATS_AGAIN, Event
from gatepass.domain.purchase import HOLDS_SEATS, SOLD_SEATS, Move, Status, after
from gatepass.domain.webhook import Kind
from gatepass.services.webhooks import Subject, announce
from gatepass.store import WriteTx, events, jobs, purchases, records
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


@dataclass(frozen=True, slots=True)
class Settled:
    """What it was and what it is."""

    before: Status
    after: Status

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
    if changes.event_seats:
        events.lock(tx, changes.event_seats, ())
        events.move_seats(tx, _pairs(changes.event_seats), _pairs(changes.pass_seats))
    if changes.status:
        purchases.set_status(tx, [(at, to, until) for at, (to, until) in changes.status.items()])
    grant(tx, [(held[at].event_id, held[at].total.currency, people[at]) for at in changes.granted])


def _pairs(seats: Mapping[UUID, Sequence[int]]) -> dict[UUID, tuple[int, int]]:
    return {at: (held, sold) for at, (held, sold) in seats.items() if held or sold}


def _people(tx: WriteTx, moved: Sequence[Purchase]) -> dict[UUID, list[AttendeeRow]]:
    people: dict[UUID, list[AttendeeRow]] = {purchase.id: [] for purchase in moved}
    for person in purchases.attendees(tx, list(people)) if people else ():
        people[person.purchase_id].append(person)
    return people


def grant(tx: WriteTx, orders: Iterable[Order]) -> None:
    """Give the attendees of completed purchases (event id, currency, people) what they paid for; buyers and integrators are told."""
    registrations: list[Row] = []
    passes: list[Row] = []
    mails: list[Row] = []
    confirmed: list[Subject] = []
    for event_id, currency, people in orders:
        for person in people:
            registration = _registration(tx, event_id, person)
            registrations.append(registration)
            passes.append(_attendee_pass(registration["id"], person, currency))
        purchase_id = people[0].purchase_id
        mails.append(
            jobs.row(tx, "send_confirmation", {"purchase_id": str(purchase_id)}, dedupe=f"confirm:{purchase_id}")
        )
        confirmed.append(Subject(purchase_id))
    if registrations:
        purchases.add_registrations(tx, registrations, passes)
        jobs.add_many(tx, mails)
        announce(tx, Kind.REGISTRATION_CONFIRMED, confirmed)


def _registration(tx: WriteTx, event_id: UUID, person: AttendeeRow) -> Row:
    return {
        "id": new_id(),
        "event_id": event_id,
        "purchase_id": person.purchase_id,
        "attendee_id": person.id,
        "status": "registered",
        "created": tx.now,
    }


def _attendee_pass(registration_id: UUID, person: AttendeeRow, currency: str) -> Row:
    return {
        "id": new_id(),
        "registration_id": registration_id,
        "pass_id": person.pass_id,
        "code": ticket_code(),
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
        held[at] for at, now in status.items() if now is Status.PAID_LATE and held[at].status is not Status.PAID_LATE
    ]


def _seat_late(
    tx: WriteTx, held: Mapping[UUID, Purchase], status: dict[UUID, Status], wanted: Sequence[Settlement],
    answers: Sequence[Settled | GatepassError],
) -> list[Settled | GatepassError]:  # fmt: skip
    """Money that came too late gets its seats again where there is room; else a person decides. Decided under the lock."""
    late = _late(held, status)
    people = _people(tx, late)
    wishes = {person.pass_id for some in people.values() for person in some if person.pass_id}
    sale = events.lock(tx, {purchase.event_id for purchase in late}, wishes)
    for purchase in late:
        if sale[purchase.event_id].late_policy in SEATS_AGAIN and _fits(sale[purchase.event_id], people[purchase.id]):
            _seat_again(tx, purchase, people[purchase.id])
            status[purchase.id] = Status.COMPLETED
            sale = events.lock(tx, {one.event_id for one in late}, wishes)
        else:
            _call_for_help(tx, purchase)
    return [
        Settled(answer.before, status[one.purchase_id]) if isinstance(answer, Settled) else answer
        for one, answer in zip(wanted, answers, strict=True)
    ]


def _fits(event: Event, people: Sequence[AttendeeRow]) -> bool:
    wanted: dict[UUID | None, int] = defaultdict(int)
    for person in people:
        wanted[person.pass_id] += 1
    left = {one.id: one.left for one in event.passes}
    room = event.left is None or event.left >= len(people)
    return room and event.live and all(at is None or left.get(at, 0) >= count for at, count in wanted.items())


def _seat_again(tx: WriteTx, purchase: Purchase, people: Sequence[AttendeeRow]) -> None:
    changes = _Changes()
    changes.status[purchase.id] = (after(Status.PAID_LATE, Move.SEAT, purchase.id), None)
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
