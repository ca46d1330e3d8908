"""Where a wish to attend becomes a purchase with held seats: one transaction for all who wait at that moment."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.domain.event import not_kept
from gatepass.domain.money import Money
from gatepass.domain.purchase import Status, order_reference
from gatepass.domain.registration import Answer, Attendee, Register, checked_attendees
from gatepass.services import switches
from gatepass.services.contacts import Contacts, contacts_of
from gatepass.services.purchases import Order, grant
from gatepass.store import Store, WriteTx, events, purchases, questions
from gatepass.store.events import OnSale, PassOnSale
from gatepass.store.purchases import AttendeeRow, Purchase
from gatepass.store.tables import Row, new_id

DEFAULT_HOLD = timedelta(minutes=30)
"""Where no payment provider says how long."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The purchase that a registration made, or had made before."""

    purchase_id: UUID
    status: Status
    payment_page_url: str | None
    """Of the event's payment provider; None when nothing is to be paid, or by no page."""
    return_url: str | None
    created: datetime


async def register(store: Store, command: Register) -> Registered:
    """Hold the seats and say where to pay. A total of nothing is completed at once.

    Raises Refused (what was asked for is wrong), NotFound (event), Conflict (not live, closed, sold out).
    """
    return await store.write_together(_register, _checked(command))


def register_in(tx: WriteTx, command: Register) -> Registered:
    """The same inside a unit of work, which a refusal undoes."""
    (answer,) = _register(tx, [_checked(command)])
    if isinstance(answer, GatepassError):
        raise answer
    return answer


def _checked(command: Register) -> Register:
    return replace(command, attendees=checked_attendees(command.attendees))


@dataclass(slots=True)
class _Sale:
    """One event while its row is locked: what it was, and what this group takes from it."""

    event: OnSale
    held: int = 0
    sold: int = 0
    pass_held: Counter[UUID] = field(default_factory=Counter[UUID])
    pass_sold: Counter[UUID] = field(default_factory=Counter[UUID])

    def left(self, pass_id: UUID, own: int) -> int:
        """Seats of a pass that nobody of this group has taken yet, for a buyer to whom `own` of them belong."""
        free = self.event.passes[pass_id].left - self.pass_held[pass_id] - self.pass_sold[pass_id]
        return not_kept(free, self.event.kept.get(pass_id, 0), own)

    def room(self, own: int) -> int | None:
        """The same of the whole event; None: no limit."""
        if self.event.left is None:
            return None
        return not_kept(self.event.left - self.held - self.sold, sum(self.event.kept.values()), own)

    def take(self, wanted: Mapping[UUID, int], people: int, *, at_once: bool) -> None:
        """Count seats as sold (`at_once`) or held."""
        if at_once:
            self.sold += people
            self.pass_sold.update(wanted)
        else:
            self.held += people
            self.pass_held.update(wanted)


@dataclass(slots=True)
class _Group:
    """Everything one transaction writes for its registrations."""

    sales: dict[str, _Sale]
    payments_on: bool
    known: dict[str, Purchase]
    purchases: list[Row] = field(default_factory=list[Row])
    people: list[Row] = field(default_factory=list[Row])
    answers: list[tuple[UUID, Answer, bool]] = field(default_factory=list[tuple[UUID, Answer, bool]])
    """Attendee, answer, and whether it came by the events API."""
    granted: list[Order] = field(default_factory=list[Order])


def _register(tx: WriteTx, commands: Sequence[Register]) -> Sequence[Registered | GatepassError]:
    group = _open_sale(tx, commands)
    answers = [_answer(tx, group, command) for command in commands]
    _write(tx, group)
    return answers


def _open_sale(tx: WriteTx, commands: Sequence[Register]) -> _Group:
    """Lock the events, then look what was made before: whoever has the same key has waited for the same lock."""
    wanted = {person.pass_id for command in commands for person in command.attendees if person.pass_id}
    found = events.lock_on_sale(tx, {command.event for command in commands}, wanted)
    keys = [command.idempotency_key for command in commands if command.idempotency_key]
    return _Group(
        sales={at: _Sale(event) for at, event in found.items()},
        payments_on=switches.on(tx, switches.PAYMENTS),
        known=purchases.by_idempotency_key(tx, keys) if keys else {},
    )


