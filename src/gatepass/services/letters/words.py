"""The words of each mail, as parts that both the HTML and the plain text are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gatepass.domain.event import Event
from gatepass.domain.purchase import Status, order_reference
from gatepass.domain.refund import Cause, Refund
from gatepass.languages import ENGLISH, later, ngettext
from gatepass.languages import gettext as _
from gatepass.services import texts
from gatepass.services.links import Links
from gatepass.store.purchases import AttendeeRow, Purchase


@dataclass(frozen=True, slots=True)
class Order:
    """Who is written to, about what."""

    purchase: Purchase
    event: Event
    people: Sequence[AttendeeRow]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A person with what the door reads."""

    name: str
    pass_name: str
    code: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail before it has a form."""

    kind: str
    """Written once per purchase, kind and recipient."""
    subject: str
    opening: Sequence[str]
    """Paragraphs after the greeting."""
    facts: Sequence[tuple[str, str]]
    link_label: str
    link: str
    closing: Sequence[str] = ()
    tickets: Sequence[Ticket] = field(default_factory=tuple[Ticket, ...])
    with_calendar: bool = False
    dated: datetime | None = None
    """None: when the order was made."""


def confirmation(order: Order, links: Links) -> Letter:
    """The order is complete: tickets, receipt, calendar, and the way to cancel."""
    event, purchase, count = order.event, order.purchase, len(order.people)
    passes = ngettext("Your pass for %(event)s", "Your passes for %(event)s", count, event=event.name)
    show = ngettext("Show the code at the door:", "Show the codes at the door:", count)
    return Letter(
        kind="confirmation",
        subject=passes,
        opening=[_("you are in. See you at %(event)s!", event=event.name), show],
        facts=[*_when_and_where(event), *_order(order), *_paid(purchase)],
        link_label=_("Your order, receipt and tickets"),
        link=_link(order, links),
        closing=[_cancelling(order), _yours()],
        tickets=[_ticket(order, person, links) for person in order.people],
        with_calendar=True,
    )


def returned(order: Order, refund: Refund, links: Links) -> Letter:
    """Money is on its way back."""
    amount = texts.money(refund.amount)
    stands = _("Your registration stands.") if order.purchase.status is Status.COMPLETED else _("The order has ended.")
    return Letter(
        kind=f"refund:{refund.id.hex}",
        subject=_("%(amount)s goes back to you: %(event)s", amount=amount, event=order.event.name),
        opening=[_way(refund, amount)],
        facts=[(_("Why"), _(_WHY[refund.cause])), (_("Event"), order.event.name), *_order(order)],
        link_label=_("How it stands, at any time"),
        link=_link(order, links),
        closing=[stands, _yours()],
        dated=refund.requested,
    )


def cancelled(order: Order, links: Links) -> Letter:
    """A free order is no more."""
    subject = _("Your registration for %(event)s is cancelled", event=order.event.name)
    gone = _("your registration for %(event)s is cancelled. It was free, so nothing is to be paid back.",
             event=order.event.name)  # fmt: skip
    return Letter(
        "cancellation", subject, [gone], _order(order), _("Your order"), _link(order, links), closing=[_yours()]
    )


def way_back(order: Order, kind: str, links: Links) -> Letter:
    """The link of the order, asked for on its page: it works on another device."""
    event = order.event
    return Letter(
        kind=kind,
        subject=_("The link to your order for %(event)s", event=event.name),
        opening=[_("here is the page of your order. It works on any device, and always shows how things stand.")],
        facts=[*_when_and_where(event), *_order(order)],
        link_label=_("Open your order"),
        link=_link(order, links),
        closing=[_yours()],
        dated=datetime.now(order.purchase.created.tzinfo),
    )


def offered(order: Order, kind: str, links: Links) -> Letter:
    """Somebody waited for a sold-out event, and a seat has come free."""
    event, until = order.event, order.purchase.hold_until
    held = [(_("Held until"), texts.moment(until, event.time_zone))] if until else []
    return Letter(
        kind=kind,
        subject=_("A seat is free for you: %(event)s", event=event.name),
        opening=[_("a seat at %(event)s has come free, and it is held for you.", event=event.name)],
        facts=[*_when_and_where(event), *_order(order), *_paid(order.purchase), *held],
        link_label=_("Take the seat"),
        link=_link(order, links),
        closing=[_("If you do nothing, it goes to the next one who waits."), _yours()],
    )


def _when_and_where(event: Event) -> list[tuple[str, str]]:
    when = [(_("When"), texts.when(event.starts, event.ends, event.time_zone))]
    return [*when, (_("Where"), event.place)] if event.place else when


def _order(order: Order) -> list[tuple[str, str]]:
    purchase = order.purchase
    return [(_("Order"), f"{order_reference(purchase.id)}: {purchase.items}")]


def _paid(purchase: Purchase) -> list[tuple[str, str]]:
    return [(_("Total"), texts.money(purchase.total))]


def _ticket(order: Order, person: AttendeeRow, links: Links) -> Ticket:
    name = next((one.name for one in order.event.passes if one.id == person.pass_id), "")
    url = links.ticket(person.id, order.purchase.created)
    return Ticket(f"{person.first_name} {person.last_name}", name, person.code or "", url)


def _link(order: Order, links: Links) -> str:
    url = links.order(order.purchase.id, order.purchase.created)
    # On our own page the order knows its language; a site's order does not.
    picked = order.purchase.web_application_id and order.purchase.locale != ENGLISH
    return f"{url}?lang={order.purchase.locale}" if picked else url


def _cancelling(order: Order) -> str:
    if not order.purchase.total.minor:
        return _("If your plans change, cancel on the page of your order: somebody else gets the seat.")
    contact = order.event.contact_email
    if contact:
        return _("If your plans change, write to %(address)s and name the order.", address=contact)
    return _("If your plans change, tell the organizer and name the order.")


def _yours() -> str:
    return _("The link is yours alone. Please do not pass it on.")


_WHY = {
    Cause.STAFF: later("The organizer gives it back"),
    Cause.EVENT_CANCELLED: later("The event does not take place"),
    Cause.PAID_TWICE: later("The order had been paid already, so this payment was one too many"),
    Cause.PAID_LATE: later("It arrived after the seats had been released"),
    Cause.PROVIDER: later("The organizer gives it back"),
}


def _way(refund: Refund, amount: str) -> str:
    if not refund.money_ref:
        return _("%(amount)s is given back to you by the organizer, the way it was paid.", amount=amount)
    return _(
        "%(amount)s is on its way back to you, to the card or account that it came from. "
        "Banks take up to ten days to show it.",
        amount=amount,
    )
