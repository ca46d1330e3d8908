"""What event staff add to an event: passes and questions, under the rules of the records."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import NotFound
from gatepass.model.query import Value
from gatepass.model.table import Table
from gatepass.services import records
from gatepass.services.access import Caller
from gatepass.store import ReadTx, WriteTx, rows
from gatepass.store.tables import Row

PASS, QUESTION, EVENT_QUESTION = (model.BY_NAME[name] for name in ("pass", "custom_field", "event_field"))
_MAX_NAME_CHARS = EVENT_QUESTION.by_name["name"].length

Values = Mapping[str, Value]
"""By logical name."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of thing that hangs on an event. `tie`: the table whose id names it; `table`: that of its record."""

    table: Table
    tie: Table
    add: Callable[[WriteTx, Caller, UUID, Values], UUID]
    """By event and values; the id that names it. Raises Refused, NotFound."""
    leads: str = "id"
    """The column of `tie` that leads to the record."""

    def record(self, tx: ReadTx, event_id: UUID, part_id: UUID) -> Row:
        """Its record. Raises NotFound, also for a part of another event."""
        tied = rows.find(tx, self.tie, part_id)
        found = rows.find(tx, self.table, tied[self.leads]) if tied and tied["event_id"] == event_id else None
        if found is None:
            raise NotFound("RecordMissing", f"This event has no such {self.table.label.lower()}.")
        return found

    def change(
        self, tx: WriteTx, caller: Caller, event_id: UUID, part_id: UUID, values: Values, expected: int | None
    ) -> None:
        """Change it; with `expected` only when its version is that one. Raises NotFound, Refused, Conflict."""
        record_id = self.record(tx, event_id, part_id)["id"]
        records.update(tx, caller, self.table, record_id, values, expected=expected)

    def remove(self, tx: WriteTx, caller: Caller, event_id: UUID, part_id: UUID) -> None:
        """Take it from the event. Raises NotFound, Conflict (in use)."""
        self.record(tx, event_id, part_id)
        records.delete(tx, caller, self.tie, part_id)


def add_pass(tx: WriteTx, caller: Caller, event_id: UUID, values: Values) -> UUID:
    """A new pass; its id. Raises Refused, NotFound."""
    return records.create(tx, caller, PASS, dict(values) | _named("pass", event_id=event_id))


def add_question(tx: WriteTx, caller: Caller, event_id: UUID, values: Values) -> UUID:
    """A new question, asked last at this event; the id of the tie between both. Raises Refused, NotFound."""
    question = records.create(tx, caller, QUESTION, values)
    position = 1 + max(
        (row["position"] or 0 for row in rows.matching(tx, EVENT_QUESTION, {"event_id": event_id})), default=0
    )
    text = str(values[QUESTION.by_name["text"].logical or ""])[:_MAX_NAME_CHARS]
    tie = _named("event_field", name=text, event_id=event_id, customregistrationfield_id=question, position=position)
    return records.create(tx, caller, EVENT_QUESTION, tie)


def _named(table: str, **values: Value) -> dict[str, Value]:
    return cast("dict[str, Value]", model.BY_NAME[table].named(**values))


PASSES = Part(PASS, PASS, add_pass)
QUESTIONS = Part(QUESTION, EVENT_QUESTION, add_question, "customregistrationfield_id")
