"""The official SDK: made on first use, with our timeouts, and its errors in our words."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from gatepass.domain.errors import NotFound, Refused, Unavailable
from gatepass.providers.base import AnswerKept, KeyRefused

if TYPE_CHECKING:
    import stripe

    from gatepass.providers.transport import Transport

API_VERSION = "2026-10-28.endive"
CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 3.0, 7.0
RETRIES = 1
"""By the SDK, with the same key: two tries stay under the 20 s that a buyer may wait."""

T = TypeVar("T")


class Connection:
    """One key at one address; 0 calls a second: as many as come."""

    def __init__(self, secret_key: str, api_base: str, calls_per_s: int = 0) -> None:
        self._key, self._base, self._calls_per_s = secret_key, api_base, calls_per_s
        self._made: stripe.StripeClient | None = None
        self._http: Transport

    async def get(self, path: str) -> tuple[bytes, int]:
        """Body and status of one GET, tried again as the SDK does, without what the SDK does around it: half of the time."""
        http: Any = self.client and self._http
        headers = {"Authorization": f"Bearer {self._key}", "Stripe-Version": API_VERSION, "User-Agent": "Gatepass"}
        body, status, _ = await http.request_with_retries_async("get", self._base + path, headers, None, RETRIES)
        return body, status

    @property
    def client(self) -> "stripe.StripeClient":
        """Made on first use: the SDK's import costs 190 ms and 27 MB."""
        if self._made is None:
            import stripe

            from gatepass.providers.transport import Transport

            self._http = Transport(self._base, CONNECT_TIMEOUT_S, READ_TIMEOUT_S, self._calls_per_s)
            self._made = stripe.StripeClient(
                self._key,
                base_addresses={"api": self._base},
                stripe_version=API_VERSION,
                max_network_retries=RETRIES,
                http_client=self._http,
            )
        return self._made

    async def close(self) -> None:
        """Let connections go."""
        if self._made is not None:
            await self._http.close_async()


@dataclass(frozen=True, slots=True)
class Answer:
    """What Stripe said, as it said it."""

    body: bytes
    date: str | None
    """Its clock, in the words of HTTP."""


async def raw(connection: Connection, path: str, *, method: str = "get", **params: Any) -> Answer:
    """A call without the SDK's objects: the body as it came. Raises as `asked` does."""
    client: Any = connection.client
    answer = await asked(client.raw_request_async(method, path, **params))
    return Answer(answer.body.encode(), answer.headers.get("date"))


async def look(connection: Connection, path: str, query: str, **params: Any) -> bytes:
    """The body of a GET on a hot path; `query` is `params` as the SDK would write them. Raises as `asked` does.

    Another refusal than "too many" or "broken" is asked for once more by the SDK, which knows all about errors.
    """
    body, status = await asked(connection.get(f"{path}?{query}" if query else path))
    if status == 200:
        return body
    if status == 429 or status >= 500:
        raise Unavailable("ProviderDown", "Stripe has a problem right now.")
    return (await raw(connection, path, max_network_retries=0, **params)).body


def keyed(key: str) -> Any:
    return {"idempotency_key": key}


async def asked(call: Awaitable[T]) -> T:
    """Wait for Stripe and translate its errors. A 4xx is final, everything else may pass."""
    import stripe

    try:
        return await call
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NotFound("PaymentUnknown", f"Stripe does not know {error.param or 'it'}.") from error
        raise Refused("ProviderRefused", f"Stripe refused: {error.user_message or error.code}") from error
    except stripe.APIError as error:
        if (error.headers or {}).get("Idempotent-Replayed", (error.headers or {}).get("idempotent-replayed")) == "true":
            raise AnswerKept("ProviderDown", "Stripe repeats an old failure.") from error
        raise Unavailable("ProviderDown", "Stripe has a problem right now.") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        why = "accept our key" if isinstance(error, stripe.AuthenticationError) else "let our key do this"
        raise KeyRefused("ProviderDown", f"Stripe cannot be used right now: it does not {why}.") from error
    except stripe.StripeError as error:
        raise Unavailable("ProviderDown", f"Stripe cannot be used right now ({type(error).__name__}).") from error


async def every(listing: Awaitable[Any]) -> AsyncIterator[Any]:
    """The rows of all pages of a list; each page is another call, whose errors are translated as those of the first."""
    rows = (await asked(listing)).auto_paging_iter()
    while (row := await asked(anext(rows, None))) is not None:
        yield row
