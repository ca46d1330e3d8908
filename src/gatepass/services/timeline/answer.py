"""Was I charged? The rules, the weightiest first; and what happens next."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from gatepass.domain.dispute import DisputeState
from gatepass.domain.money import Money
from gatepass.domain.payment import Payment, PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import Cause, Refund, RefundState
from gatepass.domain.timeline import Answer, Charged, Words
from gatepass.languages import gettext as _
from gatepass.languages import joined, later, ngettext, said
from gatepass.services import texts
from gatepass.services.timeline.facts import Facts
from gatepass.services.timeline.retries import asked_in_vain, asking, silent
from gatepass.services.timeline.words import by_hand, named, seats

SAFE = later("Please do not pay again.")
_BANK_DAYS = later("Banks take 5 to 10 days to show it.")


Rule = Callable[[Facts], Answer | None]


def of(facts: Facts, settled: Sequence[Rule] | None = None) -> Answer:
    """The first rule that has an answer counts: money in doubt outranks money that is well.

    `settled`: what tells of an order whose money is in no doubt, where that differs.
    """
    rules = (*_IN_DOUBT, *(settled or (_charged,)), *_UNPAID)
    return next(found for rule in rules if (found := rule(facts)))


def _disputed(facts: Facts) -> Answer | None:
    one = next((one for one in facts.around.disputes if one.open and not one.inquiry), None)
    if one is None:
        return None
    return Answer(
        Charged.DISPUTED,
        _("Yes, and the charge of %(amount)s is disputed.", amount=texts.money(one.amount)),
        joined(
            _("The bank of the card holder has asked for the money back and decides who gets it."),
            _("Your order stays as it is until then.") if facts.order.status is Status.COMPLETED else "",
        ),
        (_("The bank's decision can take some weeks. It is shown here as soon as it is known."),),
    )


def _lost(facts: Facts) -> Answer | None:
    one = next((one for one in facts.around.disputes if one.state is DisputeState.LOST), None)
    if one is None:
        return None
    ended = (
        said(_("The dispute ended at %(when)s in favour of the card holder."), when=one.closed)
        if one.closed
        else (_("The dispute ended in favour of the card holder."),)
    )
    return Answer(
        Charged.REFUNDED,
        _("Yes, and the bank gave %(amount)s back.", amount=texts.money(_taken_back(facts))),
        joined(ended, _("The money stays with them."), some_back(facts)),
        (),
    )


def _taken_back(facts: Facts) -> Money:
    """What banks have given back to card holders, against us."""
    return facts.sum_of(one.amount for one in facts.around.disputes if one.state is DisputeState.LOST)


def _in_question(facts: Facts) -> Answer | None:
    if facts.in_question is None:
        return None
    compares = _(
        "The organizer compares it with %(provider)s's record, and either completes your order or gives the money back.",
        provider=named(facts.in_question.provider),
    )
    return Answer(
        Charged.PUT_RIGHT,
        _("A payment came that does not fit this order."),
        joined(compares, _(SAFE)),
        (_("The organizer will write to you. What is decided is shown here."),),
    )


def _refund_failed(facts: Facts) -> Answer | None:
    wanted = next((one for one in facts.refunds if one.state is RefundState.FAILED), None)
    taken = _taken_back(facts)
    still = facts.sums.kept.minor - taken.minor
    if wanted is None or _asked_again(facts, wanted) or still <= 0:
        return None
    by_the_bank = (
        _("The bank of the card holder gave %(amount)s back.", amount=texts.money(taken)) if taken.minor else ""
    )
    amount = texts.money(replace(wanted.amount, minor=min(still, wanted.amount.minor)))
    failed = _("The refund did not arrive: the bank sent it back, or did not take it. The organizer knows.")
    return Answer(
        Charged.PUT_RIGHT,
        _("Yes, and %(amount)s could not be given back yet.", amount=amount),
        joined(failed, by_the_bank, some_back(facts)),
        (_("The organizer finds another way and will write to you."),),
    )


def _asked_again(facts: Facts, failed: Refund) -> bool:
    later_ones = [one for one in facts.refunds if one.counts and one.requested > failed.requested]
    return any(one.amount.minor >= failed.amount.minor for one in later_ones)


def _twice(facts: Facts) -> Answer | None:
    kept = [row for row in facts.paid if not facts.given_up(row)]
    back = [one for one in facts.refunds if one.cause is Cause.PAID_TWICE and one.on_its_way]
    if len(facts.paid) < 2 or (len(kept) < 2 and not back):
        return None
    amount = texts.money(back[0].amount if back else facts.paid[-1].amount)
    both = _("Two payments came for one order: %(amount)s together.", amount=texts.money(facts.sums.charged))
    one = _("One of them is on its way back to you.") if back else _("One of them will be given back.")
    return Answer(
        Charged.TWICE,
        _("Twice. %(amount)s is going back.", amount=amount),
        joined(both, one, _("Your order is safe.")),
        (_(_BANK_DAYS) if back else _("The refund is shown here as soon as it is on its way."),),
    )


def _all_back(facts: Facts) -> Answer | None:
    if not facts.paid or not all(facts.given_up(row) for row in facts.paid):
        return None
    amount = texts.money(facts.sums.charged)
    if any(one.on_its_way for one in facts.refunds):
        return Answer(
            Charged.GOING_BACK,
            _("Yes, and %(amount)s is on its way back to you.", amount=amount),
            joined(_why_back(facts), _("The money goes back to where it came from.")),
            joined(_(_BANK_DAYS), _("Nothing to do for you.")),
        )
    at = facts.at_last("refund.succeeded")
    made = said(_("The refund was made at %(when)s."), when=at) if at else (_("The refund was made."),)
    return Answer(
        Charged.REFUNDED,
        _("Yes, and all of it was given back: %(amount)s.", amount=amount),
        joined(made, _why_back(facts)),
        joined(_(_BANK_DAYS), _("After that, ask your bank with the order number below.")),
    )


def _without_a_seat(facts: Facts) -> Answer | None:
    if not facts.paid or facts.order.status is Status.COMPLETED:
        return None
    amount = texts.money(facts.sums.charged)
    if facts.order.status is Status.WAITLISTED:
        then = _("As soon as there is a seat you get the ticket by mail; if there is none, the money goes back to you.")
        return Answer(
            Charged.PUT_RIGHT,
            _("Yes: %(amount)s. You are on the waiting list.", amount=amount),
            (_("The money arrived after the seats had been given to others. The next free seat is yours."),),
            joined(then, _(SAFE)),
        )
    if facts.order.status is Status.CANCELLED:
        return Answer(
            Charged.PUT_RIGHT,
            _("Yes: %(amount)s, and it is being put right.", amount=texts.money(facts.sums.kept)),
            joined(_("Your order was cancelled, and this money has not gone back yet."), some_back(facts)),
            joined(_("The organizer gives it back."), _(SAFE)),
        )
    return Answer(
        Charged.PUT_RIGHT,
        _("Yes: %(amount)s, and it is being put right.", amount=amount),
        (
            _(
                "Your money arrived, but not while the seats were held for you. It is safe and has your order's name on it."
            ),
        ),
        joined(_("The organizer makes room for you or gives the money back."), _(SAFE)),
    )


def _charged(facts: Facts) -> Answer | None:
    if not facts.paid:
        return None
    kept = [row for row in facts.paid if not facts.given_up(row)]
    if all(by_hand(row) for row in kept):
        title = _("Yes: %(amount)s, paid another way.", amount=texts.money(net(facts)))
        return Answer(Charged.YES, title, joined(_recorded(facts), some_back(facts)), _tickets(facts))
    title = _("Yes, once: %(amount)s.", amount=texts.money(net(facts)))
    yours = joined(_confirmed(facts, kept[0]), some_back(facts))
    return Answer(Charged.YES, title, yours, _tickets(facts))


def _recorded(facts: Facts) -> Words:
    at = facts.at_last("payment.succeeded")
    if at is None:
        return (_("The organizer recorded your payment. Your order is confirmed."),)
    return said(_("The organizer recorded your payment at %(when)s. Your order is confirmed."), when=at)


def _confirmed(facts: Facts, payment: Payment) -> Words:
    provider, at, count = named(payment.provider), facts.at_last("payment.succeeded"), seats(facts)
    if at is None:
        template = ngettext(
            "%(provider)s confirmed it, and your seat is yours.",
            "%(provider)s confirmed it, and all your seats are yours.",
            count,
        )
        return said(template, provider=provider)
    template = ngettext(
        "%(provider)s confirmed it at %(when)s, and your seat is yours.",
        "%(provider)s confirmed it at %(when)s, and all your seats are yours.",
        count,
    )
    return said(template, provider=provider, when=at)


def _confirming(facts: Facts) -> Answer | None:
    row = next((row for row in facts.payments if row.state is PaymentState.PROCESSING), None)
    if row is None:
        return None
    held = facts.order.status is Status.AWAITING_PAYMENT
    waiting = ngettext("Your seat is yours while we wait.", "All seats are yours while we wait.", seats(facts))
    lost = _("The seats are no longer held; if the money arrives, you are seated or get it back.")
    return Answer(
        Charged.CONFIRMING,
        _("Not yet: your bank is confirming %(amount)s.", amount=texts.money(row.amount)),
        joined(_("You have done everything. Some ways to pay take a few days."), waiting if held else lost, _(SAFE)),
        _next_question(facts, row),
    )


def _nobody_answers(facts: Facts) -> Answer | None:
    job, row = silent(facts), facts.open_payment
    if job is None or row is None:
        return None
    who = named(row.provider)
    lost = _(
        "As far as we know nothing was charged. If you have paid, your payment is not lost: it counts as soon as "
        "%(provider)s answers.",
        provider=who,
    )
    again = said(_("We ask again at %(when)s, and go on asking."), when=job["due"])
    return Answer(
        Charged.NOT_KNOWN,
        _("We cannot say yet: %(provider)s does not answer.", provider=who),
        joined(asked_in_vain(who, job["failures"]), lost, _(SAFE)),
        again if job["due"] > facts.now else (_("We are asking again."),),
    )


def _free(facts: Facts) -> Answer | None:
    if facts.order.total.minor or facts.order.status is not Status.COMPLETED:
        return None
    nothing = (_("Nothing was, and nothing will be charged."),)
    return Answer(Charged.NO, _("No: your order is free."), nothing, _tickets(facts))


def _not_charged(facts: Facts) -> Answer:
    text, then = _unpaid(facts)
    return Answer(Charged.NO, _("No. Nothing was charged."), text, then)


def _unpaid(facts: Facts) -> tuple[Words, Words]:
    """What to say of an order for which no money has come, and what to do."""
    purchase, declined = facts.order, _declined(facts)
    again = (_("You can register again as long as there are seats."),)
    match purchase.status:
        case Status.EXPIRED:
            gone = _("The payment did not arrive while the seats were held, so they are free again.")
            return joined(declined, gone), again
        case Status.CANCELLED:
            return joined(declined, _("This order was cancelled.")), again
        case Status.COMPLETED:
            return (_("The organizer has confirmed your order."),), _tickets(facts)
        case _ if not purchase.pays_online:
            return (_("There is no online payment for this event."),), (_("The organizer tells you how to pay."),)
        case _ if purchase.hold_until and purchase.hold_until <= facts.now:
            over = joined(declined, _("The time to pay is over."))
            return over, (_("The seats are about to be free again."),)
        case _:
            waits = joined(declined, _("Your order is waiting for its payment."))
            return waits, _may_pay(facts, declined=bool(declined))


def _may_pay(facts: Facts, *, declined: bool) -> Words:
    until = facts.order.hold_until
    if until is None:
        again = _("You can try again, or use another way to pay, at any time.")
        return (again if declined else _("You can pay at any time."),)
    again = _("You can try again, or use another way to pay, until %(when)s.")
    how = said(again if declined else _("You can pay until %(when)s."), when=until)
    return joined(how, ngettext("Your seat is held until then.", "Your seats are held until then.", seats(facts)))


def _declined(facts: Facts) -> str:
    last = facts.payments[-1] if facts.payments else None
    return _(last.reason_text) if last and last.reason_code and last.reason_text else ""


def _next_question(facts: Facts, row: Payment) -> Words:
    job, count = asking(facts), seats(facts)
    tickets = ngettext(
        "The ticket comes by mail as soon as it says yes.", "The tickets come by mail as soon as it says yes.", count
    )
    if job is None:
        return (tickets,)
    again = said(_("We ask %(provider)s again at %(when)s."), provider=named(row.provider), when=job["due"])
    return joined(again, tickets)


def _tickets(facts: Facts) -> Words:
    sent = next((row["sent"] for row in facts.around.mails if row["sent"]), None)
    if sent:
        return ()
    return (ngettext("The ticket is on its way by mail.", "The tickets are on their way by mail.", seats(facts)),)


def net(facts: Facts) -> Money:
    """Of the payments that have not gone back in whole."""
    kept: Sequence[Payment] = [row for row in facts.paid if not facts.given_up(row)]
    return facts.sum_of(row.amount for row in kept)


def some_back(facts: Facts) -> Words:
    """What of the money went back, or is about to; nothing when none is."""
    second = [
        one.amount for one in facts.refunds if one.cause is Cause.PAID_TWICE and one.state is RefundState.SUCCEEDED
    ]
    twice, coming = facts.sum_of(second), facts.sums.on_its_way_back
    back = replace(twice, minor=facts.sums.given_back.minor - twice.minor)
    return joined(
        _("A second payment came, and was given back: %(amount)s.", amount=texts.money(twice)) if twice.minor else "",
        _("%(amount)s was given back.", amount=texts.money(back)) if back.minor else "",
        _("%(amount)s is on its way back to you.", amount=texts.money(coming)) if coming.minor else "",
    )


def _why_back(facts: Facts) -> str:
    causes = {one.cause for one in facts.refunds}
    if Cause.EVENT_CANCELLED in causes:
        return _("The event does not take place.")
    return _("The money arrived after the seats had been released.") if Cause.PAID_LATE in causes else ""


_IN_DOUBT: Sequence[Rule] = (_disputed, _in_question, _refund_failed, _lost, _twice, _all_back, _without_a_seat)
_UNPAID: Sequence[Rule] = (_confirming, _nobody_answers, _free, _not_charged)
