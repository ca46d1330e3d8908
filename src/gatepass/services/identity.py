"""Signing in at another identity provider: OpenID Connect, authorization code with PKCE (Entra ID, Keycloak, Okta, Google ...).

The provider says who somebody is and which groups or roles it has; `Identity.roles` makes a role of ours out of that, at every
sign-in anew. Sources: OpenID Connect Core 1.0, RFC 7636 (PKCE), RFC 9207 (iss), OAuth 2.0 Security BCP (RFC 9700).
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from gatepass.domain.errors import Refused, Unavailable
from gatepass.services import audit, sessions
from gatepass.services.access import STAFF, Role
from gatepass.services.sessions import Way
from gatepass.store import Store, WriteTx, staff
from gatepass.store.tables import Row, new_id

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

SCOPE = "openid profile email"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Never a symmetric one, and never none."""
CALL_S, LEEWAY_S = 10.0, 60
FLOW_LIFE = timedelta(minutes=10)
METADATA_S = 3600.0
MOST_ROLES = 500


class Flow(msgspec.Struct, frozen=True):
    """One way there and back, kept encrypted in the browser that began it: `began` is a Unix time."""

    state: str
    nonce: str
    verifier: str
    next_url: str
    began: int
    confirming: bool
    """Somebody who is signed in shows once more who it is."""


class Metadata(msgspec.Struct, frozen=True):
    """What the provider says of itself at /.well-known/openid-configuration."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _Answered(msgspec.Struct, frozen=True):
    """Of what the token endpoint answers, all that is needed: the access token is not used."""

    id_token: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who came back, as the provider's signed token says."""

    identity: str
    email: str
    name: str
    role: Role


@dataclass
class IdentityProvider:
    """The provider that this installation trusts. Calls it on first use."""

    name: str
    issuer: str
    client_id: str
    client_secret: str | None
    redirect_uri: str
    role_claim: str
    roles: Mapping[str, Role]
    """A value of the claim -> role. Whoever has none of them is not let in."""
    _metadata: tuple[float, Metadata] | None = field(default=None, init=False)
    _keys: "KeySet | None" = field(default=None, init=False)

    async def begin(self, next_url: str, *, confirming: bool) -> tuple[str, Flow]:
        """Where to send the browser, and what it must bring back. Raises Unavailable."""
        metadata = await self._described()
        flow = Flow(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), next_url, int(time.time()),
            confirming,
        )  # fmt: skip
        asked = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": self.redirect_uri, "scope": SCOPE,
            "state": flow.state, "nonce": flow.nonce,
            "code_challenge": _challenge(flow.verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        more = {"prompt": "login", "max_age": "0"} if confirming else {}
        return str(httpx.URL(metadata.authorization_endpoint).copy_merge_params(asked | more)), flow

    async def back(self, flow: Flow, answer: Mapping[str, str]) -> Person:
        """Who it is. Raises Refused for an answer that was not given to this browser, or not by this provider; Unavailable."""
        self._check_answer(flow, answer)
        metadata = await self._described()
        claims = await self._claims(metadata, await self._id_token(metadata, flow, answer["code"]))
        self._check_claims(flow, metadata, claims)
        return self._person(claims)

    def _check_answer(self, flow: Flow, answer: Mapping[str, str]) -> None:
        if not secrets.compare_digest(flow.state, answer.get("state", "")):
            raise _refused("It belongs to another sign-in.")
        if answer.get("iss", self.issuer) != self.issuer:
            raise _refused("It comes from another provider.")
        if "error" in answer or not answer.get("code"):
            raise _refused(f"{self.name} did not let you in.")
        if time.time() - flow.began > FLOW_LIFE.total_seconds():
            raise _refused("It took too long.")

    async def _id_token(self, metadata: Metadata, flow: Flow, code: str) -> str:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri,
            "code_verifier": flow.verifier, "client_id": self.client_id,
        }  # fmt: skip
        # RFC 6749, 2.3.1: both are form-encoded before they go into the header.
        basic = (
            httpx.BasicAuth(quote(self.client_id, safe=""), quote(self.client_secret, safe=""))
            if self.client_secret
            else None
        )
        try:
            async with httpx.AsyncClient(timeout=CALL_S, auth=basic) as client:
                answer = await client.post(metadata.token_endpoint, data=form)
        except httpx.HTTPError as error:
            raise _away(self.name, error) from error
        if answer.status_code in {400, 401}:
            raise _refused(f"{self.name} does not know this code.")
        try:
            return msgspec.json.decode(answer.raise_for_status().content, type=_Answered).id_token
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise _away(self.name, error) from error

    async def _claims(self, metadata: Metadata, token: str) -> Mapping[str, Any]:
        """The token's claims, once its signature is right. A key that is not known is looked up once: providers change theirs."""
        from joserfc.errors import JoseError

        for fetch in (False, True):
            if fetch or self._keys is None:
                self._keys = await self._fetched_keys(metadata)
            try:
                return _decoded(token, self._keys)
            except (JoseError, ValueError):
                continue
        raise _refused("Its signature is not right.")

    def _check_claims(self, flow: Flow, metadata: Metadata, claims: Mapping[str, Any]) -> None:
        """OpenID Connect Core, 3.1.3.7."""
        audience = claims.get("aud")
        audiences: Sequence[Any] = cast("list[Any]", audience) if isinstance(audience, list) else [audience]
        now, nonce = time.time(), claims.get("nonce")
        wrong = (
            claims.get("iss") != metadata.issuer
            or self.client_id not in audiences
            or (len(audiences) > 1 and claims.get("azp") != self.client_id)
            or claims.get("azp", self.client_id) != self.client_id
            or not isinstance(nonce, str)
            or not secrets.compare_digest(nonce, flow.nonce)
            or not _number(claims, "exp") > now - LEEWAY_S
            or not _number(claims, "iat") < now + LEEWAY_S
        )
        if wrong:
            raise _refused("It was made for somebody else, or is too old.")
        if flow.confirming and not _number(claims, "auth_time") >= flow.began - LEEWAY_S:
            raise _refused(f"{self.name} did not ask you once more: its tokens need the claim auth_time.")

    def _person(self, claims: Mapping[str, Any]) -> Person:
        subject, email = claims.get("sub"), claims.get("email") or claims.get("preferred_username")
        if not isinstance(subject, str) or not subject or not isinstance(email, str) or "@" not in email:
            raise _refused(f"{self.name} did not tell your address: allow the scopes {SCOPE}.")
        told = claims.get(self.role_claim) or ()
        values = (
            [told] if isinstance(told, str) else cast("list[Any]", told)[:MOST_ROLES] if isinstance(told, list) else []
        )
        mine = {self.roles[value] for value in values if isinstance(value, str) and value in self.roles}
        role = next((role for role in reversed(STAFF) if role in mine), Role.NOBODY)
        name = claims.get("name")
        return Person(f"{self.issuer} {subject}", email.lower()[:254], str(name or email)[:100], role)

    async def _described(self) -> Metadata:
        known = self._metadata
        if known and time.monotonic() - known[0] < METADATA_S:
            return known[1]
        told = await self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            metadata = msgspec.json.decode(told, type=Metadata)
        except msgspec.MsgspecError as error:
            raise _away(self.name, error) from error
        if metadata.issuer != self.issuer:
            raise _away(self.name, ValueError("issuer"))
        for url in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
            _check_as_safe(self.issuer, url)
        self._metadata = (time.monotonic(), metadata)
        return metadata

    async def _fetched_keys(self, metadata: Metadata) -> "KeySet":
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            return KeySet.import_key_set(msgspec.json.decode(await self._get(metadata.jwks_uri)))
        except (JoseError, msgspec.MsgspecError, ValueError, KeyError) as error:
            raise _away(self.name, error) from error

    async def _get(self, url: str) -> bytes:
        try:
            async with httpx.AsyncClient(timeout=CALL_S) as client:
                answer = await client.get(url)
                answer.raise_for_status()
                return answer.content
        except httpx.HTTPError as error:
            raise _away(self.name, error) from error


