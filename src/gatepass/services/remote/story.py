"""Was I charged? The same story as for purchases of our own, for one that lives in a remote Dataverse.

Money, its ways back and what staff reads are told by `services/timeline`; here is only what Dataverse has to do with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.payment import PaymentState
from gatepass.domain.remote import RemotePurchase, Word
from gatepass.domain.timeline import Answer, Charged, Moment, Story, Tone, Words
from gatepass.languages import gettext as _
from gatepass.languages import joined, later, said
from gatepass.services import texts
from gatepass.services.remote.tasks import TELL
from gatepass.services.timeline import ahead, answer, moments, story_of
from gatepass.services.timeline.facts import Entry, Facts, Order, around_order
from gatepass.services.timeline.moments import Teller
from gatepass.store import ReadTx, remote
from gatepass.store.jobs import PARKED
from gatepass.store.tables import Row

_NOT_OURS = "mail.next"
"""Of what is to come: tickets are sent by the organizer's system."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a purchase: our row, what stands around it, and the work that tells Dataverse."""

    row: RemotePurchase
    facts: Facts
    telling: Sequence[Row]


def tell_now(tx: ReadTx, purchase_id: UUID, *, live: bool) -> Story | None:
    """The story; None when we know nothing of it. Several statements: run it in a snapshot."""
    told = read(tx, purchase_id, live=live)
    return told and in_words(told)


def read(tx: ReadTx, purchase_id: UUID, *, live: bool) -> Told | None:
    """All rows of it, for `in_words`, which speaks the language of whoever reads."""
    row = remote.get(tx, purchase_id)
    if row is None:
        return None
    facts = around_order(tx, _order(row, live=live), datetime.now(UTC))
    jobs = facts.around.jobs
    others = replace(facts.around, jobs=[one for one in jobs if one["kind"] != TELL])
    return Told(row, replace(facts, around=others), [one for one in jobs if one["kind"] == TELL])


def in_words(told: Told) -> Story:
    """Answer and moments."""
    rules = [partial(rule, told.row) for rule in (_in_question, _charged, _confirmed_unpaid)]
    coming = [one for one in ahead.of(told.facts) if one.kind != _NOT_OURS]
    every = [*moments.of(told.facts, _OF_ORDER), *map(_telling, told.telling), *coming]
    found = story_of(told.facts, answer.of(told.facts, rules), every)
    return replace(found, standing=told.row.standing, settled=found.settled and told.row.wanted is None)


def _order(row: RemotePurchase, *, live: bool) -> Order:
    return Order(
        id=row.id, reference=row.reference, status=row.status, total=row.total, live=live, created=row.created,
        hold_until=row.hold_until, items="Registration", title=row.name or "Registration", time_zone="UTC",
        pays_online=True,
    )  # fmt: skip


# The answer, where the money itself is in no doubt


def _in_question(row: RemotePurchase, facts: Facts) -> Answer | None:
    """Paid, and Dataverse neither says so nor is to be told: a person decides."""
    if not facts.paid or row.confirmed or row.wanted is Word.COMPLETED:
        return None
    decides = _("The organizer decides: either your registration is confirmed, or the money goes back.")
    title, then = _("Yes, and it is being checked."), (_("What is decided is shown here."),)
    return Answer(Charged.PUT_RIGHT, title, joined(decides, _(answer.SAFE)), then)


def _charged(row: RemotePurchase, facts: Facts) -> Answer | None:
    if not facts.paid:
        return None
    amount, back = texts.money(answer.net(facts)), answer.some_back(facts)
    if row.confirmed:
        title = _("Yes, %(amount)s. Your registration is confirmed.", amount=amount)
        return Answer(Charged.YES, title, back, ())
    title = _("Yes, %(amount)s. Your registration is being confirmed.", amount=amount)
    asked = _("The organizer’s system confirms it as soon as it answers.")
    return Answer(Charged.YES, title, joined(asked, _(answer.SAFE), back), ())


def _confirmed_unpaid(row: RemotePurchase, facts: Facts) -> Answer | None:
    """Somebody else completed it over there."""
    under_way = any(one.state is PaymentState.PROCESSING for one in facts.payments)
    if under_way or not row.confirmed:
        return None
    text: Words = (_("The organizer has confirmed your order."),)
    return Answer(Charged.NO, _("No. Nothing was charged."), text, ())


# What happened


def _changed(tone: Tone, icon: str, title: str, text: str, facts: Facts, entry: Entry) -> Moment:
    return Moment(entry.at, entry.kind, tone, icon, _(title), (_(text),) if text else ())


_IN_TIME = later("The payment did not arrive in time.")
_LATE = later("Your money is safe.")
_OF_ORDER: Mapping[str, Teller] = MappingProxyType(
    {
        "purchase.created": partial(_changed, Tone.DONE, "people", later("You registered with the organizer"), ""),
        "purchase.completed": partial(_changed, Tone.DONE, "check", later("Paid in full"), ""),
        "purchase.expired": partial(_changed, Tone.PLAIN, "clock", later("The hold ended"), _IN_TIME),
        "purchase.cancelled": partial(_changed, Tone.PLAIN, "x", later("The order was cancelled"), ""),
        "purchase.paid_late": partial(
            _changed, Tone.ENDING, "alert", later("The money came after the hold had ended"), _LATE
        ),
        "dataverse.completed": partial(
            _changed, Tone.DONE, "ticket", later("The organizer’s system confirmed the registration"), ""
        ),
        "dataverse.cancelled": partial(
            _changed, Tone.PLAIN, "x", later("The organizer’s system gave the seats back"), ""
        ),
        "dataverse.too_late": partial(
            _changed, Tone.ATTENTION, "alert", later("The seats had been released before the money came"), ""
        ),
    }
)


def _telling(row: Row) -> Moment:
    """The work that tells Dataverse: the next time, or that it was given up."""
    detail = {"job": str(row["id"]), "tries": str(row["attempt"]), "last error": row["last_error"] or ""}
    known = {name: value for name, value in detail.items() if value}
    if row["state"] == PARKED:
        title = _("The organizer’s system refused to confirm")
        text: Words = (_("The organizer was asked to put it right."),)
        return Moment(row["due"], "retry.finalize", Tone.ATTENTION, "alert", title, text, known, ahead=True)
    again = said(_("Nothing is lost. It is asked again by %(when)s."), when=row["due"])
    title = _("The organizer’s system is being asked")
    return Moment(row["due"], "retry.finalize", Tone.NOW, "clock", title, again, known, ahead=True)
