"""Every call of the staff API passes here: a token with the scope that it needs, a body that fits, and one shape of refusals.

Refusals are problem details (RFC 9457) with two members of ours: `code`, as docs/status-codes.md lists them, and `field`.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepass.domain.errors import GatepassError, Refused
from gatepass.services import answers, tokens
from gatepass.services.access import Caller
from gatepass.services.answers import MAX_KEY_CHARS, Answer, Ask
from gatepass.services.tokens import Scope
from gatepass.store import Store, WriteTx
from gatepass.web.body import limited_body
from gatepass.web.errors import headers_of, status_of
from gatepass.web.site import Site, site
from gatepass.web.staff.asking import id_in

API = "/staff/api/v1"
MAX_BODY_BYTES = 256 * 1024
MAX_QUERY_CHARS = 2000
PROBLEM = "application/problem+json"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_NUL = (b"\0", b"\\u0000")
"""No database keeps such a text."""

log = structlog.get_logger("gatepass.staff_api")

Told = msgspec.Struct | None
"""What is answered; None: 204."""


class Problem(msgspec.Struct, omit_defaults=True):
    """Every refusal (RFC 9457). `code` names it, `field` the member of the body or the query that is wrong."""

    title: str
    status: int
    detail: str
    code: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is let in."""

    request: Request
    caller: Caller
    key: Ask | None
    status: int
    """Of an answer with a body."""

    @property
    def here(self) -> Site:
        """The installation."""
        return site(self.request)

    @property
    def store(self) -> Store:
        """Its database."""
        return self.here.store

    def id(self, name: str) -> UUID:
        """An id in the address. Raises NotFound."""
        return id_in(self.request, name)

    async def once(self, unit: Callable[[WriteTx], Told | GatepassError]) -> Answer:
        """Do it in one transaction; with an Idempotency-Key once, however often it is asked for.

        A refusal that `unit` returns is committed with what it wrote; one that it raises leaves nothing.
        """
        return await self.store.write(partial(self._once, unit))

    def _once(self, unit: Callable[[WriteTx], Told | GatepassError], tx: WriteTx) -> Answer:
        def answered(tx: WriteTx) -> Answer:
            told = unit(tx)
            return problem(told) if isinstance(told, GatepassError) else answer(told, self.status)

        return answers.once(tx, self.key, answered) if self.key else answered(tx)


Handler = Callable[..., Awaitable[Told | Answer]]
"""Of a call, and where the operation takes one, what was decoded of its query and then of its body."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that programs can do. The routes, the guard and the OpenAPI document derive from it."""

    method: str
    path: str
    handler: Handler
    scope: Scope
    gives: type[msgspec.Struct] | None = None
    takes: type[msgspec.Struct] | None = None
    asks: type[msgspec.Struct] | None = None
    """The query."""
    status: int = 200
    moves_money: bool = False
    """An Idempotency-Key must be sent; elsewhere it may."""


def route(operation: Operation) -> Route:
    """The route of an operation, with its guard before it."""

    async def serve(request: Request) -> Response:
        try:
            told = await _called(request, operation)
        except GatepassError as error:
            log.info("staff_api.refused", code=error.code, method=operation.method, path=operation.path)
            return refusal(error)
        found = told if isinstance(told, Answer) else answer(told, operation.status)
        kind = PROBLEM if found.status >= HTTPStatus.BAD_REQUEST else "application/json"
        return Response(found.body, found.status, _HEADERS, kind)

    return Route(API + operation.path, serve, methods=[operation.method])


async def _called(request: Request, operation: Operation) -> Told | Answer:
    holder = await tokens.holder(site(request).store, _token(request))
    log.info("staff_api.called", token=str(holder.token_id), method=operation.method, path=operation.path)
    caller = holder.acting(operation.scope)
    raw = await limited_body(request, MAX_BODY_BYTES)
    key = _key(request, holder.token_id, raw, needed=operation.moves_money)
    given = [
        *([_query(request, operation.asks)] if operation.asks else ()),
        *([_body(raw, operation.takes)] if operation.takes else ()),
    ]
    return await operation.handler(Call(request, caller, key, operation.status), *given)


def _token(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Refused("SignInNeeded", "Send Authorization: Bearer with a token of /staff/tokens.")
    return token.strip()


def _key(request: Request, token_id: UUID, raw: bytes, *, needed: bool) -> Ask | None:
    key = request.headers.get("idempotency-key")
    if key is None and not needed:
        return None
    if key is None:
        raise Refused("IdempotencyKeyMissing", "Money may move: send an Idempotency-Key, so that it moves once.")
    if not key.strip() or len(key) > MAX_KEY_CHARS:
        raise Refused("IdempotencyKeyInvalid", f"An Idempotency-Key has 1 to {MAX_KEY_CHARS} characters.")
    said = b"\n".join((request.method.encode(), request.url.path.encode(), raw))
    return Ask(token_id, key, hashlib.sha256(said).hexdigest())


def _query(request: Request, kind: type[msgspec.Struct]) -> msgspec.Struct:
    given = dict(request.query_params)
    if len(request.url.query) > MAX_QUERY_CHARS or any("\0" in value for value in given.values()):
        raise Refused("QueryInvalid", f"A query has at most {MAX_QUERY_CHARS} characters, and none of them is zero.")
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _misfit("QueryInvalid", error) from None


def _body(raw: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    if any(nul in raw for nul in _NUL):
        raise Refused("JsonMalformed", "The body holds a character that no text may hold.")
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _misfit("ValueInvalid", error) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused("JsonMalformed", "The body is not JSON. /openapi.json says what is expected.") from None


def _misfit(code: str, error: msgspec.ValidationError) -> Refused:
    """msgspec names the place as `$.price.minor`."""
    says, _, place = str(error).partition(" - at `$")
    return Refused(code, f"{says}.", field=place.strip("`.") or None)


def answer(told: Told, status: int) -> Answer:
    """As it goes over the wire."""
    return Answer(HTTPStatus.NO_CONTENT, b"") if told is None else Answer(status, msgspec.json.encode(told))


def problem(error: GatepassError, status: int | None = None) -> Answer:
    """A refusal as it goes over the wire."""
    code = status or status_of(error)
    told = Problem(HTTPStatus(code).phrase, code, error.message, error.code, error.field)
    return Answer(code, msgspec.json.encode(told))


def refusal(error: GatepassError, status: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """The same as a response, with what a client needs to know to try again."""
    found = problem(error, status)
    more = headers_of(error) | _challenge(error) | dict(headers or {})
    return Response(found.body, found.status, _HEADERS | more, PROBLEM)


def _challenge(error: GatepassError) -> dict[str, str]:
    """RFC 6750, section 3."""
    challenges = {"SignInNeeded": "Bearer", "ScopeMissing": 'Bearer error="insufficient_scope"'}
    return {"WWW-Authenticate": challenges[error.code]} if error.code in challenges else {}


def list_of(kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """All of these: few enough for one answer."""
    items: Any = list[cast("Any", kind)]
    return msgspec.defstruct(f"{kind.__name__}List", [("items", items)])
