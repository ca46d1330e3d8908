"""Orders: the purchase with its attendees, and what they hold once it is completed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.event import EventStatus
from gatepass.domain.money import Money
from gatepass.domain.payment import PaymentState
from gatepass.domain.purchase import Status
from gatepass.domain.refund import COUNTS
from gatepass.store import disputes, figures
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import (
    Row,
    attendee,
    attendee_pass,
    dispute,
    event,
    payment,
    payment_provider,
    purchase,
    refund,
    registration,
)

_by_id = sa.select(purchase).where(purchase.c.id.in_(sa.bindparam("ids", expanding=True))).order_by(purchase.c.id)
_lock_by_id = _by_id.with_for_update()
_by_key = sa.select(purchase).where(purchase.c.idempotency_key.in_(sa.bindparam("keys", expanding=True)))
_attendees = (
    sa.select(attendee)
    .where(attendee.c.purchase_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(attendee.c.purchase_id, attendee.c.position)
)
_with_event = (
    sa.select(
        purchase,
        event.c.name.label("title"),
        payment_provider.c.kind.label("provider"),
        payment_provider.c.way,
        sa.select(attendee.c.email)
        .where(attendee.c.purchase_id == purchase.c.id)
        .order_by(attendee.c.position)
        .limit(1)
        .scalar_subquery()
        .label("email"),
        payment.c.page_url,
        payment.c.provider.label("page_provider"),
        payment.c.amount_minor.label("page_minor"),
        payment.c.currency.label("page_currency"),
        payment.c.expires_at.label("page_ends"),
        payment.c.way.label("page_way"),
    )
    .join(event, event.c.id == purchase.c.event_id)
    .outerjoin(payment_provider, payment_provider.c.id == purchase.c.payment_provider_id)
    .outerjoin(payment, sa.and_(payment.c.purchase_id == purchase.c.id, payment.c.state == PaymentState.CREATED.value))
    .where(purchase.c.id.in_(sa.bindparam("ids", expanding=True)))
)
_registered = _attendees.join(registration, registration.c.attendee_id == attendee.c.id).where(
    registration.c.status == "registered"
)
_cancel_registrations = (
    sa.update(registration)
    .where(registration.c.attendee_id.in_(sa.bindparam("ids", expanding=True)), registration.c.status == "registered")
    .values(status="cancelled", cancelled=sa.bindparam("now"))
    .returning(registration.c.id, registration.c.purchase_id)
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One row of the order book."""

    id: UUID
    event_id: UUID
    status: Status
    total: Money
    live: bool
    provider_id: UUID | None
    web_application_id: UUID | None
    return_url: str | None
    items: str
    locale: str
    wish: str | None
    hold_until: datetime | None
    created: datetime
    changed: datetime
    contact_id: UUID | None = None
    """Who buys; None until that is known."""


@dataclass(frozen=True, slots=True)
class AttendeeRow:
    """One person of an order, with the ticket code once there is one."""

    id: UUID
    purchase_id: UUID
    pass_id: UUID | None
    price_minor: int
    first_name: str
    last_name: str
    email: str
    code: str | None = None
    answered: bool = False
    """True when this person answered something that the event asks."""


def get(tx: ReadTx, purchase_id: UUID) -> Purchase | None:
    """One purchase, or None."""
    return next(iter(_purchases(tx, _by_id, [purchase_id])), None)


def lock(tx: WriteTx, ids: Iterable[UUID]) -> dict[UUID, Purchase]:
    """Purchases, locked in the order of their ids; unknown ids are left out."""
    return {found.id: found for found in _purchases(tx, _lock_by_id, list(ids))}


def by_idempotency_key(tx: ReadTx, keys: Sequence[str]) -> dict[str, Purchase]:
    """What was made with these keys before."""
    rows = tx.rows(_by_key, {"keys": keys})
    return {row["idempotency_key"]: _purchase(row) for row in rows}


def free_key(tx: WriteTx, purchase_id: UUID) -> None:
    """Another purchase may have the idempotency key of this one."""
    tx.execute(sa.update(purchase).where(purchase.c.id == purchase_id).values(idempotency_key=None))


def attendees(tx: ReadTx, purchase_ids: Sequence[UUID]) -> list[AttendeeRow]:
    """People of these purchases, in the order they were named."""
    return [_attendee(row) for row in tx.rows(_attendees, {"ids": purchase_ids})]


def tickets(tx: ReadTx, purchase_id: UUID) -> list[AttendeeRow]:
    """People of one purchase with their ticket codes; the code is None without a registration that counts."""
    joined = (
        sa.select(attendee, attendee_pass.c.code)
        .outerjoin(
            registration, sa.and_(registration.c.attendee_id == attendee.c.id, registration.c.status == "registered")
        )
        .outerjoin(attendee_pass, attendee_pass.c.registration_id == registration.c.id)
        .where(attendee.c.purchase_id == purchase_id)
        .order_by(attendee.c.position)
    )
    return [_attendee(row) for row in tx.rows(joined)]


