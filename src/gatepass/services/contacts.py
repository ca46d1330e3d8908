"""Where attendees become contacts: one per person, known by mail address and names, however often they come."""

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

from gatepass.store import WriteTx, contacts
from gatepass.store.purchases import AttendeeRow
from gatepass.store.tables import new_id

Contacts = Mapping[UUID, UUID]
"""Attendee -> contact."""


def contacts_of(tx: WriteTx, attendees: Sequence[AttendeeRow]) -> Contacts:
    """The contact of each attendee; made where there is none. One or two statements, however many they are."""
    keys = {one.id: match_key(one.email, one.first_name, one.last_name) for one in attendees}
    persons = {keys[one.id]: one for one in attendees}
    # In the order of the keys: two groups that make the same people wait for each other, never around each other.
    rows = [_row(tx, key, persons[key]) for key in sorted(persons)]
    found = contacts.put(tx, rows) if rows else {}
    # One that was deleted between the two statements is missed: an attendee without a contact is no harm.
    return {at: found[key] for at, key in keys.items() if key in found}


def _row(tx: WriteTx, key: str, person: AttendeeRow) -> dict[str, object]:
    return {
        "id": new_id(),
        "firstname": person.first_name,
        "lastname": person.last_name,
        "fullname": full_name(person.first_name, person.last_name),
        "emailaddress1": person.email,
        "match_key": key,
        "created": tx.now,
        "changed": tx.now,
    }


def full_name(first: str, last: str) -> str:
    """As Dataverse writes it."""
    return f"{first} {last}".strip()


def match_key(email: str, first: str, last: str) -> str:
    """The digest that a person is found by (contact matching: email, first and last name). Case counts in names only."""
    told = "\0".join((email.strip().lower(), first.strip(), last.strip()))
    return hashlib.sha256(told.encode()).hexdigest()
