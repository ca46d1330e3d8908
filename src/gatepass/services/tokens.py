"""Tokens of the staff API: one for each program, with the scopes that it needs and an end; only a hash of it is kept."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.services import audit
from gatepass.services.access import Caller, Role, hashed
from gatepass.store import ReadTx, Store, WriteTx, tokens
from gatepass.store.tables import Row, new_id

LIFE_DAYS, MOST_DAYS = 90, 366
MAX_NAME_CHARS = 100
TOKEN_BYTES = 32
MARK = "gpst_"
"""Tells scanners of repositories what they have found."""
USE_NOTED_EVERY = timedelta(hours=1)


class Scope(StrEnum):
    """What a token may do. Each stands for itself: `money` reads nothing."""

    READ = "read"
    """Events, purchases, figures, needs attention."""
    SETUP = "setup"
    """Events, passes, questions."""
    WORK = "work"
    """Helps attendees: tickets again, names corrected."""
    MONEY = "money"
    """Refunds, settling by hand, calling off, closing what needs attention."""
    ADMIN = "admin"
    """Providers and their keys, web applications, switches, people, the audit log."""


ROLES: Mapping[Scope, Role] = MappingProxyType(
    {
        Scope.READ: Role.VIEWER,
        Scope.SETUP: Role.EVENT_STAFF,
        Scope.WORK: Role.EVENT_STAFF,
        Scope.MONEY: Role.FINANCE,
        Scope.ADMIN: Role.ADMINISTRATOR,
    }
)
"""As whom a call acts: never more than the scope that it needs."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that has shown a token that counts."""

    token_id: UUID
    name: str
    scopes: frozenset[Scope]

    def acting(self, scope: Scope) -> Caller:
        """Who calls, as the audit names it. Raises Refused when the token has not this scope."""
        if scope not in self.scopes:
            has = ", ".join(sorted(self.scopes))
            raise Refused("ScopeMissing", f"This needs a token with the scope '{scope}'; this one has: {has}.")
        return Caller(actor_of(self.name), ROLES[scope], self.token_id)


def actor_of(name: str) -> str:
    """How the audit names a token: no person is called so."""
    return f"token {name}"


def add(tx: WriteTx, name: str, scopes: Collection[str], days: int, actor: str) -> tuple[UUID, str]:
    """A new token; its id, and itself, this once. Audited.

    Raises Refused (name, scope, days), Conflict while another token of this name counts.
    """
    called, wanted = _named(name), _scopes(scopes)
    if not 1 <= days <= MOST_DAYS:
        raise Refused("TokenLifeInvalid", f"A token lives 1 to {MOST_DAYS} days.", field="days")
    if tokens.active(tx, called):
        raise Conflict("TokenExists", f"There is a token '{called}' already. Revoke it, or take another name.")
    token_id, token, expires = new_id(), MARK + secrets.token_urlsafe(TOKEN_BYTES), tx.now + timedelta(days=days)
    row = {"id": token_id, "name": called, "token_hash": hashed(token), "scopes": wanted, "expires": expires}
    tokens.add(tx, row | {"created_by": actor, "created": tx.now, "last_used": None, "revoked": None})
    after = {"name": called, "scopes": wanted, "expires": expires.isoformat()}
    audit.write(tx, actor, "staff_token.add", f"staff_token:{token_id}", after=after)
    return token_id, token


def revoke(tx: WriteTx, token_id: UUID, actor: str) -> bool:
    """It counts no more, at once. Audited. False: it had ended already. Raises NotFound."""
    row = tokens.get(tx, token_id)
    if row is None:
        raise NotFound("TokenUnknown", f"There is no token {token_id}. List them with: gatepass token list")
    if not counts(row, tx.now):
        return False
    tokens.change(tx, token_id, {"revoked": tx.now})
    before, after = {"revoked": None}, {"revoked": tx.now.isoformat()}
    audit.write(tx, actor, "staff_token.revoke", f"staff_token:{token_id}", before=before, after=after)
    return True


def named(tx: WriteTx, name: str) -> UUID:
    """The token of this name that counts. Raises NotFound."""
    found = tokens.active(tx, name.strip())
    if found is None:
        raise NotFound("TokenUnknown", f"There is no token '{name}'. List them with: gatepass token list")
    return found["id"]


def listed(tx: ReadTx) -> list[Row]:
    """All of them: `name`, `scopes`, `created_by`, `created`, `expires`, `last_used`, `revoked`."""
    return tokens.listed(tx)


def counts(row: Row, now: datetime) -> bool:
    """Neither revoked nor over."""
    return row["revoked"] is None and row["expires"] > now


async def holder(store: Store, token: str) -> Holder:
    """Who holds this token. Raises Refused (SignInNeeded) for nobody, or when it has ended."""
    row = await store.read(lambda tx: tokens.by_hash(tx, hashed(token)))
    now = datetime.now(UTC)
    if row is None or not counts(row, now):
        raise Refused("SignInNeeded", "This token is not known, has ended, or was revoked.")
    if row["last_used"] is None or now - row["last_used"] > USE_NOTED_EVERY:
        await store.write(lambda tx: tokens.change(tx, row["id"], {"last_used": tx.now}))
    return Holder(row["id"], row["name"], frozenset(map(Scope, row["scopes"])))


def _named(name: str) -> str:
    called = name.strip()
    if not called or len(called) > MAX_NAME_CHARS or not called.isprintable():
        raise Refused("NameInvalid", f"Write a name of 1 to {MAX_NAME_CHARS} characters.", field="name")
    return called


def _scopes(given: Collection[str]) -> list[str]:
    known = [scope.value for scope in Scope if scope.value in given]
    if not known or set(given) - set(known):
        raise Refused("ScopeUnknown", f"A token needs one or more of: {', '.join(Scope)}.", field="scopes")
    return known
