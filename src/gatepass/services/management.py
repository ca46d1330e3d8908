"""The seam between payments and event management: all that checkout and settlement ever ask of a purchase.

Here it is our own tables; in front of Dynamics 365 it is a remote Dataverse, which cannot be locked or changed inside our
transaction: there `lock` does nothing and `settle` leaves a job.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from gatepass.domain.errors import GatepassError
from gatepass.domain.money import Money
from gatepass.domain.payment import Way
from gatepass.domain.purchase import Payable, Status, order_reference
from gatepass.services.links import Links
from gatepass.services.purchases import Settled, Settlement, release, settle
from gatepass.services.standings import OwnStandings, Standings
from gatepass.services.views import OwnViews, Views
from gatepass.store import ReadTx, Store, WriteTx, people, purchases
from gatepass.store.payments import OpenPage
from gatepass.store.tables import Row


class EventManagement(Protocol):
    """Where purchases live."""

    @property
    def served_before(self) -> bool:
        """Another service may have opened payment pages for them, which are still paid."""
        ...

    @property
    def standings(self) -> Standings:
        """Purchases as reconciliation sees them."""
        ...

    @property
    def views(self) -> Views:
        """Purchases as staff see them."""
        ...

    async def find(self, purchase_id: UUID) -> Payable | None:
        """The purchase as a payment needs it, or None."""
        ...

    async def find_with_page(self, purchase_id: UUID) -> tuple[Payable | None, OpenPage | None]:
        """The same with the page of its open payment, if there is one: one read, where both live in one database."""
        ...

    async def origins(self, purchase_id: UUID) -> Sequence[str]:
        """Origins that the buyer may be sent back to."""
        ...

    def lock(self, tx: WriteTx, purchase_ids: Iterable[UUID]) -> None:
        """Keep these purchases still until the end of the transaction, as far as they live here."""
        ...

    def still(self, tx: WriteTx, payable: Payable) -> Payable:
        """The locked purchase as it is now; where it cannot be locked, as it was read."""
        ...

    def settle(self, tx: WriteTx, wanted: Sequence[Settlement]) -> Sequence[Settled | GatepassError]:
        """Make the moves, or see to it that they will be made."""
        ...

    def release(self, tx: WriteTx, wanted: Mapping[UUID, Collection[UUID] | None]) -> None:
        """Give up the registrations of these attendees, or of all: their money goes back."""
        ...


class OwnEventManagement:
    """Events, purchases and registrations in our own database."""

    def __init__(self, store: Store, links: Links) -> None:
        self._store, self._links = store, links
        self.standings: Standings = OwnStandings(store)
        self.views: Views = OwnViews()
        self.served_before = False

    async def find(self, purchase_id: UUID) -> Payable | None:
        return (await self.find_with_page(purchase_id))[0]

    async def find_with_page(self, purchase_id: UUID) -> tuple[Payable | None, OpenPage | None]:
        return await self._store.glance(_with_pages, purchase_id)

    async def origins(self, purchase_id: UUID) -> Sequence[str]:
        return [self._links.base_url, *await self._store.read(lambda tx: _origins(tx, purchase_id))]

    def lock(self, tx: WriteTx, purchase_ids: Iterable[UUID]) -> None:
        purchases.lock(tx, purchase_ids)

    def still(self, tx: WriteTx, payable: Payable) -> Payable:
        self.lock(tx, [payable.id])
        return _with_pages(tx, [payable.id])[0][0] or payable

    def settle(self, tx: WriteTx, wanted: Sequence[Settlement]) -> Sequence[Settled | GatepassError]:
        return settle(tx, wanted)

    def release(self, tx: WriteTx, wanted: Mapping[UUID, Collection[UUID] | None]) -> None:
        release(tx, wanted)


def _with_pages(tx: ReadTx, ids: Sequence[UUID]) -> Sequence[tuple[Payable | None, OpenPage | None]]:
    found = purchases.with_event(tx, ids)
    rows = (found.get(at) for at in ids)
    return [(_payable(row), _page(row)) if row else (None, None) for row in rows]


def _page(row: Row) -> OpenPage | None:
    if row["page_url"] is None:
        return None
    amount = Money(row["page_minor"], row["page_currency"])
    return OpenPage(row["page_url"], row["page_provider"], amount, row["page_ends"], Way(row["page_way"]))


def _payable(row: Row) -> Payable:
    return Payable(
        id=row["id"],
        reference=order_reference(row["id"]),
        status=Status(row["status"]),
        total=Money(row["total_minor"], row["currency"]),
        live=row["live"],
        provider=row["provider"] or "",
        hold_until=row["hold_until"],
        title=row["title"],
        items=row["items"],
        email=row["email"],
        return_url=row["return_url"],
        created=row["created"],
        way=Way(row["way"] or Way.REDIRECT),
    )


def _origins(tx: ReadTx, purchase_id: UUID) -> Sequence[str]:
    purchase = purchases.get(tx, purchase_id)
    application = (
        purchase and purchase.web_application_id and people.web_application_by_id(tx, purchase.web_application_id)
    )
    return application.origins if application else ()
