"""The checklist of an event: what stands between it and its first paid registration, and what would only be better.

`check` reads; `publish` and `take_back` move the publish status, under the rules of the records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from gatepass import model
from gatepass.domain.errors import Conflict, NotFound
from gatepass.domain.event import Event, EventStatus, Pass
from gatepass.model.query import Value
from gatepass.providers.base import PaymentProvider
from gatepass.services import pictures, records, switches
from gatepass.services.access import Caller
from gatepass.services.texts import money
from gatepass.store import ReadTx, WriteTx, events, inbox, people

_EVENT = model.BY_NAME["event"]


class Standing(StrEnum):
    """How one line of the checklist stands."""

    DONE = "done"
    ADVICE = "advice"
    """It works without; somebody should look."""
    MISSING = "missing"
    """Nobody could register, or pay."""


class Remedy(StrEnum):
    """Where it is put right."""

    EVENT = "event"
    PASSES = "passes"
    TICKET = "ticket"
    PROVIDERS = "providers"
    PROVIDER = "provider"
    SITES = "sites"
    SWITCHES = "switches"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what is asked, how it stands, and where to go. `about`: of the remedy's record; `field`: on its page."""

    standing: Standing
    says: str
    remedy: Remedy
    about: UUID | None = None
    field: str = ""


def check(tx: ReadTx, event: Event, connected: Mapping[str, PaymentProvider]) -> Sequence[Line]:
    """Every line, what is missing first. `connected`: the payment providers of this installation by kind."""
    paid = any(one.price.minor for one in event.passes)
    lines = [
        *_times(event),
        *_passes(event),
        *_texts(event),
        _image(tx, event),
        *(_payment(tx, event, connected) if paid else ()),
        _sites(tx),
    ]
    return sorted(lines, key=lambda line: list(Standing)[::-1].index(line.standing))


def publish(tx: WriteTx, caller: Caller, event_id: UUID, connected: Mapping[str, PaymentProvider]) -> None:
    """Go live. Raises Conflict while something is missing, NotFound."""
    event = _found(tx, event_id)
    missing = [line.says for line in check(tx, event, connected) if line.standing is Standing.MISSING]
    if missing:
        raise Conflict("EventNotReady", f"{event.name} cannot go live yet. {' '.join(missing)}")
    _set(tx, caller, event_id, EventStatus.LIVE)


def take_back(tx: WriteTx, caller: Caller, event_id: UUID) -> None:
    """Nobody registers any more; who has a place keeps it. Raises NotFound, Refused (called off)."""
    _found(tx, event_id)
    _set(tx, caller, event_id, EventStatus.DRAFT)


def _found(tx: ReadTx, event_id: UUID) -> Event:
    found = events.get(tx, event_id)
    if found is None:
        raise NotFound("EventNotFound", f"There is no event {event_id}.")
    return found


def _set(tx: WriteTx, caller: Caller, event_id: UUID, status: EventStatus) -> None:
    column = _EVENT.by_name["status"]
    number: Value = next(one.value for one in column.choice if one.stored == status.value)
    records.update(tx, caller, _EVENT, event_id, {column.logical or "": number})


def _line(
    good: bool,
    done: str,
    otherwise: str,
    remedy: Remedy,
    *,
    about: UUID | None = None,
    field: str = "",
    must: bool = True,
) -> Line:
    standing = Standing.DONE if good else Standing.MISSING if must else Standing.ADVICE
    return Line(standing, done if good else otherwise, remedy, about, field)


def _times(event: Event) -> Sequence[Line]:
    now = datetime.now(UTC)
    closes = event.registration_closes
    ends = event.ends.replace(tzinfo=ZoneInfo(event.time_zone))
    return [
        _line(
            ends > now, "The event is still to come.", "The event is over: set new dates.", Remedy.EVENT, field="starts"
        ),
        _line(
            closes is None or closes > now,
            "Registration is open until the end, or a time that is still to come.",
            "Registration has closed: set a later time, or none.",
            Remedy.EVENT,
            field="registration_closes",
        ),
    ]


