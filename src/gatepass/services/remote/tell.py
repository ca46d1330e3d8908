"""Where a payment becomes known to Dataverse: look, decide under the lock, say it, look again.

A call that was not answered may have been heard. So nothing is ever said on the strength of what we said before: the job
looks first, every time, and says only what Dataverse does not say itself. That makes any number of tries, by any number of
processes, one finalization.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from gatepass.dataverse import Dataverse
from gatepass.dataverse.finalize import finalize
from gatepass.domain.errors import Conflict, Unavailable
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment
from gatepass.domain.purchase import Move, Status
from gatepass.domain.refund import Cause
from gatepass.domain.remote import RemotePurchase, Seen, Step, Word, step
from gatepass.services import refunds
from gatepass.services.refunds import Return, succeeded
from gatepass.services.remote import questions
from gatepass.services.remote.looks import Looks
from gatepass.services.remote.management import LateMoney, Terms
from gatepass.services.remote.pace import MayCall
from gatepass.store import Store, WriteTx, jobs, payments, remote, timeline
from gatepass.store.jobs import Job
from gatepass.store.standings import kept_minor

_LATE = "It arrived after the seats were given away."


class Unsure(Unavailable):
    """Dataverse took a word, and does not say it itself."""


class Teller:
    """Brings Dataverse to what is wanted of a purchase."""

    def __init__(self, store: Store, dataverse: Dataverse, looks: Looks, terms: Terms, may_call: MayCall) -> None:
        self._store, self._dataverse, self._looks, self._terms, self._may_call = (
            store,
            dataverse,
            looks,
            terms,
            may_call,
        )

    async def tell(self, claim: Job) -> None:
        """Do what is still to be done. Raises as the client does, and Conflict when another node has the job by now."""
        purchase_id = UUID(claim.payload["purchase_id"])
        word = await self._look(claim, purchase_id)
        if word is None:
            return
        async with self._may_call():
            await finalize(self._dataverse, purchase_id, word, claim.id)
        if await self._look(claim, purchase_id):
            raise Unsure("DataverseUnsure", f"Dataverse took '{word}', and does not say it itself yet.")

    async def _look(self, claim: Job, purchase_id: UUID) -> Word | None:
        """What is still to be said; None: nothing, and the job is done."""
        seen = await self._looks.at(purchase_id)
        return await self._store.write(lambda tx: self._decide(tx, claim, purchase_id, seen))

    def _decide(self, tx: WriteTx, claim: Job, purchase_id: UUID, seen: Seen | None) -> Word | None:
        row = remote.lock(tx, [purchase_id]).get(purchase_id)
        if not jobs.held(tx, [claim]):
            raise Conflict("JobTaken", "Another node has taken this work over.")
        now = self._after(tx, row, seen) if row and row.wanted else None
        if now and now != row:
            remote.save(tx, [now])
        if now and now.wanted:
            return now.wanted
        jobs.finish(tx, [claim.id])
        questions.answered(tx, self._terms.rules, claim)
        return None

    def _after(self, tx: WriteTx, row: RemotePurchase, seen: Seen | None) -> RemotePurchase:
        """The locked row after a look."""
        if seen is None:
            return self._gone(tx, row)
        now = replace(row, said=seen.word, read=tx.now)
        match step(row, seen.word):
            case Step.SEND:
                return _sending(tx, now, seen)
            case Step.DONE:
                return _done(tx, now)
            case Step.TOO_LATE:
                return self._too_late(tx, now)
            case Step.ELSEWHERE:
                questions.elsewhere(tx, now)
                return replace(now, wanted=None)
            case Step.KEPT:
                return _kept(tx, now)

    def _too_late(self, tx: WriteTx, row: RemotePurchase) -> RemotePurchase:
        left = replace(row, wanted=None, error="The seats were released before the money came.")
        timeline.add(tx, [(row.id, "dataverse.too_late", {})])
        if self._terms.late is LateMoney.ATTENTION:
            questions.late(tx, row)
            return left
        refunds.order(tx, [Return(one, Cause.PAID_LATE, _LATE) for one in _paid(tx, row)])
        return replace(left.moved(Move.GIVE_UP, tx.now), wanted=None, error=left.error)

    def _gone(self, tx: WriteTx, row: RemotePurchase) -> RemotePurchase:
        if row.wanted is Word.COMPLETED:
            questions.gone(tx, row)
        return replace(row, wanted=None, error="It is no longer in Dataverse.")


def _sending(tx: WriteTx, row: RemotePurchase, seen: Seen) -> RemotePurchase:
    """The seats are still held over there: late money is in time after all."""
    if row.wanted is Word.COMPLETED and seen.total:
        paid = _paid(tx, row)
        if not _pays(paid, seen.total):
            questions.underpaid(tx, row, seen.total)
            return replace(row, wanted=None, error="It costs more over there than was paid.")
        if sum(one.amount.minor for one in paid) > seen.total.minor:
            _compare_kept(tx, row, seen.total)
    now = row.moved(Move.SEAT, tx.now) if row.status is Status.PAID_LATE else row
    return replace(now, sent=now.sent or tx.now)


def _pays(paid: Sequence[Payment], total: Money) -> bool:
    """One payment is enough for what it costs over there now; it may have become dearer since the page was opened."""
    amounts = (one.amount for one in paid)
    return any(one.currency == total.currency and one.minor >= total.minor for one in amounts)


def _compare_kept(tx: WriteTx, row: RemotePurchase, total: Money) -> None:
    """It may have become cheaper since the page was opened: it is paid all the same, and what is too much is the buyer's."""
    kept = Money(kept_minor(tx, [row.id]).get(row.id, 0), total.currency)
    if kept.minor > total.minor:
        questions.overpaid(tx, row, kept, total)


def _done(tx: WriteTx, row: RemotePurchase) -> RemotePurchase:
    assert row.wanted
    timeline.add(tx, [(row.id, f"dataverse.{row.wanted.value}", {})])
    seated = row.moved(Move.SEAT, tx.now) if row.status is Status.PAID_LATE else row
    return replace(seated, wanted=None, told=row.wanted, told_at=tx.now, error=None)


def _kept(tx: WriteTx, row: RemotePurchase) -> RemotePurchase:
    """Staff may have taken the money another way. Where ours goes back, they have to know."""
    if _paid(tx, row):
        questions.release_by_hand(tx, row)
    return replace(row, wanted=None, error=None)


def _paid(tx: WriteTx, row: RemotePurchase) -> list[Payment]:
    return succeeded(payments.lock_of_purchases(tx, [row.id]))
