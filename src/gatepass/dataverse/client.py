"""Calls the Web API of a remote Dataverse, and says what went wrong in four words: try later, no access, not there, refused.

Nothing is tried again in here but a call whose token had just ended: whoever calls knows what a repeat means.
"""

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from uuid import UUID, uuid4

import httpx
import msgspec

from gatepass import __version__
from gatepass.dataverse.silence import why
from gatepass.dataverse.token import Client, Credential, NoAccess, Tokens
from gatepass.domain.errors import NotFound, Refused, Unavailable

__all__ = ["Connection", "Dataverse", "NoAccess", "Throttled"]

VERSION = "v9.2"
WHO_AM_I = "WhoAmI"
CONNECT_TIMEOUT_S = 5.0
READ_S, CHANGE_S = 10.0, 30.0
"""For a whole call that reads, and for one that changes something: plug-ins of the environment run within it."""
LONGEST_PAUSE_S = 600.0
"""Service protection looks back five minutes: nobody has to wait longer than twice that."""
LONGEST_REASON_CHARS = 500
UNKNOWN_RECORD = "0x80040217"
_TOO_MANY, _TIMEOUT = 429, 408
_HEADERS = {
    "Accept": "application/json",
    "OData-MaxVersion": "4.0",
    "OData-Version": "4.0",
    # Dataverse's own samples send it: no answer may come from a cache on the way.
    "If-None-Match": "null",
    "User-Agent": f"Gatepass/{__version__}",
}

_NONE: Mapping[str, str] = MappingProxyType({})

Connection = Client


class Throttled(Unavailable):
    """429: service protection. `pause_s`: what Retry-After says; None when it says nothing."""

    def __init__(self, pause_s: float | None) -> None:
        super().__init__(
            "DataverseBusy", "Dataverse asks for fewer calls right now.", retry_after_s=max(1, round(pause_s or 10))
        )
        self.pause_s = pause_s


class _Error(msgspec.Struct):
    code: str = ""
    message: str = ""


class _Failure(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


class Dataverse:
    """One environment, as one application user."""

    def __init__(self, url: str, connection: Credential, trust: ssl.SSLContext | None = None) -> None:
        """`url`: of the environment, without a slash at its end. `trust`: other authorities than the usual."""
        self.url = url
        timeout = httpx.Timeout(CHANGE_S, connect=CONNECT_TIMEOUT_S)
        self._http = httpx.AsyncClient(timeout=timeout, verify=trust or True, follow_redirects=False)
        self._tokens, self.token_giver = Tokens(self._http, connection), connection.giver

    async def get(self, path: str, headers: Mapping[str, str] = _NONE) -> httpx.Response:
        """GET below the API's root. Raises NotFound, Refused, NoAccess, Throttled or Unavailable."""
        return await self._call("GET", path, None, headers, READ_S)

    def path_of(self, link: str) -> str | None:
        """What `get` takes for a link that this Dataverse gave; None for any other."""
        root = f"{self.url}/api/data/{VERSION}/"
        return link.removeprefix(root) if link.startswith(root) else None

    async def post(self, path: str, body: object, request_id: UUID) -> httpx.Response:
        """POST a JSON body; `request_id` stands in Dataverse's own logs. Raises the same.

        After Unavailable it may have had its effect.
        """
        headers = {"Content-Type": "application/json; charset=utf-8", "x-ms-client-request-id": str(request_id)}
        return await self._call("POST", path, msgspec.json.encode(body), headers, CHANGE_S)

    async def knock(self) -> httpx.Response:
        """Ask who we are without saying it: a Dataverse answers 401, and where its tokens are given. Raises Unavailable."""
        return await self._requested("GET", WHO_AM_I, None, _HEADERS, READ_S)

    async def token(self) -> str:
        """For a check of the connection. Raises NoAccess or Unavailable."""
        return await self._tokens.get()

    async def close(self) -> None:
        """Let connections go."""
        await self._http.aclose()

    async def _call(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], within_s: float
    ) -> httpx.Response:
        answer = await self._sent(method, path, body, headers, within_s)
        if answer.status_code == 401:
            # _sent has dropped the token. It may have been withdrawn before its time: once more with a new one.
            answer = await self._sent(method, path, body, headers, within_s)
        return _checked(answer)

    async def _sent(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], within_s: float
    ) -> httpx.Response:
        token = await self._tokens.get()
        own = {"x-ms-client-request-id": str(uuid4()), "Authorization": f"Bearer {token}"}
        answer = await self._requested(method, path, body, _HEADERS | own | dict(headers), within_s)
        if answer.status_code == 401:
            self._tokens.drop(token)
        return answer

    async def _requested(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], within_s: float
    ) -> httpx.Response:
        url = f"{self.url}/api/data/{VERSION}/{path}"
        try:
            async with asyncio.timeout(within_s):
                return await self._http.request(method, url, content=body, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable("DataverseDown", f"Dataverse does not answer: {why(error)}.") from error


def _checked(answer: httpx.Response) -> httpx.Response:
    """The answer of a call that succeeded; raises for every other."""
    status = answer.status_code
    if answer.is_success:
        return answer
    if status == _TOO_MANY:
        raise Throttled(pause_of(answer.headers.get("Retry-After", "")))
    if status >= 500 or status == _TIMEOUT:
        raise Unavailable("DataverseDown", f"Dataverse answers with {status}.")
    failure = _failure(answer)
    reason = f"{failure.message[:LONGEST_REASON_CHARS] or 'no reason given'} ({status} {failure.code})".replace(
        " )", ")"
    )
    if status in {401, 403}:
        raise NoAccess("DataverseNoAccess", f"Dataverse lets us do nothing: {reason}", retry_after_s=60)
    if status == 404 and failure.code == UNKNOWN_RECORD:
        raise NotFound("PurchaseUnknown", reason)
    raise Refused("DataverseRefused", f"Dataverse refuses: {reason}")


def _failure(answer: httpx.Response) -> _Error:
    try:
        return msgspec.json.decode(answer.content, type=_Failure).error
    except msgspec.DecodeError:
        return _Error()


def pause_of(retry_after: str) -> float | None:
    """Seconds; a date is read too. None: it says nothing that can be read."""
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _until(retry_after)
    # Not a number, or before now: as if nothing had been said.
    return min(seconds, LONGEST_PAUSE_S) if seconds is not None and seconds >= 0 else None


def _until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
