"""Where a provider's notification becomes a finalized registration.

receive() answers the provider fast; the worker calls apply() until it succeeds.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from gatepass.domain.errors import NotFound, Unavailable
from gatepass.domain.payment import MONEY, Payment, mismatch
from gatepass.providers.base import Delivery, PaymentProvider
from gatepass.services.payments import Finding, Ledger, adopt
from gatepass.store import ReadTx, Store, WriteTx, inbox, jobs, payments, records
from gatepass.store.inbox import Notification, NotificationState
from gatepass.store.jobs import Job
from gatepass.store.tables import Row, new_id

MAX_BODY_BYTES = 256 * 1024
"""Of one notification; providers send a few kilobytes."""

_Received = tuple[str, Delivery, bytes]


async def receive(store: Store, provider: PaymentProvider, headers: Mapping[str, str], body: bytes) -> None:
    """Verify a notification and keep it. A repeat is welcome and changes nothing. Raises BadSignature."""
    delivery = provider.verify(headers, body)
    await store.write_together(_keep, (provider.name, delivery, body))


def _keep(tx: WriteTx, received: Sequence[_Received]) -> Sequence[None]:
    """Keep what is new, in one statement per table; one answer each."""
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
    return [None] * len(received)


def _row(tx: WriteTx, provider: str, delivery: Delivery, body: bytes) -> Row:
    state = NotificationState.NEW if delivery.concerns_us else NotificationState.IGNORED
    return {
        "id": new_id(),
        "provider": provider,
        "event_ref": delivery.event_ref,
        "kind": delivery.kind,
        "object_ref": delivery.object_ref,
        "payment_hint": delivery.payment_hint,
        "live": delivery.live,
        "body": body,
        "state": state.value,
        "received": tx.now,
    }


def _job(tx: WriteTx, row: Row) -> Row:
    return jobs.row(tx, "apply_notification", {"notification_id": str(row["id"])}, dedupe=f"apply:{row['id']}")


async def apply(store: Store, ledger: Ledger, providers: Mapping[str, PaymentProvider], claim: Job) -> None:
    """Ask the provider about what a notification hints at, and record its answer. Raises Unavailable to be tried again."""
    notification_id = UUID(claim.payload["notification_id"])
    found = await store.read(lambda tx: _look(tx, notification_id))
    notification, payment = found
    provider = providers.get(notification.provider)
    if provider is None:
        raise Unavailable("ProviderNotConnected", f"No key for {notification.provider} is set; connect it again.")
    if notification.live is not provider.live:
        await store.write(lambda tx: _ignore(tx, notification, claim))
    elif payment is None:
        await store.write(lambda tx: _quarantine(tx, notification, claim, _unknown(notification)))
    else:
        await _apply(store, ledger, provider, notification, payment, claim)


async def _apply(
    store: Store, ledger: Ledger, provider: PaymentProvider, notification: Notification, payment: Payment, claim: Job
) -> None:
    ref = _ref(notification, payment)
    if ref is None and payment.open:
        # The provider was faster than the answer to our own opening call: the reference is about to be stored.
        raise Unavailable("PaymentOpening", "The payment's page is still being opened.")
    if ref is None:
        await store.write(lambda tx: _quarantine(tx, notification, claim, "it names no session of its payment"))
        return
    try:
        report = await provider.fetch(ref)
        arrived = _arrived(notification)
        other = await provider.fetch(arrived) if arrived and arrived != ref else report
    except NotFound:
        await store.write(
            lambda tx: _quarantine(tx, notification, claim, "the provider does not know what it is about")
        )
        return
    if other.session_ref != report.session_ref and other.state in MONEY:
        if why := mismatch(payment, other):
            await store.write(lambda tx: _quarantine(tx, notification, claim, why))
            return
        payment, report = await adopt(store, payment, other), other
    await ledger.record(Finding(payment, report, claim, notification.id))


def _look(tx: ReadTx, notification_id: UUID) -> tuple[Notification, Payment | None]:
    notification = inbox.get(tx, notification_id)
    if notification is None:
        raise NotFound("NotificationUnknown", f"There is no notification {notification_id}.")
    return notification, _hinted(tx, notification) or _referred(tx, notification)


def _hinted(tx: ReadTx, notification: Notification) -> Payment | None:
    """By the payment id that the provider repeats: right even before our own opening call has returned."""
    try:
        return payments.get(tx, UUID(notification.payment_hint or ""))
    except ValueError:
        return None


def _referred(tx: ReadTx, notification: Notification) -> Payment | None:
    ref = notification.object_ref
    return payments.by_ref(tx, notification.provider, ref) if ref else None


def _ref(notification: Notification, payment: Payment) -> str | None:
    """What to ask the provider for: the payment's own reference, or the one that just arrived for it."""
    return payment.session_ref or _arrived(notification)


def _arrived(notification: Notification) -> str | None:
    return notification.object_ref if notification.kind.startswith("checkout.") else None


def _unknown(notification: Notification) -> str:
    return f"it is about {notification.object_ref or 'nothing'}, which no payment of ours goes by"


def _ignore(tx: WriteTx, notification: Notification, claim: Job) -> None:
    if jobs.held(tx, [claim]):
        why = "of another mode (test or live) than this deployment"
        inbox.set_state(tx, [(notification.id, NotificationState.IGNORED, why)])
        jobs.finish(tx, [claim.id])


def _quarantine(tx: WriteTx, notification: Notification, claim: Job, why: str) -> None:
    if not jobs.held(tx, [claim]):
        return
    inbox.set_state(tx, [(notification.id, NotificationState.QUARANTINED, why)])
    reason = f"{notification.provider} sent {notification.kind} ({notification.event_ref}), but {why}."
    records.call_attention(
        tx, "notification", reason, dedupe=f"notification:{notification.id}", notification_id=notification.id
    )
    jobs.finish(tx, [claim.id])
