"""Who may: staff by password and session, programs by token. Only hashes are stored."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from gatepass.store import Store, WriteTx, people, records
from gatepass.store.tables import new_id

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SESSION_LIFE = timedelta(hours=12)
FAILURES_PER_WINDOW, WINDOW = 10, timedelta(minutes=15)
"""Wrong passwords for one account, before it must wait."""


class Role(StrEnum):
    """What a caller may do."""

    ADMINISTRATOR = "administrator"
    PLANNER = "planner"
    """Reads everything, changes nothing."""
    FINALIZER = "finalizer"
    """Reads what a payment is about, and says that a purchase is paid or cancelled."""
    NOBODY = "nobody"

    @classmethod
    def of(cls, text: str | None) -> "Role":
        """A role by its name, also by one of old; one that is not known may nothing."""
        text = _OLD_NAMES.get(text or "", text)
        return next((role for role in cls if role.value == text), cls.NOBODY)


_OLD_NAMES = {"viewer": "planner"}
MAY_FINALIZE = frozenset({Role.ADMINISTRATOR, Role.FINALIZER})


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


async def sign_in(store: Store, email: str, password: str) -> str | None:
    """A new session's token, or None when mail or password is wrong (which of the two is not told)."""
    user = await store.read(lambda tx: people.staff_by_email(tx, email))
    # Slow on purpose, so not on the event loop.
    fits = await asyncio.to_thread(_password_fits, user["password_hash"] if user else None, password)
    if not fits or user is None:
        return None
    token, user_id, name = secrets.token_urlsafe(32), user["id"], user["email"]
    await store.write(lambda tx: _open(tx, token, user_id, name))
    return token


def _open(tx: WriteTx, token: str, user_id: UUID, name: str) -> None:
    people.open_session(tx, hashed(token), user_id, tx.now + SESSION_LIFE)
    records.add_audit(tx, name, "sign_in", f"staff:{user_id}", {})


async def sign_out(store: Store, token: str) -> None:
    """End a session."""
    await store.write(lambda tx: people.close_session(tx, hashed(token)))


async def staff(store: Store, session_token: str) -> Caller | None:
    """Who is signed in with this session."""
    row = await store.read(lambda tx: people.staff_of_session(tx, hashed(session_token), datetime.now(UTC)))
    return Caller(row["email"], Role.of(row["role"]), row["id"]) if row else None


def add_staff(tx: WriteTx, email: str, name: str, password: str, role: str) -> None:
    """A new account."""
    row = {"id": new_id(), "email": email.lower(), "name": name, "role": role, "created": tx.now}
    people.add_staff(tx, row | {"password_hash": _hasher().hash(password)})
    people.add_user(tx, {"id": row["id"], "fullname": name, "internalemailaddress": row["email"], "role": role})


def add_program(tx: WriteTx, name: str, role: str, token: str) -> None:
    """A token for a program, which gets a user of its own; only the token's hash is kept."""
    user_id = new_id()
    people.add_user(tx, {"id": user_id, "fullname": name, "role": role})
    row = {"token_hash": hashed(token), "name": name, "role": role, "systemuser_id": user_id, "created": tx.now}
    people.add_token(tx, row)


def hashed(token: str) -> str:
    """Tokens are long and random: a plain hash is enough, and can be looked up."""
    return hashlib.sha256(token.encode()).hexdigest()


def _password_fits(password_hash: str | None, password: str) -> bool:
    from argon2.exceptions import VerificationError

    try:
        return _hasher().verify(password_hash or _nobody(), password)
    except VerificationError:
        return False


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    """Checked in place of an unknown account, so that the answer takes as long."""
    return _hasher().hash(secrets.token_urlsafe(16))
