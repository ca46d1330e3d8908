"""A buyer who needs more time: the hold of an order becomes longer, once. No seat is taken by it that was not held."""

from datetime import datetime, timedelta
from uuid import UUID

from gatepass.domain.errors import Conflict, NotFound
from gatepass.domain.purchase import Status
from gatepass.store import ReadTx, WriteTx, payments, purchases, timeline
from gatepass.store.purchases import Purchase

EXTENDED = "hold.extended"


def may_extend(tx: ReadTx, purchase: Purchase, now: datetime) -> bool:
    """True while the seats are held until a moment, and the buyer has not had more time yet."""
    held = purchase.status is Status.AWAITING_PAYMENT and purchase.hold_until is not None and purchase.hold_until > now
    return held and timeline.count(tx, purchase.id, EXTENDED) == 0


def extend(tx: WriteTx, purchase_id: UUID, by: timedelta) -> datetime:
    """Hold the seats for longer; until when. Raises NotFound, Conflict (over, paid, or extended before).

    Under the purchase's lock: the sweep that frees seats looks at the same row, so it is one or the other.
    """
    purchase = purchases.lock(tx, [purchase_id]).get(purchase_id)
    if purchase is None:
        raise NotFound("PurchaseUnknown", "This link belongs to no order that we know.")
    if purchase.hold_until is None or not by or not may_extend(tx, purchase, tx.now):
        raise Conflict("HoldNotExtended", "The time for this order cannot be made longer any more.")
    until = purchase.hold_until + by
    purchases.set_status(tx, [(purchase_id, purchase.status, until)], {})
    timeline.add(tx, [(purchase_id, EXTENDED, {"until": until.isoformat()})])
    payments.prolong(tx, purchase_id, until)
    return until