def _answer(tx: WriteTx, group: _Group, command: Register) -> Registered | GatepassError:
    try:
        sale = group.sales.get(command.event)
        if sale is None:
            raise NotFound(
                "EventNotFound", f"There is no event '{command.event}'. Check the address of the registration page."
            )
        wish = wish_of(command) if command.idempotency_key else None
        if before := group.known.get(command.idempotency_key or ""):
            return _again(sale, before, wish)
        return _hold(tx, group, sale, command, wish)
    except GatepassError as refusal:
        return refusal


def _again(sale: _Sale, before: Purchase, wish: str | None) -> Registered:
    if before.wish != wish:
        raise Conflict(
            "IdempotencyKeyReused",
            "This Idempotency-Key was used for another registration. Send a new key with a new wish.",
        )
    gateway = before.provider_id is not None
    return _registered(sale, before.id, before.status, before.return_url, before.created, gateway=gateway)


def _hold(tx: WriteTx, group: _Group, sale: _Sale, command: Register, wish: str | None) -> Registered:
    _check_open(sale.event, tx.now)
    wanted = Counter(
        _pass_of(tx, sale, person).id for person in command.attendees if person.pass_id or _needs(tx, sale)
    )
    _check_room(sale, wanted, len(command.attendees), Counter(command.own_seats))
    total = sum(sale.event.passes[at].price_minor * count for at, count in wanted.items())
    sale.take(wanted, len(command.attendees), at_once=not total)
    purchase = _purchase_row(tx, group, sale, command, total, _items(sale, wanted, len(command.attendees)), wish)
    people = [_attendee_row(purchase["id"], at, person, sale) for at, person in enumerate(command.attendees)]
    group.purchases.append(purchase)
    group.people.extend(people)
    for row, person in zip(people, command.attendees, strict=True):
        group.answers += [(row["id"], answer, bool(command.web_application_id)) for answer in person.answers]
    status = Status(purchase["status"])
    if status is Status.COMPLETED:
        group.granted.append((sale.event.id, sale.event.currency, [_person(row) for row in people]))
    if command.idempotency_key:
        group.known[command.idempotency_key] = _as_known(purchase)
    return _registered(
        sale, purchase["id"], status, purchase["return_url"], tx.now, gateway=bool(purchase["payment_provider_id"])
    )


def _check_open(event: OnSale, now: datetime) -> None:
    if not event.live:
        raise Conflict("EventNotLive", f"{event.name} does not take registrations: it is not live.")
    if event.registration_opens and event.registration_opens > now:
        raise Conflict("RegistrationNotOpen", f"Registration for {event.name} has not opened yet.")
    if event.registration_closes and event.registration_closes <= now:
        raise Conflict("RegistrationClosed", f"Registration for {event.name} has closed.")


def _needs(tx: WriteTx, sale: _Sale) -> bool:
    """True when an attendee without a pass is wrong here."""
    return bool(sale.event.passes) or events.has_passes(tx, sale.event.id)


def _pass_of(tx: WriteTx, sale: _Sale, person: Attendee) -> PassOnSale:
    if person.pass_id is None:
        raise Refused("PassMissing", f"{sale.event.name} needs a pass for each attendee.", field="attendees.passId")
    try:
        return sale.event.passes[person.pass_id]
    except KeyError:
        raise Refused(
            "PassNotFound", f"{sale.event.name} has no pass {person.pass_id}.", field="attendees.passId"
        ) from None


def _check_room(sale: _Sale, wanted: Mapping[UUID, int], people: int, own: Counter[UUID | None]) -> None:
    for at, count in wanted.items():
        left = sale.left(at, own[at])
        if left < count:
            raise Conflict("PassSoldOut", _sold_out(sale.event.passes[at].name, left))
    room = sale.room(own.total())
    if room is not None and room < people:
        raise Conflict("EventCapacityReached", _sold_out(sale.event.name, room))


def _sold_out(what: str, left: int) -> str:
    return f"{what} is sold out." if left <= 0 else f"Only {left} left of {what}. Register fewer people."


def _items(sale: _Sale, wanted: Mapping[UUID, int], people: int) -> str:
    parts = [f"{count} × {sale.event.passes[at].name}" for at, count in wanted.items()] or [f"{people} × registration"]
    return ", ".join(parts)[:500]


