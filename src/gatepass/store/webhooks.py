"""Integrators' addresses, and the messages for them. A message is its own job: claimed, fenced and given back here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.webhook import EndpointState, Kind, MessageState
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.jobs import readers_now
from gatepass.store.tables import (
    Row,
    attendee,
    event,
    event_pass,
    purchase,
    registration,
    webhook_endpoint,
    webhook_message,
)

_endpoint, _message = webhook_endpoint.c, webhook_message.c
_enabled = sa.select(_endpoint.id, _endpoint.kinds).where(_endpoint.state == EndpointState.ENABLED.value)
_seen = (_endpoint.state != EndpointState.REMOVED.value,)
_pending = _message.state == MessageState.PENDING.value


@dataclass(frozen=True, slots=True)
class Message:
    """A claimed message with what its delivery needs of the endpoint. `tries` counts from 1 and is this claim's fence."""

    id: UUID
    endpoint_id: UUID
    purchase_id: UUID | None
    kind: str
    about: Sequence[str]
    """Ids of what it tells of, such as a refund."""
    body: str | None
    """None until it was written for the first try."""
    tries: int
    created: datetime
    """When it happened."""
    url: str
    personal: bool
    secret: bytes
    old_secret: bytes | None
    old_secret_ends: datetime | None


# Endpoints


def enabled(tx: ReadTx) -> Sequence[tuple[UUID, Sequence[str]]]:
    """Each endpoint that wants to be told, with its kinds; no kinds: all of them."""
    return [(row.id, row.kinds) for row in tx.execute(_enabled)]


def add_endpoint(tx: WriteTx, row: Row) -> None:
    """A new address; a row of `tables.webhook_endpoint`."""
    tx.execute(sa.insert(webhook_endpoint), [row])


def endpoints(tx: ReadTx) -> list[Row]:
    """All but the removed ones, with `waiting`: how many of its messages are not delivered yet."""
    waiting = sa.select(sa.func.count()).where(_pending, _message.webhook_endpoint_id == _endpoint.id)
    statement = sa.select(webhook_endpoint, waiting.scalar_subquery().label("waiting")).where(*_seen)
    return tx.rows(statement.order_by(_endpoint.id))


def endpoint(tx: ReadTx, endpoint_id: UUID) -> Row | None:
    """One that is not removed."""
    return tx.row(sa.select(webhook_endpoint).where(_endpoint.id == endpoint_id, *_seen))


def lock_endpoint(tx: WriteTx, endpoint_id: UUID) -> Row | None:
    """The same, locked; not against whoever announces something to it meanwhile."""
    one = sa.select(webhook_endpoint).where(_endpoint.id == endpoint_id, *_seen)
    return tx.row(one.with_for_update(key_share=True))


