"""How the Stripe SDK reaches the network: kept-alive connections of aiohttp, which take a fourth of httpx's time a call."""

import asyncio
import ssl
from collections.abc import Awaitable, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import stripe


class Transport(stripe.HTTPClient):
    """The SDK's own aiohttp client, but a body that breaks off is tried again like any lost call, and no redirect is followed.

    Retries and their pauses are the SDK's. Make it inside a running loop.
    """

    name = "aiohttp"

    def __init__(self, base: str, connect_timeout_s: float, read_timeout_s: float) -> None:
        """`read_timeout_s` is for each piece of an answer; the whole call ends within the sum of both.

        A proxy that HTTPS_PROXY or HTTP_PROXY names for `base` is used.
        """
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - one of its parameters has no type
        whole_s = connect_timeout_s + read_timeout_s
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=stripe.ca_bundle_path)),
            timeout=aiohttp.ClientTimeout(total=whole_s, connect=connect_timeout_s, sock_read=read_timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy_to(base),
        )

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Body, status and headers of the answer. Raises APIConnectionError when there is none, or only half of one."""
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


def _proxy_to(base: str) -> str | None:
    """Looked up once: aiohttp's own look at the environment takes half of a call's time."""
    parts = urlsplit(base)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
