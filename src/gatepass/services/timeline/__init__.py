"""Was I charged? Where everything of one purchase becomes an answer and a story, for the buyer and for staff.

tell() reads all rows at one moment. What the rows keep no time of was written to `timeline_entry` with the change itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from gatepass.domain.errors import NotFound
from gatepass.domain.purchase import Status, reference_tail
from gatepass.domain.timeline import Answer, Charged, Moment, Story
from gatepass.services.timeline import ahead, answer, moments
from gatepass.services.timeline.facts import Facts, read
from gatepass.store import ReadTx, Store, purchases
from gatepass.store.jobs import READY
from gatepass.store.tables import Row

LISTED = 25
"""Purchases shown to somebody who searches."""

_OPEN_ANSWERS = frozenset({Charged.NOT_KNOWN, Charged.CONFIRMING, Charged.PUT_RIGHT, Charged.TWICE, Charged.GOING_BACK})


async def tell(store: Store, purchase_id: UUID) -> Story:
    """The story of a purchase; raises NotFound."""
    # The words are found out here, not on the store's threads: those do not know who reads.
    return _story(await store.snapshot(lambda tx: _facts(tx, purchase_id)))


def tell_now(tx: ReadTx, purchase_id: UUID) -> Story:
    """The same inside a snapshot, in English."""
    return _story(_facts(tx, purchase_id))


def _facts(tx: ReadTx, purchase_id: UUID) -> Facts:
    facts = read(tx, purchase_id, datetime.now(UTC))
    if facts is None:
        raise NotFound("PurchaseUnknown", f"There is no purchase {purchase_id}.")
    return facts


def _story(facts: Facts) -> Story:
    return story_of(facts, answer.of(facts), [*moments.of(facts), *ahead.of(facts)])


def story_of(facts: Facts, told: Answer, told_moments: Sequence[Moment]) -> Story:
    """The story around an answer, wherever the purchase lives."""
    order = facts.order
    return Story(
        purchase_id=order.id,
        reference=order.reference,
        standing=order.status.value,
        live=order.live,
        created=order.created,
        items=order.items,
        total=order.total,
        title=order.title,
        time_zone=order.time_zone,
        answer=told,
        sums=facts.sums,
        moments=told_moments,
        settled=told.charged not in _OPEN_ANSWERS and not _under_way(facts),
    )


def _under_way(facts: Facts) -> bool:
    """A last look at a payment that has ended already is work, but changes nothing."""
    works = any(row["state"] == READY and not row["dedupe"].startswith("look_up:") for row in facts.around.jobs)
    return works or facts.order.status is Status.AWAITING_PAYMENT


def search(tx: ReadTx, text: str) -> list[Row]:
    """Purchases by order reference, purchase id or a person's mail address; the newest without a text."""
    wanted = text.strip()
    if not wanted:
        return purchases.found_by(tx, None, None, LISTED)
    if "@" in wanted:
        return purchases.found_by(tx, None, wanted, LISTED)
    tail = reference_tail(wanted) or _tail_of_id(wanted)
    return purchases.found_by(tx, tail, None, LISTED) if tail else []


def find(tx: ReadTx, text: str) -> UUID:
    """The one purchase of an id or an order reference; raises NotFound for none, or for several."""
    try:
        return UUID(text)
    except ValueError:
        found = search(tx, text) if reference_tail(text) else []
    if len(found) != 1:
        how = "More than one purchase has" if found else "There is no purchase with"
        raise NotFound("PurchaseUnknown", f"{how} the id or order reference {text}.")
    return found[0]["id"]


def _tail_of_id(text: str) -> str | None:
    """The end of an id, as SQLite and PostgreSQL both write it: its last group has no hyphen."""
    try:
        return UUID(text).hex[-12:]
    except ValueError:
        return None
