"""What a socket may send: heads of a known size, in a known time; everything else as HTTP allows."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gatepass import server
from gatepass.domain.errors import GatepassError
from gatepass.protocol import MAX_HEAD_BYTES, LimitedProtocol
from gatepass.web.body import limited_body
from gatepass.web.errors import status_of

SHORT_S = 0.4
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE_S = 5


class Hasty(LimitedProtocol):
    head_timeout_s = SHORT_S


async def _echo(request: Request) -> Response:
    try:
        body = await limited_body(request, 200_000, SHORT_S)
    except GatepassError as error:
        return PlainTextResponse(error.code, status_of(error))
    return PlainTextResponse(f"{request.url.path} {len(body)}")


async def _slow(request: Request) -> Response:
    await asyncio.sleep(2 * SHORT_S)
    return PlainTextResponse("slow")


ROUTES: Sequence[Route] = (
    Route("/slow", _slow),
    Route("/never/{path}", lambda _: PlainTextResponse("unread"), methods=["POST"]),
    Route("/{path:path}", _echo, methods=["GET", "POST"]),
)


@asynccontextmanager
async def hasty() -> AsyncIterator[int]:
    """A server of the same kind that waits for a short time only."""
    listening = server.listen("127.0.0.1", 0)
    config = uvicorn.Config(Starlette(routes=list(ROUTES)), http=Hasty, ws="none", log_config=None, access_log=False)
    running = uvicorn.Server(config)
    config.load()
    running.lifespan = config.lifespan_class(config)
    await running.startup([listening])
    try:
        yield listening.getsockname()[1]
    finally:
        for open_ in running.servers:
            open_.close()
        for connection in list(running.server_state.connections):
            connection.shutdown()
        await running.lifespan.shutdown()


@pytest.fixture(params=["asyncio", "ours"])
async def port(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    """Where something answers: with short limits, and exactly as in production."""
    if request.param == "asyncio":
        async with hasty() as found:
            yield found
        return
    listening = server.listen("127.0.0.1", 0)
    async with server.serving([(Starlette(routes=list(ROUTES)), listening)]):
        yield listening.getsockname()[1]


@pytest.fixture
async def hasty_port() -> AsyncIterator[int]:
    async with hasty() as found:
        yield found


async def _sent(port: int, *parts: bytes, pause_s: float = 0.02) -> bytes:
    """All that comes back until the server closes, or for a while when it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def _answers(port: int, count: int, *parts: bytes, pause_s: float = 0.02) -> list[str]:
    """Bodies of the next answers on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(pause_s)
    found: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(count):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            found.append((await reader.readexactly(int(length.split(b":")[1]))).decode())
    writer.close()
    return found


@pytest.mark.parametrize("pieces", [1, 10])
@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
async def test_large_headers_are_refused(port: int, pieces: int, end: bytes) -> None:
    line = b"X-Large: " + b"a" * (MAX_HEAD_BYTES // pieces) + b"\r\n"
    answer = await _sent(port, b"GET / HTTP/1.1\r\nHost: x\r\n", *[line] * pieces, end)
    assert answer.startswith(b"HTTP/1.1 431 "), answer
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_large_address_is_refused(port: int) -> None:
    assert (await _sent(port, GET % (b"a" * MAX_HEAD_BYTES))).startswith(b"HTTP/1.1 431 ")


async def test_headers_below_the_limit_are_taken_in_pieces_too(port: int) -> None:
    whole = b"GET /a HTTP/1.1\r\nHost: x\r\nX: " + b"a" * (MAX_HEAD_BYTES - 200) + b"\r\n\r\n"
    assert await _answers(port, 1, whole) == ["/a 0"]
    assert await _answers(port, 1, *[whole[i : i + 5000] for i in range(0, len(whole), 5000)]) == ["/a 0"]


async def test_endless_trailers_end(port: int) -> None:
    begin = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    answer = await _sent(port, begin, *[b"X: " + b"a" * (MAX_HEAD_BYTES // 8) + b"\r\n"] * 10, pause_s=0.01)
    assert b"200" not in answer


@pytest.mark.parametrize("begun", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n", GET % b"a" + b"GET"])
async def test_what_is_begun_and_not_finished_is_closed(hasty_port: int, begun: bytes) -> None:
    async with asyncio.timeout(4 * SHORT_S):
        await _sent(hasty_port, begun)


async def test_empty_lines_do_not_keep_a_connection(hasty_port: int) -> None:
    async with asyncio.timeout(4 * SHORT_S):
        assert (await _sent(hasty_port, GET % b"a", b"\r\n", b"\r\n")).endswith(b"/a 0")


async def test_a_head_that_trickles_is_closed(hasty_port: int) -> None:
    async with asyncio.timeout(4 * SHORT_S):
        drops = [b"GET / HTTP/1.1\r\n"] + [b"X: y\r\n"] * 8
        assert await _sent(hasty_port, *drops, pause_s=SHORT_S / 5) == b""


async def test_many_half_sent_requests_do_not_stay(hasty_port: int) -> None:
    async with asyncio.timeout(6 * SHORT_S):
        await asyncio.gather(*[_sent(hasty_port, b"GET / HTTP/1.1\r\nHost:") for _ in range(200)])


async def test_a_body_that_does_not_come_is_answered_and_closed(hasty_port: int) -> None:
    begun = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
    async with asyncio.timeout(6 * SHORT_S):
        answer = await _sent(hasty_port, begun)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"BodyTooSlow")


async def test_a_body_that_nobody_reads_does_not_keep_the_connection(hasty_port: int) -> None:
    begun = b"POST /never/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    async with asyncio.timeout(6 * SHORT_S):
        assert (await _sent(hasty_port, begun, b"a", b"b", b"c")).endswith(b"unread")


async def test_a_connection_is_kept_alive(port: int) -> None:
    posted = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    parts = [GET % b"a", posted, b"abc", GET % b"c"]
    assert await _answers(port, 3, *parts) == ["/a 0", "/b 3", "/c 0"]
    assert await _answers(port, 3, *parts, pause_s=SHORT_S / 2) == ["/a 0", "/b 3", "/c 0"]


async def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    large = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 150000\r\n\r\n" + b"a" * 150_000
    wire = GET % b"a" + large + GET % b"c" + large + GET % b"d"
    expected = ["/a 0", "/b 150000", "/c 0", "/b 150000", "/d 0"]
    assert await _answers(port, 5, wire) == expected
    assert await _answers(port, 5, *[wire[i : i + 20_001] for i in range(0, len(wire), 20_001)], pause_s=0) == expected


async def test_an_answer_under_way_is_not_cut_short_by_the_next_head(hasty_port: int) -> None:
    assert await _answers(hasty_port, 1, GET % b"slow" + b"GET /a HT", pause_s=0.01) == ["slow"]
    assert await _answers(hasty_port, 2, GET % b"slow" + GET % b"a" + b"GET") == ["slow", "/a 0"]


async def test_nonsense_is_a_400(port: int) -> None:
    assert (await _sent(port, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


def test_nonsense_is_not_logged_as_plain_text() -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], logging.getLogger("uvicorn.error").level
    try:
        server.log_to_stderr("info")
        assert not logging.getLogger("uvicorn.error").isEnabledFor(logging.WARNING)
        assert logging.getLogger("uvicorn.error").isEnabledFor(logging.ERROR)
    finally:
        root.handlers[:] = before
        logging.getLogger("uvicorn.error").setLevel(level)
