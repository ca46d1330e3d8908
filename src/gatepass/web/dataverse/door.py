"""Where a request to the Web API comes in and its answer goes out: /api/data/v9.x/ and everything below.

Whoever calls is known before anything else is looked at. Every answer has OData-Version and the ids of the request, every
refusal Dataverse's shape; what nobody foresaw is a 500 that tells nothing of our insides.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from email.message import Message
from traceback import extract_tb
from urllib.parse import unquote
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, Refused
from gatepass.services.access import Caller, Role
from gatepass.store import Store
from gatepass.web.body import limited_body
from gatepass.web.dataverse import errors
from gatepass.web.dataverse.auth import authority, caller
from gatepass.web.dataverse.batch import run as batch
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.operations import operation_of
from gatepass.web.site import site

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A thousand records of 8 kB each."""
MAX_ADDRESS_CHARS = 32 * 1024
"""As Dataverse has it; in a $batch twice as much (batch/parse.py)."""
MAX_ID_CHARS = 200
"""Of a request id that the caller chose: a longer one is neither logged nor told back."""
NOBODY = Caller("nobody", Role.NOBODY, UUID(int=0))
ROOT = "/api/data/"
BATCH = "$batch"
MEDIA_TYPES = ("application/json", "multipart/mixed")
CHARSETS = ("utf-8", "us-ascii")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE")
CLIENT_ID, CORRELATION_ID = "x-ms-client-request-id", "x-ms-correlation-id"

log = structlog.get_logger("gatepass.web")


async def serve(request: Request) -> Response:
    """Any method, any address below /api/data/v9.x/"""
    began = time.perf_counter()
    origin = authority(request)
    try:
        reply = await _reply(request, origin)
    except GatepassError as error:
        reply = errors.reply(error, origin)
    except Exception as error:
        log.error("webapi.failed", method=request.method, error=type(error).__name__, at=_place(error))  # noqa: TRY400 - no values in logs
        reply = errors.unforeseen()
    headers = errors.headers() | _ids(request) | dict(reply.headers)
    _tell(request, reply, headers, time.perf_counter() - began)
    return Response(reply.body, reply.status, headers)


async def unknown(request: Request) -> Response:
    """Any other version: a clear error in Dataverse's own shape"""
    segment = request.url.path.rsplit("/", 1)[-1]
    return errors.answer(404, errors.UNKNOWN_SEGMENT, f"Resource not found for the segment '{segment[:100]}'.")


async def answer(store: Store, call: Call) -> Reply:
    """Run one call, in one transaction. Raises GatepassError."""
    operation = operation_of(call)
    if read := operation.read:
        return await store.snapshot(lambda tx: read(tx, call))
    write = operation.write
    assert write is not None
    return await store.write(lambda tx: write(tx, call))


async def _reply(request: Request, origin: str) -> Reply:
    if request.method == "OPTIONS":
        return Reply(204, {"Allow": ", ".join(METHODS)})
    who = await _caller(request, origin)
    _refuse_to_act_for_others(request, who)
    with site(request).protection.admit(who.user_id) as left:
        body = await limited_body(request, MAX_BODY_BYTES)
        _check_media_type(request, body)
        call = _call(request, origin, who, body)
        reply = await (_batch(request, call) if unquote(call.path) == BATCH else answer(site(request).store, call))
    return replace(reply, headers=left | dict(reply.headers))


async def _caller(request: Request, origin: str) -> Caller:
    """Raises Refused (401) for nobody, but NotFound where there is nothing for anybody."""
    try:
        return await caller(request)
    except GatepassError:
        call = _call(request, origin, NOBODY, b"")
        if call.path != BATCH:
            operation_of(call)
        raise


async def _batch(request: Request, call: Call) -> Reply:
    if call.method != "POST":
        raise Refused("MethodWrong", f"{BATCH} answers to POST.")
    return await batch.run(site(request).store, call, operation_of)


def _call(request: Request, origin: str, who: Caller, body: bytes) -> Call:
    """What is asked. The root is as the caller wrote it: every address in the answer begins with it."""
    raw, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
    if len(raw) + len(query) > MAX_ADDRESS_CHARS:
        raise Refused("AddressTooLong", f"An address may have {MAX_ADDRESS_CHARS} characters; in a {BATCH} more.")
    version, _, path = raw.removeprefix(ROOT).partition("/")
    method = "GET" if request.method == "HEAD" else request.method
    return Call(method, path, query, dict(request.headers), body, f"{origin}{ROOT}{version}/", who)


def _check_media_type(request: Request, body: bytes) -> None:
    """JSON in UTF-8, or the parts of a batch. Nothing said about a body is taken for JSON."""
    if not body:
        return
    said = Message()
    said["content-type"] = request.headers.get("content-type") or MEDIA_TYPES[0]
    if said.get_content_type() not in MEDIA_TYPES:
        raise Refused(
            "MediaTypeWrong", f"A body of type '{said['content-type'][:100]}' is not taken. Send {MEDIA_TYPES[0]}."
        )
    if said.get_content_charset("utf-8") not in CHARSETS:
        raise Refused("MediaTypeWrong", "A body has to be UTF-8.")


def _refuse_to_act_for_others(request: Request, who: Caller) -> None:
    """Impersonation: nobody has the privilege, but everybody may act for themselves."""
    for name in ("mscrmcallerid", "callerobjectid"):
        said = request.headers.get(name, "").strip(" {}").lower()
        if said and said != str(who.user_id):
            raise Refused(
                "PrivilegeMissing",
                f"Principal user (Id={who.user_id}) is missing prvActOnBehalfOfAnotherUser privilege: "
                "leave MSCRMCallerID and CallerObjectId out.",
            )


def _ids(request: Request) -> dict[str, str]:
    """What the caller named its request, told back."""
    said = request.headers.get(CLIENT_ID, "")
    return {CLIENT_ID: said} if _loggable(said) else {}


def _tell(request: Request, reply: Reply, headers: Mapping[str, str], seconds: float) -> None:
    """One line per call. Addresses may hold what people are called, so they are not in it."""
    names = {"client_request": CLIENT_ID, "correlation": CORRELATION_ID}
    said = {name: request.headers.get(header, "") for name, header in names.items()}
    log.info(
        "webapi.answered", method=request.method, status=reply.status, ms=round(seconds * 1000, 1),
        request=headers["x-ms-service-request-id"], **{name: value for name, value in said.items() if _loggable(value)},
    )  # fmt: skip


def _place(error: Exception) -> str:
    """Where it was raised; no values, which may be people's."""
    last = extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}"


def _loggable(text: str) -> bool:
    return 0 < len(text) <= MAX_ID_CHARS and text.isascii() and text.isprintable()
