"""Purchases as staff see them, wherever they live: found, told as a story, and what they cost."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gatepass.domain.money import Money
from gatepass.domain.purchase import Status, order_reference
from gatepass.domain.timeline import Story
from gatepass.services import timeline
from gatepass.store import ReadTx, search
from gatepass.store.search import Wanted
from gatepass.store.tables import Row


@dataclass(frozen=True, slots=True)
class Line:
    """One purchase in a list. `buyer` and `title` (the event) are empty where they are not known."""

    id: UUID
    reference: str
    buyer: str
    title: str
    status: str
    total: Money
    created: datetime
    time_zone: str


class Views(Protocol):
    """What pages and commands of staff show of purchases. Each runs several statements: call it in a snapshot."""

    @property
    def states(self) -> Sequence[str]:
        """What a list can be narrowed to: statuses, and what else may be true of a purchase."""
        ...

    def found(self, tx: ReadTx, wanted: Wanted) -> tuple[list[Line], UUID | None]:
        """One page of a search, the newest first; and where the next begins."""
        ...

    def one(self, tx: ReadTx, text: str) -> UUID:
        """The one purchase of an id or a reference; raises NotFound for none, or for several."""
        ...

    def story(self, tx: ReadTx, purchase_id: UUID) -> Story:
        """Everything that happened to it; raises NotFound."""
        ...

    def line(self, tx: ReadTx, purchase_id: UUID) -> Line | None:
        """One purchase as in a list; None when there is none."""
        ...

    def references(self, tx: ReadTx, ids: Collection[UUID]) -> Mapping[UUID, str]:
        """Names for people; one that is left out has no page."""
        ...

    def record_url(self, purchase_id: UUID) -> str | None:
        """Where its record stands in another system; None: it stands here."""
        ...


MARKS = ("refunded", "disputed", "attention")


class OwnViews:
    """Of our own tables."""

    def __init__(self) -> None:
        self.states: Sequence[str] = (*(status.value for status in Status), *MARKS)

    def found(self, tx: ReadTx, wanted: Wanted) -> tuple[list[Line], UUID | None]:
        rows, more = search.found(tx, wanted)
        return [_line(row) for row in rows], more

    def one(self, tx: ReadTx, text: str) -> UUID:
        return timeline.find(tx, text)

    def story(self, tx: ReadTx, purchase_id: UUID) -> Story:
        return timeline.tell_now(tx, purchase_id)

    def line(self, tx: ReadTx, purchase_id: UUID) -> Line | None:
        return next(map(_line, search.lines(tx, [purchase_id])), None)

    def references(self, tx: ReadTx, ids: Collection[UUID]) -> Mapping[UUID, str]:
        return {at: order_reference(at) for at in ids}

    def record_url(self, purchase_id: UUID) -> str | None:
        return None


def _line(row: Row) -> Line:
    total = Money(row["total_minor"], row["currency"])
    reference = order_reference(row["id"])
    return Line(
        row["id"], reference, row["buyer"], row["title"], row["status"], total, row["created"], row["time_zone"]
    )
