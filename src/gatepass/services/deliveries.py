"""Brings webhooks to their endpoints: signed, tried again for three days, and never in the way of anything else.

Messages are no jobs of the worker's: however many endpoints are slow, money has all its places. An endpoint that fails
has one place, one that works has a few, so none holds up another. Order is not promised.
"""

import base64
import hmac
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

import structlog

from gatepass import __version__
from gatepass.domain.webhook import FAILING_AT_GIVING_UP, FAILING_AT_MOST, Kind, MessageState, pause_after
from gatepass.services.outbound import Outbound, in_words
from gatepass.services.rounds import Piece, Rounds
from gatepass.services.secrets import Sealer
from gatepass.services.webhook_bodies import written
from gatepass.services.webhooks import old_secret_place, secret_place
from gatepass.store import Store, WriteTx, records, webhooks
from gatepass.store.webhooks import Message

IN_FLIGHT = 64
"""Of one process."""
IN_FLIGHT_PER_ENDPOINT = 4
IN_FLIGHT_WHILE_FAILING = 1
LEASE = timedelta(seconds=60)
"""Longer than any delivery takes: 15 s and two commits."""
GONE = 410
"""The receiver wants nothing more."""

log = structlog.get_logger("gatepass.deliveries")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try came to."""

    status: int | None
    error: str | None
    """In plain words; None: delivered."""
    retry_after: timedelta | None = None


class Postman:
    """One node's share of the deliveries."""

    def __init__(self, store: Store, sealer: Sealer, outbound: Outbound) -> None:
        self._store, self._sealer, self._outbound = store, sealer, outbound
        self._busy: Counter[UUID] = Counter()
        self.rounds = Rounds("webhooks", self._claim)

    async def _claim(self) -> Sequence[Piece]:
        rooms = self._rooms(await self._store.read(webhooks.waiting))
        claimed = await self._store.write(lambda tx: webhooks.claim(tx, rooms, LEASE)) if rooms else []
        self._busy.update(message.endpoint_id for message in claimed)
        return [self._deliver(message) for message in claimed]

    def _rooms(self, waiting: Sequence[tuple[UUID, bool]]) -> dict[UUID, int]:
        """How many messages each waiting endpoint may be sent now. Whoever is busiest comes last."""
        left, rooms = IN_FLIGHT - self._busy.total(), dict[UUID, int]()
        for endpoint_id, failing in sorted(waiting, key=lambda pair: self._busy[pair[0]]):
            limit = IN_FLIGHT_WHILE_FAILING if failing else IN_FLIGHT_PER_ENDPOINT
            room = min(limit - self._busy[endpoint_id], left)
            if room > 0:
                rooms[endpoint_id] = room
                left -= room
        return rooms

    async def _deliver(self, message: Message) -> None:
        try:
            await self.deliver(message)
        except Exception as error:
            # Its lease ends by itself; then it is sent again with the same id.
            log.warning("webhook.not_recorded", message=str(message.id), error=type(error).__name__)
        finally:
            self._busy[message.endpoint_id] -= 1

    async def deliver(self, message: Message) -> Outcome:
        """Send a claimed message once and record what came of it."""
        outcome = await self._try(message)
        if outcome.error:
            log.warning("webhook.failed", message=str(message.id), tries=message.tries, status=outcome.status)
        luck = random.random()  # noqa: S311
        await self._store.write(lambda tx: _record(tx, message, outcome, luck))
        return outcome

    async def _try(self, message: Message) -> Outcome:
        try:
            body = message.body or await self._store.write(lambda tx: _write_down(tx, message))
            answer = await self._outbound.post(message.url, self._headers(message, body), body.encode())
        except Exception as error:
            return Outcome(None, in_words(error))
        return Outcome(answer.status, _said(answer.status), _patience(answer.retry_after))

    def _headers(self, message: Message, body: str) -> Mapping[str, str]:
        """By Standard Webhooks: the id is the same for every try, the time is this try's."""
        webhook_id, now = f"msg_{message.id.hex}", int(time.time())
        signed = f"{webhook_id}.{now}.{body}".encode()
        return {
            "content-type": "application/json",
            "user-agent": f"Gatepass/{__version__}",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(now),
            "webhook-signature": " ".join(_signature(secret, signed) for secret in self._secrets(message)),
        }

    def _secrets(self, message: Message) -> list[bytes]:
        """The newest first; after a rotation the old one signs too, for a day."""
        found = [self._sealer.read(message.secret, secret_place(message.endpoint_id))]
        if message.old_secret and message.old_secret_ends and message.old_secret_ends > datetime.now(UTC):
            found.append(self._sealer.read(message.old_secret, old_secret_place(message.endpoint_id)))
        return found


def _signature(secret: bytes, signed: bytes) -> str:
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}"


def _write_down(tx: WriteTx, message: Message) -> str:
    """Before it is sent the first time: a retry after a crash says the same."""
    body = written(tx, message)
    webhooks.change_claimed(tx, message, {"body": body})
    return body


def _said(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"It answered {status}, a redirect. These are not followed: change the address."
    if status == GONE:
        return "It answered 410: it wants nothing more."
    return f"It answered {status}."


def _patience(retry_after: str | None) -> timedelta | None:
    """Retry-After: seconds, or a date."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:9]))
    try:
        return max(parsedate_to_datetime(text) - datetime.now(UTC), timedelta())
    except (ValueError, TypeError):
        return None


def _record(tx: WriteTx, message: Message, outcome: Outcome, luck: float) -> None:
    told = {"last_status": outcome.status, "last_error": outcome.error and outcome.error[:500]}
    if outcome.error is None:
        told |= {"state": MessageState.DELIVERED.value, "ended": tx.now}
        if webhooks.change_claimed(tx, message, told):
            webhooks.works(tx, message.endpoint_id)
        return
    pause = None if _final(message, outcome) else pause_after(message.tries, luck, outcome.retry_after)
    told |= {"due": tx.now + pause} if pause else {"state": MessageState.FAILED.value, "ended": tx.now}
    if webhooks.change_claimed(tx, message, told) and message.kind != Kind.PING:
        _judge(tx, message, outcome, given_up=pause is None)


def _final(message: Message, outcome: Outcome) -> bool:
    return outcome.status == GONE or message.kind == Kind.PING


def _judge(tx: WriteTx, message: Message, outcome: Outcome, *, given_up: bool) -> None:
    """An endpoint that wants nothing, or has taken nothing for days, is told no more; a person hears of it."""
    failing = tx.now - webhooks.fails(tx, message.endpoint_id)
    if outcome.status == GONE:
        _disable(tx, message, "It answered 410 Gone: it wants nothing more.")
    elif failing >= FAILING_AT_MOST or (given_up and failing >= FAILING_AT_GIVING_UP):
        _disable(tx, message, f"It has taken nothing for {failing.days} days. The last time: {outcome.error}")
    elif given_up:
        reason = (
            f"Webhook message {message.id} was given up after {message.tries} tries. The last time: {outcome.error}"
        )
        records.call_attention(tx, "webhook_failed", reason, dedupe=f"webhook_failed:{message.id}")


def _disable(tx: WriteTx, message: Message, reason: str) -> None:
    if webhooks.disable(tx, message.endpoint_id, reason):
        records.add_audit(tx, "gatepass", "webhook.disable", f"webhook:{message.endpoint_id}", {"reason": reason})
        known = f"webhook_disabled:{message.endpoint_id}:{tx.now.isoformat()}"
        words = f"Webhook endpoint {message.endpoint_id} was disabled. {reason}"
        records.call_attention(tx, "webhook_disabled", words, dedupe=known)
