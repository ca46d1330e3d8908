"""Request bodies: never more than a limit is read, whatever Content-Length says, and never for longer than a while."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from gatepass.domain.errors import Refused

BODY_TIMEOUT_S = 30.0
WHOLE = "gatepass.whole"
"""In the scope of a request whose body was complete when it was handed over: then there is nothing to wait for."""


async def limited_body(request: Request, limit_bytes: int, timeout_s: float = BODY_TIMEOUT_S) -> bytes:
    """The raw body; raises Refused when it is larger than `limit_bytes`, ends early, or takes longer than `timeout_s`."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        if WHOLE in request.scope:
            return await _read(request, limit_bytes)
        async with asyncio.timeout(timeout_s):
            return await _read(request, limit_bytes)
    except ClientDisconnect:
        raise Refused("JsonMalformed", "The request ended before its body was complete.") from None
    except TimeoutError:
        raise Refused("BodyTooSlow", f"The body did not arrive within {timeout_s:g} s. Please try again.") from None


async def _read(request: Request, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit_bytes: int) -> Refused:
    return Refused("BodyTooLarge", f"The body is larger than {limit_bytes // 1024} kB. Send less at a time.")