def of_attendee(tx: ReadTx, attendee_id: UUID) -> UUID | None:
    """The purchase that names this person."""
    return tx.execute(sa.select(attendee.c.purchase_id).where(attendee.c.id == attendee_id)).scalar()


def form_data(tx: ReadTx, purchase_id: UUID) -> list[dict[str, Any]]:
    """The form as it was filled in, with what became of it: for evidence, never for a log."""
    columns = (
        attendee.c.first_name, attendee.c.last_name, attendee.c.email, attendee.c.price_minor, attendee.c.answers,
        attendee_pass.c.code, registration.c.status, registration.c.created,
    )  # fmt: skip
    joined = (
        sa.select(*columns)
        .outerjoin(registration, registration.c.attendee_id == attendee.c.id)
        .outerjoin(attendee_pass, attendee_pass.c.registration_id == registration.c.id)
        .where(attendee.c.purchase_id == purchase_id)
        .order_by(attendee.c.position)
    )
    return [{**row, "created": row["created"] and row["created"].isoformat()} for row in tx.rows(joined)]


def with_event(tx: ReadTx, ids: Sequence[UUID]) -> dict[UUID, Row]:
    """What a payment asks of purchases, in one statement: the row, `title`, `provider`, the first `email`, and `page_...`.

    The page is that of the open payment, of which there is one at most; its members are None without one.
    """
    return {row["id"]: row for row in tx.rows(_with_event, {"ids": ids})}


def add(tx: WriteTx, rows: Sequence[Row], people: Sequence[Row]) -> None:
    """New purchases (rows of `tables.purchase`) with their attendees (rows of `tables.attendee`)."""
    tx.insert_many(purchase, rows)
    tx.insert_many(attendee, people)
    figures.count_orders(tx, rows)


def set_status(
    tx: WriteTx,
    changes: Sequence[tuple[UUID, Status, datetime | None]],
    buyers: Mapping[UUID, UUID | None],
) -> None:
    """Write (purchase, status, hold until) for purchases that are locked; `buyers`: whose contact is known now."""
    plain: list[Row] = []
    bought: list[Row] = []
    for at, to, until in changes:
        row = {"status": to.value, "hold_until": until, "changed": tx.now, "id": at}
        if buyer := buyers.get(at):
            bought.append({"contact_id": buyer, **row})
        else:
            plain.append(row)
    tx.change_many(purchase, plain)
    tx.change_many(purchase, bought)


def set_attendee_contacts(tx: WriteTx, contacts: Mapping[UUID, UUID]) -> None:
    """Who the attendees are: attendee -> contact."""
    tx.change_many(attendee, [{"contact_id": contacts[at], "id": at} for at in sorted(contacts)])


def rename_attendee(tx: WriteTx, attendee_id: UUID, first_name: str, last_name: str, email: str) -> None:
    """Correct a person of a purchase that is locked."""
    values = {"first_name": first_name, "last_name": last_name, "email": email}
    tx.execute(sa.update(attendee).where(attendee.c.id == attendee_id).values(**values))


def add_registrations(tx: WriteTx, registrations: Sequence[Row], passes: Sequence[Row]) -> None:
    """What the attendees of completed purchases hold."""
    tx.insert_many(registration, registrations)
    tx.insert_many(attendee_pass, passes)


def registered(tx: ReadTx, purchase_ids: Sequence[UUID]) -> list[AttendeeRow]:
    """People of these purchases who hold a registration that counts, in the order they were named."""
    return [_attendee(row) for row in tx.rows(_registered, {"ids": purchase_ids})] if purchase_ids else []


