"""Who waits for an event whose seats are all taken, the longest waiting first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.event import EventStatus
from gatepass.domain.purchase import Status
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, Row, event, event_pass, purchase
from gatepass.store.words import Folded

_item, _contact = DECLARED["waitlist_item"], DECLARED["contact"]
INACTIVE = 1, 2
"""State and reason of a record of Dataverse."""
_waits = (_item.c.state == 0, sa.not_(_item.c.invited), _item.c.session_id.is_(None))


@dataclass(frozen=True, slots=True)
class Waiting:
    """One person who waits. `pass_id`: for which pass; None at an event without passes."""

    id: UUID
    readable_id: str
    pass_id: UUID | None
    first_name: str
    last_name: str
    email: str
    locale: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the list, as its owner sees it."""

    person: Waiting
    event_id: UUID
    purchase_id: UUID | None
    """The order by which a seat was offered."""
    waits: bool


_columns = (
    _item.c.id, event.c.readable_id, _item.c.pass_id, _contact.c.firstname.label("first_name"),
    _contact.c.lastname.label("last_name"), _contact.c.emailaddress1.label("email"), _item.c.locale,
    _item.c.created.label("since"),
)  # fmt: skip
_joined = (
    _item.join(event, event.c.id == _item.c.event_id)
    .join(_contact, _contact.c.id == _item.c.contact_id)
    .outerjoin(event_pass, event_pass.c.id == _item.c.pass_id)
)


def kept(tx: ReadTx, event_ids: Collection[UUID]) -> dict[UUID, dict[UUID | None, int]]:
    """Free seats that are kept for those who wait: event -> pass (None: without one) -> seats."""
    if not event_ids:
        return {}
    left = event_pass.c.allocation - event_pass.c.held - event_pass.c.sold
    counted = sa.select(
        _item.c.event_id, _item.c.pass_id, sa.func.count().label("people"), sa.func.max(left).label("left")
    )
    found = counted.select_from(_joined).where(_item.c.event_id.in_(event_ids), *_waits)
    seats: dict[UUID, dict[UUID | None, int]] = {at: {} for at in event_ids}
    for row in tx.rows(found.group_by(_item.c.event_id, _item.c.pass_id)):
        most = row["people"] if row["left"] is None else max(0, row["left"])
        seats[row["event_id"]][row["pass_id"]] = min(row["people"], most)
    return seats


def is_waiting(tx: ReadTx, event_id: UUID, pass_id: UUID | None, email: str) -> bool:
    """True when this address waits for the pass already, or has been offered one that it can still take."""
    own = (_item.c.event_id == event_id, _item.c.pass_id == pass_id, Folded(_contact.c.emailaddress1) == Folded(email))
    offer = purchase.c.status == Status.AWAITING_PAYMENT.value
    joined = _joined.outerjoin(purchase, purchase.c.id == _item.c.purchase_id)
    found = sa.select(_item.c.id).select_from(joined).where(*own, sa.or_(sa.and_(*_waits), offer))
    return tx.execute(found.limit(1)).scalar_one_or_none() is not None


def get(tx: ReadTx, item_id: UUID) -> Place | None:
    """One entry of the list, whatever has become of it."""
    more = (_item.c.event_id, _item.c.purchase_id, sa.and_(*_waits).label("waits"))
    row = tx.row(sa.select(*_columns, *more).select_from(_joined).where(_item.c.id == item_id))
    if row is None:
        return None
    own = {name: row[name] for name in Waiting.__slots__}
    return Place(_waiting(own), row["event_id"], row["purchase_id"], waits=row["waits"])


def still_waits(tx: WriteTx, item_id: UUID) -> bool:
    """The same of one entry that is locked from now on: whoever leaves meanwhile waits for this transaction."""
    found = sa.select(_item.c.id).where(_item.c.id == item_id, *_waits).with_for_update()
    return tx.execute(found).scalar_one_or_none() is not None


def of_event(tx: ReadTx, event_id: UUID, limit: int) -> Sequence[Row]:
    """Everybody who waits or was offered a seat, the longest waiting first, with `invited` and `purchase_id`."""
    found = sa.select(*_columns, _item.c.invited, _item.c.purchase_id, event_pass.c.name.label("pass_name"))
    own = (_item.c.event_id == event_id, _item.c.session_id.is_(None), _item.c.state == 0)
    return tx.rows(found.select_from(_joined).where(*own).order_by(_item.c.created, _item.c.id).limit(limit))


def to_be_seated(tx: ReadTx, now: datetime, limit: int) -> Sequence[Waiting]:
    """The next ones of events where there is room now."""
    room = sa.or_(event.c.capacity.is_(None), event.c.held + event.c.sold < event.c.capacity)
    pass_room = sa.or_(event_pass.c.id.is_(None), event_pass.c.held + event_pass.c.sold < event_pass.c.allocation)
    closes = sa.or_(event.c.registration_closes.is_(None), event.c.registration_closes > now)
    live = event.c.status == EventStatus.LIVE.value
    found = sa.select(*_columns).select_from(_joined).where(*_waits, live, room, pass_room, closes)
    ordered = found.order_by(_item.c.created, _item.c.id).limit(limit)
    return [_waiting(row) for row in tx.rows(ordered)]


def _waiting(row: Row) -> Waiting:
    values: dict[str, Any] = {**row, "locale": row["locale"] or "en"}
    return Waiting(**values)


def offered(tx: WriteTx, item_id: UUID, purchase_id: UUID) -> bool:
    """A seat is held by this purchase; True the first time."""
    first = sa.update(_item).where(_item.c.id == item_id, sa.not_(_item.c.invited))
    return tx.execute(first.values(invited=True, purchase_id=purchase_id, changed=tx.now)).rowcount == 1


def leave(tx: WriteTx, item_id: UUID) -> None:
    """Nobody waits here any more: what was waited for cannot be had, or is not wanted. What was offered stays."""
    state, reason = INACTIVE
    own = sa.update(_item).where(_item.c.id == item_id, *_waits)
    tx.execute(own.values(state=state, reason=reason, changed=tx.now))
