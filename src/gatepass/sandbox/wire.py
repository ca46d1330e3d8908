"""What no well-behaved server does: cut the line, and send a wrong time. Reaches through Starlette to uvicorn's connection."""

import asyncio
import os
import socket
import struct
import time
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

# Linger for no time at all: the peer gets a reset instead of a farewell (socket(7)).
_NO_LINGER = struct.pack("ii", 1, 0)


async def cut(request: Request) -> None:
    """Reset the connection. Raises ConnectionResetError where there is none, as without a socket."""
    transport = getattr(_exchange(request), "transport", None)
    if transport is None:
        raise ConnectionResetError
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
    # The server hears of it in its next round, and then lets us answer into the void.
    await asyncio.sleep(0)


def date(request: Request, response: Response, skew_s: int) -> None:
    """Send our own `Date`, wrong by `skew_s` seconds, instead of the server's."""
    exchange = _exchange(request)
    own = [(name, value) for name, value in getattr(exchange, "default_headers", []) if name != b"date"]
    if exchange is not None:
        exchange.default_headers = own
    response.headers["Date"] = formatdate(time.time() + skew_s, usegmt=True)


def _exchange(request: Request) -> Any:
    """uvicorn's object for this request and its answer; None under another server."""
    found = getattr(request.receive, "__self__", None)
    return found if hasattr(found, "default_headers") else None
