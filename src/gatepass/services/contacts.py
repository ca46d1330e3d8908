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
    rows = [
        row_of(tx, key, persons[key].first_name, persons[key].last_name, persons[key].email) for key in sorted(persons)
    ]
    found = contacts.put(tx, rows) if rows else {}
    # One that was deleted between the two statements is missed: an attendee without a contact is no harm.
    return {at: found[key] for at, key in keys.items() if key in found}


def row_of(tx: WriteTx, key: str, first: str, last: str, email: str) -> dict[str, object]:
    """A new contact, to be put where there is none of this key."""
    return {
        "id": new_id(),
        "firstname": first,
        "lastname": last,
        "fullname": full_name(first, last),
        "emailaddress1": email,
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