def _purchase_row(
    tx: WriteTx, group: _Group, sale: _Sale, command: Register, total: int, items: str, wish: str | None
) -> Row:
    event = sale.event
    purchase_id = new_id()
    gateway = event.provider if total and group.payments_on and event.payment_enabled else None
    hold = timedelta(minutes=gateway.timeout_minutes) if gateway else DEFAULT_HOLD
    return {
        "id": purchase_id,
        "event_id": event.id,
        "status": (Status.AWAITING_PAYMENT if total else Status.COMPLETED).value,
        "total_minor": total,
        "currency": event.currency,
        "live": bool(gateway and gateway.live),
        "payment_provider_id": gateway.id if gateway else None,
        "web_application_id": command.web_application_id,
        "return_url": command.return_url,
        "name": order_reference(purchase_id),
        "items": items,
        "locale": command.locale,
        "idempotency_key": command.idempotency_key,
        "wish": wish,
        "hold_until": tx.now + hold if total else None,
        "created": tx.now,
        "changed": tx.now,
    }


def _attendee_row(purchase_id: UUID, position: int, person: Attendee, sale: _Sale) -> Row:
    return {
        "id": new_id(),
        "purchase_id": purchase_id,
        "position": position,
        "pass_id": person.pass_id,
        "price_minor": sale.event.passes[person.pass_id].price_minor if person.pass_id else 0,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "answers": [[answer.id, answer.value] for answer in person.answers],
    }


def _registered(
    sale: _Sale, purchase_id: UUID, status: Status, return_url: str | None, created: datetime, *, gateway: bool
) -> Registered:
    page = sale.event.provider.payment_page_url if gateway and sale.event.provider else None
    return Registered(purchase_id, status, page, return_url, created)


def _person(row: Row) -> AttendeeRow:
    return AttendeeRow(
        **{name: row[name] for name in AttendeeRow.__slots__ if name not in {"code", "answered"}},
        answered=bool(row["answers"]),
    )


def _as_known(row: Row) -> Purchase:
    values: dict[str, Any] = {name: row.get(name) for name in Purchase.__slots__}
    values |= {
        "status": Status(row["status"]),
        "total": Money(row["total_minor"], row["currency"]),
        "provider_id": row["payment_provider_id"],
    }
    return Purchase(**values)


def wish_of(command: Register) -> str:
    """What a repeat with the same key must agree in."""
    people = [msgspec.to_builtins(person) for person in command.attendees]
    wish = [command.event, people, command.return_url]
    seen = [command.agreed, command.locale] if command.agreed else []
    return hashlib.sha256(msgspec.json.encode([*wish, *seen])).hexdigest()


def _write(tx: WriteTx, group: _Group) -> None:
    if not group.purchases:
        return
    seats: dict[UUID, tuple[int, int]] = {}
    passes: dict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for sale in group.sales.values():
        if sale.held or sale.sold:
            seats[sale.event.id] = (sale.held, sale.sold)
        for at in {*sale.pass_held, *sale.pass_sold}:
            passes[at] = (sale.pass_held[at], sale.pass_sold[at])
    known = contacts_of(tx, [person for *_, people in group.granted for person in people])
    if known:
        _name_contacts(group, known)
    with tx.one_trip():
        events.move_seats(tx, seats, passes)
        purchases.add(tx, group.purchases, group.people)
        grant(tx, group.granted, known)
    _keep_answers(tx, group)


def _keep_answers(tx: WriteTx, group: _Group) -> None:
    """Answers to an event's own questions get rows of their own. The rest stays with the attendee, as it was sent."""
    wanted = [(row, at, answer, api) for row, answer, api in group.answers if (at := _uuid(answer.id))]
    if not wanted:
        return
    _keep_rows(tx, wanted)
    questions.give_to_registrations(
        tx, [person.id for *_, people in group.granted for person in people if person.answered]
    )


def _keep_rows(tx: WriteTx, wanted: Sequence[tuple[UUID, UUID, Answer, bool]]) -> None:
    asked = questions.known(tx, {at for _, at, _, _ in wanted})
    for from_api in (False, True):
        told = [(row, at, answer.value) for row, at, answer, api in wanted if api is from_api and at in asked]
        questions.add_answers(tx, told, from_api=from_api)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _name_contacts(group: _Group, known: Contacts) -> None:
    """Those of free orders; the others get theirs when they are paid."""
    buyers = {people[0].purchase_id: known.get(people[0].id) for *_, people in group.granted}
    group.people = [{**row, "contact_id": known.get(row["id"])} for row in group.people]
    group.purchases = [{**row, "contact_id": buyers.get(row["id"])} for row in group.purchases]
