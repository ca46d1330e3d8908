"""Money that goes back: one row per refund, whoever asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.money import Money


class RefundState(StrEnum):
    """Where a refund stands."""

    REQUESTED = "requested"
    """The intent is stored; the provider may not have heard of it yet."""
    PROCESSING = "processing"
    """The provider has it; the bank needs days."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The provider refused it, or the bank sent the money back: it is the merchant's again, and a person must see it."""
    CANCELLED = "cancelled"


_R, _P, _S, _F, _X = RefundState

ON_ITS_WAY = frozenset({_R, _P})
COUNTS = frozenset({_R, _P, _S})
"""States in which the money is given back, or is about to be: it cannot be given back again."""

FOLLOWS: Mapping[tuple[RefundState, RefundState], RefundState] = MappingProxyType(
    # (what we hold, what the provider says) -> what we hold then.
    {(old, new): new for old, new in product((_R, _P), RefundState)}
    | {(_P, _R): _P}
    # A bank may send money back weeks after it was told to have arrived; that is the last word.
    | {(_S, new): _S for new in (_R, _P, _S)}
    | {(_S, new): new for new in (_F, _X)}
    | {(old, new): old for old, new in product((_F, _X), RefundState)}
)


class Cause(StrEnum):
    """Who wanted a refund."""

    STAFF = "staff"
    EVENT_CANCELLED = "event_cancelled"
    PAID_TWICE = "paid_twice"
    PAID_LATE = "paid_late"
    PROVIDER = "provider"
    """Made at the provider's own dashboard; we only heard of it."""


@dataclass(frozen=True, slots=True)
class Refund:
    """One row of the refund record."""

    id: UUID
    purchase_id: UUID
    payment_id: UUID
    provider: str
    state: RefundState
    amount: Money
    cause: Cause
    reason: str
    """Why, in the words of whoever asked for it."""
    actor: str
    money_ref: str
    """The provider's name of the money that goes back."""
    requested: datetime
    attendees: Sequence[UUID] = ()
    """Whose registrations were given up for it; empty: nobody's."""
    refund_ref: str | None = None
    """The provider's own id; None until it has answered."""
    reason_code: str | None = None
    reason_text: str | None = None
    """Why it failed, for staff."""
    opening: int = 1
    """Counts the keys used: a provider that stored its own 500 under a key never answers that key otherwise."""

    @property
    def key(self) -> str:
        """The idempotency key of the call: made from the row, so that a repeat is the same call."""
        return f"gatepass-refund-{self.id}-{self.opening}"

    @property
    def on_its_way(self) -> bool:
        """True while its end is not known."""
        return self.state in ON_ITS_WAY

    @property
    def counts(self) -> bool:
        """True while its amount is given back, or about to be."""
        return self.state in COUNTS

    def told(self, report: "RefundReport") -> "Refund":
        """The row after the provider's word."""
        state = FOLLOWS[self.state, report.state]
        if state is self.state and report.state is not state:
            return self
        return replace(
            self,
            state=state,
            refund_ref=report.refund_ref,
            reason_code=report.reason_code or self.reason_code,
            reason_text=report.reason_text or self.reason_text,
        )


@dataclass(frozen=True, slots=True)
class RefundReport:
    """What a provider says of one refund now."""

    refund_ref: str
    state: RefundState
    amount: Money | None
    """None when the provider's amount cannot be written in our units."""
    money_ref: str
    refund_id: str | None
    """Our own id as the provider repeats it: it may be anything. None: made elsewhere."""
    made: datetime
    reason_code: str | None = None
    reason_text: str | None = None
