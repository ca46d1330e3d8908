"""Was I charged? The same story as for purchases of our own, for one that lives in a remote Dataverse."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import Refund, RefundState
from gatepass.domain.remote import RemotePurchase, Word
from gatepass.domain.timeline import Answer, Audience, Charged, Moment, Story, Sums, Tone
from gatepass.services import texts
from gatepass.services.remote.tasks import TELL
from gatepass.store import ReadTx, payments, refunds, remote, timeline
from gatepass.store.jobs import PARKED
from gatepass.store.tables import Row
from gatepass.store.timeline import Around

_SAFE = "Please do not pay again."
_OPEN = frozenset({Charged.NOT_KNOWN, Charged.CONFIRMING, Charged.PUT_RIGHT, Charged.GOING_BACK})


@dataclass(frozen=True, slots=True)
class _Facts:
    row: RemotePurchase
    attempts: Sequence[Payment]
    refunds: Sequence[Refund]
    written: Sequence[Row]
    around: Around
    now: datetime

    @property
    def paid(self) -> list[Payment]:
        return [one for one in self.attempts if one.state is PaymentState.SUCCEEDED]


def tell_now(tx: ReadTx, purchase_id: UUID, *, live: bool) -> Story | None:
    """The story; None when we know nothing of it. Several statements: run it in a snapshot."""
    row = remote.get(tx, purchase_id)
    if row is None:
        return None
    attempts, back = payments.of_purchase(tx, purchase_id), refunds.of_purchases(tx, [purchase_id])
    around = timeline.around(tx, purchase_id, [one.id for one in attempts], [one.id for one in back])
    facts = _Facts(row, attempts, back, timeline.of_purchase(tx, purchase_id), around, datetime.now(UTC))
    answer = _answer(facts)
    name = row.name or "Registration"
    return Story(
        purchase_id=row.id, reference=row.name or str(row.id), status=row.status, live=live, created=row.created,
        items="Registration", total=row.total, title=name, time_zone="UTC", answer=answer, sums=_sums(facts),
        moments=[*sorted(_happened(facts), key=lambda one: one.at), *_ahead(facts)],
        settled=answer.charged not in _OPEN and row.wanted is None and row.status is not Status.AWAITING_PAYMENT,
    )  # fmt: skip


def _sums(facts: _Facts) -> Sums:
    def total(amounts: Iterable[Money]) -> Money:
        return Money(sum(one.minor for one in amounts), facts.row.total.currency)

    return Sums(
        charged=total(one.amount for one in facts.paid),
        given_back=total(one.amount for one in facts.refunds if one.state is RefundState.SUCCEEDED),
        on_its_way_back=total(one.amount for one in facts.refunds if one.on_its_way),
    )


# The answer


def _answer(facts: _Facts) -> Answer:
    """Money in doubt outranks money that is well."""
    if any(one.reason_code == "mismatch" for one in facts.attempts):
        return _put_right("A payment came that does not fit this order.")
    if facts.refunds and (found := _going_back(facts)):
        return found
    if facts.paid:
        return _charged(facts)
    if any(one.state is PaymentState.PROCESSING for one in facts.attempts):
        return Answer(Charged.CONFIRMING, "Your bank has not answered yet.", (_SAFE,), ("It can take some days.",))
    return _nothing(facts)


def _put_right(title: str) -> Answer:
    text = f"The organizer decides: either your registration is confirmed, or the money goes back. {_SAFE}"
    return Answer(Charged.PUT_RIGHT, title, (text,), ("What is decided is shown here.",))


def _going_back(facts: _Facts) -> Answer | None:
    amount = texts.money(_sums(facts).charged)
    days = ("Banks take 5 to 10 days to show it.",)
    if any(one.on_its_way for one in facts.refunds):
        return Answer(Charged.GOING_BACK, f"Yes, and money is on its way back to you, of {amount}.", (), days)
    if facts.row.status is not Status.COMPLETED:
        return Answer(Charged.REFUNDED, f"Yes, and it was given back: {amount}.", (), days)
    return None


def _charged(facts: _Facts) -> Answer:
    row, amount = facts.row, texts.money(_sums(facts).charged)
    if row.confirmed:
        return Answer(Charged.YES, f"Yes, {amount}. Your registration is confirmed.", (), ())
    if row.wanted is not Word.COMPLETED:
        return _put_right("Yes, and it is being checked.")
    asked = "The organizer’s system confirms it as soon as it answers."
    return Answer(Charged.YES, f"Yes, {amount}. Your registration is being confirmed.", (f"{asked} {_SAFE}",), ())


def _nothing(facts: _Facts) -> Answer:
    if facts.row.status is Status.AWAITING_PAYMENT:
        return Answer(
            Charged.NO, "No. The payment is still missing.", (), ("As soon as it arrives, it is shown here.",)
        )
    return Answer(Charged.NO, "No. Nothing was charged.", ("The order has ended.",), ())


# What happened

_Told = tuple[Tone, str, str, str]
_TOLD: Mapping[str, _Told] = MappingProxyType(
    {
        "pay_page.opened": (Tone.DONE, "lock", "The payment page was opened", ""),
        "buyer.returned": (Tone.DONE, "people", "You came back from the payment page", ""),
        "payment.succeeded": (Tone.DONE, "card", "The payment arrived", ""),
        "payment.processing": (Tone.NOW, "clock", "Your bank works on the payment", ""),
        "payment.failed": (Tone.FAILED, "x", "The payment failed", "Nothing was charged."),
        "payment.declined": (Tone.FAILED, "x", "The payment was declined", "Nothing was charged."),
        "payment.expired": (Tone.PLAIN, "clock", "The payment page was closed", ""),
        "payment.cancelled": (Tone.PLAIN, "x", "The payment page was closed", ""),
        "purchase.completed": (Tone.DONE, "check", "Paid in full", ""),
        "purchase.expired": (Tone.PLAIN, "clock", "The hold ended", "The payment did not arrive in time."),
        "purchase.cancelled": (Tone.PLAIN, "x", "The order was cancelled", ""),
        "purchase.paid_late": (Tone.ENDING, "alert", "The money came after the hold had ended", "Your money is safe."),
        "dataverse.completed": (Tone.DONE, "ticket", "The organizer’s system confirmed the registration", ""),
        "dataverse.cancelled": (Tone.PLAIN, "x", "The organizer’s system gave the seats back", ""),
        "dataverse.too_late": (Tone.ATTENTION, "alert", "The seats had been given away before the money came", ""),
        "refund.requested": (Tone.REFUNDED, "left", "Your money is given back", ""),
        "refund.succeeded": (Tone.REFUNDED, "left", "Your money was given back", ""),
    }
)


def _happened(facts: _Facts) -> Iterable[Moment]:
    yield Moment(facts.row.created, "purchase.created", Tone.DONE, "people", "You registered with the organizer")
    written = [(row["at"], str(row["kind"])) for row in facts.written]
    for at, kind in [*written, *_derived(facts, {kind for _, kind in written})]:
        if kind in _TOLD:
            tone, icon, title, text = _TOLD[kind]
            yield Moment(at, kind, tone, icon, title, (text,) if text else ())
    for row in facts.around.attention:
        text = (str(row["reason"]),)
        yield Moment(
            row["opened"], "attention", Tone.ATTENTION, "alert", "A person was asked", text, audience=Audience.STAFF
        )


def _derived(facts: _Facts, told: set[str]) -> Iterable[tuple[datetime, str]]:
    """What rows say that nobody wrote down."""
    changed = facts.around.changed
    for one in facts.attempts:
        if (kind := f"payment.{one.state.value}") not in told:
            yield changed.get(one.id, one.opened), kind
    for one in facts.refunds:
        yield one.requested, "refund.requested"
        if one.state is RefundState.SUCCEEDED and "refund.succeeded" not in told:
            yield changed.get(one.id, one.requested), "refund.succeeded"


def _ahead(facts: _Facts) -> Iterable[Moment]:
    """What is still to come: the next time that Dataverse is told, and the end of the hold."""
    for row in facts.around.jobs:
        if row["kind"] == TELL:
            yield _telling(row)
    if facts.row.status is Status.AWAITING_PAYMENT and facts.row.hold_until:
        text = ("If nothing is paid by ", facts.row.hold_until, ", the seats are free again.")
        yield Moment(facts.row.hold_until, "hold.ends", Tone.NEXT, "clock", "The hold ends", text, ahead=True)


def _telling(row: Row) -> Moment:
    detail = {"job": str(row["id"]), "tries": str(row["attempt"]), "last error": row["last_error"] or ""}
    if row["state"] == PARKED:
        title, text = "The organizer’s system refused to confirm", ("The organizer was asked to put it right.",)
        return Moment(row["due"], "retry.finalize", Tone.ATTENTION, "alert", title, text, detail, ahead=True)
    times = row["failures"]
    title = f"The organizer’s system was asked {times} times" if times else "The organizer’s system is being told"
    text = ("Nothing is lost. It is asked again by ", row["due"], ".")
    return Moment(row["due"], "retry.finalize", Tone.NOW, "clock", title, text, detail, ahead=True)