def change_endpoint(tx: WriteTx, endpoint_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of an endpoint that is locked."""
    tx.execute(sa.update(webhook_endpoint).where(_endpoint.id == endpoint_id).values(**values))


def works(tx: WriteTx, endpoint_id: UUID) -> None:
    """It has taken a message. Nothing is written, and nothing locked, while it has not failed before."""
    failing = sa.update(webhook_endpoint).where(_endpoint.id == endpoint_id, _endpoint.failing_since.is_not(None))
    tx.execute(failing.values(failing_since=None))


def fails(tx: WriteTx, endpoint_id: UUID) -> datetime:
    """It has not taken a message; since when this is so."""
    first = sa.update(webhook_endpoint).where(_endpoint.id == endpoint_id, _endpoint.failing_since.is_(None))
    tx.execute(first.values(failing_since=tx.now))
    since = sa.select(_endpoint.failing_since).where(_endpoint.id == endpoint_id)
    return tx.execute(since).scalar_one() or tx.now


def disable(tx: WriteTx, endpoint_id: UUID, reason: str) -> bool:
    """True when it was enabled until now."""
    was = sa.update(webhook_endpoint).where(_endpoint.id == endpoint_id, _endpoint.state == EndpointState.ENABLED.value)
    return tx.execute(was.values(state=EndpointState.DISABLED.value, reason=reason[:500])).rowcount > 0


# Messages


def add_messages(tx: WriteTx, rows: Sequence[Row]) -> None:
    """New messages; a fact that an endpoint has been told of, or will be, is not told again."""
    if rows:
        new = tx.insert(webhook_message).on_conflict_do_nothing(index_elements=["webhook_endpoint_id", "fact"])
        tx.execute(new, rows)


def waiting(tx: ReadTx) -> Sequence[tuple[UUID, bool]]:
    """Each enabled endpoint that a message is due for, and whether it failed the last time."""
    due = sa.exists().where(_message.webhook_endpoint_id == _endpoint.id, _pending, _message.due <= readers_now(tx))
    statement = sa.select(_endpoint.id, _endpoint.failing_since.is_not(None).label("failing"))
    found = tx.execute(statement.where(_endpoint.state == EndpointState.ENABLED.value, due))
    return [(row.id, bool(row.failing)) for row in found]


def claim(tx: WriteTx, rooms: Mapping[UUID, int], lease: timedelta) -> list[Message]:
    """Take due messages, for each endpoint as many as it has room; no other node gets them until `lease` from now."""
    ids = [at for endpoint_id, room in rooms.items() for at in _due(tx, endpoint_id, room)]
    return take(tx, ids, lease) if ids else []


def _due(tx: WriteTx, endpoint_id: UUID, room: int) -> list[UUID]:
    statement = (
        sa.select(_message.id)
        .where(_message.webhook_endpoint_id == endpoint_id, _pending, _message.due <= tx.now)
        .order_by(_message.due)
        .limit(room)
        .with_for_update(skip_locked=True)
    )
    return list(tx.execute(statement).scalars())


def take(tx: WriteTx, ids: Sequence[UUID], lease: timedelta) -> list[Message]:
    """Claim these messages, whether due or not."""
    taken = sa.update(webhook_message).where(_message.id.in_(ids), _pending)
    tx.execute(taken.values(due=tx.now + lease, tries=_message.tries + 1))
    statement = (
        sa.select(
            _message.id, _message.webhook_endpoint_id.label("endpoint_id"), _message.purchase_id, _message.kind,
            _message.about, _message.body, _message.tries, _message.created, _endpoint.url, _endpoint.personal,
            _endpoint.secret, _endpoint.old_secret, _endpoint.old_secret_ends,
        )
        .join(webhook_endpoint, _endpoint.id == _message.webhook_endpoint_id)
        .where(_message.id.in_(ids), _pending)
        .order_by(_message.id)
    )  # fmt: skip
    return [Message(**found) for found in tx.rows(statement)]


def change_claimed(tx: WriteTx, message: Message, values: Mapping[str, Any]) -> bool:
    """Write columns of a claimed message; False when another node has it by now, or a person has ended it."""
    mine = sa.update(webhook_message).where(_message.id == message.id, _pending, _message.tries == message.tries)
    return tx.execute(mine.values(**values)).rowcount > 0


def give_up_waiting(tx: WriteTx, endpoint_id: UUID, reason: str) -> None:
    """Nothing more is sent to this endpoint."""
    statement = sa.update(webhook_message).where(_message.webhook_endpoint_id == endpoint_id, _pending)
    tx.execute(statement.values(state=MessageState.FAILED.value, last_error=reason, ended=tx.now))


def send_again(
    tx: WriteTx, *, message_id: UUID | None = None, endpoint_id: UUID | None = None, since: datetime | None = None
) -> int:
    """One message, whatever became of it; or all failed ones, of one endpoint or from a time on. How many.

    Each keeps its id and body, and begins its tries anew.
    """
    ours = _message.webhook_endpoint_id.in_(sa.select(_endpoint.id).where(*_seen))
    failed = sa.and_(_message.state == MessageState.FAILED.value, _message.kind != Kind.PING.value)
    chosen = [ours, _message.id == message_id if message_id else failed]
    chosen += [_message.webhook_endpoint_id == endpoint_id] if endpoint_id else []
    chosen += [_message.created >= since] if since else []
    again = {"state": MessageState.PENDING.value, "due": tx.now, "tries": 0, "ended": None}
    return int(tx.execute(sa.update(webhook_message).where(*chosen).values(**again)).rowcount)


def messages(tx: ReadTx, endpoint_id: UUID | None, *, failed: bool, limit: int) -> list[Row]:
    """The newest first; of one endpoint, or of all."""
    statement = sa.select(webhook_message).order_by(_message.id.desc()).limit(limit)
    if endpoint_id:
        statement = statement.where(_message.webhook_endpoint_id == endpoint_id)
    if failed:
        statement = statement.where(_message.state == MessageState.FAILED.value)
    return tx.rows(statement)


def forget_ended(tx: WriteTx, before: datetime, limit: int) -> int:
    """Delete messages that ended long ago; how many. An id begins with its time, so only old rows are looked at."""
    first_kept = UUID(int=int(before.timestamp() * 1000) << 80)
    old = sa.select(_message.id).where(_message.id < first_kept, _message.ended < before)
    return int(tx.execute(sa.delete(webhook_message).where(_message.id.in_(old.limit(limit)))).rowcount)


# What messages tell


def order(tx: ReadTx, purchase_id: UUID) -> Row | None:
    """The purchase with `event_name`, `readable_id` and `seats`, or None when it does not live here."""
    seats = sa.select(sa.func.count()).where(attendee.c.purchase_id == purchase.c.id).scalar_subquery()
    named = (event.c.name.label("event_name"), event.c.readable_id, seats.label("seats"))
    joined = sa.select(purchase, *named).join(event, event.c.id == purchase.c.event_id)
    return tx.row(joined.where(purchase.c.id == purchase_id))


def registrations(tx: ReadTx, purchase_id: UUID) -> list[Row]:
    """Each registration of an order: `id`, `status`, its person, and the pass as `pass_id` and `pass_name`."""
    person = (attendee.c.first_name, attendee.c.last_name, attendee.c.email, attendee.c.price_minor)
    joined = (
        sa.select(
            registration.c.id, registration.c.status, attendee.c.pass_id, event_pass.c.name.label("pass_name"), *person
        )
        .join(attendee, attendee.c.id == registration.c.attendee_id)
        .outerjoin(event_pass, event_pass.c.id == attendee.c.pass_id)
        .where(registration.c.purchase_id == purchase_id)
        .order_by(attendee.c.position)
    )
    return tx.rows(joined)
