"""Event management in a remote Dataverse: read with every payment link, kept in a row of ours, told by a job.

A purchase over there can be neither locked nor changed in our transaction. So each has a row here, which is locked and moved
instead, and the job that tells Dataverse is added with the move. What is wanted stands in the row, not in the job: the job
looks, and does what is still to be done.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from gatepass.dataverse import Dataverse, NoAccess, Throttled, purchases
from gatepass.domain.errors import GatepassError, NotFound, Refused, Unavailable
from gatepass.domain.payment import Way
from gatepass.domain.purchase import Move, Payable, Status
from gatepass.domain.remote import RemotePurchase, Seen, Word
from gatepass.services.links import Links
from gatepass.services.payments import ask_to_end
from gatepass.services.purchases import Settled, Settlement
from gatepass.services.remote import questions
from gatepass.services.remote.standings import RemoteStandings
from gatepass.services.remote.tasks import ask_to_tell
from gatepass.services.remote.views import RemoteViews
from gatepass.services.views import Views
from gatepass.store import ReadTx, Store, WriteTx, call_lanes, payments, remote, timeline
from gatepass.store.call_lanes import Rules
from gatepass.store.payments import OpenPage


class LateMoney(StrEnum):
    """What becomes of money that came after Dynamics gave the seats away."""

    ATTENTION = "attention"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an installation has set about the Dataverse that it serves."""

    url: str
    """Of the environment."""
    provider: str
    """Kind of the payment provider that is connected."""
    live: bool
    hold: timedelta
    way: Way
    """Where buyers pay, unless they choose otherwise."""
    late: LateMoney
    return_origins: Sequence[str]
    rules: Rules


class RemoteEventManagement:
    """Events, purchases and registrations in somebody's Dynamics 365."""

    def __init__(self, store: Store, dataverse: Dataverse, links: Links, terms: Terms) -> None:
        self._store, self._dataverse, self._links, self._terms = store, dataverse, links, terms
        self.served_before = True
        self.standings = RemoteStandings(store, dataverse, terms.rules, self._keep, live=terms.live)
        self.views: Views = RemoteViews(terms.url, live=terms.live)

    async def find(self, purchase_id: UUID) -> Payable | None:
        """As we know it: who comes back from paying, or works on a payment, does not need Dataverse for it."""
        known = await self._store.read(lambda tx: remote.get(tx, purchase_id))
        return self._payable(known) if known else (await self.find_with_page(purchase_id))[0]

    async def find_with_page(self, purchase_id: UUID) -> tuple[Payable | None, OpenPage | None]:
        """As Dataverse has it now, in one call; while it is away, as we know it. Raises Refused without price or currency."""
        known, page = await self._store.read(lambda tx: _known(tx, purchase_id))
        try:
            seen = await purchases.read(self._dataverse, purchase_id)
        except Unavailable as error:
            await self._note(error)
            if known is None:
                raise
            return self._payable(known), page
        if seen is None:
            return None, None
        if seen.missing and (known is None or known.status is Status.AWAITING_PAYMENT):
            await self._store.write(lambda tx: questions.incomplete(tx, seen))
            raise Refused("PurchaseIncomplete", "The organizer has yet to complete this order. Nothing was charged.")
        if seen.total and (known is None or _differs(known, seen)):
            known = await self._store.write(lambda tx: self._keep(tx, seen))
        return (self._payable(known), page) if known else (None, None)

    async def origins(self, purchase_id: UUID) -> Sequence[str]:
        return [self._links.base_url, *self._terms.return_origins]

    def lock(self, tx: WriteTx, purchase_ids: Iterable[UUID]) -> None:
        remote.lock(tx, purchase_ids)

    def still(self, tx: WriteTx, payable: Payable) -> Payable:
        row = remote.lock(tx, [payable.id]).get(payable.id)
        return self._payable(row) if row else payable

    def settle(self, tx: WriteTx, wanted: Sequence[Settlement]) -> Sequence[Settled | GatepassError]:
        """Move our rows, and leave the jobs that tell Dataverse."""
        before = remote.lock(tx, [one.purchase_id for one in wanted])
        now = dict(before)
        answers = [_settle(tx, now, one) for one in wanted]
        _write(tx, before, now)
        return answers

    def release(self, tx: WriteTx, wanted: Mapping[UUID, Collection[UUID] | None]) -> None:
        """Everything of these goes back. Who attends is known over there only: what is left of it is for a person."""
        before = remote.lock(tx, [at for at, attendees in wanted.items() if attendees is None])
        now = {at: row.moved(_way_out(row), tx.now) for at, row in before.items() if row.status in _CAN_GO}
        for row in now.values():
            if row.said is Word.COMPLETED and row.status is Status.CANCELLED:
                questions.release_by_hand(tx, row)
        _write(tx, before, now)

    def _keep(self, tx: WriteTx, seen: Seen) -> RemotePurchase:
        row = remote.lock(tx, [seen.id]).get(seen.id)
        if row is None:
            return self._first_seen(tx, seen)
        now = row.seen(seen, tx.now)
        remote.save(tx, [now])
        if now.status is not row.status:
            _end_open_payments(tx, now.id)
            timeline.add(tx, [_entry(row, now)])
        return now

    def _first_seen(self, tx: WriteTx, seen: Seen) -> RemotePurchase:
        assert seen.total is not None
        fresh = RemotePurchase(
            seen.id, seen.name, seen.total, Status.AWAITING_PAYMENT, seen.created, seen.created + self._terms.hold,
            seen.word, tx.now,
        ).seen(seen, tx.now)  # fmt: skip
        remote.add(tx, fresh)
        questions.complete_again(tx, seen.id)
        # Another request may have been faster: its row counts.
        return remote.lock(tx, [seen.id])[seen.id]

    async def _note(self, error: Unavailable) -> None:
        """What a buyer's call has met is told to the others."""
        rules = self._terms.rules
        if isinstance(error, Throttled):
            await self._store.write(lambda tx: call_lanes.throttled(tx, rules, None, error.pause_s))
        elif isinstance(error, NoAccess):
            await self._store.write(lambda tx: questions.no_access(tx, error))

    def _payable(self, row: RemotePurchase) -> Payable:
        return Payable(
            id=row.id,
            reference=row.name,
            status=row.status,
            total=row.total,
            live=self._terms.live,
            provider=self._terms.provider,
            hold_until=row.hold_until,
            title=row.name or "Registration",
            items=f"Order {row.name}" if row.name else "",
            email=None,
            return_url=None,
            created=row.created,
            way=self._terms.way,
        )


