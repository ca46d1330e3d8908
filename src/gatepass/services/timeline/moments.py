"""What happened, told moment by moment: one small function per kind of change, in the buyer's words."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from gatepass.domain.dispute import Dispute
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import Cause, Refund
from gatepass.domain.timeline import Audience, Moment, Tone, Words
from gatepass.languages import gettext as _
from gatepass.languages import isolated, later, ngettext
from gatepass.services import texts
from gatepass.services.timeline import backstage
from gatepass.services.timeline.facts import MISMATCH, Entry, Facts
from gatepass.services.timeline.words import by_hand, named, seats

_NOTHING = later("Nothing was charged.")


Teller = Callable[[Facts, Entry], Moment]
"""Puts a change of the order itself into words."""


def of(facts: Facts, of_order: Mapping[str, Teller] | None = None) -> list[Moment]:
    """All of them, the first one first; those for staff carry their audience.

    `of_order`: the words for changes of the order itself, by kind, where they differ.
    """
    tellers = of_order or _PURCHASE
    told = [found for entry in facts.entries if (found := _told(facts, entry, tellers))]
    return sorted([*told, *_mails(facts), *backstage.of(facts)], key=_place)


_CAUSES_FIRST = (
    "notification",
    "buyer",
    "payment",
    "pay_page",
    "refund",
    "dispute",
    "purchase",
    "registration",
    "mail",
)


def _place(one: Moment) -> tuple[datetime, int]:
    """By time; what one transaction changed together, the cause before its effect."""
    noun, last = one.kind.partition(".")[0], len(_CAUSES_FIRST)
    if one.kind == "purchase.created":
        return one.at, -1
    return one.at, _CAUSES_FIRST.index(noun) if noun in _CAUSES_FIRST else last


def _told(facts: Facts, entry: Entry, tellers: Mapping[str, Teller]) -> Moment | None:
    noun = entry.kind.partition(".")[0]
    if noun in {"payment", "pay_page", "buyer"}:
        payment = next((row for row in facts.payments if str(row.id) == entry.text("payment_id")), None)
        return _PAYMENT[entry.kind](facts, entry, payment) if payment and entry.kind in _PAYMENT else None
    if noun == "refund":
        refund = next((one for one in facts.refunds if str(one.id) == entry.text("refund_id")), None)
        return _refund(entry, refund) if refund and entry.kind in _REFUND else None
    if noun == "dispute":
        dispute = next((one for one in facts.around.disputes if str(one.id) == entry.text("dispute_id")), None)
        return _dispute(entry, dispute) if dispute and entry.kind in _DISPUTE else None
    return tellers[entry.kind](facts, entry) if entry.kind in tellers else None


def _moment(
    entry: Entry, tone: Tone, icon: str, title: str, *text: str, detail: Mapping[str, str | None] | None = None,
    audience: Audience = Audience.ALL,
) -> Moment:  # fmt: skip
    known = {name: value for name, value in (detail or {}).items() if value}
    words: Words = (" ".join(part for part in text if part),) if any(text) else ()
    return Moment(entry.at, entry.kind, tone, icon, title, words, known, audience)


# The order


def _created(facts: Facts, entry: Entry) -> Moment:
    count = len(facts.people)
    title = ngettext("You registered one person", "You registered %(num)s people", count)
    total = facts.order.total
    price = _("%(amount)s in all.", amount=texts.money(total)) if total.minor else _("It is free.")
    return _moment(entry, Tone.DONE, "people", title, f"{isolated(facts.order.items)}.", price)


def _completed(facts: Facts, entry: Entry) -> Moment:
    title = ngettext("The seat is yours", "All %(num)s seats are yours", seats(facts))
    return _moment(entry, Tone.DONE, "ticket", title, _("The order is confirmed."), detail=_before(entry))


def _cancelled(facts: Facts, entry: Entry) -> Moment:
    title, free = _("The order was cancelled"), _("The seats are free again.")
    return _moment(entry, Tone.PLAIN, "x", title, free, detail=_before(entry))


def _expired(facts: Facts, entry: Entry) -> Moment:
    title, why = _("The seats were given back"), _("The payment did not arrive while they were held.")
    return _moment(entry, Tone.PLAIN, "clock", title, why, detail=_before(entry))


def _paid_late(facts: Facts, entry: Entry) -> Moment:
    ended = entry.detail.get("before") == Status.CANCELLED.value
    title = _("The money came after the order was cancelled") if ended else _("The money came after the hold had ended")
    why = _("Your money is safe. It is decided whether there is still room, or the money goes back.")
    return _moment(entry, Tone.ENDING, "alert", title, why, detail=_before(entry))


def _waitlisted(facts: Facts, entry: Entry) -> Moment:
    title = _("You are on the waiting list")
    return _moment(entry, Tone.ENDING, "clock", title, _("The next free seat is yours."), detail=_before(entry))


def _held_again(facts: Facts, entry: Entry) -> Moment:
    title, why = _("The seats are held for you once more"), _("So you can pay another way.")
    return _moment(entry, Tone.DONE, "clock", title, why, detail=_before(entry))


def _held_longer(facts: Facts, entry: Entry) -> Moment:
    return _moment(entry, Tone.PLAIN, "clock", _("You asked for more time"), _("The seats are held for longer."))


def _tried_too_often(facts: Facts, entry: Entry) -> Moment:
    title, why = _("No other card can be tried"), _("Too many were declined for this order.")
    return _moment(entry, Tone.FAILED, "x", title, why)


def _tickets_cancelled(facts: Facts, entry: Entry) -> Moment:
    count = int(entry.text("seats") or 1)
    title = ngettext("A ticket was cancelled", "%(num)s tickets were cancelled", count)
    return _moment(entry, Tone.PLAIN, "ticket", title, _("It no longer opens the door.") if count == 1 else "")


def _before(entry: Entry) -> Mapping[str, str | None]:
    return {"before": entry.text("before")}


_PURCHASE: Mapping[str, Teller] = MappingProxyType(
    {
        "purchase.created": _created,
        "purchase.completed": _completed,
        "purchase.cancelled": _cancelled,
        "purchase.expired": _expired,
        "purchase.paid_late": _paid_late,
        "purchase.waitlisted": _waitlisted,
        "purchase.awaiting_payment": _held_again,
        "registration.cancelled": _tickets_cancelled,
        "hold.extended": _held_longer,
        "order.tried_too_often": _tried_too_often,
    }
)


# Payments


def _intended(facts: Facts, entry: Entry, payment: Payment) -> Moment | None:
    """The wish was stored; buyers read of it only where no page followed."""
    if by_hand(payment):
        return None
    opened = any(one.kind == "pay_page.opened" and one.text("payment_id") == str(payment.id) for one in facts.entries)
    if payment.session_ref and not opened:
        return _page_opened(facts, entry, payment)
    title = _("We asked %(provider)s for a payment page", provider=named(payment.provider))
    audience = Audience.STAFF if opened else Audience.ALL
    return _moment(entry, Tone.PLAIN, "card", title, _(_NOTHING), detail=_references(payment), audience=audience)


def _page_opened(facts: Facts, entry: Entry, payment: Payment) -> Moment:
    title = _("You opened the payment page again") if payment.number > 1 else _("You opened the payment page")
    text = _(
        "%(provider)s’s page, for %(amount)s. Opening it charges nothing.",
        provider=named(payment.provider),
        amount=texts.money(payment.amount),
    )
    return _moment(entry, Tone.DONE, "card", title, text, detail=_references(payment))


def _returned(facts: Facts, entry: Entry, payment: Payment) -> Moment:
    title = _("You came back from the payment page")
    text = _("We asked %(provider)s at once how the payment stands.", provider=named(payment.provider))
    return _moment(entry, Tone.DONE, "out", title, text, detail=_references(payment))


def _declined(facts: Facts, entry: Entry, payment: Payment) -> Moment:
    detail = _references(payment) | {"reason": entry.text("reason_code") or payment.reason_code}
    return _moment(
        entry, Tone.FAILED, "x", _("The payment was declined"), _reason(entry, payment), _(_NOTHING), detail=detail
    )


def _reason(entry: Entry, payment: Payment) -> str:
    text = entry.text("reason_text") or payment.reason_text
    return _(text) if text else ""


def _processing(facts: Facts, entry: Entry, payment: Payment) -> Moment:
    title = _("Your bank is confirming %(amount)s", amount=texts.money(payment.amount))
    text = _("%(provider)s passed the payment to it. That can take some days.", provider=named(payment.provider))
    tone = Tone.NOW if payment.state is PaymentState.PROCESSING else Tone.DONE
    return _moment(entry, tone, "bank", title, text, detail=_references(payment))


def _succeeded(facts: Facts, entry: Entry, payment: Payment) -> Moment:
    amount = texts.money(payment.amount)
    if by_hand(payment):
        title = _("%(amount)s was recorded as paid", amount=amount)
        text = _("It was paid another way: nothing was charged online.")
        return _moment(entry, Tone.DONE, "check", title, text, detail=_references(payment))
    title = _("%(amount)s was charged", amount=amount)
    text = _("%(provider)s has confirmed it.", provider=named(payment.provider))
    return _moment(entry, Tone.DONE, "check", title, text, detail=_references(payment))


def _failed(facts: Facts, entry: Entry, payment: Payment) -> Moment:
    if payment.reason_code == MISMATCH:
        detail = _references(payment) | {"reason": payment.reason_text}
        title = _("A payment came that does not fit the order")
        text = _("The organizer looks into it. Please do not pay again.")
        return _moment(entry, Tone.ENDING, "alert", title, text, detail=detail)
    detail = _references(payment) | {"reason": payment.reason_code}
    title = _("The payment did not go through")
    return _moment(entry, Tone.FAILED, "x", title, _reason(entry, payment), _(_NOTHING), detail=detail)


def _ended(facts: Facts, entry: Entry, payment: Payment) -> Moment:
    detail = _references(payment) | {"reason": payment.reason_code}
    return _moment(entry, Tone.PLAIN, "clock", _("The payment page was closed unpaid"), _(_NOTHING), detail=detail)


def _references(payment: Payment) -> dict[str, str | None]:
    return {
        "attempt": str(payment.number),
        "payment": str(payment.id),
        "session": payment.session_ref,
        "intent": payment.intent_ref,
        "charge": payment.charge_ref,
        "fee": str(payment.fee) if payment.fee else None,
    }


_PAYMENT: Mapping[str, Callable[[Facts, Entry, Payment], Moment | None]] = MappingProxyType(
    {
        "payment.opened": _intended,
        "pay_page.opened": _page_opened,
        "buyer.returned": _returned,
        "payment.declined": _declined,
        "payment.processing": _processing,
        "payment.succeeded": _succeeded,
        "payment.failed": _failed,
        "payment.expired": _ended,
        "payment.cancelled": _ended,
    }
)


# Money that goes back

_REFUND: Mapping[str, tuple[Tone, str, str]] = MappingProxyType(
    {
        "refund.requested": (Tone.REFUNDED, later("%(amount)s is to be given back"), ""),
        "refund.processing": (
            Tone.REFUNDED,
            later("%(amount)s is on its way back to you"),
            later("The bank needs some days."),
        ),
        "refund.succeeded": (
            Tone.DONE,
            later("%(amount)s was given back"),
            later("Banks take 5 to 10 days to show it."),
        ),
        "refund.failed": (
            Tone.FAILED,
            later("Giving back %(amount)s did not work"),
            later("The organizer finds another way."),
        ),
        "refund.cancelled": (Tone.FAILED, later("Giving back %(amount)s was stopped"), later("Ask the organizer why.")),
    }
)
_CAUSES: Mapping[Cause, str] = MappingProxyType(
    {
        Cause.STAFF: later("The organizer asked for it."),
        Cause.EVENT_CANCELLED: later("The event does not take place."),
        Cause.PAID_TWICE: later("The order had been paid already."),
        Cause.PAID_LATE: later("The money arrived after the seats had been released."),
        Cause.PROVIDER: later("The organizer asked the payment provider for it."),
    }
)


def _refund(entry: Entry, refund: Refund) -> Moment:
    tone, title, text = _REFUND[entry.kind]
    detail = {
        "refund": str(refund.id), "reference": refund.refund_ref, "money": refund.money_ref, "asked by": refund.actor,
        "reason": refund.reason, "failure": refund.reason_text,
    }  # fmt: skip
    why = _CAUSES[refund.cause] if entry.kind == "refund.requested" else text
    return _moment(
        entry, tone, "back", _(title, amount=texts.money(refund.amount)), _(why) if why else "", detail=detail
    )


_DISPUTE: Mapping[str, tuple[Tone, str, str]] = MappingProxyType(
    {
        "dispute.needs_response": (
            Tone.DISPUTED,
            later("The charge of %(amount)s was disputed"),
            later("The bank took the money back for now."),
        ),
        "dispute.under_review": (
            Tone.DISPUTED,
            later("The bank examines the dispute"),
            later("It decides who gets the money."),
        ),
        "dispute.won": (Tone.DONE, later("The dispute has ended: the charge of %(amount)s stands"), ""),
        "dispute.lost": (Tone.REFUNDED, later("The dispute has ended: %(amount)s went back to the card holder"), ""),
    }
)


_INQUIRY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "dispute.needs_response": (
            later("The bank asks about the charge of %(amount)s"),
            later("No money has moved back."),
        ),
        "dispute.under_review": (later("The bank examines the answer"), later("No money has moved back.")),
        "dispute.won": (later("The bank asks no more about the charge of %(amount)s"), ""),
    }
)


def _dispute(entry: Entry, dispute: Dispute) -> Moment:
    tone, title, text = _DISPUTE[entry.kind]
    # As it was then: a question may have become a dispute.
    if entry.detail.get("inquiry", dispute.inquiry):
        title, text = _INQUIRY.get(entry.kind, (title, text))
    detail = {
        "dispute": str(dispute.id), "reference": dispute.dispute_ref, "reason": dispute.reason,
        "answer until": dispute.due.isoformat() if dispute.due else None,
    }  # fmt: skip
    return _moment(
        entry, tone, "bank", _(title, amount=texts.money(dispute.amount)), _(text) if text else "", detail=detail
    )


# Mail

_MAILED = "confirmation"


def _mails(facts: Facts) -> Iterable[Moment]:
    for row in facts.around.mails:
        tickets = ngettext("The ticket was mailed", "The tickets were mailed", seats(facts))
        title = tickets if row["kind"] == _MAILED else _("We wrote to you: %(subject)s", subject=row["subject"])
        detail = {"mail": str(row["id"]), "subject": row["subject"]}
        written = Entry(row["created"], "mail.created", {})
        yield _moment(
            written, Tone.PLAIN, "mail", f"Mail written: {row['kind']}", "", detail=detail, audience=Audience.STAFF
        )
        if row["sent"]:
            sent = Entry(row["sent"], "mail.sent", {})
            yield _moment(sent, Tone.DONE, "mail", title, _("To %(address)s.", address=row["recipient"]), detail=detail)
