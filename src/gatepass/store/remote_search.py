"""Where staff finds purchases of a remote Dataverse: by what we know of them, which is a name there and what the provider calls them."""

from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.remote import BEING_CONFIRMED, RemotePurchase
from gatepass.store import remote
from gatepass.store.engine import ReadTx
from gatepass.store.search import Wanted, begins, by_reference, filters, is_reference, page_of
from gatepass.store.tables import remote_purchase

_at = remote_purchase.c


def found(tx: ReadTx, wanted: Wanted) -> tuple[list[RemotePurchase], UUID | None]:
    """One page, the newest first; and where the next page begins. `being_confirmed` is a state to filter by, beside the others."""
    conditions = filters(tx, remote_purchase, wanted, _by_text)
    if wanted.state == BEING_CONFIRMED:
        conditions[-1] = _at.wanted.is_not(None)
    ids, more = page_of(tx, remote_purchase, conditions, wanted)
    return lines(tx, ids), more


def lines(tx: ReadTx, ids: list[UUID]) -> list[RemotePurchase]:
    """These purchases, in this order."""
    known = remote.get_many(tx, ids)
    return [known[one] for one in ids if one in known]


def named(tx: ReadTx, text: str) -> list[UUID]:
    """Purchases that somebody may mean, a few at most."""
    return list(tx.execute(_by_text(tx, text.strip()).limit(2)).scalars())


def _by_text(tx: ReadTx, text: str) -> sa.Select[tuple[UUID]]:
    """A reference of the provider, the id, or the beginning of its name over there."""
    if is_reference(text):
        return by_reference(text)
    try:
        return sa.select(_at.id).where(_at.id == UUID(text))
    except ValueError:
        return sa.select(_at.id).where(begins(tx, sa.func.lower(_at.name), text.lower()))
