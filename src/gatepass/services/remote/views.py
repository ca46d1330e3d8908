"""Purchases of a remote Dataverse as staff see them: what we know of each, whether or not Dataverse answers."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from gatepass.dataverse import purchases
from gatepass.domain.errors import NotFound
from gatepass.domain.purchase import Status
from gatepass.domain.remote import BEING_CONFIRMED, RemotePurchase
from gatepass.domain.timeline import Story
from gatepass.services.remote import story
from gatepass.services.views import MARKS, Line
from gatepass.store import ReadTx, remote_search
from gatepass.store.search import Wanted


class RemoteViews:
    """Of our rows beside theirs."""

    def __init__(self, url: str, *, live: bool) -> None:
        """`url` of the Dataverse; `live`: money moves."""
        self._url, self._live = url, live
        here = (status.value for status in Status if status is not Status.WAITLISTED)
        self.states: Sequence[str] = (*here, BEING_CONFIRMED, *MARKS)

    def found(self, tx: ReadTx, wanted: Wanted) -> tuple[list[Line], UUID | None]:
        rows, more = remote_search.found(tx, wanted)
        return [_line(row) for row in rows], more

    def one(self, tx: ReadTx, text: str) -> UUID:
        ids = remote_search.named(tx, text)
        if len(ids) != 1:
            how = "More than one purchase has" if ids else "No purchase whose payment link was opened has"
            raise NotFound("PurchaseUnknown", f"{how} the id, name or provider reference {text}.")
        return ids[0]

    def story(self, tx: ReadTx, purchase_id: UUID) -> Story:
        found = story.tell_now(tx, purchase_id, live=self._live)
        if found is None:
            raise NotFound("PurchaseUnknown", "Nobody has opened the payment link of this purchase yet.")
        return found

    def line(self, tx: ReadTx, purchase_id: UUID) -> Line | None:
        return next(map(_line, remote_search.lines(tx, [purchase_id])), None)

    def references(self, tx: ReadTx, ids: Collection[UUID]) -> Mapping[UUID, str]:
        return {row.id: row.reference for row in remote_search.lines(tx, list(ids))}

    def record_url(self, purchase_id: UUID) -> str | None:
        return purchases.record_url(self._url, purchase_id)


def _line(row: RemotePurchase) -> Line:
    return Line(row.id, row.reference, "", "", row.standing, row.total, row.created, "UTC")
