"""Application users: programs that sign in as to Entra ID, with a client id and a secret, and get a token for an hour.

Long-lived tokens for scripts belong to an application user too. Of secrets and tokens only hashes are kept; a token for an
hour is signed, and its user is looked up at every use: who is disabled is out at once.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer

from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.services import audit
from gatepass.services.access import Caller, Role, hashed
from gatepass.store import ReadTx, Store, WriteTx, people
from gatepass.store.tables import Row, new_id

TOKEN_LIFE_S = 3599
"""As Entra ID says it."""
SECRET_BYTES = 30
_PURPOSE = "dataverse access token"
_MARK = "gpat."
"""Tells a token for an hour from a long-lived one."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the administrator of a client program is told, once."""

    client_id: UUID
    client_secret: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens for an hour. `keys`: the newest last, older ones still read."""

    keys: tuple[str, ...]

    def issue(self, client_id: UUID) -> str:
        """For a client that has shown its secret."""
        return _MARK + self._serializer().dumps(client_id.hex)

    def read(self, token: str) -> UUID:
        """Client id of a token of ours; raises Refused when it is damaged or over."""
        try:
            return UUID(self._serializer().loads(token.removeprefix(_MARK), max_age=TOKEN_LIFE_S))
        except (BadSignature, ValueError, TypeError):
            raise Refused("SignInNeeded", "This token has ended, or was damaged. Ask for a new one.") from None

    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(list(self.keys), salt=_PURPOSE)


def is_for_an_hour(token: str) -> bool:
    """True for a token that `Tokens.issue` made; a long-lived one is looked up."""
    return token.startswith(_MARK)


async def sign_in(store: Store, client_id: UUID, client_secret: str) -> Caller | None:
    """The application user, or None when id or secret is wrong."""
    user = await store.read(lambda tx: people.application_user(tx, client_id))
    fits = hmac.compare_digest(hashed(client_secret), user["secret_hash"] if user else hashed("nobody"))
    return _caller(user) if user and fits and not user["isdisabled"] else None


async def known(store: Store, client_id: UUID) -> bool:
    """Whether there is such a client at all: Entra tells."""
    return await store.read(lambda tx: people.application_user(tx, client_id)) is not None


async def caller(store: Store, tokens: Tokens, token: str) -> Caller:
    """Who holds this token, of either kind; raises Refused for nobody."""
    if is_for_an_hour(token):
        client_id = tokens.read(token)
        user = await store.read(lambda tx: people.application_user(tx, client_id))
    else:
        user = await store.read(lambda tx: people.token_owner(tx, hashed(token)))
    if user is None or user["isdisabled"]:
        raise Refused("SignInNeeded", "This token is not known, or was withdrawn.")
    return _caller(user)


def add(tx: WriteTx, name: str, role: Role, actor: str, given: Credentials | None = None) -> Credentials:
    """A new application user with a secret. Audited. Raises Conflict when the client id is taken."""
    made = given or Credentials(new_id(), secrets.token_urlsafe(SECRET_BYTES))
    if people.application_user(tx, made.client_id):
        raise Conflict(
            "ApplicationExists", f"There is an application user with the client id {made.client_id} already."
        )
    row = {"id": new_id(), "fullname": f"# {name}", "applicationid": made.client_id, "role": role.value}
    people.add_user(tx, row | {"secret_hash": hashed(made.client_secret), "isdisabled": False})
    told = {"name": name, "role": role.value}
    audit.write(tx, actor, "application.add", f"application:{made.client_id}", after=told)
    return made


def new_secret(tx: WriteTx, client_id: UUID, actor: str) -> str:
    """Another secret; the old one ends at once. Audited. Raises NotFound."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    _change(tx, client_id, "application.secret", actor, {"secret": "another one"}, secret_hash=hashed(secret))
    return secret


def disable(tx: WriteTx, client_id: UUID, actor: str) -> None:
    """Nobody gets in with it any more, and its tokens end at once. Audited. Raises NotFound."""
    _change(tx, client_id, "application.disable", actor, {"disabled": True}, isdisabled=True)


def listed(tx: ReadTx) -> list[Row]:
    """All of them: `fullname`, `applicationid`, `role`, `isdisabled`."""
    return people.application_users(tx)


def _change(
    tx: WriteTx, client_id: UUID, action: str, actor: str, after: Mapping[str, object], **values: Any
) -> None:  # fmt: skip
    user = people.application_user(tx, client_id)
    if user is None or not people.change_application_user(tx, client_id, values):
        raise NotFound("ApplicationUnknown", f"There is no application user with the client id {client_id}.")
    before = {"disabled": user["isdisabled"], "secret": "one"}
    audit.write(
        tx, actor, action, f"application:{client_id}", before={name: before[name] for name in after}, after=after
    )


def _caller(user: Row) -> Caller:
    return Caller(user["fullname"].removeprefix("# "), Role.of(user["role"]), user["id"])
