"""What may become of an order, by what has happened to it: the whole model that histories are measured by."""

from dataclasses import dataclass, field

from tests.running import Order

PRICE = 5000
"""Of a seat, in minor units."""

# What has happened to an order. Whatever is in ENDS may have cost it seats.
HOLD_OVER, CANCELLED_BY_HAND, CALLED_OFF = "hold over", "cancelled", "called off"
RETURNED, PAID_BY_HAND = "returned", "paid by hand"
ENDS = {HOLD_OVER, CANCELLED_BY_HAND, CALLED_OFF, RETURNED}


@dataclass(eq=False)
class Buyer:
    """An order, what it cost whom, and what has happened to it."""

    order: Order
    seats: int
    happened: set[str] = field(default_factory=set[str])
    page: str = ""
    charged: int = 0
    """Minor units that the bank has taken from the buyer."""
    debits: dict[str, str] = field(default_factory=dict[str, str])
    """Bank debits under way: session -> card."""

    def __repr__(self) -> str:
        return f"<{self.seats} seats, {self.charged} charged, {sorted(self.happened)}>"

    def bank_decides(self) -> None:
        """The debits under way come to their end."""
        self.charged += self.seats * PRICE * list(self.debits.values()).count("debit")
        self.debits.clear()

    @property
    def may_be(self) -> set[str]:
        """What the purchase may be by now, whatever of it was told to Gatepass."""
        paid = self.charged > 0 or PAID_BY_HAND in self.happened
        ended, returned = self.happened & ENDS, self.happened & {RETURNED, CALLED_OFF}
        return {
            "awaiting_payment",
            *(["completed"] if paid else []),
            *(["expired"] if HOLD_OVER in self.happened else []),
            *(["cancelled"] if returned or CANCELLED_BY_HAND in self.happened or (ended and paid) else []),
            *(["paid_late", "waitlisted"] if ended and paid else []),
        }

    @property
    def must_be(self) -> set[str]:
        """What it is when all is told, no time is left, and nothing is under way."""
        if not self.charged and PAID_BY_HAND not in self.happened:
            called_off = {"cancelled", "expired"} if CALLED_OFF in self.happened else {"expired"}
            return {"cancelled"} if CANCELLED_BY_HAND in self.happened else called_off
        if self.happened & ENDS:
            return self.may_be - {"awaiting_payment", "expired"}
        return {"completed"}
