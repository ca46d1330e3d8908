"""Where a provider's notification becomes a finalized registration.

receive() answers the provider fast; the worker calls apply() until it succeeds.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from gatepass.domain.errors import NotFound, Unavailable
from gatepass.domain.notification import About
from gatepass.domain.payment import MONEY, Payment, mismatch
from gatepass.providers.base import Delivery, PaymentProvider
from gatepass.services import disputes, refund_calls
from gatepass.services.checkout import Desk
from gatepass.services.payments import Finding, adopt
from gatepass.store import ReadTx, Store, WriteTx, inbox, jobs, payments, records
from gatepass.store.inbox import Notification, NotificationState
from gatepass.store.jobs import Job
from gatepass.store.tables import Row, new_id

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


async def apply(desk: Desk, claim: Job) -> None:
    """Ask the provider about what a notification hints at, and record its answer. Raises Unavailable to be tried again."""
    notification_id, store = UUID(claim.payload["notification_id"]), desk.store
    notification, payment = await store.read(lambda tx: _look(tx, notification_id))
    provider = desk.providers.get(notification.provider)
    if provider is None:
        raise Unavailable("ProviderNotConnected", f"No key for {notification.provider} is set; connect it again.")
    if notification.live is not provider.live:
        why = "of another mode (test or live) than this deployment"
        await store.write(lambda tx: _ignore(tx, notification, claim, why))
    elif payment is None and notification.money_ref:
        await _apply_to_owner(desk, provider, notification, claim)
    elif payment is None:
        await store.write(lambda tx: _quarantine(tx, notification, claim, _unknown(notification)))
    else:
        await _apply_to(desk, provider, notification, payment, claim)


async def _apply_to_owner(desk: Desk, provider: PaymentProvider, notification: Notification, claim: Job) -> None:
    """A refund or dispute may be told before the money itself: the provider says whose it is."""
    owner = await provider.owner(notification.money_ref or "")
    payment = await desk.store.read(lambda tx: _by_id(tx, owner))
    if payment is None and owner is None:
        why = "about money that no purchase of ours asked for"
        await desk.store.write(lambda tx: _ignore(tx, notification, claim, why))
    elif payment is None:
        await desk.store.write(lambda tx: _quarantine(tx, notification, claim, _unknown(notification)))
    else:
        await _apply_to(desk, provider, notification, payment, claim)


async def _apply_to(
    desk: Desk, provider: PaymentProvider, notification: Notification, payment: Payment, claim: Job
) -> None:  # fmt: skip
    if notification.about is About.REFUND:
        await refund_calls.look_up(desk, provider, payment, claim, notification.id)
    elif notification.about is About.DISPUTE:
        await disputes.look_up(desk, provider, payment, claim, notification.id)
    else:
        await _apply(desk, provider, notification, payment, claim)


async def _apply(
    desk: Desk, provider: PaymentProvider, notification: Notification, payment: Payment, claim: Job
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
        report = await provider.fetch(ref)
        arrived = _arrived(notification)
        other = await provider.fetch(arrived) if arrived and arrived != ref else report
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
    await desk.ledger.record(Finding(payment, report, claim, notification.id))


def _look(tx: ReadTx, notification_id: UUID) -> tuple[Notification, Payment | None]:
    notification = inbox.get(tx, notification_id)
    if notification is None:
        raise NotFound("NotificationUnknown", f"There is no notification {notification_id}.")
    return notification, _hinted(tx, notification) or _referred(tx, notification)


def _hinted(tx: ReadTx, notification: Notification) -> Payment | None:
    """By the payment id that the provider repeats: right even before our own opening call has returned."""
    return _by_id(tx, notification.payment_hint)


def _by_id(tx: ReadTx, text: str | None) -> Payment | None:
    try:
        return payments.get(tx, UUID(text or ""))
    except ValueError:
        return None


def _referred(tx: ReadTx, notification: Notification) -> Payment | None:
    """By the money that a refund or dispute is about, or by the page or money that it is itself about."""
    ref = notification.money_ref or notification.object_ref
    return payments.by_ref(tx, notification.provider, ref) if ref else None


def _ref(notification: Notification, payment: Payment) -> str | None:
    """What to ask the provider for: the payment's own reference, or the one that just arrived for it."""
    return payment.session_ref or _arrived(notification)


def _arrived(notification: Notification) -> str | None:
    return notification.object_ref if notification.about is About.PAGE else None


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
