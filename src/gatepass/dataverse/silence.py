"""Why nobody answers, in words that tell a wrong address from a service that is down."""

import socket
import ssl
from collections.abc import Iterator
from typing import cast

import httpx

NO_HOST = "there is no host of that name"
"""The address is wrong; everything else may pass."""
NO_NAMES = "no name can be looked up right now"
_OF_NAMES = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
"""What a name server says of a name that nobody has; other failures are the name server's own."""
_WORDS = (
    (ssl.SSLCertVerificationError, "its certificate is not one for that name, or of an authority that we do not trust"),
    (ssl.SSLError, "it does not speak TLS"),
    (ConnectionRefusedError, "nobody listens there"),
    (httpx.ProxyError, "the proxy on the way lets nothing through"),
    (TimeoutError, "no answer in time"),
    (httpx.TimeoutException, "no answer in time"),
    (httpx.RemoteProtocolError, "the connection broke off"),
    (httpx.ReadError, "the connection broke off"),
)


def why(error: BaseException) -> str:
    """Of a call that got no answer, such as "nobody listens there"."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return NO_HOST if cause.errno in _OF_NAMES else NO_NAMES
    found = (words for kind, words in _WORDS if any(isinstance(cause, kind) for cause in causes))
    return next(found, type(error).__name__)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what led to it, and so on; of several addresses that were tried, each."""
    while error:
        yield error
        if isinstance(error, ExceptionGroup):
            yield from cast("ExceptionGroup[Exception]", error).exceptions
        error = error.__cause__ or error.__context__
