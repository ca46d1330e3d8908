"""An event's picture stands on our own host: a visitor's browser asks nobody else."""

import re
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gatepass import server
from gatepass.services import pictures
from gatepass.store import pictures as kept
from tests.running import Running, running
from tests.staff.browsing import member


def png(width: int = 1) -> bytes:
    """A picture of one black line."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(width + 1)))
        + chunk(b"IEND", b"")
    )


@dataclass
class Host:
    """Somebody else's host, with pictures and worse; it remembers who asked for what."""

    url: str
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append(path)
        match path:
            case "/moved":
                return RedirectResponse("/photo")
            case "/round":
                return RedirectResponse("/round")
            case "/huge":
                return Response(b"\xff\xd8\xff" + bytes(pictures.MOST_BYTES))
            case "/script":
                return Response('<svg xmlns="http://www.w3.org/2000/svg"/>', media_type="image/png")
            case "/gone":
                return Response("no", 404)
            case _:
                return Response(png(), media_type="text/html")


@asynccontextmanager
async def host() -> AsyncIterator[Host]:
    listening = server.listen("127.0.0.1", 0)
    found = Host(server.address(listening))
    async with server.serving([(Starlette(routes=[Route("/{path:path}", found.answer)]), listening)]):
        yield found


@pytest.fixture
async def friendly(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """May call this machine: that is where the test's host is."""
    async with running(database_url, tmp_path, GATEPASS_WEBHOOKS_ALLOW_PRIVATE="true") as system:
        yield system


async def names(system: Running, url: str) -> None:
    await system.change_event(image_url=url)
    await system.hasten(pictures.JOB)


async def shown(system: Running) -> httpx.Response:
    """What a browser gets for the picture of the event's page."""
    page = await system.client.get(f"{system.base_url}/e/{system.event.readable_id}")
    assert "img-src 'self' data:;" in page.headers["content-security-policy"]
    address = re.search(r'<img src="([^"]+)"', page.text)
    assert address
    assert address[1].startswith("/"), "another host would be asked"
    return await system.client.get(f"{system.base_url}{address[1]}", follow_redirects=True)


async def staff_read(system: Running, why: str) -> None:
    async with member(system, "administrator") as boss:

        async def told() -> bool:
            return why in (await boss.get(f"/staff/events/{system.event.id}")).text

        await system.until(told)


async def test_a_picture_of_another_host_is_fetched_once_and_served_from_ours(friendly: Running) -> None:
    async with host() as there:
        await names(friendly, f"{there.url}/moved")

        async def here() -> bool:
            return (await shown(friendly)).content == png()

        await friendly.until(here)
        found = await shown(friendly)

    assert set(there.asked) == {"/moved", "/photo"}
    assert not await friendly.store.read(lambda tx: kept.missing(tx, datetime.now(UTC), 4)), "fetched once only"
    assert found.headers["content-type"] == "image/png"
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "why"),
    [("/huge", "larger than"), ("/script", "no picture"), ("/gone", "404"), ("/round", "one address to another")],
)
async def test_what_is_no_picture_is_never_served_and_staff_read_why(friendly: Running, path: str, why: str) -> None:
    async with host() as there:
        await names(friendly, there.url + path)
        await staff_read(friendly, why)
        found = await shown(friendly)

    assert found.headers["content-type"].startswith("image/svg")
    assert str(found.url).endswith("/static/cover.svg")


async def test_the_server_never_fetches_from_inside_its_own_network(gatepass: Running) -> None:
    async with host() as there:
        await names(gatepass, f"{there.url}/photo".replace("http://", "https://"))
        await staff_read(gatepass, "not a public address")

    assert there.asked == []


async def test_staff_give_a_picture_as_a_file(gatepass: Running) -> None:
    async with member(gatepass, "event_staff") as boss:

        async def give(body: bytes) -> httpx.Response:
            file = {"picture": ("line.png", body, "image/png")}
            return await boss.web.post(f"/staff/events/{gatepass.event.id}/picture", files=file)

        assert (await give(png(3))).status_code == 303
        assert (await shown(gatepass)).content == png(3)
        for wrong in (b"", b"<svg/>", b"\xff\xd8\xff" + bytes(pictures.MOST_BYTES)):
            refused = await give(wrong)
            assert (refused.status_code, "Nothing was changed" in refused.text) == (422, True)

    assert (await shown(gatepass)).content == png(3)


def test_a_story_asks_no_other_host() -> None:
    from gatepass.web.pages.markdown import to_html

    story = "![a](https://tracker.example/a.png) <img src=https://tracker.example/b.png> ![c][r]\n\n[r]: https://tracker.example/c"

    assert not re.search(r"<(?!/?(p|a)\b)", to_html(story))
