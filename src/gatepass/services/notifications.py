"""Where a provider's notification becomes a finalized registration.

receive() answers the provider fast; the worker calls apply() until it succeeds.
"""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from gatepass.domain.errors import NotFound, Unavailable
from gatepass.domain.notification import About
from gatepass.domain.payment import MONEY, Payment, Report, Way, mismatch
from gatepass.providers.base import Delivery, PaymentProvider
from gatepass.services import disputes, refund_calls
from gatepass.services.checkout import Desk
from gatepass.services.payments import Finding, adopt, first_attempt
from gatepass.store import ReadTx, Store, WriteTx, inbox, jobs, payments, records
from gatepass.store.inbox import Notification, NotificationState
from gatepass.store.jobs import Job
from gatepass.store.tables import Row, new_id

MANY = 8
"""Claimed together: then there is a backlog."""
ROUND_S = 0.02
"""Of a backlog, what is answered in so long is written together."""
MAX_BODY_BYTES = 256 * 1024
"""Of one notification; providers send a few kilobytes."""

Received = tuple[str, Delivery, bytes]
"""Provider, what was read of the notification, and its raw body."""


async def receive(store: Store, provider: PaymentProvider, headers: Mapping[str, str], body: bytes) -> None:
    """Verify a notification and keep it. A repeat is welcome and changes nothing. Raises BadSignature."""
    delivery = provider.verify(headers, body)
    await store.write_together(_keep, (provider.name, delivery, body))


def _keep(tx: WriteTx, received: Sequence[Received]) -> Sequence[None]:
    keep(tx, received)
    return [None] * len(received)


def keep(tx: WriteTx, received: Sequence[Received]) -> int:
    """Keep what is new, in one statement per table, however it came; how many were."""
    rows: dict[tuple[str, str], Row] = {}
    for provider, delivery, body in received:
        rows.setdefault((provider, delivery.event_ref), _row(tx, provider, delivery, body))
    for provider in {provider for provider, _ in rows}:
        for ref in inbox.known(tx, provider, [ref for name, ref in rows if name == provider]):
            del rows[provider, ref]
    if rows:
        with tx.one_trip():
            inbox.add(tx, list(rows.values()))
            jobs.add_many(tx, [_job(tx, row) for row in rows.values() if row["state"] == NotificationState.NEW.value])
    return len(rows)


def _row(tx: WriteTx, provider: str, delivery: Delivery, body: bytes) -> Row:
    state = NotificationState.IGNORED if delivery.about is About.OTHER else NotificationState.NEW
    return {
        "id": new_id(),
        "provider": provider,
        "event_ref": delivery.event_ref,
        "kind": delivery.kind,
        "object_ref": delivery.object_ref,
        "payment_hint": delivery.payment_hint,
        "about": delivery.about.value,
        "money_ref": delivery.money_ref,
        "live": delivery.live,
        "body": body,
        "state": state.value,
        "received": tx.now,
    }


def _job(tx: WriteTx, row: Row) -> Row:
    return job_of(tx, row["id"])


def job_of(tx: WriteTx, notification_id: UUID) -> Row:
    """The one job that applies a notification."""
    payload = {"notification_id": str(notification_id)}
    return jobs.row(tx, "apply_notification", payload, dedupe=f"apply:{notification_id}")


class Looks:
    """What notifications that were claimed together share: one look into our tables, one at the provider per payment.

    Right because all of them had been received before the first look began.
    """

    def __init__(self, store: Store, claims: Sequence[Job]) -> None:
        self._store = store
        self._ids = [_notification_id(claim) for claim in claims if claim.kind == "apply_notification"]
        self._own: asyncio.Task[dict[UUID, _Told]] | None = None
        self._reports: dict[tuple[str, str], asyncio.Task[Report]] = {}

    async def own(self, notification_id: UUID) -> "_Told":
        """A notification, and the payment that it is about as far as we know. Raises NotFound."""
        if self._own is None:
            self._own = asyncio.create_task(self._store.read(lambda tx: _look(tx, self._ids)))
        found = (await self._own).get(notification_id)
        if found is None:
            raise NotFound("NotificationUnknown", f"There is no notification {notification_id}.")
        return found

    async def fetch(self, provider: PaymentProvider, ref: str) -> Report:
        """What the provider says of one payment. Raises as the provider does."""
        name = provider.name, ref
        if name not in self._reports:
            self._reports[name] = asyncio.ensure_future(provider.fetch(ref))
        return await self._reports[name]

    async def gather(self) -> None:
        """Where many are under way, wait a moment, so that those answered meanwhile are written down together."""
        if len(self._ids) >= MANY:
            await asyncio.sleep(ROUND_S - asyncio.get_running_loop().time() % ROUND_S)


