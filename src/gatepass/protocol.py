"""HTTP on one connection, with limits: a request's head has a largest size, and what a client began must be finished."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gatepass.web.body import WHOLE

MAX_HEAD_BYTES = 64 * 1024
"""An address of the Web API may have 32 kB, as in Dataverse: a longer one is to be told so in its own shape."""
HEAD_TIMEOUT_S = 20.0
# What ": " and the end of the line add to a header.
_AROUND_BYTES = 4


class HeadTooLarge(Exception):
    """Raised through the parser, which then stops."""


class OneWrite:
    """A transport that sends the head of an answer together with its body, which the server hands over one by one.

    Each write to a socket may wake the client, and on a busy machine costs as much as all of our own work on the answer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: bytes | None = None
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Hold the first piece back, at most until this turn of the loop is over, and send it with the second."""
        if self._held is None:
            self._held = data
            self._loop.call_soon(self._flush)
        else:
            together, self._held = self._held + data, None
            self._transport.write(together)

    def close(self) -> None:
        """After what was written."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held is not None:
            rest, self._held = self._held, None
            self._transport.write(rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which waits for ever and keeps all it gets, with an end to both.

    A head above `max_head_bytes` is answered with 431. A connection is closed when no head is complete within
    `head_timeout_s` of its begin, or when the rest of a body that was already answered does not come.
    `_unread` counts the bytes that have become neither a head nor a body yet; 0 is the usual case, after every read.
    """

    max_head_bytes = MAX_HEAD_BYTES
    head_timeout_s = HEAD_TIMEOUT_S

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._unread = 0
        self._in_body = False
        self._too_large = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(OneWrite(transport, self.loop))  # type: ignore[arg-type]
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self._unread:
            self._check_unread()

    def send_400_response(self, msg: str) -> None:
        if self._too_large:
            self._refuse()
        else:
            super().send_400_response(msg)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # Begun in the same read as the end of another: how far is not known, and at most one read.
        self._unread = self._unread or 1

    def on_headers_complete(self) -> None:
        if self._unread > self.max_head_bytes and self._head_bytes() > self.max_head_bytes:
            self._too_large = True
            raise HeadTooLarge
        self._unread, self._in_body = 0, True
        if self._deadline is not None:
            self._forget()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread, self._in_body = 0, False
        self.scope[WHOLE] = True  # type: ignore[index]
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # From here on nobody reads that body, and every piece of it stops the keep-alive timer.
        if self._in_body and self.cycle.response_complete and not self.transport.is_closing():
            self._expect()

    def _check_unread(self) -> None:
        """An unfinished head; or, inside a body, trailers and chunk extensions, which the parser keeps as well."""
        if self.transport.is_closing():
            return
        if self._unread > self.max_head_bytes:
            self._refuse()
        elif not self._in_body:
            self._expect()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _AROUND_BYTES for name, value in self.headers)

    def _refuse(self) -> None:
        """431, unless an earlier request is still being answered: it must not take this for its answer."""
        if not self._answering():
            rest = b"content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[431] + rest)
        self.transport.close()

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_timeout_s, self._waited)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _waited(self) -> None:
        self._deadline = None
        if self._answering():
            # Reading may be paused meanwhile: that is not the client's fault.
            self._expect()
        elif not self.transport.is_closing():
            self.transport.close()

    def _answering(self) -> bool:
        # uvicorn declares no None here, but there is none before the first request.
        return bool(self.cycle) and not self.cycle.response_complete
