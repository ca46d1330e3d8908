"""What events ask of attendees (custom registration fields), and what was answered."""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.question import Question, QuestionKind
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, Row, attendee, new_id, registration

_field, _asked, _response = (DECLARED[name] for name in ("custom_field", "event_field", "registration_response"))
_of_event = (
    sa.select(_field)
    .join(_asked, _asked.c.customregistrationfield_id == _field.c.id)
    .where(_asked.c.event_id == sa.bindparam("event_id"), _asked.c.state == 0, _field.c.state == 0)
    .order_by(_asked.c.position, _asked.c.id)
)
_known = sa.select(_field.c.id).where(_field.c.id.in_(sa.bindparam("ids", expanding=True)))


def of_event(tx: ReadTx, event_id: UUID) -> list[Question]:
    """What an event asks, in its order."""
    return [_question(row) for row in tx.rows(_of_event, {"event_id": event_id})]


def known(tx: ReadTx, ids: Collection[UUID]) -> set[UUID]:
    """Those ids that are questions."""
    return set(tx.execute(_known, {"ids": list(ids)}).scalars()) if ids else set()


def add(tx: WriteTx, event_id: UUID, asked: Question, position: int) -> None:
    """A new question of an event."""
    row = {
        "id": asked.id, "text": asked.text, "type": asked.kind.value, "isrequired": asked.required,
        "choices": "\n".join(asked.choices) or None, "created": tx.now,
    }  # fmt: skip
    tx.execute(sa.insert(_field), [row])
    link = {"id": new_id(), "customregistrationfield_id": asked.id, "event_id": event_id, "position": position}
    tx.execute(sa.insert(_asked), [link | {"created": tx.now}])


def add_answers(tx: WriteTx, rows: Sequence[tuple[UUID, UUID, str]], *, from_api: bool) -> None:
    """(attendee, question, answer) as rows of `registration_response`; the attendees must be there."""
    made: list[Row] = [
        {
            "id": new_id(), "attendee_id": attendee, "customregistrationfield_id": question, "response": answer,
            "createdfromapi": from_api, "created": tx.now, "changed": tx.now,
        }
        for attendee, question, answer in rows
    ]  # fmt: skip
    if made:
        tx.insert_many(_response, made)


def answers_of(tx: ReadTx, purchase_id: UUID) -> list[Row]:
    """`attendee_id`, `text` of the question and `response` of each answer, in the order in which they were given."""
    mine = sa.select(attendee.c.id).where(attendee.c.purchase_id == purchase_id)
    wanted = sa.select(_response.c.attendee_id, _field.c.text, _response.c.response)
    joined = wanted.join(_field, _field.c.id == _response.c.customregistrationfield_id)
    return tx.rows(joined.where(_response.c.attendee_id.in_(mine)).order_by(_response.c.id))


def give_to_registrations(tx: WriteTx, attendee_ids: Collection[UUID]) -> None:
    """The answers of these people belong to their registrations too, from now on."""
    if not attendee_ids:
        return
    mine = sa.select(registration.c.id).where(
        registration.c.attendee_id == _response.c.attendee_id, registration.c.status == "registered"
    )
    given = sa.update(_response).where(_response.c.attendee_id.in_(attendee_ids))
    tx.execute(given.values(eventregistration_id=mine.scalar_subquery(), changed=tx.now))


def _question(row: Row) -> Question:
    lines = (row["choices"] or "").splitlines()
    choices = [line.strip() for line in lines if line.strip()]
    kind = QuestionKind(row["type"])
    plain = kind in {QuestionKind.TEXT, QuestionKind.YES_NO}
    return Question(row["id"], row["text"], kind, row["isrequired"], () if plain else choices)
