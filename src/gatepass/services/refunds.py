"""Where money goes back: stored as an intent with the seats given up; `refund_calls` has the provider do it.

refund() is for people, order() and give_up() for policies. What the provider says of it comes by `refund_reports`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from gatepass.domain.dispute import Dispute
from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import Cause, Refund, RefundState
from gatepass.domain.webhook import Kind
from gatepass.services import attention, audit
from gatepass.services.management import EventManagement
from gatepass.services.webhooks import Subject, announce
from gatepass.store import (
    ReadTx,
    Store,
    WriteTx,
    disputes,
    jobs,
    payments,
    purchases,
    refunds,
    timeline,
)
from gatepass.store.purchases import AttendeeRow
from gatepass.store.tables import new_id

MAX_REASON_CHARS = 500

Gone = Refund | Dispute
"""Money of a payment that is no longer here: given back, or held or kept by the buyer's bank."""
Part = tuple[Payment, Money]
"""How much of a payment goes back."""


# Ordered by a person


@dataclass(frozen=True, slots=True)
class Wish:
    """What staff wants back to the buyer. Neither attendees nor amount: everything."""

    purchase_id: UUID
    reason: str
    actor: str
    attendees: Sequence[UUID] = ()
    """Only what these people paid; their registrations are given up."""
    amount: Money | None = None
    """This much; seats are given up only for named attendees."""
    keep_seats: bool = False
    """The registrations stand all the same."""
    expected_left: int | None = None
    """Minor units that could go back when the person decided; another number means that somebody was faster."""


async def refund(store: Store, management: EventManagement, wish: Wish) -> list[Refund]:
    """Store the refunds and give up the seats, in one transaction; the provider is told by jobs.

    Raises NotFound (purchase, attendee), Refused (reason, amount), Conflict (nothing left, disputed).
    """
    return await store.write(lambda tx: refund_in(tx, management, wish))


