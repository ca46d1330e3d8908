"""Events with their passes, and the seats that are held and sold.

The event's row is the lock for all its seats: whoever changes a seat locks the event first. Lock order everywhere:
purchase, payment, event.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.event import Event, EventStatus, LatePolicy, Pass, PaymentProviderRecord, not_kept
from gatepass.domain.money import Money
from gatepass.domain.payment import Way
from gatepass.model.choices import YES
from gatepass.store import waitlist
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import Row, event, event_pass, payment_provider

_EVENTS_OF_PAGE = 500
PAGE = 50
"""Events in one page of a list."""
_LISTED = ("id", "readable_id", "name", "status", "starts", "ends", "time_zone", "capacity", "held", "sold", "currency")

_on_sale = (
    sa.select(
        event.c.id,
        event.c.readable_id,
        event.c.name,
        event.c.status,
        event.c.currency,
        event.c.capacity - event.c.held - event.c.sold,
        event.c.registration_opens,
        event.c.registration_closes,
        event.c.payment_enabled,
        event.c.waitlistthisevent,
        payment_provider.c.id,
        payment_provider.c.payment_page_url,
        payment_provider.c.timeout_minutes,
        payment_provider.c.live,
    )
    .outerjoin(payment_provider, payment_provider.c.id == event.c.payment_provider_id)
    .where(event.c.readable_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(event.c.id)
    .with_for_update(of=event)
)
_hold_by_id = (
    sa.select(event.c.id)
    .where(event.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(event.c.id)
    .with_for_update()
)
_seats = sa.select(
    event_pass.c.event_id,
    event_pass.c.id,
    event_pass.c.name,
    event_pass.c.price_minor,
    event_pass.c.allocation - event_pass.c.held - event_pass.c.sold,
).where(event_pass.c.id.in_(sa.bindparam("ids", expanding=True)))
_by_readable_id = (
    sa.select(event).where(event.c.readable_id.in_(sa.bindparam("ids", expanding=True))).order_by(event.c.id)
)
_by_id = sa.select(event).where(event.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(event.c.id)
_lock_by_id = _by_id.with_for_update()
_passes_of = sa.select(event_pass).where(event_pass.c.id.in_(sa.bindparam("ids", expanding=True)))
_all_passes = (
    sa.select(event_pass)
    .where(event_pass.c.event_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(event_pass.c.id)
)
_providers = sa.select(payment_provider).where(payment_provider.c.id.in_(sa.bindparam("ids", expanding=True)))


@dataclass(slots=True)
class PassOnSale:
    """A pass as a registration needs it."""

    id: UUID
    name: str
    price_minor: int
    left: int


@dataclass(slots=True)
class Gateway:
    """A payment provider as a registration needs it."""

    id: UUID
    payment_page_url: str
    timeout_minutes: int
    live: bool


@dataclass(slots=True)
class OnSale:
    """An event as a registration needs it, its row locked, with the passes that were asked for."""

    id: UUID
    readable_id: str
    name: str
    live: bool
    currency: str
    left: int | None
    """Seats of the whole event still free; None without a limit."""
    registration_opens: datetime | None
    registration_closes: datetime | None
    payment_enabled: bool
    waitlist: bool
    provider: Gateway | None
    passes: dict[UUID, PassOnSale]
    kept: Mapping[UUID | None, int]
    """Of the free seats of each pass those that are kept for people who wait."""


def find(tx: ReadTx, readable_id: str) -> Event | None:
    """The event with all its passes; any status."""
    return next(iter(_with_passes(tx, tx.rows(_by_readable_id, {"ids": _askable([readable_id])}))), None)


def get(tx: ReadTx, event_id: UUID) -> Event | None:
    """The same by id."""
    return next(iter(_with_passes(tx, tx.rows(_by_id, {"ids": [event_id]}))), None)


def published(tx: ReadTx, limit: int = _EVENTS_OF_PAGE, provider_id: UUID | None = None) -> list[Event]:
    """Live events, the next one first; all, or those whose money this provider takes."""
    live = sa.select(event).where(event.c.status == EventStatus.LIVE.value).order_by(event.c.starts, event.c.id)
    if provider_id:
        live = live.where(event.c.payment_provider_id == provider_id)
    return _with_passes(tx, tx.rows(live.limit(limit)))


def lock_on_sale(tx: WriteTx, readable_ids: Iterable[str], pass_ids: Collection[UUID]) -> dict[str, OnSale]:
    """Events by their readable ids, locked, each with those of the named passes that belong to it.

    Two statements, and only the columns that a registration reads: this is where registrations wait for each other. A third
    one where people may wait for a seat; it comes after the lock, so that it sees what was given back meanwhile.
    """
    found = [_offer(*row) for row in tx.execute(_on_sale, {"ids": _askable(readable_ids)})]
    by_id = {one.id: one for one in found}
    for event_id, *seats in tx.execute(_seats, {"ids": list(pass_ids)}) if by_id and pass_ids else ():
        if event_id in by_id:
            one = PassOnSale(*seats)
            by_id[event_id].passes[one.id] = one
    for event_id, seats in waitlist.kept(tx, [one.id for one in found if one.waitlist]).items():
        by_id[event_id].kept = seats
    return {one.readable_id: one for one in found}


def _offer(
    id_: UUID, readable_id: str, name: str, status: str, currency: str, left: int | None, opens: datetime | None,
    closes: datetime | None, payment_enabled: bool, waits: int | None, *provider: Any,
) -> OnSale:  # fmt: skip
    gateway = Gateway(*provider) if provider[0] else None
    live = status == EventStatus.LIVE.value
    return OnSale(
        id_, readable_id, name, live, currency, left, opens, closes, payment_enabled, waits == YES, gateway, {}, {}
    )


def _askable(readable_ids: Iterable[str]) -> list[str]:
    """PostgreSQL fails at a NUL instead of finding nothing; no event has one in its id."""
    return [one for one in readable_ids if "\0" not in one]


def lock(tx: WriteTx, event_ids: Iterable[UUID], pass_ids: Iterable[UUID]) -> dict[UUID, Event]:
    """Whole events by their ids, locked, each with those of the named passes that belong to it."""
    rows = tx.rows(_lock_by_id, {"ids": list(event_ids)})
    return {found.id: found for found in _assemble(tx, rows, _passes_of, list(pass_ids))}


def listed(tx: ReadTx, wanted: str, status: str, before: UUID | None) -> tuple[list[Row], UUID | None]:
    """A page of events, the newest first: all, or those whose name holds a text; and where the next page begins."""
    at = event.c
    found = sa.select(*(at[name] for name in _LISTED)).order_by(at.id.desc()).limit(PAGE + 1)
    if wanted:
        found = found.where(sa.func.lower(at.name).contains(wanted.lower(), autoescape=True))
    if status:
        found = found.where(at.status == status)
    if before:
        found = found.where(at.id < before)
    rows = tx.rows(found)
    return rows[:PAGE], (rows[PAGE - 1]["id"] if len(rows) > PAGE else None)


def names(tx: ReadTx, limit: int = 500) -> list[Row]:
    """Id and name of events, the newest first: for a choice."""
    return tx.rows(sa.select(event.c.id, event.c.name).order_by(event.c.id.desc()).limit(limit))


def pass_names(tx: ReadTx, ids: Collection[UUID]) -> dict[UUID, str]:
    """Names of passes by id."""
    wanted = sa.select(event_pass.c.id, event_pass.c.name).where(event_pass.c.id.in_(ids))
    return {row["id"]: row["name"] for row in tx.rows(wanted)} if ids else {}


def hold(tx: WriteTx, event_ids: Iterable[UUID]) -> None:
    """Only lock these events. On SQLite a writer has locked everything."""
    if tx.postgresql:
        tx.execute(_hold_by_id, {"ids": list(event_ids)})


def has_passes(tx: ReadTx, event_id: UUID) -> bool:
    """True when an attendee of this event needs a pass."""
    return tx.execute(sa.select(event_pass.c.id).where(event_pass.c.event_id == event_id).limit(1)).first() is not None


def move_seats(tx: WriteTx, events: Mapping[UUID, tuple[int, int]], passes: Mapping[UUID, tuple[int, int]]) -> None:
    """Add (held, sold) to each event and pass; the events must be locked. CHECK constraints refuse a seat too many."""
    tx.change_many(event, _additions(events), plus=("held", "sold"))
    tx.change_many(event_pass, _additions(passes), plus=("held", "sold"))


def _additions(seats: Mapping[UUID, tuple[int, int]]) -> list[dict[str, Any]]:
    return [{"held": held, "sold": sold, "id": at} for at, (held, sold) in sorted(seats.items())]


def set_status(tx: WriteTx, event_id: UUID, status: EventStatus) -> None:
    """Publish, take back or call off an event that is locked."""
    tx.execute(sa.update(event).where(event.c.id == event_id).values(status=status.value))


def set_late_policy(tx: WriteTx, event_id: UUID, policy: LatePolicy) -> None:
    """What becomes of late money."""
    tx.execute(sa.update(event).where(event.c.id == event_id).values(late_policy=policy.value))


def add(tx: WriteTx, row: Row) -> None:
    """A new event, as a row of `tables.event`."""
    tx.execute(sa.insert(event), [dict(row)])


def add_pass(tx: WriteTx, row: Row) -> None:
    """A new pass, as a row of `tables.event_pass`."""
    tx.execute(sa.insert(event_pass), [dict(row)])


def add_provider(tx: WriteTx, row: Row) -> None:
    """A new payment provider, as a row of `tables.payment_provider`."""
    tx.execute(sa.insert(payment_provider), [dict(row)])


def provider_named(tx: ReadTx, name: str) -> PaymentProviderRecord | None:
    """A payment provider by its name."""
    row = tx.row(sa.select(payment_provider).where(payment_provider.c.name == name))
    return _provider(row) if row else None


def point_providers(tx: WriteTx, name: str, payment_page_url: str) -> None:
    """Change the payment page of a provider."""
    tx.execute(
        sa.update(payment_provider).where(payment_provider.c.name == name).values(payment_page_url=payment_page_url)
    )


def _with_passes(tx: ReadTx, rows: Sequence[Any]) -> list[Event]:
    found = _assemble(tx, rows, _all_passes, [row["id"] for row in rows])
    kept = waitlist.kept(tx, [one.id for one in found if one.waitlist])
    return [_keeping(one, kept[one.id]) if kept.get(one.id) else one for one in found]


def _keeping(one: Event, kept: Mapping[UUID | None, int]) -> Event:
    """The event without the free seats that are not on sale."""
    passes = [replace(each, kept=kept.get(each.id, 0)) for each in one.passes]
    whole = 0 if one.left is None else one.left - not_kept(one.left, sum(kept.values()))
    return replace(one, kept=whole, passes=passes)


def _assemble(tx: ReadTx, rows: Sequence[Any], passes: sa.Select[Any], ids: Sequence[UUID]) -> list[Event]:
    """Three statements for any number of events."""
    if not rows:
        return []
    by_event: dict[UUID, list[Row]] = {row["id"]: [] for row in rows}
    for found in tx.rows(passes, {"ids": ids}) if ids else ():
        if found["event_id"] in by_event:
            by_event[found["event_id"]].append(found)
    wanted = {row["payment_provider_id"] for row in rows if row["payment_provider_id"]}
    providers = {p["id"]: _provider(p) for p in tx.rows(_providers, {"ids": list(wanted)})} if wanted else {}
    return [_event(row, by_event[row["id"]], providers.get(row["payment_provider_id"])) for row in rows]


def _event(row: Row, passes: Sequence[Row], provider: PaymentProviderRecord | None) -> Event:
    return Event(
        id=row["id"],
        readable_id=row["readable_id"],
        name=row["name"],
        description=row["description"],
        place=row["place"],
        image_url=row["image_url"],
        color=row["color"],
        contact_email=row["contact_email"],
        status=EventStatus(row["status"]),
        currency=row["currency"],
        capacity=row["capacity"],
        held=row["held"],
        sold=row["sold"],
        starts=row["starts"],
        ends=row["ends"],
        time_zone=row["time_zone"],
        registration_opens=row["registration_opens"],
        registration_closes=row["registration_closes"],
        payment_enabled=row["payment_enabled"],
        provider=provider,
        late_policy=LatePolicy(row["late_policy"]),
        passes=[_pass(found, row["currency"]) for found in passes],
        waitlist=row["waitlistthisevent"] == YES,
    )


def _pass(row: Row, currency: str) -> Pass:
    return Pass(
        id=row["id"],
        event_id=row["event_id"],
        name=row["name"],
        description=row["description"],
        price=Money(row["price_minor"], currency),
        allocation=row["allocation"],
        held=row["held"],
        sold=row["sold"],
    )


def _provider(row: Row) -> PaymentProviderRecord:
    return PaymentProviderRecord(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        payment_page_url=row["payment_page_url"],
        timeout_minutes=row["timeout_minutes"],
        live=row["live"],
        way=Way(row["way"]),
    )
