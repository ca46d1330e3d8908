"""Calls addresses that others chose, and never one inside our own network.

The name is resolved once, each address is checked, and the connection goes to exactly the address that was checked: a
name that answers differently the next time (DNS rebinding) gains nothing. TLS and the Host header still go by the name.
A POST follows no redirect, a GET only to addresses that are checked in the same way. No proxy of the environment is used:
it would connect to what nobody has checked.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Any, cast

import httpcore
import httpx

from gatepass.domain.errors import GatepassError, Refused

TIMEOUT_S = 15.0
"""For everything from the look-up of the name to the status line."""
CONNECT_TIMEOUT_S = 5.0
"""For one address: a dead one must leave time for the next."""
RESOLVERS = 32
"""Threads of their own: a name server that never answers must not keep anybody else's look-ups waiting."""
MAX_URL_CHARS = 2000
HTTPS_PORT = 443
MOST_REDIRECTS = 3
FIRST_FREE_PORT, LAST_PORT = 1024, 65535
"""Below it only 443: nobody receives webhooks on the port of mail or SSH."""

# Lists of our own: what the standard library calls global differs from one Python to the next.
# Source: IANA's special-purpose address registries, for IPv4 and IPv6.
_INTERNET_6 = ipaddress.ip_network("2000::/3")
"""All that is routed. What embeds an IPv4 address (::ffff:0:0/96, 64:ff9b::/96) or is local lies outside of it."""
_CLOSED_6 = "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
"""Teredo and other protocols' own, documentation, 6to4 (embeds an IPv4 address), documentation."""
_CLOSED_4 = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32
"""
"""The last one is no special address: it is the platform behind every machine of Azure."""
_CLOSED = tuple(ipaddress.ip_network(text) for text in f"{_CLOSED_4} {_CLOSED_6}".split())

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GET = (("User-Agent", "Gatepass"), ("Accept", "*/*"), ("Accept-Encoding", "identity"))

Address = IPv4Address | IPv6Address
Network = httpcore.AsyncNetworkBackend
Resolve = Callable[[str, int], Sequence[str]]
"""Name and port to addresses, blocking; raises OSError."""


def public(address: Address) -> bool:
    """True for what anybody on the internet may be: not loopback, private, shared, link-local, multicast or reserved."""
    if isinstance(address, IPv6Address) and (address not in _INTERNET_6 or address.scope_id):
        return False
    return not any(address in network for network in _CLOSED)


def checked_url(url: str, *, allow_private: bool) -> httpx.URL:
    """The address, if we would call it; where its name leads is checked when connecting. Raises Refused."""
    found = _parsed(url)
    if found.scheme != "https" and not (allow_private and found.scheme == "http"):
        raise _refused("It has to begin with https://.")
    if not found.host or found.userinfo or found.fragment:
        raise _refused("It needs a host name, and neither a user nor a fragment.")
    port = found.port or HTTPS_PORT
    if port > LAST_PORT or (not allow_private and port != HTTPS_PORT and port < FIRST_FREE_PORT):
        raise _refused(f"Port {port} belongs to something else. Use {HTTPS_PORT}, or one from {FIRST_FREE_PORT} on.")
    literal = _literal(found.host)
    if literal and not allow_private and not public(literal):
        raise _refused(f"{literal} is not a public address.")
    return found


def _parsed(url: str) -> httpx.URL:
    if len(url) > MAX_URL_CHARS or "\\" in url or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise _refused("It is too long, or has characters that no address has.")
    try:
        found = httpx.URL(url)
        found.host.encode()  # a name that is none in its own script shows only when it is read
        return found
    except (httpx.InvalidURL, UnicodeError):
        raise _refused("It is not an address.") from None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refused(why: str) -> Refused:
    return Refused("WebhookUrlRefused", f"This address cannot be called from here. {why}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the body is never read: the status says it all, and a huge one costs nothing."""

    status: int
    retry_after: str | None


