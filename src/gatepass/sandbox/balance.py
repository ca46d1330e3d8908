"""The merchant's balance: one line for all money that comes and goes, with what Stripe keeps of it.

Fees as in the price list for Europe: 1.5 % and 0.25 of a card, 0.35 of a SEPA debit, 15.00 of a dispute. A refund gives
no fee back, and a dispute that is won neither.
"""

from gatepass.sandbox.objects import Obj, blank
from gatepass.sandbox.store import Tx

CARD_PER_MILLE = 15
CARD_FIXED = 25
DEBIT_FIXED = 35
DISPUTE_FIXED = 1_500

Fee = tuple[int, str]
"""Amount in smallest units, and what it is for."""


def card_fee(amount: int) -> Fee:
    """Rounded half up."""
    return (amount * CARD_PER_MILLE + 500) // 1000 + CARD_FIXED, "Stripe processing fees"


def debit_fee() -> Fee:
    return DEBIT_FIXED, "Stripe processing fees"


def dispute_fee() -> Fee:
    return DISPUTE_FIXED, "Dispute fee"


def add(
    tx: Tx, source: Obj, amount: int, kind: str, fees: list[Fee], intent: str | None, category: str | None = None
) -> Obj:
    """One line, in smallest units; negative when money leaves. `intent`: the payment whose money it is."""
    fee = sum(part for part, _ in fees)
    line = blank(
        "balance_transaction",
        amount=amount,
        available_on=tx.at,
        created=tx.at,
        currency=source["currency"],
        fee=fee,
        fee_details=[_detail(part, what, source["currency"]) for part, what in fees],
        net=amount - fee,
        reporting_category=category or kind,
        source=source["id"],
        type=kind,
    )
    return tx.add(line, {"payment": intent})


def _detail(amount: int, what: str, currency: str) -> Obj:
    return {
        "amount": amount,
        "application": None,
        "currency": currency,
        "description": what,
        "type": "stripe_fee",
    }