def _notification_id(claim: Job) -> UUID:
    return UUID(claim.payload["notification_id"])


async def apply(desk: Desk, claim: Job, looks: Looks) -> None:
    """Ask the provider about what a notification hints at, and record its answer. Raises Unavailable to be tried again."""
    store = desk.store
    notification, payment = await looks.own(_notification_id(claim))
    provider = desk.providers.get(notification.provider)
    if provider is None:
        raise Unavailable("ProviderNotConnected", f"No key for {notification.provider} is set; connect it again.")
    if notification.live is not provider.live:
        why = "of another mode (test or live) than this deployment"
        await store.write(lambda tx: _ignore(tx, notification, claim, why))
    elif payment is None and desk.management.served_before and notification.about in _OF_PAGES:
        await _apply_to_stranger(desk, provider, notification, claim, looks)
    elif payment is None and notification.money_ref:
        await _apply_to_owner(desk, provider, notification, claim, looks)
    elif payment is None:
        await store.write(lambda tx: _quarantine(tx, notification, claim, _unknown(notification)))
    else:
        await _apply_to(desk, provider, notification, payment, claim, looks)


async def _apply_to_stranger(
    desk: Desk, provider: PaymentProvider, notification: Notification, claim: Job, looks: Looks
) -> None:
    """Money on a page that the service before us opened for a purchase becomes an attempt. Only the page says whose it is."""
    payment = await _opened_elsewhere(desk, provider, notification, looks)
    if payment is None:
        why = "about a page that another service opened, and no money for a purchase of ours"
        await desk.store.write(lambda tx: _ignore(tx, notification, claim, why))
    else:
        await _apply_to(desk, provider, notification, payment, claim, looks)


async def _opened_elsewhere(
    desk: Desk, provider: PaymentProvider, notification: Notification, looks: Looks
) -> Payment | None:
    ref = _arrived(notification, None)
    try:
        report = await looks.fetch(provider, ref) if ref else None
    except NotFound:
        return None
    purchase_id = _id_in(report.purchase_id) if report and report.state in MONEY else None
    payable = await desk.management.find(purchase_id) if purchase_id else None
    if not report or not payable:
        return None
    return await adopt(desk.store, first_attempt(provider.name, payable.id, payable.total, live=payable.live), report)


async def _apply_to_owner(
    desk: Desk, provider: PaymentProvider, notification: Notification, claim: Job, looks: Looks
) -> None:
    """A refund or dispute may be told before the money itself: the provider says whose it is."""
    owner = await provider.owner(notification.money_ref or "")
    payment = await desk.store.read(lambda tx: _by_id(tx, owner))
    if payment is None and owner is None:
        why = "about money that no purchase of ours asked for"
        await desk.store.write(lambda tx: _ignore(tx, notification, claim, why))
    elif payment is None:
        await desk.store.write(lambda tx: _quarantine(tx, notification, claim, _unknown(notification)))
    else:
        await _apply_to(desk, provider, notification, payment, claim, looks)


async def _apply_to(
    desk: Desk, provider: PaymentProvider, notification: Notification, payment: Payment, claim: Job, looks: Looks
) -> None:
    if notification.about is About.REFUND:
        await refund_calls.look_up(desk, provider, payment, claim, notification.id)
    elif notification.about is About.DISPUTE:
        await disputes.look_up(desk, provider, payment, claim, notification.id)
    else:
        await _apply(desk, provider, notification, payment, claim, looks)


