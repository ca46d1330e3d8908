"""Sessions of people: kept on our side, known by a hash, and ended by time, by their owner, or with the account."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gatepass.services import audit
from gatepass.services.access import Caller, Role, hashed
from gatepass.store import Store, WriteTx, staff

LIFE, IDLE = timedelta(hours=12), timedelta(hours=1)
"""A session ends after a working day, and when nothing was done for an hour (ASVS 7.3)."""
CODE_LIFE = timedelta(minutes=10)
"""Between the password and the code of the second factor."""
FRESH, FRESH_FORM = timedelta(minutes=10), timedelta(minutes=20)
"""For secrets, refunds and where buyers are sent: how long ago somebody may have shown who it is, to open a form and to send it."""
SEEN_EVERY = timedelta(minutes=1)


class Way(StrEnum):
    """How somebody signed in."""

    PASSWORD = "password"  # noqa: S105
    CODE_WANTED = "code_wanted"
    """The password was right; the second factor is missing: nobody is signed in yet."""
    SECOND_FACTOR = "second_factor"
    IDENTITY = "identity"
    """At another identity provider, which asks for a second factor as it is set up there."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in that has not ended."""

    caller: Caller
    name: str
    way: Way
    confirmed: datetime
    second_factor: bool
    has_password: bool
    token_hash: str

    def is_fresh(self, within: timedelta) -> bool:
        """Its owner has shown who it is not long ago."""
        return datetime.now(UTC) - self.confirmed < within


async def look(store: Store, token: str) -> Session | None:
    """Whose session this is; None when it has ended. Also the one that waits for its code."""
    now, key = datetime.now(UTC), hashed(token)
    row = await store.read(lambda tx: staff.session(tx, key, now - IDLE, now))
    if row is None:
        return None
    if now - row["seen"] > SEEN_EVERY:
        await store.write(lambda tx: staff.change_session(tx, key, {"seen": tx.now}))
    caller = Caller(row["email"], Role.of(row["role"]), row["id"])
    return Session(
        caller, row["name"], Way(row["way"]), row["confirmed"], row["second_factor"] is not None,
        bool(row["password_hash"]), key,
    )  # fmt: skip


def begin(tx: WriteTx, user_id: UUID, actor: str, way: Way) -> str:
    """A new session; returns its token, of which only the hash is kept."""
    token = secrets.token_urlsafe(32)
    staff.forget_ended_sessions(tx, tx.now - IDLE)
    staff.open_session(tx, hashed(token), user_id, way.value, tx.now + (CODE_LIFE if way is Way.CODE_WANTED else LIFE))
    if way is not Way.CODE_WANTED:
        audit.write(tx, actor, "sign_in", f"staff:{user_id}", after={"way": way.value})
    return token


def confirm(tx: WriteTx, session: Session) -> None:
    """Its owner has just shown once more who it is."""
    staff.change_session(tx, session.token_hash, {"confirmed": tx.now})


async def end(store: Store, token: str) -> None:
    """Sign out."""
    await store.write(lambda tx: staff.close_session(tx, hashed(token)))


def end_all(tx: WriteTx, user_id: UUID, actor: str, but: str | None = None) -> int:
    """Sign out everywhere, or everywhere else (`but`: the hash of the session that stays); how many ended."""
    ended = staff.close_sessions(tx, user_id, but)
    if ended:
        left = 0 if but is None else 1
        before, after = {"sessions": ended + left}, {"sessions": left}
        audit.write(tx, actor, "staff.sign_out", f"staff:{user_id}", before=before, after=after)
    return ended
