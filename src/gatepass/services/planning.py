"""What event staff add to an event: passes and questions, under the rules of the records."""

from collections.abc import Mapping
from typing import cast
from uuid import UUID

from gatepass import model
from gatepass.model.query import Value
from gatepass.services import records
from gatepass.services.access import Caller
from gatepass.store import WriteTx, rows

_PASS, _QUESTION, _EVENT_QUESTION = (model.BY_NAME[name] for name in ("pass", "custom_field", "event_field"))
_MAX_NAME_CHARS = _EVENT_QUESTION.by_name["name"].length


def add_pass(tx: WriteTx, caller: Caller, event_id: UUID, values: Mapping[str, Value]) -> UUID:
    """A new pass; its id. `values`: by logical name. Raises Refused, NotFound."""
    return records.create(tx, caller, _PASS, dict(values) | _named("pass", event_id=event_id))


def add_question(tx: WriteTx, caller: Caller, event_id: UUID, values: Mapping[str, Value]) -> UUID:
    """A new question, asked last at this event; the id of the tie between both. Raises Refused, NotFound."""
    question = records.create(tx, caller, _QUESTION, values)
    position = 1 + max(
        (row["position"] or 0 for row in rows.matching(tx, _EVENT_QUESTION, {"event_id": event_id})), default=0
    )
    text = str(values[_QUESTION.by_name["text"].logical or ""])[:_MAX_NAME_CHARS]
    tie = _named("event_field", name=text, event_id=event_id, customregistrationfield_id=question, position=position)
    return records.create(tx, caller, _EVENT_QUESTION, tie)


def _named(table: str, **values: Value) -> dict[str, Value]:
    return cast("dict[str, Value]", model.BY_NAME[table].named(**values))