def _known(tx: ReadTx, purchase_id: UUID) -> tuple[RemotePurchase | None, OpenPage | None]:
    row = remote.get(tx, purchase_id)
    return row, _page(payments.of_purchase(tx, purchase_id)) if row else None


def _page(attempts: Sequence[payments.Payment]) -> OpenPage | None:
    found = next((one for one in attempts if one.state is payments.PaymentState.CREATED and one.page_url), None)
    return OpenPage(found.page_url or "", found.provider, found.amount, found.expires_at, found.way) if found else None


def _differs(row: RemotePurchase, seen: Seen) -> bool:
    return (row.said, row.total, row.name) != (seen.word, seen.total, seen.name)


_CAN_GO = frozenset({Status.AWAITING_PAYMENT, Status.COMPLETED, Status.PAID_LATE, Status.WAITLISTED})


def _way_out(row: RemotePurchase) -> Move:
    return Move.CANCEL if row.status is Status.AWAITING_PAYMENT else Move.GIVE_UP


def _settle(tx: WriteTx, rows: dict[UUID, RemotePurchase], one: Settlement) -> Settled | GatepassError:
    row = rows.get(one.purchase_id)
    if row is None:
        return NotFound("PurchaseUnknown", f"There is no purchase {one.purchase_id}.")
    try:
        now = row.moved(one.move, tx.now)
    except GatepassError as refusal:
        return refusal
    if one.move is Move.PAY and row.completed_elsewhere:
        questions.elsewhere(tx, row)
    rows[row.id] = now
    return Settled(row.status, now.status)


def _write(tx: WriteTx, before: Mapping[UUID, RemotePurchase], now: Mapping[UUID, RemotePurchase]) -> None:
    changed = [row for at, row in now.items() if row != before[at]]
    remote.save(tx, changed)
    timeline.add(tx, [_entry(before[row.id], row) for row in changed if row.status is not before[row.id].status])
    ask_to_tell(tx, [row.id for row in changed if row.wanted])


def _entry(before: RemotePurchase, now: RemotePurchase) -> timeline.Entry:
    return now.id, f"purchase.{now.status.value}", {"before": before.status.value}


def _end_open_payments(tx: WriteTx, purchase_id: UUID) -> None:
    """Somebody else has settled it over there: nobody shall pay for it any more."""
    for row in payments.lock_of_purchases(tx, [purchase_id]):
        if row.open:
            ask_to_end(tx, row)