async def _apply(
    desk: Desk, provider: PaymentProvider, notification: Notification, payment: Payment, claim: Job, looks: Looks
) -> None:
    ref = _ref(notification, payment)
    if ref is None and payment.open:
        # The provider was faster than the answer to our own opening call: the reference is about to be stored.
        raise Unavailable("PaymentOpening", "The payment's page is still being opened.")
    if ref is None:
        await desk.store.write(lambda tx: _quarantine(tx, notification, claim, "it names no session of its payment"))
        return
    store = desk.store
    try:
        report = await looks.fetch(provider, ref)
        arrived = _arrived(notification, payment)
        other = await looks.fetch(provider, arrived) if arrived and arrived != ref else report
    except NotFound:
        await store.write(
            lambda tx: _quarantine(tx, notification, claim, "the provider does not know what it is about")
        )
        return
    if other.state in MONEY and other.intent_ref not in {one.intent_ref for one in (report, *report.also)}:
        if why := mismatch(payment, other):
            await store.write(lambda tx: _quarantine(tx, notification, claim, why))
            return
        payment, report = await adopt(store, payment, other), other
    await looks.gather()
    tells = notification.kind if notification.kind in provider.declines else None
    await desk.ledger.record(Finding(payment, report, claim, notification.id, tells))


_OF_PAGES = frozenset({About.PAGE, About.PAYMENT})
_Told = tuple[Notification, Payment | None]


def _look(tx: ReadTx, ids: Sequence[UUID]) -> dict[UUID, _Told]:
    """By the payment id that the provider repeats, which is right even before our own opening call has returned; else by
    what they refer to.
    """
    found = inbox.get_many(tx, ids)
    hints = [_id_in(one.payment_hint) for one in found]
    hinted = payments.get_many(tx, [hint for hint in hints if hint])
    told = zip(found, hints, strict=True)
    return {one.id: (one, (hint and hinted.get(hint)) or _referred(tx, one)) for one, hint in told}


def _by_id(tx: ReadTx, text: str | None) -> Payment | None:
    wanted = _id_in(text)
    return payments.get(tx, wanted) if wanted else None


def _id_in(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _referred(tx: ReadTx, notification: Notification) -> Payment | None:
    """By the money that a refund or dispute is about, or by the page or money that it is itself about."""
    ref = notification.money_ref or notification.object_ref
    return payments.by_ref(tx, notification.provider, ref) if ref else None


def _ref(notification: Notification, payment: Payment) -> str | None:
    """What to ask the provider for: the payment's own reference, or the one that just arrived for it."""
    return payment.session_ref or _arrived(notification, payment)


def _arrived(notification: Notification, payment: Payment | None) -> str | None:
    """What `fetch` takes: the page, which is the money itself where the payment is on our own page."""
    on_our_page = payment is not None and payment.way is Way.PAGE
    is_page = notification.about is About.PAGE or (notification.about is About.PAYMENT and on_our_page)
    return notification.object_ref if is_page else None


def _unknown(notification: Notification) -> str:
    return f"it is about {notification.money_ref or notification.object_ref or 'nothing'}, which no payment of ours goes by"


def _ignore(tx: WriteTx, notification: Notification, claim: Job, why: str) -> None:
    if jobs.held(tx, [claim]):
        inbox.set_state(tx, [(notification.id, NotificationState.IGNORED, why, None)])
        jobs.finish(tx, [claim.id])


def _quarantine(tx: WriteTx, notification: Notification, claim: Job, why: str) -> None:
    if not jobs.held(tx, [claim]):
        return
    inbox.set_state(tx, [(notification.id, NotificationState.QUARANTINED, why, None)])
    reason = f"{notification.provider} sent {notification.kind} ({notification.event_ref}), but {why}."
    records.call_attention(
        tx, "notification", reason, dedupe=f"notification:{notification.id}", notification_id=notification.id
    )
    jobs.finish(tx, [claim.id])
