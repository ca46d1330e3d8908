"""Was I charged? The rules, the weightiest first; and what happens next."""

from collections.abc import Callable, Sequence
from datetime import datetime

from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import Cause, RefundState
from gatepass.domain.timeline import Answer, Charged, Words
from gatepass.services import texts
from gatepass.services.timeline.facts import Facts
from gatepass.services.timeline.retries import asking, silent, times_in_words
from gatepass.services.timeline.words import by_hand, named, several

SAFE = "Please do not pay again."
_BANK_DAYS = "Banks take 5 to 10 days to show it."


def of(facts: Facts) -> Answer:
    """The first rule that has an answer counts: money in doubt outranks money that is well."""
    return next(found for rule in _RULES if (found := rule(facts)))


def _disputed(facts: Facts) -> Answer | None:
    one = next((one for one in facts.around.disputes if one.open and not one.inquiry), None)
    if one is None:
        return None
    return Answer(
        Charged.DISPUTED,
        f"Yes, and the charge of {texts.money(one.amount)} is disputed.",
        (("The bank of the card holder has asked for the money back and decides who gets it. "
         "Your order stays as it is until then."),),
        ("The bank's decision can take some weeks. It is shown here as soon as it is known.",),
    )  # fmt: skip


def _lost(facts: Facts) -> Answer | None:
    one = next((one for one in facts.around.disputes if one.state.value == "lost"), None)
    if one is None:
        return None
    return Answer(
        Charged.REFUNDED,
        f"Yes, and the bank gave {texts.money(one.amount)} back.",
        ("The dispute", *_at(one.closed), " ended in favour of the card holder. The money stays with them.",),
        (),
    )  # fmt: skip


def _in_question(facts: Facts) -> Answer | None:
    if facts.in_question is None:
        return None
    return Answer(
        Charged.PUT_RIGHT,
        "A payment came that does not fit this order.",
        ((f"The organizer compares it with {named(facts.in_question.provider)}'s record, and either completes your order or "
         f"gives the money back. {SAFE}"),),
        ("The organizer will write to you. What is decided is shown here.",),
    )  # fmt: skip


def _refund_failed(facts: Facts) -> Answer | None:
    wanted = next((one for one in facts.refunds if one.state is RefundState.FAILED), None)
    again = wanted and any(one.counts and one.requested > wanted.requested for one in facts.refunds)
    if wanted is None or again or not _net(facts).minor:
        return None
    return Answer(
        Charged.PUT_RIGHT,
        f"Yes, and {texts.money(wanted.amount)} could not be given back yet.",
        ("The refund did not arrive: the bank sent it back, or did not take it. The organizer knows.",),
        ("The organizer finds another way and will write to you.",),
    )


def _twice(facts: Facts) -> Answer | None:
    kept = [row for row in facts.paid if not facts.given_up(row)]
    back = [one for one in facts.refunds if one.cause is Cause.PAID_TWICE and one.on_its_way]
    if len(facts.paid) < 2 or (len(kept) < 2 and not back):
        return None
    amount = texts.money(back[0].amount if back else facts.paid[-1].amount)
    return Answer(
        Charged.TWICE,
        f"Twice. {amount} is going back.",
        ((f"Two payments came for one order: {texts.money(facts.sums.charged)} together. "
         f"{'One of them is on its way back to you.' if back else 'One of them will be given back.'} Your order is safe."),),
        (_BANK_DAYS if back else "The refund is shown here as soon as it is on its way.",),
    )  # fmt: skip


def _all_back(facts: Facts) -> Answer | None:
    if not facts.paid or not all(facts.given_up(row) for row in facts.paid):
        return None
    amount = texts.money(facts.sums.charged)
    if any(one.on_its_way for one in facts.refunds):
        return Answer(
            Charged.GOING_BACK,
            f"Yes, and {amount} is on its way back to you.",
            (f"{_why_back(facts)} The money goes back to where it came from.",),
            (f"{_BANK_DAYS} Nothing to do for you.",),
        )
    return Answer(
        Charged.REFUNDED,
        f"Yes, and all of it was given back: {amount}.",
        ("The refund was made", *_at(facts.at_last("refund.succeeded")), f". {_why_back(facts)}"),
        (f"{_BANK_DAYS} After that, ask your bank with the order number below.",),
    )


def _without_a_seat(facts: Facts) -> Answer | None:
    if not facts.paid or facts.purchase.status is Status.COMPLETED:
        return None
    amount = texts.money(facts.sums.charged)
    if facts.purchase.status is Status.WAITLISTED:
        return Answer(
            Charged.PUT_RIGHT,
            f"Yes: {amount}. You are on the waiting list.",
            ("The money arrived after the seats had been given to others. The next free seat is yours.",),
            (
                "As soon as there is a seat you get the ticket by mail; if there is none, the money goes back to you. "
                + SAFE,
            ),
        )
    return Answer(
        Charged.PUT_RIGHT,
        f"Yes: {amount}, and it is being put right.",
        ("Your money arrived, but not while the seats were held for you. It is safe and has your order's name on it.",),
        (f"The organizer makes room for you or gives the money back. {SAFE}",),
    )