def _passes(event: Event) -> Sequence[Line]:
    if not event.passes:
        has_none = "The event has no pass: everybody registers for nothing. Add one, with its price, to sell places."
        return [
            _line(
                event.capacity is not None,
                "Places are limited by the capacity; there is no pass, so they are free.",
                has_none,
                Remedy.PASSES,
                must=False,
            )
        ]
    sold_out = all(one.left <= 0 for one in event.passes)
    return [
        *(_price(event, one) for one in event.passes),
        _line(not sold_out, "There are places to sell.", "No pass has a place left: allocate some.", Remedy.PASSES),
    ]


def _price(event: Event, one: Pass) -> Line:
    """Free passes are fine; where money is taken, somebody may have forgotten one."""
    free = f"The pass “{one.name}” has no price: it is free of charge."
    priced = f"The pass “{one.name}” costs {money(one.price)}."
    return _line(
        bool(one.price.minor) or not event.payment_enabled,
        priced if one.price.minor else free,
        free,
        Remedy.TICKET,
        about=one.id,
        field="price_minor",
        must=False,
    )


def _texts(event: Event) -> Sequence[Line]:
    return [
        _line(
            bool(event.description),
            "The event is described.",
            "The event has no description.",
            Remedy.EVENT,
            field="description",
            must=False,
        ),
        _line(
            bool(event.place), "The place is named.", "The event has no place.", Remedy.EVENT, field="place", must=False
        ),
    ]


def _image(tx: ReadTx, event: Event) -> Line:
    """Fetched by us; until it is here, and where it cannot be had, the page shows a standard one."""
    problem = pictures.problem_of(tx, event.image_url)
    missing = f"The image could not be fetched. {problem}" if problem else "The event has no image."
    return _line(
        bool(event.image_url) and problem is None,
        "The event has an image.",
        f"{missing} The page shows a standard one.",
        Remedy.EVENT,
        field="image_url",
        must=False,
    )


def _payment(tx: ReadTx, event: Event, connected: Mapping[str, PaymentProvider]) -> Sequence[Line]:
    on = _line(
        switches.on(tx, switches.PAYMENTS),
        "Payments are switched on.",
        "Payments are switched off for the whole installation.",
        Remedy.SWITCHES,
    )
    chosen = _line(
        event.payment_enabled and event.provider is not None,
        "The event has a payment provider.",
        "No payment provider is chosen, or the payment gateway of the event is off.",
        Remedy.EVENT,
        field="payment_provider_id",
    )
    if event.provider is None:
        return [on, chosen]
    at, adapter = event.provider, connected.get(event.provider.kind)
    same_mode = adapter is not None and adapter.live is at.live
    mode = "test" if adapter is None or not adapter.live else "live"
    return [
        on,
        chosen,
        _line(
            adapter is not None,
            f"{at.name} is connected.",
            f"{at.name} is not connected: give its key.",
            Remedy.PROVIDER,
            about=at.id,
            field="secret_key",
        ),
        _line(
            adapter is None or same_mode,
            f"{at.name} takes {mode} money, as its key does.",
            f"{at.name} is set up for {'live' if at.live else 'test'} money, but its key is a {mode} key.",
            Remedy.PROVIDER,
            about=at.id,
        ),
        _line(
            inbox.any_of(tx, at.kind),
            f"Notifications of {at.name} arrive.",
            f"No notification of {at.name} was seen yet: make a test payment.",
            Remedy.PROVIDER,
            about=at.id,
            must=False,
        ),
    ]


def _sites(tx: ReadTx) -> Line:
    return _line(
        bool(people.web_applications(tx)),
        "A web application may register attendees.",
        "No web application is set up: attendees can register on the hosted page only.",
        Remedy.SITES,
        must=False,
    )
