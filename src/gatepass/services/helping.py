"""What staff does for one order by hand: send its mail again, correct a name, settle or cancel it. Each with a reason, audited."""

from dataclasses import dataclass
from uuid import UUID

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.domain.payment import PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.registration import Attendee, checked_attendees
from gatepass.services import audit, mail
from gatepass.services.finalize import Finalize, Word, finalize_in, write_down
from gatepass.services.purchases import Settled
from gatepass.store import Store, WriteTx, jobs, payments, purchases, records
from gatepass.store.purchases import AttendeeRow

MAX_REASON_CHARS = 500
CONFIRMATION = "confirmation"
"""The mail with the tickets (services/letters)."""
BY_HAND = "staff"
"""What took the money of an order that staff settles, as its payment row names it."""


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, and why."""

    actor: str
    reason: str

    def checked(self) -> str:
        """The reason. Raises Refused without one."""
        reason = self.reason.strip()
        if not reason or len(reason) > MAX_REASON_CHARS:
            raise Refused("ReasonMissing", f"Say in 1 to {MAX_REASON_CHARS} characters why.", field="reason")
        return reason


async def settle(store: Store, purchase_id: UUID, word: Word, by: By) -> Status:
    """Say that an order is paid, by money that came another way, or cancelled; what it is then.

    Raises Refused, NotFound, Conflict (forbidden move; PurchaseGivenBack: its money and its registrations are gone).
    """
    outcome = await store.write(lambda tx: settle_in(tx, purchase_id, word, by))
    if isinstance(outcome, GatepassError):
        raise outcome
    return outcome.after


def settle_in(tx: WriteTx, purchase_id: UUID, word: Word, by: By) -> Settled | GatepassError:
    """The same inside a unit of work. What it refuses it returns, so that the audit of the refusal stays."""
    reason = by.checked()
    command = Finalize(purchase_id, word, by.actor, BY_HAND)
    if word is Word.COMPLETED and _given_back(tx, purchase_id):
        refusal = Conflict(
            "PurchaseGivenBack",
            "This order was given back: its money has gone to the buyer, or its registrations have ended. Register the people anew.",
        )
        write_down(command, refusal, tx)
        return refusal
    outcome = finalize_in(tx, command)
    if isinstance(outcome, GatepassError):
        return outcome
    if outcome.before is outcome.after is Status.COMPLETED:
        return Conflict("PurchaseState", "This order is completed already: nothing is left to settle.")
    before, after = {"status": outcome.before.value}, {"status": outcome.after.value}
    subject = f"purchase:{purchase_id}"
    audit.write(tx, by.actor, f"purchase.{word.value}", subject, before=before, after=after, reason=reason)
    return outcome


def _given_back(tx: WriteTx, purchase_id: UUID) -> bool:
    """True for an order that ended after it was paid, or had registrations: it never gets seats again."""
    purchase = purchases.lock(tx, [purchase_id]).get(purchase_id)
    if purchase is None or purchase.status is not Status.CANCELLED:
        return False
    paid = any(one.state is PaymentState.SUCCEEDED for one in payments.of_purchase(tx, purchase_id))
    return paid or bool(purchases.ever_registered(tx, [purchase_id]))


def resend(tx: WriteTx, purchase_id: UUID, actor: str) -> None:
    """Send the tickets once more, to the address as it is now. Raises NotFound, Conflict (not completed)."""
    found = purchases.get(tx, purchase_id)
    if found is None:
        raise NotFound("PurchaseUnknown", f"There is no purchase {purchase_id}.")
    if found.status is not Status.COMPLETED:
        raise Conflict("NothingToSend", "Tickets are sent for a completed order only.")
    records.send_again(tx, purchase_id, CONFIRMATION)
    # A job of its own: the first one may be done, and forgotten, or still be trying.
    jobs.add(
        tx,
        "send_confirmation",
        {"purchase_id": str(purchase_id)},
        dedupe=f"resend:{purchase_id}:{tx.now.timestamp():.0f}",
    )
    audit.write(tx, actor, "purchase.resend", f"purchase:{purchase_id}", after={"mail": "tickets"})


def resend_link(tx: WriteTx, purchase_id: UUID, actor: str) -> None:
    """Mail the link of the order to its buyer, once an hour at most. Raises NotFound."""
    if purchases.get(tx, purchase_id) is None:
        raise NotFound("PurchaseUnknown", f"There is no purchase {purchase_id}.")
    mail.want_link(tx, purchase_id)
    audit.write(tx, actor, "purchase.resend", f"purchase:{purchase_id}", after={"mail": "link"})


def change_attendee(tx: WriteTx, purchase_id: UUID, attendee_id: UUID, given: tuple[str, str, str], by: By) -> None:
    """Correct (first name, last name, email) of a person. Raises NotFound, Refused."""
    reason = by.checked()
    purchases.lock(tx, [purchase_id])
    before = next((one for one in purchases.attendees(tx, [purchase_id]) if one.id == attendee_id), None)
    if before is None:
        raise NotFound("AttendeeUnknown", "This order has no such attendee.")
    (after,) = checked_attendees([Attendee(*given, before.pass_id)])
    purchases.rename_attendee(tx, attendee_id, after.first_name, after.last_name, after.email)
    was, now = audit.difference(_words(before), _words(after))
    subject = f"purchase:{purchase_id}"
    told = {"before": {"attendee": str(attendee_id)} | was, "after": {"attendee": str(attendee_id)} | now}
    audit.write(tx, by.actor, "attendee.change", subject, **told, reason=reason)


def _words(person: Attendee | AttendeeRow) -> dict[str, str]:
    return {"first_name": person.first_name, "last_name": person.last_name, "email": person.email}
