"""Everything that is known of one purchase, at one moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from gatepass.domain.dispute import Dispute
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status, order_reference
from gatepass.domain.refund import Refund, RefundState
from gatepass.domain.timeline import Sums
from gatepass.store import ReadTx, events, payments, purchases, refunds, timeline
from gatepass.store.purchases import AttendeeRow
from gatepass.store.tables import Row
from gatepass.store.timeline import Around

A_MOMENT = timedelta(microseconds=1)
MISMATCH = "mismatch"
"""Reason of a payment whose money does not fit the order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change with its time: as it was written down, or derived from a row that no entry speaks of."""

    at: datetime
    kind: str
    detail: Mapping[str, object]

    def text(self, name: str) -> str:
        """A member of the detail; empty when it is not there."""
        return str(self.detail.get(name) or "")


@dataclass(frozen=True, slots=True)
class Order:
    """The purchase itself, wherever it lives."""

    id: UUID
    reference: str
    status: Status
    total: Money
    live: bool
    created: datetime
    hold_until: datetime | None
    items: str
    title: str
    """The event's name."""
    time_zone: str
    pays_online: bool


@dataclass(frozen=True)
class Facts:
    """One purchase and all that belongs to it."""

    now: datetime
    order: Order
    people: Sequence[AttendeeRow]
    payments: Sequence[Payment]
    refunds: Sequence[Refund]
    written: Sequence[Row]
    around: Around

    @cached_property
    def entries(self) -> list[Entry]:
        """What was written down, and what rows say that no entry speaks of; the first one first."""
        written = [Entry(row["at"], row["kind"], row["detail"]) for row in self.written]
        told = {(one.kind, _subject(one)) for one in written}
        derived = [one for one in _derived(self) if (one.kind, _subject(one)) not in told]
        return sorted([*written, *derived], key=lambda one: one.at)

    @cached_property
    def paid(self) -> list[Payment]:
        """Payments whose money has come."""
        return [row for row in self.payments if row.state is PaymentState.SUCCEEDED]

    @property
    def open_payment(self) -> Payment | None:
        """The one by which money may still come."""
        return next((row for row in self.payments if row.open), None)

    @property
    def in_question(self) -> Payment | None:
        """Money that came and does not fit."""
        return next((row for row in self.payments if row.reason_code == MISMATCH), None)

    @cached_property
    def sums(self) -> Sums:
        """What moved."""
        return Sums(
            charged=self.sum_of(row.amount for row in self.paid),
            given_back=self.sum_of(one.amount for one in self.refunds if one.state is RefundState.SUCCEEDED),
            on_its_way_back=self.sum_of(one.amount for one in self.refunds if one.on_its_way),
        )

    def sum_of(self, amounts: Iterable[Money]) -> Money:
        """In the currency of the purchase; a payment in another would have been in question."""
        return Money(sum(one.minor for one in amounts), self.order.total.currency)

    def given_up(self, payment: Payment) -> bool:
        """True when all of a payment goes back, or has gone."""
        back = sum(one.amount.minor for one in self.refunds if one.payment_id == payment.id and one.counts)
        return back >= payment.amount.minor

    def at_last(self, kind: str) -> datetime | None:
        """When something happened for the last time."""
        return max((one.at for one in self.entries if one.kind == kind), default=None)


def read(tx: ReadTx, purchase_id: UUID, now: datetime) -> Facts | None:
    """All rows of a purchase, or None. Several statements: run it in a snapshot."""
    purchase = purchases.get(tx, purchase_id)
    event = purchase and events.get(tx, purchase.event_id)
    if purchase is None or event is None:
        return None
    order = Order(
        purchase.id, order_reference(purchase.id), purchase.status, purchase.total, purchase.live, purchase.created,
        purchase.hold_until, purchase.items, event.name, event.time_zone,
        pays_online=purchase.provider_id is not None and event.provider is not None,
    )  # fmt: skip
    return around_order(tx, order, now)


def around_order(tx: ReadTx, order: Order, now: datetime) -> Facts:
    """What belongs to a purchase, wherever it lives. Several statements: run it in a snapshot."""
    paid, refunded = payments.of_purchase(tx, order.id), refunds.of_purchases(tx, [order.id])
    around = timeline.around(tx, order.id, [row.id for row in paid], [one.id for one in refunded])
    people, written = purchases.tickets(tx, order.id), timeline.of_purchase(tx, order.id)
    return Facts(now, order, people, paid, refunded, written, around)


def _subject(entry: Entry) -> str:
    """Two entries of one kind and subject tell the same; a purchase may come to a status again, but has one subject."""
    return str(
        next((entry.detail[name] for name in ("refund_id", "dispute_id", "payment_id") if name in entry.detail), "")
    )


def _derived(facts: Facts) -> Iterable[Entry]:
    """What the rows of a purchase say by themselves."""
    yield from _of_purchase(facts)
    for row in facts.payments:
        yield from _of_payment(facts, row)
    for one in facts.refunds:
        yield from _of_refund(facts, one)
    for dispute in facts.around.disputes:
        yield from _of_dispute(dispute)


def _of_purchase(facts: Facts) -> Iterable[Entry]:
    purchase = facts.order
    yield Entry(purchase.created, "purchase.created", {})
    granted = [row["created"] for row in facts.around.registrations]
    if granted:
        yield Entry(min(granted), "purchase.completed", {})
    changed = facts.around.changed.get(purchase.id)
    if changed and purchase.status not in {Status.COMPLETED, Status.AWAITING_PAYMENT}:
        yield Entry(changed, f"purchase.{purchase.status.value}", {})
    for at in sorted({row["cancelled"] for row in facts.around.registrations if row["cancelled"]}):
        yield Entry(at, "registration.cancelled", {"seats": _cancelled_at(facts, at)})


def _cancelled_at(facts: Facts, at: datetime) -> int:
    return sum(row["cancelled"] == at for row in facts.around.registrations)


def _of_payment(facts: Facts, row: Payment) -> Iterable[Entry]:
    detail = {"payment_id": str(row.id), "number": row.number, "provider": row.provider}
    # Whole seconds, as the provider counts: never told before the order itself.
    yield Entry(max(row.opened, facts.order.created), "payment.opened", detail)
    changed = facts.around.changed[row.id]
    if row.open and row.reason_code:
        yield Entry(
            changed, "payment.declined", detail | {"reason_text": row.reason_text, "reason_code": row.reason_code}
        )
    if row.state is not PaymentState.CREATED:
        yield Entry(changed, f"payment.{row.state.value}", detail)


def _of_refund(facts: Facts, one: Refund) -> Iterable[Entry]:
    detail = {"refund_id": str(one.id)}
    # By the provider's clock, when it was made there; and never after we heard of it.
    yield Entry(min(one.requested, facts.around.changed[one.id] - A_MOMENT), "refund.requested", detail)
    if one.state is not RefundState.REQUESTED:
        yield Entry(facts.around.changed[one.id], f"refund.{one.state.value}", detail)


def _of_dispute(one: Dispute) -> Iterable[Entry]:
    detail = {"dispute_id": str(one.id)}
    yield Entry(one.opened, "dispute.needs_response", detail)
    if one.closed:
        yield Entry(one.closed, f"dispute.{one.state.value}", detail)