def refund_in(tx: WriteTx, management: EventManagement, wish: Wish) -> list[Refund]:
    """The same inside a unit of work."""
    _check_reason(wish.reason)
    return _refund(tx, management, wish)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a wish would do now."""

    amount: Money
    left_before: Money
    gives_up: bool
    """Registrations end."""
    people: Sequence[AttendeeRow]
    """Whose they are, where the purchase lives here."""
    parts: Sequence[Part]

    @property
    def left(self) -> Money:
        """What could go back afterwards."""
        return Money(self.left_before.minor - self.amount.minor, self.amount.currency)

    @property
    def by_hand(self) -> Money:
        """What was taken elsewhere: whoever took it gives it back."""
        return self._sum(amount.minor for payment, amount in self.parts if payment.intent_ref is None)

    @property
    def fees(self) -> Money:
        """What the provider has kept of these payments and does not give back, as far as it is known."""
        return self._sum(payment.fee.minor for payment, _ in self.parts if payment.fee)

    @property
    def fees_unknown(self) -> bool:
        """The fee of a payment is not known yet; the hourly reconciliation asks for it."""
        return any(payment.fee is None and payment.intent_ref for payment, _ in self.parts)

    def _sum(self, minor: Iterable[int]) -> Money:
        return Money(sum(minor), self.amount.currency)


def preview(tx: ReadTx, wish: Wish) -> Preview:
    """What `refund` would do, without doing it. Several statements: run it in a snapshot. Raises as `refund` does."""
    _check_reason(wish.reason)
    paid = succeeded(payments.of_purchase(tx, wish.purchase_id))
    before, amount = _checked(tx, wish, paid)
    left, gives_up = Money(left_of_all(paid, before), amount.currency), _gives_up(tx, wish)
    people = purchases.registered(tx, [wish.purchase_id]) if gives_up else []
    leaving = [one for one in people if not wish.attendees or one.id in wish.attendees]
    return Preview(amount, left, gives_up, leaving, _parts(paid, before, amount))


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > MAX_REASON_CHARS or not reason.isprintable():
        message = f"Say in 1 to {MAX_REASON_CHARS} characters, on one line, why the money goes back."
        raise Refused("ReasonMissing", message, field="reason")


def _refund(tx: WriteTx, management: EventManagement, wish: Wish) -> list[Refund]:
    management.lock(tx, [wish.purchase_id])
    paid = succeeded(payments.lock_of_purchases(tx, [wish.purchase_id]))
    before, amount = _checked(tx, wish, paid)
    made = _drawn(tx, wish, paid, before, amount)
    _keep(tx, made)
    if _gives_up(tx, wish):
        management.release(tx, {wish.purchase_id: wish.attendees or None})
    left = left_of_all(paid, [*before, *made])
    told = {"left": str(Money(left, amount.currency)), "amount": str(amount)}
    told |= {"attendees": len(wish.attendees), "kept": wish.keep_seats}
    was = {"left": str(Money(left_of_all(paid, before), amount.currency))}
    subject = f"purchase:{wish.purchase_id}"
    audit.write(tx, wish.actor, "refund", subject, before=was, after=told, reason=wish.reason)
    if not left:
        attention.close_all_of(tx, wish.purchase_id, "refunded in whole", wish.actor)
    return made


def _checked(tx: ReadTx, wish: Wish, paid: Sequence[Payment]) -> tuple[list[Gone], Money]:
    """What is gone already, and what goes now."""
    if not paid:
        raise NotFound("NothingPaid", f"No payment of purchase {wish.purchase_id} has succeeded: nothing can go back.")
    _check_undisputed(tx, wish.purchase_id)
    before = gone(tx, [wish.purchase_id])
    amount = _wanted(tx, wish, paid, before)
    _check_seatless(tx, wish, whole=amount.minor == left_of_all(paid, before))
    return before, amount


def _gives_up(tx: ReadTx, wish: Wish) -> bool:
    """Registrations end, unless only an amount was asked for. An order without seats ends with its money."""
    if _seatless(tx, wish.purchase_id):
        return True
    return not wish.keep_seats and bool(wish.attendees or wish.amount is None)


def _seatless(tx: ReadTx, purchase_id: UUID) -> bool:
    purchase = purchases.get(tx, purchase_id)
    return purchase is not None and purchase.status in {Status.PAID_LATE, Status.WAITLISTED}


def _check_seatless(tx: ReadTx, wish: Wish, *, whole: bool) -> None:
    if not whole and _seatless(tx, wish.purchase_id):
        raise Conflict("RefundWhole", "This order has no seats yet: give everything back, or seat it first.")


def succeeded(attempts: Sequence[Payment]) -> list[Payment]:
    """Those that took money, the first attempt first."""
    found = [row for row in attempts if row.state is PaymentState.SUCCEEDED]
    return sorted(found, key=lambda row: row.number)


def _check_undisputed(tx: ReadTx, purchase_id: UUID) -> None:
    if any(one.open and not one.inquiry for one in disputes.of_purchase(tx, purchase_id)):
        raise Conflict(
            "PaymentDisputed",
            "The buyer's bank has a dispute about this payment: a refund would pay twice. Answer the dispute instead.",
        )


def _wanted(tx: ReadTx, wish: Wish, paid: Sequence[Payment], before: Sequence[Gone]) -> Money:
    left, currency = left_of_all(paid, before), paid[0].amount.currency
    _check_left(wish, left)
    wanted = left if wish.amount is None else wish.amount.minor
    if wish.attendees:
        paid_for = _price_of(tx, wish)
        wanted = wanted if wish.amount else min(left, paid_for)
    if wish.amount and wish.amount.currency != currency:
        raise Refused("RefundAmount", f"This purchase was paid in {currency}.", field="amount")
    if not 0 < wanted <= left:
        raise Refused(
            "RefundAmount", f"At most {Money(left, currency)} can go back, and more than nothing.", field="amount"
        )
    return Money(wanted, currency)


def _check_left(wish: Wish, left: int) -> None:
    if wish.expected_left not in {None, left}:
        raise Conflict("RefundStale", "Money went back meanwhile. Look again, and say anew what should go back.")
    if not left:
        raise Conflict("AlreadyRefunded", "Everything that was paid has been given back already.")


def _price_of(tx: ReadTx, wish: Wish) -> int:
    known = {person.id: person for person in purchases.registered(tx, [wish.purchase_id])}
    unknown = [at for at in wish.attendees if at not in known]
    if unknown:
        raise _unknown_attendee(unknown[0])
    before = {at for one in refunds.of_purchases(tx, [wish.purchase_id]) if one.counts for at in one.attendees}
    if again := before & set(wish.attendees):
        raise Conflict("AlreadyRefunded", f"Attendee {min(again)} has had the money back already.")
    return sum(known[at].price_minor for at in set(wish.attendees))


def _drawn(
    tx: WriteTx, wish: Wish, paid: Sequence[Payment], before: Sequence[Gone], amount: Money
) -> list[Refund]:  # fmt: skip
    return [
        _new(tx, payment, part, Cause.STAFF, wish.reason.strip(), wish.actor, wish.attendees)
        for payment, part in _parts(paid, before, amount)
    ]


def _parts(paid: Sequence[Payment], before: Sequence[Gone], amount: Money) -> list[Part]:
    """The amount, drawn from the latest payment first: that is the one that came on top."""
    parts: list[Part] = []
    rest = amount.minor
    for payment in reversed(paid):
        part = min(rest, left_of(payment, before))
        if part > 0:
            parts.append((payment, Money(part, amount.currency)))
            rest -= part
    return parts


def _unknown_attendee(attendee_id: UUID) -> NotFound:
    return NotFound("AttendeeUnknown", f"Attendee {attendee_id} holds no registration of this purchase.")


# Ordered by policy


@dataclass(frozen=True, slots=True)
class Return:
    """Money of one payment goes back, as far as it has not yet."""

    payment: Payment
    cause: Cause
    reason: str
    actor: str = "policy"


def order(tx: WriteTx, wanted: Sequence[Return]) -> list[Refund]:
    """Store the intents and leave the jobs; the payments must be locked. What went back already is left out."""
    before = gone(tx, {one.payment.purchase_id for one in wanted})
    made: list[Refund] = []
    for one in wanted:
        left = left_of(one.payment, [*before, *made])
        if left > 0:
            amount = Money(left, one.payment.amount.currency)
            made.append(_new(tx, one.payment, amount, one.cause, one.reason, one.actor, ()))
            was, now = {"left": str(amount)}, {"left": str(Money(0, amount.currency)), "amount": str(amount)}
            now |= {"payment": str(one.payment.id), "cause": one.cause.value}
            subject = f"purchase:{one.payment.purchase_id}"
            audit.write(tx, one.actor, "refund", subject, before=was, after=now, reason=one.reason)
    _keep(tx, made)
    return made


def give_up(tx: WriteTx, management: EventManagement, ids: Collection[UUID], cause: Cause, reason: str) -> list[Refund]:
    """Everything of these purchases goes back: seats, and whatever was paid. Repeatable."""
    management.lock(tx, ids)
    paid = succeeded(payments.lock_of_purchases(tx, ids))
    management.release(tx, dict.fromkeys(ids))
    for at in {payment.purchase_id for payment in paid}:
        attention.close_all_of(tx, at, "everything goes back", "policy")
    return order(tx, [Return(payment, cause, reason) for payment in paid])


# What is left


def gone(tx: ReadTx, purchase_ids: Collection[UUID]) -> list[Gone]:
    """All of it, of these purchases."""
    return [*refunds.of_purchases(tx, purchase_ids), *disputes.of_purchases(tx, purchase_ids)]


def left_of(payment: Payment, known: Sequence[Gone]) -> int:
    """Minor units of a succeeded payment that are still here, and not about to go back."""
    away = sum(one.amount.minor for one in known if one.payment_id == payment.id and one.counts)
    return max(0, payment.amount.minor - away)


def left_of_all(paid: Sequence[Payment], known: Sequence[Gone]) -> int:
    """The same of all payments of a purchase."""
    return sum(left_of(payment, known) for payment in paid)


# As a row


def _new(
    tx: WriteTx, payment: Payment, amount: Money, cause: Cause, reason: str, actor: str, attendees: Sequence[UUID]
) -> Refund:
    # Money that was taken elsewhere has no reference: whoever took it gives it back, and here it is only written down.
    elsewhere = payment.intent_ref is None
    return Refund(
        id=new_id(),
        purchase_id=payment.purchase_id,
        payment_id=payment.id,
        provider=payment.provider,
        state=RefundState.SUCCEEDED if elsewhere else RefundState.REQUESTED,
        amount=amount,
        cause=cause,
        reason=reason,
        actor=actor,
        money_ref=payment.intent_ref or "",
        requested=tx.now,
        attendees=attendees,
    )


def _keep(tx: WriteTx, made: Sequence[Refund]) -> None:
    refunds.add(tx, made)
    timeline.add(tx, [entry(one) for one in made])
    for one in made:
        if one.on_its_way:
            jobs.add(tx, "send_refund", {"refund_id": str(one.id)}, dedupe=f"refund:{one.id}")
        else:
            let_know(tx, one)


def entry(one: Refund) -> timeline.Entry:
    """What the timeline says of a refund."""
    detail = {
        "refund_id": str(one.id), "amount_minor": one.amount.minor, "currency": one.amount.currency,
        "cause": one.cause.value, "reason_text": one.reason_text,
    }  # fmt: skip
    return one.purchase_id, f"refund.{one.state.value}", detail


def let_know(tx: WriteTx, one: Refund) -> None:
    """The buyer once it is sure that the money is on its way, integrators once it has gone. Each once per refund."""
    if one.state is RefundState.SUCCEEDED:
        announce(tx, Kind.PAYMENT_REFUNDED, [Subject(one.purchase_id, [one.id])])
    jobs.add(tx, "send_refund_mail", {"refund_id": str(one.id)}, dedupe=f"refund_mail:{one.id}")


# Registrations that end without a refund


async def release(
    store: Store, management: EventManagement, purchase_id: UUID, attendees: Sequence[UUID], reason: str, actor: str
) -> None:
    """End registrations whose money went back already, or that were free; no attendees: all of them.

    Raises NotFound (attendee), Refused (no reason), Conflict when money for them is still here: that needs a refund.
    """
    _check_reason(reason)
    await store.write(lambda tx: _release(tx, management, purchase_id, attendees, reason, actor))


def _release(
    tx: WriteTx, management: EventManagement, purchase_id: UUID, attendees: Sequence[UUID], reason: str, actor: str
) -> None:
    management.lock(tx, [purchase_id])
    paid = succeeded(payments.lock_of_purchases(tx, [purchase_id]))
    people = {person.id: person for person in purchases.registered(tx, [purchase_id])}
    if unknown := [at for at in attendees if at not in people]:
        raise _unknown_attendee(unknown[0])
    if not people:
        raise Conflict("NobodyRegistered", f"Nobody holds a registration of purchase {purchase_id}: none can end.")
    stay = sum(one.price_minor for one in people.values() if attendees and one.id not in attendees)
    if left_of_all(paid, gone(tx, [purchase_id])) > stay:
        raise Conflict("MoneyStays", "Money for these registrations is still here. Give it back: gatepass refund")
    management.release(tx, {purchase_id: attendees or None})
    attention.close_all_of(tx, purchase_id, "registrations ended", actor)
    before, after = (
        {"registrations": len(people)},
        {"registrations": len(people) - (len(set(attendees)) or len(people))},
    )
    audit.write(tx, actor, "release", f"purchase:{purchase_id}", before=before, after=after, reason=reason.strip())
