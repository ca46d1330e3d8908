"""Where an event's picture comes to stand on our own host: fetched once by us, or given by staff.

A visitor's browser then asks nobody else, and nobody else learns who looks at an event.
"""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from gatepass.domain.errors import Refused
from gatepass.services.outbound import Outbound, in_words
from gatepass.store import ReadTx, Store, WriteTx, jobs
from gatepass.store import pictures as kept
from gatepass.store.jobs import Job
from gatepass.store.pictures import Picture

JOB = "keep_pictures"
MOST_BYTES = 1024 * 1024
"""Of one picture: a visitor's phone loads it too."""
LOOK_EVERY = timedelta(seconds=10)
AT_ONCE = 4
"""Fetched side by side: so a look ends within the time of one call, and well within its lease."""
AGAIN_AFTER = timedelta(minutes=1)
AGAIN_AT_MOST_AFTER = timedelta(days=1)
PREFIX = "/pictures/"
_KINDS = MappingProxyType(
    {
        b"\xff\xd8\xff": "image/jpeg",
        b"\x89PNG\r\n\x1a\n": "image/png",
        b"GIF8": "image/gif",
    }
)
"""What a file begins with. Never SVG: it can hold a script."""


def address_of(url: str) -> str:
    """Where the picture of this address stands on our host: it is there once it was fetched."""
    return url if url.startswith("/") else PREFIX + _name(url.encode())


def _name(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:32]


def kind_of(body: bytes) -> str | None:
    """The media type, by the file's first bytes alone; None for what is no picture that browsers draw safely."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    if body[4:12] == b"ftypavif":
        return "image/avif"
    return next((kind for start, kind in _KINDS.items() if body.startswith(start)), None)


def checked(body: bytes) -> Picture:
    """A picture that may be served from our host; raises Refused."""
    if len(body) > MOST_BYTES:
        raise Refused("PictureTooLarge", f"The picture is larger than {MOST_BYTES // 1024} kB. Save it smaller.")
    kind = kind_of(body)
    if kind is None:
        raise Refused("PictureUnfit", "It is no picture that can be shown. Use JPEG, PNG, WebP, AVIF or GIF.")
    return Picture(kind, body)


def problem_of(tx: ReadTx, url: str | None) -> str | None:
    """Why the picture of this address is not here; None when it is, or is yet to come."""
    return kept.problem_of(tx, address_of(url).removeprefix(PREFIX)) if url else None


def give(tx: WriteTx, body: bytes) -> str:
    """Keep a picture that staff gives; its address on our host. Raises Refused."""
    name = _name(body)
    kept.keep(tx, name, None, checked(body))
    return PREFIX + name


def hasten(tx: WriteTx) -> None:
    """An event names another picture: look now."""
    jobs.hasten(tx, JOB, tx.now)


class Pictures:
    """Fetches what events name."""

    def __init__(self, store: Store, outbound: Outbound) -> None:
        self._store, self._outbound = store, outbound

    async def fetch_missing(self, claim: Job) -> None:
        """Fetch pictures that are not here yet, a few at a time; those that failed come again, ever more rarely."""
        wanted = await self._store.read(lambda tx: kept.missing(tx, datetime.now(UTC), AT_ONCE))
        await asyncio.gather(*(self._fetch(url, tries) for url, tries in wanted))
        pause = timedelta() if len(wanted) == AT_ONCE else LOOK_EVERY
        await self._store.write(lambda tx: jobs.again(tx, claim, tx.now + pause))

    async def _fetch(self, url: str, tries: int) -> None:
        name = _name(url.encode())
        try:
            found = checked(await self._outbound.get(url, MOST_BYTES))
        except Exception as error:  # whatever a foreign host does is told, and tried again
            why = in_words(error)
            pause = min(AGAIN_AFTER * 2 ** min(tries, 20), AGAIN_AT_MOST_AFTER)
            await self._store.write(lambda tx: kept.failed(tx, name, url, why, tries + 1, tx.now + pause))
            return
        await self._store.write(lambda tx: kept.keep(tx, name, url, found))
