"""What the network may do to a call: hang, break off, talk nonsense, close a kept connection. A real socket, and the SDK above."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import stripe

from gatepass.domain.errors import Unavailable
from gatepass.domain.payment import PaymentState
from gatepass.providers.stripe import Stripe
from gatepass.providers.transport import Transport

SESSION = (
    b'{"id":"cs_test_1","object":"checkout.session","status":"open","payment_status":"unpaid","livemode":false,'
    b'"amount_total":12050,"currency":"eur","metadata":{},"payment_intent":null,"url":"https://pay.example.org/1"}'
)
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(SESSION) + SESSION
IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (
    40,
    SESSION[:40],
    len(SESSION) - 40,
    SESSION[40:],
)
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """Answers requests by a script, one entry each; the last one counts for all that follow."""

    def __init__(self, *script: Answer) -> None:
        self._script = list(script)
        self.asked: list[str] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side closes it."""
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.append(head.split(b"\r\n")[0].decode())
                answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
                await answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def says(answer: bytes) -> Answer:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return send


def says_and_closes(answer: bytes) -> Answer:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    return send


async def resets(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def drips(writer: asyncio.StreamWriter) -> None:
    for at in range(len(WHOLE)):
        writer.write(WHOLE[at : at + 1])
        await asyncio.sleep(0.05)


async def hangs(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


@asynccontextmanager
async def at_stripe(peer: Peer) -> AsyncGenerator[Stripe]:
    """Our adapter, with this peer in Stripe's place."""
    server = await asyncio.start_server(peer.talk, "127.0.0.1", 0)
    adapter = Stripe("sk_test_1", ["whsec_1"], f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield adapter
    finally:
        await adapter.close()
        server.close()


@pytest.mark.parametrize("answer", [WHOLE, IN_CHUNKS], ids=["with a length", "in chunks"])
async def test_a_connection_serves_many_calls(answer: bytes) -> None:
    peer = Peer(says(answer))
    async with at_stripe(peer) as adapter:
        for _ in range(3):
            assert (await adapter.fetch("cs_test_1")).state is PaymentState.CREATED
    assert peer.connections == 1
    assert peer.asked[0].startswith("GET /v1/checkout/sessions/cs_test_1?expand")


@pytest.mark.parametrize(
    "first",
    [
        resets,
        says_and_closes(b""),
        says_and_closes(WHOLE[:120]),
        says_and_closes(WHOLE[:-30]),
        says_and_closes(IN_CHUNKS[:-20]),
        says_and_closes(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"),
        says_and_closes(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n"),
    ],
    ids=["reset", "closed", "half a head", "half a body", "half a chunk", "another protocol", "a head without end"],
)
async def test_a_broken_answer_is_asked_for_again(first: Answer) -> None:
    peer = Peer(first, says(WHOLE))
    async with at_stripe(peer) as adapter:
        assert (await adapter.fetch("cs_test_1")).session_ref == "cs_test_1"
    assert len(peer.asked) == 2


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    peer = Peer(says_and_closes(WHOLE), says(WHOLE))
    async with at_stripe(peer) as adapter:
        await adapter.fetch("cs_test_1")
        await asyncio.sleep(0.05)
        await adapter.fetch("cs_test_1")
    assert peer.connections == 2


async def test_an_answer_that_stays_broken_is_told_as_a_provider_that_is_down() -> None:
    async with at_stripe(Peer(says_and_closes(WHOLE[:-30]))) as adapter:
        with pytest.raises(Unavailable):
            await adapter.fetch("cs_test_1")


async def test_a_redirect_is_not_followed() -> None:
    peer = Peer(says(REDIRECT))
    async with at_stripe(peer) as adapter:
        with pytest.raises(Unavailable):
            await adapter.fetch("cs_test_1")
    assert not any("elsewhere" in line for line in peer.asked)


async def test_a_name_in_a_reference_stays_inside_its_place() -> None:
    peer = Peer(says(WHOLE))
    async with at_stripe(peer) as adapter:
        await adapter.fetch("cs_test_1/../../account?x=1")
    assert "/v1/checkout/sessions/cs_test_1%2F" in peer.asked[0]


@pytest.mark.parametrize("answer", [hangs, drips], ids=["at once", "a byte at a time"])
async def test_a_peer_that_hangs_is_given_up(answer: Answer) -> None:
    peer = Peer(answer)
    server = await asyncio.start_server(peer.talk, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    transport = Transport(base, connect_timeout_s=0.1, read_timeout_s=0.2)
    with pytest.raises(stripe.APIConnectionError):
        await transport.request_async("get", f"{base}/v1/account", {})
    await transport.close_async()
    server.close()


async def test_nobody_there_is_told_as_a_provider_that_is_down() -> None:
    async with at_stripe(Peer(hangs)) as adapter:
        pass
    with pytest.raises(Unavailable):
        await adapter.fetch("cs_test_1")
    await adapter.close()