class Outbound:
    """Calls addresses that others chose."""

    def __init__(
        self, *, allow_private: bool, resolve: Resolve | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        self._allow_private, self._trust = allow_private, trust
        inner = cast("Network", httpcore.AnyIOBackend())
        self._guard = Guard(inner, allow_private=allow_private, resolve=resolve or addresses_of)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One POST, one connection. Raises what `in_words` can tell."""
        target = checked_url(url, allow_private=self._allow_private)
        async with asyncio.timeout(TIMEOUT_S), self._pool() as pool:
            call = pool.stream("POST", _core_url(target), headers=list(headers.items()), content=body)
            async with call as answer:
                told = httpx.Headers(answer.headers)
                return Answer(answer.status, told.get("retry-after"))

    async def get(self, url: str, most_bytes: int) -> bytes:
        """The body at an address. Each redirect is checked like the address itself.

        Raises Refused (address, status, more than `most_bytes`), and what `in_words` can tell.
        """
        async with asyncio.timeout(TIMEOUT_S):
            for _ in range(1 + MOST_REDIRECTS):
                target = checked_url(url, allow_private=self._allow_private)
                async with self._pool() as pool, pool.stream("GET", _core_url(target), headers=_GET) as answer:
                    if answer.status not in _REDIRECTS:
                        return await _body(answer, most_bytes)
                    url = str(target.join(httpx.Headers(answer.headers).get("location", "")))
        raise Refused("TooManyRedirects", f"It leads from one address to another, more than {MOST_REDIRECTS} times.")

    def _pool(self) -> httpcore.AsyncConnectionPool:
        """Made anew for each call: a connection that is kept would be one that nobody checks."""
        return httpcore.AsyncConnectionPool(ssl_context=self._trust or _trust(), network_backend=self._guard)


async def _body(answer: httpcore.Response, most_bytes: int) -> bytes:
    if answer.status != 200:
        raise Refused("AnswerUnfit", f"It answered with status {answer.status}.")
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_stream():
        size += len(part)
        if size > most_bytes:
            raise Refused("AnswerTooLarge", f"It is larger than {most_bytes // 1024} kB.")
        parts.append(part)
    return b"".join(parts)


def _core_url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


@cache
def _trust() -> ssl.SSLContext:
    """Reading the authorities takes 20 ms: once."""
    return httpx.create_ssl_context()


class Guard(Network):
    """Connects to public addresses only, and to no other address than the one that it has checked."""

    def __init__(self, inner: Network, *, allow_private: bool, resolve: Resolve) -> None:
        self._inner, self._allow_private, self._resolve = inner, allow_private, resolve
        self._threads = ThreadPoolExecutor(RESOLVERS, "gatepass-resolve")

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:  # fmt: skip
        """To the first of the host's public addresses that answers. Raises Refused when it has none that is public."""
        failure: Exception | None = None
        for address in await self._addresses(host, port):
            try:
                return await self._inner.connect_tcp(address, port, CONNECT_TIMEOUT_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        texts = await loop.run_in_executor(self._threads, self._resolve, host, port)
        found = [ipaddress.ip_address(text) for text in texts]
        fine = [str(address) for address in found if self._allow_private or public(address)]
        if found and not fine:
            raise Refused("AddressPrivate", f"{host} is at {found[0]}, which is not a public address.")
        return fine

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise Refused("AddressPrivate", "A socket of this machine is not a public address.")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def addresses_of(host: str, port: int) -> list[str]:
    """In the system's order, each once. Also of what only looks like a name: 127.1, 0x7f000001. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(f"{host[:80]} is no name") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def in_words(error: Exception) -> str:
    """Why a call failed, for the person who looks at it; nothing of what was sent or answered."""
    if isinstance(error, GatepassError):
        return error.message
    # The client's errors carry what they were made from as their argument.
    inner = next(iter(error.args), None)
    if isinstance(inner, ssl.SSLError):
        return _tls_in_words(inner)
    return next(
        (words for kind, words in _WORDS.items() if isinstance(error, kind)), f"It failed ({type(error).__name__})."
    )


def _tls_in_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate cannot be trusted: {error.verify_message}."
    return f"TLS failed: {error.reason or 'no reason was given'}."


_WORDS: Mapping[type[Exception], str] = MappingProxyType(
    {
        # Before OSError's other children: the name's own failure.
        socket.gaierror: "Its name is not known to DNS, or DNS did not answer.",
        TimeoutError: f"It did not answer within {TIMEOUT_S:.0f} s.",
        httpcore.ConnectError: "It takes no connection.",
        httpcore.ConnectTimeout: "It takes no connection.",
        httpcore.ProtocolError: "It does not answer as HTTP wants it.",
        httpcore.NetworkError: "It ended the connection without an answer.",
    }
)
