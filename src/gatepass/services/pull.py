"""Payments complete though nobody tells us: the provider's own list of events is read, into the same inbox as webhooks.

The watermark is the provider's time of the newest event, not our clock's: a clock that is wrong hides nothing then. It
moves only after all that came before it is kept; what is read again is known by its id and changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from gatepass.domain.errors import Conflict
from gatepass.providers.base import PaymentProvider, Told
from gatepass.services import notifications
from gatepass.store import Store, WriteTx, jobs, payments, records
from gatepass.store.jobs import Job

OVERLAP = timedelta(minutes=10)
"""Read again each time: events may appear in the list later than their own time says."""
STRETCH = timedelta(hours=6)
"""A long way back is read in such pieces, the oldest first, so that a failure costs one of them."""
HORIZON = timedelta(days=30)
"""Providers forget events after this."""
LEASE = timedelta(seconds=60)
"""Renewed with each page: longer than any page takes."""
IDLE = timedelta(minutes=1)
"""Until the next look whether pulling was put on, or the provider connected again."""

log = structlog.get_logger("gatepass.pull")


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of a provider's list; `claim`: on whose behalf, None by hand."""

    provider: PaymentProvider
    claim: Job | None
    told: Sequence[Told]


async def pull_events(
    store: Store, providers: Mapping[str, PaymentProvider], every: timedelta | None, claim: Job
) -> None:
    """Keep what one provider lists since the last time. Raises Unavailable to be tried again from the same watermark."""
    provider = providers.get(claim.payload["provider"])
    if provider is None or every is None:
        await store.write(lambda tx: _again(tx, claim, IDLE))
        return
    now, since = await store.write(partial(_start, provider.name))
    for begin, end in _stretches(since, now):
        new, newest = await _keep_between(store, provider, begin, end, claim)
        await store.write(partial(_reached, provider.name, claim, newest))
        if new:
            log.info("events.pulled", provider=provider.name, new=new)
    await store.write(lambda tx: _again(tx, claim, every))


async def by_hand(store: Store, provider: PaymentProvider, since: datetime | None) -> int:
    """One pull now, from a moment or from the watermark, which stays where it is; how many events were new."""
    now, start = await store.write(partial(_start, provider.name))
    new = 0
    for begin, end in _stretches(max(since or start, now - HORIZON), now):
        new += (await _keep_between(store, provider, begin, end, None))[0]
    return new


async def _keep_between(
    store: Store, provider: PaymentProvider, begin: datetime, end: datetime | None, claim: Job | None
) -> tuple[int, datetime | None]:
    """Keep page after page, each in its own transaction: how many events were new, and the time of the newest."""
    new, newest = 0, None
    async for told in provider.events(begin, end):
        ours = [one for one in told if one.delivery.live is provider.live]
        new += await store.write(partial(_keep, _Page(provider, claim, ours)))
        newest = max([one.at for one in ours] + ([newest] if newest else []), default=None)
    return new, newest


def _start(provider: str, tx: WriteTx) -> tuple[datetime, datetime]:
    """Now, and from when on to read: nothing can have happened before the first payment."""
    mark = records.get_setting(tx, _mark(provider))
    known = datetime.fromisoformat(mark) if mark else payments.first_opened(tx, provider) or tx.now
    return tx.now, max(known - OVERLAP, tx.now - HORIZON)


def _stretches(since: datetime, now: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    """From `since` to the end, which is left open: the provider's clock may be ahead of ours."""
    while since + STRETCH < now - OVERLAP:
        yield since, since + STRETCH
        since += STRETCH
    yield since, None


def _keep(page: _Page, tx: WriteTx) -> int:
    if page.claim:
        _hold(tx, page.claim)
        jobs.renew(tx, page.claim, tx.now + LEASE)
    return notifications.keep(tx, [(page.provider.name, one.delivery, one.body) for one in page.told])


def _reached(provider: str, claim: Job, newest: datetime | None, tx: WriteTx) -> None:
    """Everything up to `newest` is kept. An event from the future would hide those of the present."""
    _hold(tx, claim)
    if newest:
        records.put_setting(tx, _mark(provider), min(newest, tx.now).isoformat())


def _again(tx: WriteTx, claim: Job, after: timedelta) -> None:
    _hold(tx, claim)
    jobs.again(tx, claim, tx.now + after)


def _hold(tx: WriteTx, claim: Job) -> None:
    if not jobs.held(tx, [claim]):
        raise Conflict("JobTaken", "Another node has taken this work over.")


def _mark(provider: str) -> str:
    return f"pull.watermark.{provider}"
