"""What differs between a purchase in a remote Dataverse, our record of it, and its money."""

from dataclasses import dataclass
from uuid import UUID

from gatepass.domain.difference import Difference, Kind, Remedy, of_missing
from gatepass.domain.money import Money
from gatepass.domain.purchase import Status
from gatepass.domain.remote import RemotePurchase, Seen, Word


@dataclass(frozen=True, slots=True)
class Beside:
    """The three, side by side. `row`: None, we know nothing of it; `seen`: None, Dataverse does not."""

    id: UUID
    row: RemotePurchase | None
    seen: Seen | None
    paid_minor: int
    """Here, whatever became of it."""
    kept_minor: int
    """The same without what went back or is disputed."""
    in_sight: bool
    """An entry in needs attention is open about it: a person knows."""


def compared(one: Beside) -> Difference | None:
    """What differs; None: nothing, or what is on its way, or what a person knows."""
    row, seen = one.row, one.seen
    if one.in_sight or (row and row.wanted):
        return None
    if seen is None:
        return of_missing(one.id, Money(one.kept_minor, row.total.currency)) if row else None
    if row and one.kept_minor > 0:
        return _paid(one, row, seen)
    return _unpaid(one, seen)


def _paid(one: Beside, row: RemotePurchase, seen: Seen) -> Difference | None:
    """Money of ours is here."""
    if seen.word is not Word.CANCELLED and not _enough(one, row, seen):
        return _difference(Kind.TOTAL_CHANGED, Remedy.ATTENTION, one, seen)
    if seen.word is Word.OPEN and row.status is Status.COMPLETED:
        return _difference(Kind.PAID_NOT_CONFIRMED, Remedy.SETTLE, one, seen)
    if seen.word is not Word.COMPLETED:
        return _difference(Kind.PAID_NOT_CONFIRMED, Remedy.ATTENTION, one, seen)
    if seen.total and one.kept_minor > seen.total.minor:
        return _difference(Kind.TOTAL_CHANGED, Remedy.ATTENTION, one, seen)
    return None


def _enough(one: Beside, row: RemotePurchase, seen: Seen) -> bool:
    """What was paid pays for what it costs over there now. What staff gave back of it since was theirs to give."""
    if seen.total is None:
        return True
    return seen.total.currency == row.total.currency and one.paid_minor >= seen.total.minor


def _unpaid(one: Beside, seen: Seen) -> Difference | None:
    if seen.word is Word.COMPLETED and seen.total is not None:
        return _difference(Kind.CONFIRMED_NOT_PAID, Remedy.ATTENTION, one, seen)
    if seen.word is Word.OPEN and one.row and one.row.told is Word.CANCELLED:
        return _difference(Kind.CANCELLED_HERE_ONLY, Remedy.ATTENTION, one, seen)
    return None


def key_of(kind: Kind, purchase_id: UUID) -> str:
    """Of such a difference, and of its entry in needs attention."""
    return f"reconcile:{kind}:{purchase_id}"


def _difference(kind: Kind, remedy: Remedy, one: Beside, seen: Seen) -> Difference:
    currency = one.row.total.currency if one.row else seen.total.currency if seen.total else "XXX"
    return Difference(
        kind=kind,
        remedy=remedy,
        key=key_of(kind, one.id),
        purchase_id=one.id,
        ref="",
        ours=f"{one.row.status if one.row else 'unknown'}, {Money(one.kept_minor, currency)} kept",
        theirs=f"Dataverse says {seen.word}, {seen.total or 'no total'}",
    )
