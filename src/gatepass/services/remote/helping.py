"""What staff does for one purchase of a remote Dataverse: have everybody asked again, or say that late money is in time after all."""

from dataclasses import replace
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound
from gatepass.domain.purchase import Move, Status
from gatepass.domain.remote import RemotePurchase, Word
from gatepass.services import attention, audit
from gatepass.services.checkout import Desk
from gatepass.services.helping import By
from gatepass.services.payments import look_up_briefly
from gatepass.services.remote import questions
from gatepass.services.remote.tasks import ask_to_tell, tell_key
from gatepass.store import ReadTx, WriteTx, jobs, payments, records, remote, timeline
from gatepass.store.payments import Payment

PATIENCE_S = 8.0
"""For the payment provider, while somebody waits."""
_MONEY_IS_HERE = frozenset({Status.COMPLETED, Status.PAID_LATE})


async def ask_again(desk: Desk, purchase_id: UUID, actor: str) -> None:
    """The provider about an open payment, then Dataverse about what is paid or waits; what was given up is taken up.

    Nothing is said twice by it: Dataverse is looked at before. Raises NotFound.
    """
    payment = await desk.store.read(lambda tx: _open_payment(tx, purchase_id))
    if payment:
        await look_up_briefly(desk.ledger, desk.provider(payment.provider), payment, PATIENCE_S)
    await desk.store.write(lambda tx: _tell_again(tx, purchase_id, actor))


def in_question(tx: ReadTx, row: RemotePurchase) -> bool:
    """Its money is here, and a person has yet to say whether it is for what stands in Dataverse."""
    if row.status not in _MONEY_IS_HERE or row.wanted:
        return False
    asked = records.open_attention(tx, questions.elsewhere_key(row.id))
    return not row.confirmed or asked is not None


def settle(tx: WriteTx, purchase_id: UUID, by: By) -> None:
    """The money is for the registration that Dataverse has by now. Raises Refused, NotFound, Conflict."""
    reason, row = by.checked(), _locked(tx, purchase_id)
    if row.status not in _MONEY_IS_HERE:
        raise Conflict("PurchaseState", f"It is {row.status.value.replace('_', ' ')}: there is no money to settle.")
    if row.said is not Word.COMPLETED:
        raise Conflict(
            "PurchaseState",
            f"Dynamics says that it is {row.said.value}. Complete it there and ask again, or give the money back.",
        )
    if row.status is Status.PAID_LATE:
        timeline.add(tx, [(row.id, "purchase.completed", {"before": row.status.value})])
        row = row.moved(Move.SEAT, tx.now)
    remote.save(tx, [replace(row, wanted=None, error=None)])
    attention.close_all_of(tx, row.id, reason, by.actor)
    attention.close_by_key(tx, questions.elsewhere_key(row.id), reason, by.actor)
    audit.write(tx, by.actor, "purchase.settle", f"purchase:{row.id}", reason=reason)


def _tell_again(tx: WriteTx, purchase_id: UUID, actor: str) -> None:
    row = _locked(tx, purchase_id)
    audit.write(tx, actor, "purchase.ask_again", f"purchase:{row.id}")
    if row.wanted is None and row.status not in _MONEY_IS_HERE:
        return
    if row.wanted is None:
        remote.save(tx, [row.telling_again()])
    given_up = [f"job:{at}" for at, _ in jobs.lock_by_dedupe(tx, [tell_key(row.id)]).values()]
    # What is asked about again needs nobody for now; should it end the same way, a new entry says so.
    records.supersede_attention(tx, [*given_up, *questions.keys_of(row.id)])
    ask_to_tell(tx, [row.id])
    jobs.hasten(tx, tell_key(row.id), tx.now)


def _locked(tx: WriteTx, purchase_id: UUID) -> RemotePurchase:
    row = remote.lock(tx, [purchase_id]).get(purchase_id)
    if row is None:
        raise NotFound("PurchaseUnknown", f"There is no purchase {purchase_id}.")
    return row


def _open_payment(tx: ReadTx, purchase_id: UUID) -> Payment | None:
    return next((row for row in payments.of_purchase(tx, purchase_id) if row.open), None)