def ever_registered(tx: ReadTx, purchase_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these purchases had registrations at any time."""
    asked = sa.select(registration.c.purchase_id).where(registration.c.purchase_id.in_(purchase_ids)).distinct()
    return set(tx.execute(asked).scalars()) if purchase_ids else set()


def short_of_money(tx: ReadTx, purchase_ids: Sequence[UUID]) -> set[UUID]:
    """Of which of these purchases money is gone, given back or disputed, so that what is left does not pay for them."""
    if not purchase_ids:
        return set()
    paid = _sum_of(payment, payment.c.state == PaymentState.SUCCEEDED.value)
    gone = _sum_of(refund, refund.c.state.in_([state.value for state in COUNTS])) + _sum_of(dispute, disputes.COUNTING)
    short = sa.select(purchase.c.id).where(
        purchase.c.id.in_(purchase_ids), gone > 0, paid - gone < purchase.c.total_minor
    )
    return set(tx.execute(short).scalars())


def _sum_of(table: sa.Table, which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """The money of a purchase in this table, beside its row."""
    total = sa.select(sa.func.sum(table.c.amount_minor)).where(table.c.purchase_id == purchase.c.id, which)
    return sa.func.coalesce(total.scalar_subquery(), 0)


def cancel_registrations(tx: WriteTx, attendee_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The registrations of these people no longer count; the ids of those that did, by purchase."""
    gone: dict[UUID, list[UUID]] = {}
    for row in tx.rows(_cancel_registrations, {"ids": attendee_ids, "now": tx.now}) if attendee_ids else ():
        gone.setdefault(row["purchase_id"], []).append(row["id"])
    return gone


def flag_disputed(tx: WriteTx, purchase_id: UUID, *, disputed: bool) -> None:
    """Say at the door that the money of these registrations is in dispute, or no longer."""
    tx.execute(sa.update(registration).where(registration.c.purchase_id == purchase_id).values(disputed=disputed))


def waitlisted(tx: ReadTx, limit: int) -> list[UUID]:
    """Purchases that wait for a seat, the longest waiting first."""
    statement = sa.select(purchase.c.id).where(purchase.c.status == Status.WAITLISTED.value)
    return list(tx.execute(statement.order_by(purchase.c.changed).limit(limit)).scalars())


def of_called_off(tx: ReadTx, ids: Collection[UUID]) -> set[UUID]:
    """Those of these purchases whose event was called off."""
    if not ids:
        return set()
    off = sa.select(purchase.c.id).join(event, event.c.id == purchase.c.event_id)
    off = off.where(purchase.c.id.in_(ids), event.c.status == EventStatus.CANCELLED.value)
    return set(tx.execute(off).scalars())


def of_event(tx: ReadTx, event_id: UUID, statuses: Sequence[Status], limit: int) -> list[UUID]:
    """Purchases of an event in one of these statuses, the first one first."""
    wanted = (purchase.c.event_id == event_id, purchase.c.status.in_([one.value for one in statuses]))
    return list(tx.execute(sa.select(purchase.c.id).where(*wanted).order_by(purchase.c.id).limit(limit)).scalars())


def count_by_status(tx: ReadTx, event_id: UUID) -> dict[Status, int]:
    """Purchases of an event that hold seats or money."""
    counted = sa.select(purchase.c.status, sa.func.count().label("n")).where(purchase.c.event_id == event_id)
    rows = tx.rows(counted.group_by(purchase.c.status))
    over = {Status.CANCELLED, Status.EXPIRED}
    return {Status(row["status"]): row["n"] for row in rows if Status(row["status"]) not in over}


def ending(tx: ReadTx, now: datetime, limit: int) -> list[UUID]:
    """Purchases whose hold is over, the oldest first."""
    statement = (
        sa.select(purchase.c.id)
        .where(purchase.c.status == Status.AWAITING_PAYMENT.value, purchase.c.hold_until <= now)
        .order_by(purchase.c.hold_until)
        .limit(limit)
    )
    return list(tx.execute(statement).scalars())


def count_registrations(tx: ReadTx, event_id: UUID) -> int:
    """Registrations that count."""
    statement = (
        sa.select(sa.func.count())
        .select_from(registration)
        .where(registration.c.event_id == event_id, registration.c.status == "registered")
    )
    return int(tx.execute(statement).scalar_one())


def _purchases(tx: ReadTx, statement: Any, ids: Sequence[UUID]) -> list[Purchase]:
    return [_purchase(row) for row in tx.rows(statement, {"ids": ids})] if ids else []


def _purchase(row: Row) -> Purchase:
    return Purchase(
        id=row["id"],
        event_id=row["event_id"],
        status=Status(row["status"]),
        total=Money(row["total_minor"], row["currency"]),
        live=row["live"],
        provider_id=row["payment_provider_id"],
        web_application_id=row["web_application_id"],
        return_url=row["return_url"],
        items=row["items"],
        locale=row["locale"],
        wish=row["wish"],
        hold_until=row["hold_until"],
        created=row["created"],
        changed=row["changed"],
        contact_id=row["contact_id"],
    )


def _attendee(row: Row) -> AttendeeRow:
    return AttendeeRow(
        id=row["id"],
        purchase_id=row["purchase_id"],
        pass_id=row["pass_id"],
        price_minor=row["price_minor"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        email=row["email"],
        code=row.get("code"),
        answered=bool(row["answers"]),
    )


def found_by(tx: ReadTx, tail: str | None, email: str | None, limit: int) -> list[Row]:
    """Purchases whose id ends so, or with a person of this address; with neither, the newest. Event's name as `title`.

    No index helps here: it is for a person who looks for one order, not for a page that many open.
    """
    first = sa.select(
        purchase.c.id, purchase.c.status, purchase.c.total_minor, purchase.c.currency, purchase.c.created,
        purchase.c["items"], event.c.name.label("title"), event.c.time_zone,
    ).join(event, event.c.id == purchase.c.event_id)  # fmt: skip
    if tail:
        first = first.where(sa.cast(purchase.c.id, sa.String).like(f"%{tail}"))
    elif email:
        theirs = sa.select(attendee.c.purchase_id).where(sa.func.lower(attendee.c.email) == email.lower())
        first = first.where(purchase.c.id.in_(theirs))
    return tx.rows(first.order_by(purchase.c.id.desc()).limit(limit))
