"""Tells the merchant: signed, several at a time, again and again until it is heard. What is planned survives a restart."""

import asyncio
import contextlib
import hmac
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass

import httpx
import msgspec

from gatepass.sandbox import lies
from gatepass.sandbox.errors import errors_logged
from gatepass.sandbox.faults import DeliveryFault
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Row, Store, Tx

TIMEOUT_S = 10.0
AT_ONCE = 8
POLL_S = 0.25
RETRY_S = (1, 2, 5, 15, 60, 300, 900, 3600)
GIVE_UP_S = 3 * 24 * 3600
OLD_S = 600


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery as it goes over the wire."""

    delivery: int
    event: str
    kind: str
    url: str
    body: bytes
    secret: str
    fault: DeliveryFault


def signature(body: bytes, secret: str, at: int) -> str:
    """`Stripe-Signature` for a body sent at `at` (seconds since 1970); docs.stripe.com/webhooks."""
    digest = hmac.digest(secret.encode(), b"%d." % at + body, "sha256").hex()
    return f"t={at},v1={digest}"


class Deliverer:
    """The task that delivers. One per process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        self._going: dict[int, asyncio.Task[str]] = {}
        self._by_hand = 0
        store.on_event = self._wake.set

    async def run(self) -> None:
        """Deliver until cancelled; what was under way stays planned."""
        try:
            while True:
                self._wake.clear()
                with errors_logged("delivery"):
                    self._start_due()
                # Not wait_for: in Python 3.11 it can lose a cancellation, and the sandbox would never stop.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._wake.wait()
        finally:
            for task in self._going.values():
                task.cancel()
            await asyncio.gather(*self._going.values(), return_exceptions=True)
            await self._client.aclose()

    async def flush(self, times: int, shuffled: bool, subject: str | None, again: bool) -> list[Obj]:
        """Attempt all that waits, whatever its time and whatever the switches say; returns each attempt's outcome."""
        await asyncio.gather(*self._going.values(), return_exceptions=True)
        with self._store.look() as tx:
            waiting = _waiting(tx, subject, again)
        return await self._attempt_all([identity for identity in waiting for _ in range(times)], shuffled)

    async def redeliver(self, deliveries: Iterable[int]) -> list[Obj]:
        return await self._attempt_all(list(deliveries), shuffled=False)

    async def _attempt_all(self, deliveries: list[int], shuffled: bool) -> list[Obj]:
        self._by_hand += 1
        try:
            if not shuffled:
                return [await self._outcome(identity) for identity in deliveries]
            random.shuffle(deliveries)
            return list(await asyncio.gather(*(self._outcome(identity) for identity in deliveries)))
        finally:
            self._by_hand -= 1

    async def _outcome(self, identity: int) -> Obj:
        with self._store.look() as tx:
            attempt = _prepare(tx, identity)
        if attempt is None:
            return {"delivery": identity, "status": "gone"}
        return {"event": attempt.event, "type": attempt.kind, "status": await self._send(attempt)}

    def _start_due(self) -> None:
        """Start what is due, as many as may run."""
        if self._by_hand or self._store.faults.deliveries.mode != "normal":
            return
        with self._store.look() as tx:
            sql = "select id from delivery where state = 'pending' and due <= ? order by due, id limit ?"
            due = [row["id"] for row in tx.rows(sql, tx.now, AT_ONCE * 2)]
            ready = [_prepare(tx, i) for i in due if i not in self._going]
        for attempt in ready[: AT_ONCE - len(self._going)]:
            if attempt:
                task = asyncio.create_task(self._send(attempt))
                self._going[attempt.delivery] = task
                task.add_done_callback(lambda _, i=attempt.delivery: self._finished(i))

    def _finished(self, identity: int) -> None:
        self._going.pop(identity, None)
        self._wake.set()

    async def _send(self, attempt: Attempt) -> str:
        """One POST. Returns the status code, or the name of what went wrong."""
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (gatepass sandbox)"}
        headers["Stripe-Signature"] = self._signed(attempt)
        try:
            response = await self._client.post(attempt.url, content=attempt.body, headers=headers)
            answer, heard = str(response.status_code), response.is_success
        except httpx.HTTPError as error:
            answer, heard = type(error).__name__, False
        with self._store.change() as tx:
            _record(tx, attempt.delivery, answer, heard)
        return answer

    def _signed(self, attempt: Attempt) -> str:
        # The receiver checks against its own clock: the true time, unless our clock is to be wrong.
        at = int(time.time()) + self._store.faults.clock.skew_s - (OLD_S if attempt.fault.old_timestamp else 0)
        secret = "whsec_wrong" if attempt.fault.bad_signature else attempt.secret
        return signature(attempt.body, secret, at)


def _prepare(tx: Tx, identity: int) -> Attempt | None:
    """None when the endpoint or the delivery is gone."""
    row = tx.row("select * from delivery where id = ?", identity)
    endpoint = tx.find(row["endpoint"]) if row else None
    if row is None or endpoint is None:
        return None
    event = tx.get("event", row["event"])
    event = lies.told(tx, event)
    body = msgspec.json.encode(event | {"api_version": endpoint["api_version"] or event["api_version"]})
    fault = msgspec.json.decode(row["fault"], type=DeliveryFault)
    switched = tx.fault if tx.fault.bad_signature or tx.fault.old_timestamp else None
    secret = str(tx.hidden(endpoint["id"])["secret"])
    return Attempt(identity, event["id"], event["type"], endpoint["url"], body, secret, switched or _healed(fault, row))


def _healed(fault: DeliveryFault, row: Row) -> DeliveryFault:
    """A signature that was wrong once is right when it is tried again."""
    return fault if row["attempts"] == 0 else DeliveryFault()


def _record(tx: Tx, identity: int, answer: str, heard: bool) -> None:
    row = tx.row("select * from delivery where id = ?", identity)
    if row is None:
        return
    wait = RETRY_S[min(int(row["attempts"]), len(RETRY_S) - 1)]
    given_up = tx.now - row["first"] > GIVE_UP_S
    # Once heard is heard: a later repeat that fails takes nothing back.
    state = "delivered" if heard or row["state"] == "delivered" else "failed" if given_up else "pending"
    sql = "update delivery set attempts = attempts + 1, answer = ?, state = ?, due = ? where id = ?"
    tx.run(sql, answer, state, tx.now + wait, identity)


def _waiting(tx: Tx, subject: str | None, again: bool) -> list[int]:
    states = "('pending', 'delivered')" if again else "('pending')"
    rows = tx.rows(f"select id, event from delivery where state in {states} order by id")
    if subject is None:
        return [row["id"] for row in rows]
    session = tx.find(subject) or {}
    wanted = {subject, session.get("payment_intent")} - {None}
    return [row["id"] for row in rows if wanted & set(tx.hidden(row["event"]).get("subjects", []))]
