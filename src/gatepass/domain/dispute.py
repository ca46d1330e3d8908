"""A buyer's bank takes money back: one row per dispute."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gatepass.domain.money import Money


class DisputeState(StrEnum):
    """Where a dispute stands."""

    NEEDS_RESPONSE = "needs_response"
    """Evidence is wanted until `due`."""
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"


OPEN = frozenset({DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW})


def counts(state: DisputeState, *, inquiry: bool) -> bool:
    """True while the bank holds or keeps the money: not when it only asks, nor once the dispute is won."""
    return not inquiry and state is not DisputeState.WON


@dataclass(frozen=True, slots=True)
class DisputeReport:
    """What a provider says of one dispute now."""

    dispute_ref: str
    state: DisputeState
    amount: Money | None
    reason: str
    """In the provider's word, such as `fraudulent`: banks have lists of their own."""
    money_ref: str
    inquiry: bool
    """True: the bank only asks; no money has moved yet."""
    due: datetime | None
    """Until when evidence counts, UTC."""
    opened: datetime

    @property
    def counts(self) -> bool:
        """True while the bank holds or keeps the money."""
        return counts(self.state, inquiry=self.inquiry)


@dataclass(frozen=True, slots=True)
class Dispute:
    """One row of the dispute record."""

    id: UUID
    purchase_id: UUID
    payment_id: UUID
    provider: str
    dispute_ref: str
    state: DisputeState
    amount: Money
    reason: str
    inquiry: bool
    due: datetime | None
    opened: datetime
    closed: datetime | None = None

    @property
    def open(self) -> bool:
        """True while the bank has not decided."""
        return self.state in OPEN

    @property
    def counts(self) -> bool:
        """True while the bank holds or keeps the money."""
        return counts(self.state, inquiry=self.inquiry)
