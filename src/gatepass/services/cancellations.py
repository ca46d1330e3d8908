"""Where a whole event is called off: nothing more is sold at once, then everybody gets their money back, at a steady pace.

The run is a job that finds its next purchases in the tables: it goes on after a crash, on any node, and never twice.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.domain.event import Event, EventStatus
from gatepass.domain.money import Money
from gatepass.domain.purchase import PAID, Move, Status
from gatepass.domain.refund import COUNTS, Cause
from gatepass.services import audit, refunds
from gatepass.services.management import EventManagement
from gatepass.services.payments import ask_to_end
from gatepass.services.purchases import Settlement
from gatepass.store import ReadTx, Store, WriteTx, events, figures, jobs, payments, purchases
from gatepass.store.figures import FEE, MONEY, ORDER, REFUND, Scope
from gatepass.store.jobs import Job

BATCH = 50
"""Purchases given up in one transaction."""
EVERY = timedelta(seconds=10)
"""From one batch to the next: at most 5 refunds a second, a fifth of what Stripe's test mode takes."""


_UNDER_WAY: Mapping[str, Status] = MappingProxyType(
    {f"{ORDER}{status.value}": status for status in (Status.AWAITING_PAYMENT, *PAID)}
)
_BACK = frozenset(f"{REFUND}{state.value}" for state in COUNTS)
"""Of sums that are kept: orders that hold seats or money, and money that has gone back or is about to."""
_ASKED = (*_UNDER_WAY, *_BACK, MONEY, FEE)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What calling an event off means, before it is done. Amounts by currency, in minor units."""

    event: Event
    orders: Mapping[Status, int]
    """Purchases that hold seats or money, by status."""
    cash: Mapping[str, int]
    """What has to be in the account at the provider."""
    fees: Mapping[str, int]
    """What the provider has kept and does not give back, as far as it is known."""
    fees_unknown: int
    """Payments whose fee is not known yet; the hourly reconciliation asks for it."""

    @property
    def takes(self) -> timedelta:
        """How long the run needs at least."""
        return run_time(sum(self.orders.values()))


def run_time(orders: int) -> timedelta:
    """The pauses of a run, and never less than one: what the provider takes comes on top."""
    return EVERY * max(1, orders // BATCH)


def forecast(tx: ReadTx, event_id: UUID) -> Forecast:
    """What it would cost to call this event off now, from sums that are kept of it. Raises NotFound."""
    event = _event(tx, event_id)
    orders, cash, fees, unknown = Counter[Status](), Counter[str](), Counter[str](), 0
    for row in figures.totals(tx, Scope([figures.NO_TIME], event_id), _ASKED):
        what, currency, count, minor = row["what"], row["currency"], int(row["count"]), int(row["total_minor"])
        if what in _UNDER_WAY:
            orders[_UNDER_WAY[what]] += count
        elif what in _BACK:
            cash[currency] -= minor
        elif what == MONEY:
            cash[currency] += minor
            unknown += count
        elif what == FEE:
            fees[currency] += minor
            unknown -= count
    for row in payments.disputed_of_event(tx, event_id):
        cash[row["currency"]] -= min(int(row["disputed_minor"]), max(0, row["amount_minor"] - int(row["back_minor"])))
    return Forecast(event, +orders, +cash, +fees, unknown)


async def call_off(store: Store, event_id: UUID, reason: str, actor: str) -> Forecast:
    """Cancel the event and start the run. Raises NotFound, Refused (no reason), Conflict (called off already)."""
    return await store.write(lambda tx: call_off_in(tx, event_id, reason, actor))


def call_off_in(tx: WriteTx, event_id: UUID, reason: str, actor: str, *, named: str | None = None) -> Forecast:
    """The same inside a unit of work. `named`: how somebody says that it is really this event."""
    reason = reason.strip()
    if not reason or len(reason) > refunds.MAX_REASON_CHARS:
        most = refunds.MAX_REASON_CHARS
        raise Refused("ReasonMissing", f"Say in 1 to {most} characters why the event is called off.", field="reason")
    if named is not None and named.strip() != _event(tx, event_id).name:
        raise Refused("NameDiffers", "Write the name of the event, as it stands here.", field="name")
    event = events.lock(tx, [event_id], ()).get(event_id)
    if event and event.status is EventStatus.CANCELLED:
        raise Conflict("EventCancelled", f"{event.name} is called off already; its run goes on by itself.")
    found = forecast(tx, event_id)
    events.set_status(tx, event_id, EventStatus.CANCELLED)
    jobs.add(tx, "refund_event", {"event_id": str(event_id), "reason": reason}, dedupe=f"refund_event:{event_id}")
    before = {"status": found.event.status.value}
    after = {"status": EventStatus.CANCELLED.value, "cash": dict(found.cash), "orders": sum(found.orders.values())}
    audit.write(tx, actor, "event.call_off", f"event:{event_id}", before=before, after=after, reason=reason)
    return found


async def refund_event(store: Store, management: EventManagement, claim: Job) -> None:
    """One batch of the run; the job comes again until nothing is left."""
    await store.write(lambda tx: _batch(tx, management, claim))


def _batch(tx: WriteTx, management: EventManagement, claim: Job) -> None:
    if not jobs.held(tx, [claim]):
        raise Conflict("JobTaken", "Another node has taken this work over.")
    event_id, reason = UUID(claim.payload["event_id"]), str(claim.payload["reason"])
    unpaid = purchases.of_event(tx, event_id, [Status.AWAITING_PAYMENT], BATCH)
    paid = purchases.of_event(tx, event_id, PAID, BATCH - len(unpaid))
    # All at once, before the event's row is locked by the first of them: others wait for that row with theirs.
    management.lock(tx, [*unpaid, *paid])
    _let_go(tx, management, unpaid)
    refunds.give_up(tx, management, paid, Cause.EVENT_CANCELLED, reason)
    if len(unpaid) + len(paid) < BATCH:
        jobs.finish(tx, [claim.id])
    else:
        jobs.again(tx, claim, tx.now + EVERY)


def _let_go(tx: WriteTx, management: EventManagement, ids: list[UUID]) -> None:
    """Seats that are only held. A payment that is on its way will come too late, and goes back."""
    management.settle(tx, [Settlement(at, Move.CANCEL) for at in ids])
    for attempt in payments.lock_of_purchases(tx, ids):
        if attempt.open:
            ask_to_end(tx, attempt)


def _event(tx: ReadTx, event_id: UUID) -> Event:
    found = events.get(tx, event_id)
    if found is None:
        raise NotFound("EventNotFound", f"There is no event {event_id}.")
    return found


def amounts(by_currency: Mapping[str, int]) -> str:
    """Such as "12050.00 EUR, 300 JPY"."""
    return ", ".join(str(Money(minor, currency)) for currency, minor in by_currency.items() if minor) or "nothing"


def spoken(span: timedelta) -> str:
    """Such as "10 seconds" or "1 hour and 20 minutes": whole seconds, the two largest units."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    counts = {"hour": minutes // 60, "minute": minutes % 60, "second": seconds}
    parts = [f"{count} {unit}{'s' * (count != 1)}" for unit, count in counts.items() if count]
    return " and ".join(parts[:2]) or "0 seconds"
