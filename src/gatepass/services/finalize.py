"""`msevtmgt_finalizeregistrationpayment`: somebody who may says that a purchase is paid, or cancelled.

Money that was taken elsewhere gets a payment row of its own, so that every completed purchase shows what paid for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import PAID, Move, Status
from gatepass.services import attention
from gatepass.services.payments import ask_to_end
from gatepass.services.purchases import Settled, Settlement, seat_by_hand, settle
from gatepass.store import Store, WriteTx, payments, purchases, records
from gatepass.store.purchases import Purchase
from gatepass.store.tables import new_id


class Word(StrEnum):
    """What is said of the purchase."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"


_AGREED = {
    Word.COMPLETED: frozenset({Status.COMPLETED, Status.WAITLISTED}),
    Word.CANCELLED: frozenset({Status.CANCELLED, Status.EXPIRED}),
}
"""Where the order is what was said of it: that answers what was asked about it."""


@dataclass(frozen=True, slots=True)
class Finalize:
    """The command. `source` names what took the money, such as "external" or "demo"."""

    purchase_id: UUID
    word: Word
    actor: str
    source: str = "external"


async def finalize(store: Store, command: Finalize) -> Settled:
    """Settle a purchase on somebody's word; the same word again changes nothing. Audited, whatever comes of it.

    Raises NotFound for an unknown purchase, Conflict when it is paid and should be cancelled.
    """
    outcome = await store.write(lambda tx: finalize_in(tx, command))
    if isinstance(outcome, GatepassError):
        raise outcome
    return outcome


def finalize_in(tx: WriteTx, command: Finalize) -> Settled | GatepassError:
    """The same inside a unit of work. What it refuses it returns, so that the audit of the refusal stays."""
    purchase = purchases.lock(tx, [command.purchase_id]).get(command.purchase_id)
    outcome = _settle(tx, purchase, command) if purchase else _unknown(command)
    if isinstance(outcome, Settled) and outcome.after in _AGREED[command.word]:
        attention.close_all_of(tx, command.purchase_id, f"finalized as {command.word.value}", command.actor)
    write_down(command, outcome, tx)
    return outcome


def write_down(command: Finalize, outcome: Settled | GatepassError, tx: WriteTx) -> None:
    """The audit of a command, whatever came of it."""
    said = outcome.code if isinstance(outcome, GatepassError) else f"{outcome.before.value} -> {outcome.after.value}"
    detail: dict[str, object] = {"said": command.word.value, "outcome": said, "source": command.source}
    if isinstance(outcome, Settled):
        detail |= {"before": {"status": outcome.before.value}, "after": {"status": outcome.after.value}}
    records.add_audit(tx, command.actor, "finalize", f"purchase:{command.purchase_id}", detail)


def _unknown(command: Finalize) -> NotFound:
    return NotFound("PurchaseUnknown", f"There is no purchase {command.purchase_id}.")


def _settle(tx: WriteTx, purchase: Purchase, command: Finalize) -> Settled | GatepassError:
    attempts = payments.lock_of_purchases(tx, [purchase.id])
    paid = command.word is Word.COMPLETED
    if paid and purchase.status is Status.PAID_LATE and seat_by_hand(tx, purchase):
        return Settled(Status.PAID_LATE, Status.COMPLETED)
    if paid and purchase.status not in PAID and _told_before(attempts, command.source):
        _call_for_help(tx, purchase, command)
        return Settled(purchase.status, purchase.status)
    if paid and purchase.status not in PAID:
        payments.add(tx, _paid_elsewhere(tx, purchase, len(attempts) + 1, command.source))
    (outcome,) = settle(tx, [Settlement(purchase.id, Move.PAY if paid else Move.CANCEL, refundable=False)])
    if isinstance(outcome, Settled) and outcome.changed:
        for attempt in attempts:
            if attempt.open:
                ask_to_end(tx, attempt)
    return outcome


def _told_before(attempts: Sequence[Payment], source: str) -> bool:
    """It said Completed once, and what it paid for has ended since: programs repeat themselves, money does not."""
    return any(one.provider == source and one.state is PaymentState.SUCCEEDED for one in attempts)


def _call_for_help(tx: WriteTx, purchase: Purchase, command: Finalize) -> None:
    records.call_attention(
        tx,
        "completed_again",
        f"{command.actor} said once more that the order is paid, after it was given back. Nothing was changed. "
        f"If {purchase.total} came a second time, return it where it was taken, or register the people anew.",
        dedupe=f"completed_again:{purchase.id}",
        purchase_id=purchase.id,
    )


def _paid_elsewhere(tx: WriteTx, purchase: Purchase, number: int, source: str) -> Payment:
    return Payment(
        id=new_id(),
        purchase_id=purchase.id,
        number=number,
        provider=source,
        state=PaymentState.SUCCEEDED,
        amount=purchase.total,
        live=purchase.live,
        opened=tx.now,
        expires_at=tx.now,
    )
