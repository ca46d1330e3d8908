"""What is still to come: tries that wait for their turn, the end of a hold, the tickets."""

from collections.abc import Iterable
from datetime import datetime

from gatepass.domain.payment import PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.timeline import Audience, Moment, Tone, Words
from gatepass.languages import gettext as _
from gatepass.languages import joined, ngettext, said
from gatepass.services.timeline.facts import Facts
from gatepass.services.timeline.retries import asked_in_vain, failing, silent
from gatepass.services.timeline.words import named, seats
from gatepass.store.jobs import PARKED, READY
from gatepass.store.tables import Row


def of(facts: Facts) -> list[Moment]:
    """The next one first."""
    return sorted([*_retries(facts), *_planned(facts), *_given_up(facts), *_next_steps(facts)], key=lambda one: one.at)


def _retries(facts: Facts) -> Iterable[Moment]:
    asked = silent(facts)
    for row in failing(facts):
        key, count = row["dedupe"].partition(":")[0], row["failures"]
        # Several jobs may ask about one payment: a buyer reads of it once.
        twin = key in {"apply", "look_up", "end"} and row is not asked
        title, comfort, later, now = _try_in_words(facts, key, count)
        again: Words = said(later, when=row["due"]) if row["due"] > facts.now else (now,)
        text, audience = joined(comfort, again), Audience.STAFF if twin else Audience.ALL
        yield _ahead(row["due"], f"retry.{key}", Tone.NOW, title, text, row, audience)


def _try_in_words(facts: Facts, key: str, count: int) -> tuple[str, str, str, str]:
    """What was tried, what is safe all the same, and when it is tried again: later, or now."""
    who = named(facts.payments[-1].provider) if facts.payments else _("the payment provider")
    ask = _("We ask again at %(when)s."), _("We ask again now.")
    send = _("We send the mail again at %(when)s."), _("We send the mail again now.")
    mail = ngettext(
        "The mail server was asked once without an answer.",
        "The mail server was asked %(num)s times without an answer.",
        count,
    )
    match key:
        case "refund":
            wanted = ngettext(
                "We asked %(provider)s to give the money back once without an answer",
                "We asked %(provider)s to give the money back %(num)s times without an answer",
                count,
                provider=who,
            )
            return wanted, _("Nothing is lost."), *ask
        case "confirm":
            safe = ngettext(
                "Your ticket is safe on the order page.", "Your tickets are safe on the order page.", seats(facts)
            )
            return mail, safe, *send
        case "refund_mail" | "cancellation" | "link":
            return mail, _("What it would say stands here."), *send
        case _:
            return asked_in_vain(who, count), "", *ask


def _planned(facts: Facts) -> Iterable[Moment]:
    """Questions that nothing went wrong with."""
    for row in facts.around.jobs:
        idle = row["dedupe"].startswith("look_up:") and facts.open_payment is None
        if row["state"] == READY and not row["failures"] and row["due"] > facts.now and not idle:
            title = f"Planned: {row['kind'].replace('_', ' ')}"
            yield _ahead(row["due"], "job.planned", Tone.NEXT, title, (), row, Audience.STAFF)


def _given_up(facts: Facts) -> Iterable[Moment]:
    for row in facts.around.jobs:
        if row["state"] == PARKED:
            title = f"Given up: {row['kind'].replace('_', ' ')}"
            yield _ahead(row["due"], "job.parked", Tone.ATTENTION, title, (), row, Audience.STAFF)


def _next_steps(facts: Facts) -> Iterable[Moment]:
    purchase, states = facts.order, {row.state for row in facts.payments}
    if purchase.status is Status.AWAITING_PAYMENT:
        if purchase.hold_until:
            over = said(_("If nothing is paid by %(when)s, the seats are free again."), when=purchase.hold_until)
            yield Moment(purchase.hold_until, "hold.ends", Tone.NEXT, "clock", _("The hold ends"), over, ahead=True)
        paid = (
            _("As soon as the bank says yes.")
            if PaymentState.PROCESSING in states
            else _("As soon as the payment has arrived.")
        )
        title = ngettext("The ticket by mail", "Tickets by mail", seats(facts))
        last = max(purchase.hold_until or facts.now, facts.now)
        yield Moment(last, "mail.next", Tone.NEXT, "ticket", title, (paid,), ahead=True)


def _ahead(due: datetime, kind: str, tone: Tone, title: str, text: Words, row: Row, audience: Audience) -> Moment:
    detail = {
        "job": str(row["id"]),
        "kind": row["kind"],
        "tries": str(row["attempt"]),
        "last error": row["last_error"] or "",
    }
    known = {name: value for name, value in detail.items() if value}
    return Moment(due, kind, tone, "clock", title, text, known, audience, ahead=True)
