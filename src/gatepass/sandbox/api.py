"""The HTTP face of the Stripe API: who may, what was meant, done once, told in Stripe's words."""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gatepass.sandbox import forms, idempotency, lies, lists, payments, wire
from gatepass.sandbox.config import API_VERSION
from gatepass.sandbox.errors import StripeError, invalid
from gatepass.sandbox.faults import ApiFault
from gatepass.sandbox.idempotency import Answer
from gatepass.sandbox.objects import random_text
from gatepass.sandbox.operations import OPERATIONS, Operation
from gatepass.sandbox.store import Store, Tx

MAX_BODY_BYTES = 1_000_000
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
WELL = ApiFault()
_PUBLIC = "key"
_UNREAD = Answer(500, b"")


class Api:
    """All calls under /v1. `_in_use`: idempotency keys of calls that are still going on."""

    def __init__(self, store: Store, secret_key: str, publishable_key: str) -> None:
        self._store = store
        self._secret_key, self._publishable_key = secret_key, publishable_key
        self._in_use: set[str] = set()

    def routes(self) -> list[Route]:
        routes = [Route(op.path, self._handler(op), methods=[op.method]) for op in OPERATIONS]
        everything = ["GET", "POST", "DELETE", "PUT", "PATCH"]
        return [*routes, Route("/v1/{path:path}", self._no_such_call, methods=everything)]

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: Request) -> Response:
            request_id, fault = f"req_{random_text(14)}", WELL
            try:
                form = await _sent(request)
                self._authenticate(request, operation, form)
                fault = self._next_fault(request)
                answer = await self._answer(operation, request, request_id, form, fault)
            except StripeError as error:
                answer = _error(error, request_id)
            if fault.reset:
                await wire.cut(request)
            response = _response(request, request_id, answer, fault)
            wire.date(request, response, self._store.faults.clock.skew_s)
            return response

        return handle

    def _next_fault(self, request: Request) -> ApiFault:
        """What this call meets, counted."""
        faults = self._store.faults
        if not faults.meets(request.method, request.url.path):
            return WELL
        self._store.set_faults(faults.used_once())
        return faults.api

    async def _no_such_call(self, request: Request) -> Response:
        message = f"Unrecognized request URL ({request.method}: {request.url.path})."
        request_id = f"req_{random_text(14)}"
        return _response(request, request_id, _error(StripeError(404, message), request_id))

    def _authenticate(self, request: Request, operation: Operation, form: str) -> None:
        if operation.for_buyers and _public_key(form) == self._publishable_key:
            return
        key = _key_of(request.headers.get("authorization", ""))
        if not key:
            message = "You did not provide an API key. Provide it in the Authorization header, using Bearer auth."
            raise StripeError(401, message)
        if not hmac.compare_digest(key.encode(), self._secret_key.encode()):
            raise StripeError(401, f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}")

    async def _answer(
        self, operation: Operation, request: Request, request_id: str, form: str, fault: ApiFault
    ) -> Answer:
        """Perform the call, with what it meets. Where the line is cut afterwards, nobody reads the answer."""
        if not fault.does_something:
            return self._once(operation, request, request_id, form)
        broken, key = _fault_answer(fault.status), _key(request)
        if fault.after_effect:
            instead = None if fault.status == 429 else broken
            answer = self._once(operation, request, request_id, form, instead)
            await self._hang(fault.hang_s, key)
            return answer
        await self._hang(fault.hang_s, key)
        if fault.reset:
            return _UNREAD
        return broken or self._once(operation, request, request_id, form)

    async def _hang(self, seconds: float, key: str | None) -> None:
        """Sleep, as a call that is still going on."""
        idempotency.check_key(key or "", self._in_use)
        self._in_use |= {key} if key else set()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._in_use.discard(key or "")

    def _once(
        self, operation: Operation, request: Request, request_id: str, form: str, instead: Answer | None = None
    ) -> Answer:
        """Perform the call in one transaction, or repeat the kept answer. `instead`: keep and answer this."""
        identity = request.path_params.get("id", "")
        key = _key(request)
        if operation.method == "GET":
            params = _params(operation, form)
            with self._store.look() as tx:
                return _perform(tx, operation, identity, params, request_id)
        print_ = idempotency.fingerprint(operation.method, request.url.path, form)
        if key:
            idempotency.check_key(key, self._in_use)
        with self._store.change() as tx:
            tx.request = {"id": request_id, "idempotency_key": key}
            if key and (kept := idempotency.stored(tx, key, print_)):
                return kept
            params = _params(operation, form)
            performed = _perform(tx, operation, identity, params, request_id)
            answer = instead or performed
            if key:
                idempotency.keep(tx, key, print_, request_id, answer)
            return answer


