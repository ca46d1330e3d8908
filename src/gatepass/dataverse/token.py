"""Access tokens for one environment, from Entra ID or Azure: kept until shortly before their end, one renewal at a time.

Source: dataverse-web-api.md, section 8; learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

import httpx
import msgspec

from gatepass.dataverse.certificate import KIND, Certificate
from gatepass.dataverse.silence import why
from gatepass.domain.errors import Unavailable

RENEW_EARLY_S = 300.0
TIMEOUT_S = 10.0
LONGEST_REASON_CHARS = 300


class NoAccess(Unavailable):
    """Dataverse or Entra ID lets us do nothing at all: a setting, a secret or a role is wrong, and no purchase is."""


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float | None = None
    """Seconds."""
    expires_on: float = 0
    """Seconds since 1970; all that App Service says."""

    @property
    def life_s(self) -> float:
        return max(0.0, self.expires_on - time.time()) if self.expires_in is None else self.expires_in


class _Refusal(msgspec.Struct):
    error: str = ""
    error_description: str = ""
    message: str = ""


class Credential(Protocol):
    """How a token is asked for."""

    @property
    def giver(self) -> str:
        """Who gives it, at the beginning of a sentence."""
        ...

    async def ask(self, http: httpx.AsyncClient, /) -> httpx.Response:
        """The giver's answer. Raises httpx's errors."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: an app registration that is an application user of the environment."""

    authority: str
    tenant_id: str
    client_id: str
    proof: str | Certificate = field(repr=False)
    """Its secret, or its certificate."""
    scope: str
    """Such as https://contoso.crm4.dynamics.com/.default"""

    giver = "Entra ID"

    async def ask(self, http: httpx.AsyncClient) -> httpx.Response:
        """By client credentials."""
        return await http.post(self.url, data=self.form)

    @property
    def url(self) -> str:
        """Where tokens are given."""
        return f"{self.authority}/{self.tenant_id}/oauth2/v2.0/token"

    @property
    def form(self) -> dict[str, str]:
        """What is posted there; never the same twice with a certificate."""
        asked = {"grant_type": "client_credentials", "client_id": self.client_id, "scope": self.scope}
        if isinstance(self.proof, str):
            return asked | {"client_secret": self.proof}
        statement = self.proof.assertion(self.client_id, self.url)
        return asked | {"client_assertion_type": KIND, "client_assertion": statement}


class Tokens:
    """The token of one client."""

    def __init__(self, http: httpx.AsyncClient, credential: Credential) -> None:
        self._http, self._credential = http, credential
        self._token, self._ends = "", 0.0
        self._renewal: asyncio.Task[str] | None = None

    async def get(self) -> str:
        """A token that is good for some minutes. Raises NoAccess when Entra ID refuses, Unavailable when it does not answer."""
        if self._token and time.monotonic() < self._ends:
            return self._token
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(self._renewed)
        # Whoever gives up waiting does not take the token from the others.
        return await asyncio.shield(self._renewal)

    def drop(self, token: str) -> None:
        """This token was refused; the next call gets another."""
        if token == self._token:
            self._token = ""

    def _renewed(self, task: asyncio.Task[str]) -> None:
        self._renewal = None
        # Read here, so that a failure that nobody waits for any more is no warning.
        if not task.cancelled():
            task.exception()

    async def _renew(self) -> str:
        answer = await self._ask()
        if answer.status_code in {400, 401, 403}:
            refusal = f"{self._credential.giver} gives no token: {_reason(answer)}"
            raise NoAccess("DataverseNoAccess", refusal, retry_after_s=60)
        try:
            told = msgspec.json.decode(answer.content, type=_Answer, strict=False) if answer.is_success else None
        except msgspec.DecodeError:
            told = None
        if told is None:
            said = f"{self._credential.giver} gives no token right now ({answer.status_code})."
            raise Unavailable("DataverseDown", said)
        early = min(RENEW_EARLY_S, told.life_s / 2)
        self._token, self._ends = told.access_token, time.monotonic() + told.life_s - early
        return self._token

    async def _ask(self) -> httpx.Response:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._credential.ask(self._http)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable("DataverseDown", f"{self._credential.giver} does not answer: {why(error)}.") from error


def _reason(answer: httpx.Response) -> str:
    """The first line of Entra's description: the others are numbers for its support."""
    try:
        told = msgspec.json.decode(answer.content, type=_Refusal)
    except msgspec.DecodeError:
        return f"status {answer.status_code}."
    text = told.error_description.partition(" Trace ID:")[0].splitlines() or [told.message or told.error]
    return text[0][:LONGEST_REASON_CHARS] or f"status {answer.status_code}."
