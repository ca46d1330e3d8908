"""Who waits for an event whose seats are all taken, the longest waiting first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.event import EventStatus
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, Row, event, event_pass

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


def is_waiting(tx: ReadTx, event_id: UUID, contact_id: UUID) -> bool:
    """True when this person waits for the event already."""
    own = (_item.c.event_id == event_id, _item.c.contact_id == contact_id, *_waits)
    return tx.execute(sa.select(_item.c.id).where(*own).limit(1)).scalar_one_or_none() is not None


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


def give_up(tx: WriteTx, item_id: UUID) -> None:
    """What was waited for cannot be had any more."""
    state, reason = INACTIVE
    tx.execute(sa.update(_item).where(_item.c.id == item_id).values(state=state, reason=reason, changed=tx.now))
