"""One write to one record: the row as it was and as it shall be, in stored values by column name."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import Refused
from gatepass.model.table import Table
from gatepass.services.access import Caller
from gatepass.services.records import refusals
from gatepass.store import WriteTx, rows
from gatepass.store.tables import Row


@dataclass(slots=True)
class Change:
    """What the rules look at, and fill in."""

    tx: WriteTx
    caller: Caller
    table: Table
    id: UUID
    before: Row | None
    """None: the record is new."""
    after: dict[str, Any]
    """The whole row as it shall be."""
    given: frozenset[str]
    """Names of the columns that the caller named."""

    @property
    def new(self) -> bool:
        """True for a record that is being made."""
        return self.before is None

    def changes(self, *names: str) -> bool:
        """True when one of these columns gets another value than it had; always for a new record."""
        before = self.before
        return before is None or any(before[name] != self.after[name] for name in names)

    def was(self, name: str) -> Any:
        """The value before; None for a new record."""
        return self.before[name] if self.before else None

    def broken(self, name: str, message: str) -> Refused:
        """A rule of ours that this column breaks; the message names the way out."""
        return refusals.broken(message, next(one.logical for one in self.table.columns if one.name == name))

    def target(self, name: str, table: str) -> Row | None:
        """The row of `table` (our noun) that a lookup of this record points to, locked. None when it points nowhere."""
        at: UUID | None = self.after[name]
        return held(self.tx, table, at) if at else None


def held(tx: WriteTx, name: str, record_id: UUID) -> Row:
    """A row of a table (our noun), locked. Raises NotFound."""
    table = model.BY_NAME[name]
    found = rows.lock(tx, table, record_id)
    if found is None:
        raise refusals.missing(table, record_id)
    return found
