"""How the Stripe SDK reaches the network: kept-alive connections of aiohttp, which take a fourth of httpx's time a call."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import stripe

from gatepass.providers.pace import Pace

TOO_MANY = 429
PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""After an answer that there were too many calls: where it does not say how long, and at most."""
ENDPOINTS, LEAST_OF_ENDPOINT = 4, 20
"""One endpoint takes a fourth of the whole, and never less than so many a second (docs.stripe.com/rate-limits: 25 of 100)."""
_ID = re.compile(r"/[a-z]+_\w*[0-9A-Z]\w*")
"""Such as /cs_test_a1B2; in the way of an endpoint, such as /v1/payment_intents, there is neither digit nor capital."""


class Transport(stripe.HTTPClient):
    """The SDK's own aiohttp client, but a body that breaks off is tried again like any lost call, and no redirect is followed.

    Retries and their pauses are the SDK's. Make it inside a running loop.
    """

    name = "aiohttp"

    def __init__(self, base: str, connect_timeout_s: float, read_timeout_s: float, calls_per_s: int = 0) -> None:
        """`read_timeout_s` is for each piece of an answer; the whole call ends within the sum of both, once it has left.

        `calls_per_s`: how many leave at most; 0: as they come. A proxy that HTTPS_PROXY or HTTP_PROXY names for `base` is
        used.
        """
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - one of its parameters has no type
        whole_s = connect_timeout_s + read_timeout_s
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=stripe.ca_bundle_path)),
            timeout=aiohttp.ClientTimeout(total=whole_s, connect=connect_timeout_s, sock_read=read_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy_to(base),
        )
        self._of_endpoint = max(LEAST_OF_ENDPOINT, calls_per_s // ENDPOINTS)
        self._pace = Pace(calls_per_s) if calls_per_s else None
        self._paces: dict[str, Pace] = {}

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Body, status and headers of the answer. Raises APIConnectionError when there is none, or only half of one.

        Raises Unavailable, and calls nobody, while the provider asks for fewer calls.
        """
        await self._turn(method, url)
        body, status, told = await self._sent(method, url, headers, post_data)
        if status == TOO_MANY and self._pace:
            self._pace.pause(_patience(told.get("Retry-After", "")))
        return body, status, told

    async def _turn(self, method: str, url: str) -> None:
        if self._pace:
            endpoint = f"{method} {_ID.sub('/*', urlsplit(url).path)}"
            await self._paces.setdefault(endpoint, Pace(self._of_endpoint)).turn()
            await self._pace.turn()

    async def _sent(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        sent = self._session.request(method, url, headers=headers, data=post_data, allow_redirects=False)
        try:
            async with sent as answer:
                return await answer.read(), answer.status, answer.headers
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Of TimeoutError, OSError is the base.
            raise stripe.APIConnectionError(f"No answer: {type(error).__name__}", should_retry=True) from error

    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        await self._session.close()


def _patience(retry_after: str) -> float:
    """Seconds; Stripe sends no dates."""
    return min(float(retry_after), LONGEST_PAUSE_S) if retry_after.isdecimal() else PAUSE_S


def _proxy_to(base: str) -> str | None:
    """Looked up once: aiohttp's own look at the environment takes half of a call's time."""
    parts = urlsplit(base)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
