"""What event staff set up: providers, sites, events, passes. Idempotent by name, so that a set-up can be repeated."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gatepass.domain.errors import NotFound
from gatepass.domain.event import EventStatus, LatePolicy
from gatepass.domain.money import Money
from gatepass.domain.payment import Way
from gatepass.domain.question import Question, QuestionKind
from gatepass.services import audit
from gatepass.store import WriteTx, events, people, questions
from gatepass.store.tables import new_id

_MAX_NAME_IN_ID = 60


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as staff describe it; times are local to `time_zone`, naive."""

    name: str
    description: str
    place: str
    image_url: str | None
    currency: str
    starts: datetime
    ends: datetime
    time_zone: str
    capacity: int | None = None
    provider_id: UUID | None = None
    status: EventStatus = EventStatus.DRAFT
    late_policy: LatePolicy = LatePolicy.SEAT_ELSE_REFUND
    color: str | None = None
    contact_email: str | None = None
    registration_opens: datetime | None = None


def readable_id(name: str) -> str:
    """`msevtmgt_readableeventid`: made from the name and digits, such as Contoso_Summit1479011247."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:_MAX_NAME_IN_ID]
    return f"{words or 'Event'}{secrets.randbelow(9 * 10**9) + 10**9}"


def add_event(tx: WriteTx, new: NewEvent) -> tuple[UUID, str]:
    """A new event; its id and readable id."""
    event_id, readable = new_id(), readable_id(new.name)
    row = {
        "id": event_id,
        "readable_id": readable,
        "name": new.name,
        "description": new.description,
        "place": new.place,
        "image_url": new.image_url,
        "color": new.color,
        "contact_email": new.contact_email,
        "status": new.status.value,
        "currency": new.currency,
        "capacity": new.capacity,
        "held": 0,
        "sold": 0,
        "starts": new.starts,
        "ends": new.ends,
        "time_zone": new.time_zone,
        "registration_opens": new.registration_opens,
        "registration_closes": None,
        "payment_enabled": new.provider_id is not None,
        "payment_provider_id": new.provider_id,
        "late_policy": new.late_policy.value,
        "created": tx.now,
    }
    events.add(tx, row)
    return event_id, readable


def add_pass(tx: WriteTx, event_id: UUID, name: str, description: str, price: Money, allocation: int) -> UUID:
    """A new pass of an event; its price must be in the event's currency."""
    pass_id = new_id()
    row = {
        "id": pass_id,
        "event_id": event_id,
        "name": name,
        "description": description,
        "price_minor": price.minor,
        "currency": price.currency,
        "allocation": allocation,
        "held": 0,
        "sold": 0,
        "created": tx.now,
    }
    events.add_pass(tx, row)
    return pass_id


def add_question(
    tx: WriteTx, event_id: UUID, text: str, kind: QuestionKind, *choices: str, required: bool = False, position: int = 0
) -> UUID:
    """Something that an event asks of each attendee."""
    asked = Question(new_id(), text, kind, required, choices)
    questions.add(tx, event_id, asked, position)
    return asked.id


def add_provider(
    tx: WriteTx,
    name: str,
    kind: str,
    payment_page_url: str,
    *,
    timeout_minutes: int = 30,
    live: bool = False,
    way: Way = Way.REDIRECT,
) -> UUID:
    """A payment provider; when one of this name is there, it gets this payment page."""
    if before := events.provider_named(tx, name):
        events.point_providers(tx, name, payment_page_url)
        return before.id
    provider_id = new_id()
    row = {
        "id": provider_id,
        "name": name,
        "kind": kind,
        "payment_page_url": payment_page_url,
        "timeout_minutes": timeout_minutes,
        "live": live,
        "way": way.value,
        "created": tx.now,
    }
    events.add_provider(tx, row)
    return provider_id


def add_web_application(tx: WriteTx, name: str, origins: list[str], token: str, return_url: str | None = None) -> UUID:
    """A site that may register attendees."""
    application_id = new_id()
    row = {"id": application_id, "name": name, "origins": origins, "token": token, "return_url": return_url}
    people.add_web_application(tx, row | {"created": tx.now})
    return application_id


def set_late_policy(tx: WriteTx, readable_id: str, policy: LatePolicy, actor: str) -> None:
    """What becomes of money that comes after the seats were given away, from now on. Audited. Raises NotFound."""
    event = events.find(tx, readable_id)
    if event is None:
        raise NotFound("EventNotFound", f"There is no event '{readable_id}'.")
    events.set_late_policy(tx, event.id, policy)
    before, after = {"late_policy": event.late_policy.value}, {"late_policy": policy.value}
    audit.write(tx, actor, "event.late_policy", f"event:{event.id}", before=before, after=after)