def _perform(tx: Tx, operation: Operation, identity: str, params: dict[str, Any], request_id: str) -> Answer:
    buyer = _PUBLIC in params
    if buyer:
        payments.seen_by_buyers(tx, identity, params)
    result = operation.run(tx, identity, params)
    if isinstance(result, StripeError):
        return _error(result, request_id)
    if buyer:
        result = payments.seen_by_buyers(tx, identity, params)
    said = lies.told(tx, lists.expanded(tx, result, params.get("expand", [])))
    return Answer(200, msgspec.json.encode(said))


def _public_key(form: str) -> str | None:
    """What Stripe.js sends instead of a header, so that no browser asks before."""
    found = forms.decode(form).get(_PUBLIC)
    return found if isinstance(found, str) else None


def _params(operation: Operation, form: str) -> dict[str, Any]:
    """The typed parameters; with `key`, when a buyer asks."""
    sent = forms.decode(form)
    key = {_PUBLIC: sent.pop(_PUBLIC)} if operation.for_buyers and _PUBLIC in sent else {}
    return operation.params.read(sent) | key


def _error(error: StripeError, request_id: str) -> Answer:
    error.error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
    return Answer(error.status, msgspec.json.encode(error.body()))


def _fault_answer(status: int | None) -> Answer | None:
    if status is None:
        return None
    if status == 429:
        error = StripeError(429, "Request rate limit exceeded.", code="rate_limit")
    else:
        error = StripeError(status, "An unknown error occurred", "api_error")
    return Answer(status, msgspec.json.encode(error.body()))


def _response(request: Request, request_id: str, answer: Answer, fault: ApiFault = WELL) -> Response:
    headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("stripe-version", API_VERSION)}
    if key := _key(request):
        headers["Idempotency-Key"] = key
    if answer.first_request:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.first_request}
    # As api.stripe.com: a key opens it, wherever it is called from.
    headers["Access-Control-Allow-Origin"] = "*"
    if answer.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Stripe"'
    if fault.retry_after_s is not None and fault.status is not None:
        headers["Retry-After"] = str(fault.retry_after_s)
    body, kind = _spoiled(answer.body, fault.body)
    return Response(body, answer.status, headers, media_type=kind)


def _spoiled(body: bytes, how: str) -> tuple[bytes, str]:
    """The body as it goes out, and its media type."""
    match how:
        case "no_json":
            return b"<html><title>502 Bad Gateway</title></html>", "text/html"
        case "truncated":
            return body[: len(body) // 2], "application/json"
        case "empty":
            return b"", "application/json"
        case _:
            return body, "application/json"


def _key(request: Request) -> str | None:
    return request.headers.get("idempotency-key") if request.method == "POST" else None


def _key_of(authorization: str) -> str:
    """The key from `Bearer key` or from `Basic base64(key:)`."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


async def _sent(request: Request) -> str:
    """The parameters: of the query for GET, of the body otherwise."""
    if request.method == "GET":
        return request.url.query
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise StripeError(413, "Request body too large.")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise invalid("Invalid request body: not UTF-8.") from None
