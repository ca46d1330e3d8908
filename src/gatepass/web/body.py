"""Request bodies: never more than a limit is read, whatever Content-Length says."""

from starlette.requests import ClientDisconnect, Request

from gatepass.domain.errors import Refused


async def limited_body(request: Request, limit_bytes: int) -> bytes:
    """The raw body; raises Refused when it is larger than `limit_bytes`, or ends early."""
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            parts.append(part)
    except ClientDisconnect:
        raise Refused("JsonMalformed", "The request ended before its body was complete.") from None
    return b"".join(parts)


def _too_large(limit_bytes: int) -> Refused:
    return Refused("BodyTooLarge", f"The body is larger than {limit_bytes // 1024} kB. Send fewer attendees at a time.")
