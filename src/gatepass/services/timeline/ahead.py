"""What is still to come: tries that wait for their turn, the end of a hold, the tickets."""

from collections.abc import Iterable
from datetime import datetime

from gatepass.domain.payment import PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.timeline import Audience, Moment, Tone, Words
from gatepass.services.timeline.facts import Facts
from gatepass.services.timeline.retries import failing, silent, times_in_words
from gatepass.services.timeline.words import named, several
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
        title, then = _try_in_words(facts, key, count)
        text: Words = (f"{then} at ", row["due"], ".") if row["due"] > facts.now else (f"{then} now.",)
        yield _ahead(row["due"], f"retry.{key}", Tone.NOW, title, text, row, Audience.STAFF if twin else Audience.ALL)


def _try_in_words(facts: Facts, key: str, count: int) -> tuple[str, str]:
    who = named(facts.payments[-1].provider) if facts.payments else "the payment provider"
    times = times_in_words(count)
    match key:
        case "refund":
            return f"We asked {who} to give the money back {times}", "Nothing is lost. We ask again"
        case "confirm":
            return (
                f"The mail server was asked {times}",
                f"Your {_tickets(facts)} safe on the order page. We send the mail again",
            )
        case "refund_mail" | "cancellation":
            return f"The mail server was asked {times}", "What it would say stands here. We send the mail again"
        case _:
            return f"We asked {who} {times}", "We ask again"


def _tickets(facts: Facts) -> str:
    return "tickets are" if several(facts) else "ticket is"


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
    purchase, states = facts.purchase, {row.state for row in facts.payments}
    if purchase.status is Status.AWAITING_PAYMENT:
        if purchase.hold_until:
            over: Words = ("If nothing is paid by ", purchase.hold_until, ", the seats are free again.")
            yield Moment(purchase.hold_until, "hold.ends", Tone.NEXT, "clock", "The hold ends", over, ahead=True)
        paid = (
            "As soon as the bank says yes."
            if PaymentState.PROCESSING in states
            else "As soon as the payment has arrived."
        )
        title = "Tickets by mail" if several(facts) else "The ticket by mail"
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