async def sign_in(store: Store, person: Person) -> tuple[str, Row]:
    """A session for whoever came back; a new account at the first time. Raises Refused without a role, or when it is closed."""
    return await store.write(lambda tx: _sign_in(tx, person))


def _sign_in(tx: WriteTx, person: Person) -> tuple[str, Row]:
    if person.role is Role.NOBODY:
        raise Refused("RoleMissing", "You have no role here. Ask whoever gives out roles at your organization for one.")
    user = staff.by_identity(tx, person.identity) or _new(tx, person)
    if user["disabled"]:
        raise Refused("AccountClosed", "This account is closed. An administrator can open it again.")
    if user["role"] != person.role.value:
        staff.change(tx, user["id"], {"role": person.role.value})
        before, after = {"role": user["role"]}, {"role": person.role.value}
        why = "as the identity provider says"
        audit.write(tx, person.email, "staff.role", f"staff:{user['id']}", before=before, after=after, reason=why)
    return sessions.begin(tx, user["id"], user["email"], Way.IDENTITY), user


def _new(tx: WriteTx, person: Person) -> Row:
    """An address alone is no proof: a local account is not taken over by whoever claims it elsewhere."""
    if staff.by_email(tx, person.email):
        raise Refused(
            "AddressTaken", "There is an account with a password for this address. Sign in with it, or have it renamed."
        )
    row = {
        "id": new_id(), "email": person.email, "name": person.name, "role": person.role.value, "created": tx.now,
        "password_hash": "", "identity": person.identity,
    }  # fmt: skip
    staff.add(tx, row)
    after = {"email": person.email, "role": person.role.value}
    audit.write(
        tx, person.email, "staff.add", f"staff:{row['id']}", after=after, reason="as the identity provider says"
    )
    return row | {"disabled": None}


def _challenge(verifier: str) -> str:
    """RFC 7636, 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _decoded(token: str, keys: "KeySet") -> Mapping[str, Any]:
    from joserfc import jwt

    return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims


def _number(claims: Mapping[str, Any], name: str) -> float:
    found = claims.get(name)
    return float(found) if isinstance(found, int | float) else float("nan")


def _check_as_safe(issuer: str, url: str) -> None:
    """What an https issuer names is https too."""
    if urlsplit(issuer).scheme == "https" and urlsplit(url).scheme != "https":
        raise _away("The identity provider", ValueError("http"))


def _refused(why: str) -> Refused:
    return Refused("IdentityRefused", f"This answer cannot be used. {why} Begin again at the sign-in page.")


def _away(name: str, error: Exception) -> Unavailable:
    return Unavailable("IdentityAway", f"{name} does not answer as it should ({type(error).__name__}).")