def _charged(facts: Facts) -> Answer | None:
    if not facts.paid:
        return None
    kept = [row for row in facts.paid if not facts.given_up(row)]
    if all(by_hand(row) for row in kept):
        return Answer(
            Charged.YES,
            f"Yes: {texts.money(_net(facts))}, paid another way.",
            ("The organizer recorded your payment", *_at(facts.at_last("payment.succeeded")),
             f". Your order is confirmed.{_some_back(facts)}",),
            _tickets(facts),
        )  # fmt: skip
    return Answer(
        Charged.YES,
        f"Yes, once: {texts.money(_net(facts))}.",
        (f"{named(kept[0].provider)} confirmed it", *_at(facts.at_last("payment.succeeded")),
         f", and {'all your seats are' if several(facts) else 'your seat is'} yours.{_some_back(facts)}"),
        _tickets(facts),
    )  # fmt: skip


def _confirming(facts: Facts) -> Answer | None:
    row = next((row for row in facts.payments if row.state is PaymentState.PROCESSING), None)
    if row is None:
        return None
    held = facts.purchase.status is Status.AWAITING_PAYMENT
    seats = f"{'All seats are' if several(facts) else 'Your seat is'} yours while we wait." if held else (
        "The seats are no longer held; if the money arrives, you are seated or get it back."
    )  # fmt: skip
    return Answer(
        Charged.CONFIRMING,
        f"Not yet: your bank is confirming {texts.money(row.amount)}.",
        (f"You have done everything. Some ways to pay take a few days. {seats} {SAFE}",),
        _next_question(facts, row),
    )


def _nobody_answers(facts: Facts) -> Answer | None:
    job, row = silent(facts), facts.open_payment
    if job is None or row is None:
        return None
    who = named(row.provider)
    return Answer(
        Charged.NOT_KNOWN,
        f"We cannot say yet: {who} does not answer.",
        ((f"We asked {who} {times_in_words(job['failures'])}. As far as we know nothing was charged. If you have paid, your payment "
         f"is not lost: it counts as soon as {who} answers. {SAFE}"),),
        ("We ask again at ", job["due"], ", and go on asking.") if job["due"] > facts.now else ("We are asking again.",),
    )  # fmt: skip


def _free(facts: Facts) -> Answer | None:
    if facts.purchase.total.minor or facts.purchase.status is not Status.COMPLETED:
        return None
    return Answer(
        Charged.NO, "No: your order is free.", ("Nothing was, and nothing will be charged.",), _tickets(facts)
    )


def _not_charged(facts: Facts) -> Answer:
    text, then = _unpaid(facts)
    return Answer(Charged.NO, "No. Nothing was charged.", text, then)


def _unpaid(facts: Facts) -> tuple[Words, Words]:
    """What to say of an order for which no money has come, and what to do."""
    purchase, declined = facts.purchase, _declined(facts)
    again = ("You can register again as long as there are seats.",)
    match purchase.status:
        case Status.EXPIRED:
            return (f"{declined}The payment did not arrive while the seats were held, so they are free again.",), again
        case Status.CANCELLED:
            return (f"{declined}This order was cancelled.",), again
        case Status.COMPLETED:
            return ("The organizer has confirmed your order.",), _tickets(facts)
        case _ if purchase.provider_id is None or facts.event.provider is None:
            return ("There is no online payment for this event.",), ("The organizer tells you how to pay.",)
        case _ if purchase.hold_until and purchase.hold_until <= facts.now:
            return (f"{declined}The time to pay is over.",), ("The seats are about to be free again.",)
        case _:
            return (f"{declined}Your order is waiting for its payment.",), _may_pay(facts, bool(declined))


def _may_pay(facts: Facts, declined: bool) -> Words:
    how = "You can try again, or use another way to pay," if declined else "You can pay"
    until = facts.purchase.hold_until
    return (
        (f"{how} until ", until, f". Your {'seats are' if several(facts) else 'seat is'} held until then.")
        if until
        else (f"{how} at any time.",)
    )


def _declined(facts: Facts) -> str:
    last = facts.payments[-1] if facts.payments else None
    return f"{last.reason_text} " if last and last.reason_code and last.reason_text else ""


def _next_question(facts: Facts, row: Payment) -> Words:
    job = asking(facts)
    tickets = f"The {'tickets come' if several(facts) else 'ticket comes'} by mail as soon as it says yes."
    return (f"We ask {named(row.provider)} again at ", job["due"], f". {tickets}") if job else (tickets,)


def _tickets(facts: Facts) -> Words:
    sent = next((row["sent"] for row in facts.around.mails if row["sent"]), None)
    if sent:
        return ()
    return ("The tickets are on their way by mail." if several(facts) else "The ticket is on its way by mail.",)


def _net(facts: Facts) -> Money:
    kept: Sequence[Payment] = [row for row in facts.paid if not facts.given_up(row)]
    return facts.sum_of(row.amount for row in kept)


def _some_back(facts: Facts) -> str:
    back, coming = facts.sums.given_back, facts.sums.on_its_way_back
    given = f" {texts.money(back)} was given back." if back.minor else ""
    return given + (f" {texts.money(coming)} is on its way back to you." if coming.minor else "")


def _why_back(facts: Facts) -> str:
    causes = {one.cause for one in facts.refunds}
    if Cause.EVENT_CANCELLED in causes:
        return "The event does not take place."
    return "The seats had been given to others before the money arrived." if Cause.PAID_LATE in causes else ""


def _at(at: datetime | None) -> Words:
    return (" at ", at) if at else ()


_RULES: Sequence[Callable[[Facts], Answer | None]] = (
    _disputed, _lost, _in_question, _refund_failed, _twice, _all_back, _without_a_seat, _charged, _confirming,
    _nobody_answers, _free, _not_charged,
)  # fmt: skip
