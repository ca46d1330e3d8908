"""Who may: roles, callers, tokens of programs. Only hashes are stored. People sign in by services/signing_in.py."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gatepass.services import audit
from gatepass.store import WriteTx, people, staff
from gatepass.store.tables import new_id


class Role(StrEnum):
    """What a caller may do. The first four are people's, who work with the staff pages; the others are programs'."""

    VIEWER = "viewer"
    """Sees events, purchases and figures."""
    EVENT_STAFF = "event_staff"
    """Sets up events and passes, and helps attendees."""
    FINANCE = "finance"
    """Moves money: refunds, and settling by hand."""
    ADMINISTRATOR = "administrator"
    """Everything; people and programs."""
    PLANNER = "planner"
    """Reads everything, changes nothing."""
    FINALIZER = "finalizer"
    """Reads what a payment is about, and says that a purchase is paid or cancelled."""
    NOBODY = "nobody"

    @classmethod
    def of(cls, text: str | None) -> "Role":
        """A role by its name; one that is not known may nothing."""
        return next((role for role in cls if role.value == text), cls.NOBODY)

    @property
    def label(self) -> str:
        """For people: event staff."""
        return self.value.replace("_", " ")


STAFF = (Role.VIEWER, Role.EVENT_STAFF, Role.FINANCE, Role.ADMINISTRATOR)
"""Roles of people."""
PROGRAMS = (Role.ADMINISTRATOR, Role.PLANNER, Role.FINALIZER)
MAY_FINALIZE = frozenset({Role.ADMINISTRATOR, Role.FINALIZER, Role.FINANCE})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, as written in the audit log. `user_id` is its row of `systemuser`."""

    name: str
    role: Role
    user_id: UUID

    @property
    def may_finalize(self) -> bool:
        """May say that a purchase is paid or cancelled."""
        return self.role in MAY_FINALIZE


def add_staff(tx: WriteTx, email: str, name: str, password_hash: str, role: str) -> None:
    """A new account with a password (`passwords.hashed`), for a demo and for tests: nobody is invited and nothing is checked."""
    row = {"id": new_id(), "email": email.lower(), "name": name, "role": role, "created": tx.now}
    staff.add(tx, row | {"password_hash": password_hash})


def add_program(tx: WriteTx, name: str, role: str, token: str, actor: str = "set-up") -> None:
    """A token for a program, which gets a user of its own; only the token's hash is kept. Audited."""
    user_id = new_id()
    people.add_user(tx, {"id": user_id, "fullname": name, "role": role})
    row = {"token_hash": hashed(token), "name": name, "role": role, "systemuser_id": user_id, "created": tx.now}
    people.add_token(tx, row)
    audit.write(tx, actor, "token.add", f"systemuser:{user_id}", after={"name": name, "role": role})


def hashed(token: str) -> str:
    """Tokens are long and random: a plain hash is enough, and can be looked up."""
    return hashlib.sha256(token.encode()).hexdigest()
