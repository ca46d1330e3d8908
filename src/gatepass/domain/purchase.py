"""One order and its life. A state machine is one table: what is not in it is forbidden."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import product
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.errors import Conflict
from gatepass.domain.money import Money
from gatepass.domain.payment import Way


class Status(StrEnum):
    """Where a purchase stands."""

    AWAITING_PAYMENT = "awaiting_payment"
    """Seats are held until `hold_until`."""
    COMPLETED = "completed"
    """Paid in full, or free: the attendees hold their passes."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """The hold ended without money; the seats are free again."""
    PAID_LATE = "paid_late"
    """Money came after the seats were given away; the late-payment policy or a person decides."""
    WAITLISTED = "waitlisted"
    """Paid late, and waiting for a seat: the first one that is free goes to whoever has waited longest."""


class Move(StrEnum):
    """What can happen to a purchase."""

    PAY = "pay"
    """The full amount has arrived."""
    WAIT = "wait"
    """The buyer has done all; the bank needs days. Seats stay held without an end."""
    REOPEN = "reopen"
    """A payment that was under way failed; the hold starts anew."""
    CANCEL = "cancel"
    EXPIRE = "expire"
    SEAT = "seat"
    """Late money found free seats again."""
    WAIT_FOR_SEAT = "wait_for_seat"
    """Late money found none, and waits for one."""
    GIVE_UP = "give_up"
    """Everything goes back: no seat is kept, and no money."""


_A, _C, _X, _E, _L, _W = Status

MOVES: Mapping[tuple[Status, Move], Status] = MappingProxyType(
    {
        (_A, Move.PAY): _C,
        (_A, Move.WAIT): _A,
        (_A, Move.REOPEN): _A,
        (_A, Move.CANCEL): _X,
        (_A, Move.EXPIRE): _E,
        # Providers repeat themselves, and out of order: an older word changes nothing.
        (_C, Move.PAY): _C,
        (_C, Move.WAIT): _C,
        (_C, Move.REOPEN): _C,
        (_C, Move.EXPIRE): _C,
        (_X, Move.CANCEL): _X,
        (_X, Move.EXPIRE): _X,
        (_X, Move.WAIT): _X,
        (_X, Move.REOPEN): _X,
        (_E, Move.EXPIRE): _E,
        (_E, Move.CANCEL): _X,
        (_E, Move.WAIT): _E,
        (_E, Move.REOPEN): _E,
        # Money may arrive after the seat was given away.
        (_X, Move.PAY): _L,
        (_E, Move.PAY): _L,
        (_L, Move.PAY): _L,
        (_L, Move.WAIT): _L,
        (_L, Move.REOPEN): _L,
        (_L, Move.EXPIRE): _L,
        (_L, Move.SEAT): _C,
        (_L, Move.WAIT_FOR_SEAT): _W,
        (_W, Move.SEAT): _C,
        (_W, Move.PAY): _W,
        (_W, Move.WAIT): _W,
        (_W, Move.REOPEN): _W,
        (_W, Move.EXPIRE): _W,
        (_W, Move.WAIT_FOR_SEAT): _W,
        # Refunded in whole, or the event does not take place.
        (_C, Move.GIVE_UP): _X,
        (_L, Move.GIVE_UP): _X,
        (_W, Move.GIVE_UP): _X,
        (_X, Move.GIVE_UP): _X,
    }
)

FORBIDDEN: Mapping[tuple[Status, Move], str] = MappingProxyType(
    {
        (_C, Move.CANCEL): "is completed. Refund it instead of cancelling it",
        (_L, Move.CANCEL): "has been paid. Refund it instead of cancelling it",
        (_W, Move.CANCEL): "has been paid. Refund it instead of cancelling it",
        (_A, Move.SEAT): "holds its seats already",
        (_C, Move.SEAT): "has its seats already",
        (_X, Move.SEAT): "has not been paid",
        (_E, Move.SEAT): "has not been paid",
        (_A, Move.WAIT_FOR_SEAT): "holds its seats already",
        (_C, Move.WAIT_FOR_SEAT): "has its seats already",
        (_X, Move.WAIT_FOR_SEAT): "has not been paid",
        (_E, Move.WAIT_FOR_SEAT): "has not been paid",
        (_A, Move.GIVE_UP): "has not been paid. Cancel it instead",
        (_E, Move.GIVE_UP): "has not been paid",
    }
)

EVERY_PAIR = frozenset(product(Status, Move))

HOLDS_SEATS = frozenset({Status.AWAITING_PAYMENT})
SOLD_SEATS = frozenset({Status.COMPLETED})
PAID = (Status.COMPLETED, Status.PAID_LATE, Status.WAITLISTED)
"""Money has come and has not all gone back."""


def after(status: Status, move: Move, purchase_id: UUID) -> Status:
    """The status that `move` leads to; raises Conflict, naming the purchase and the way out, when it is forbidden."""
    try:
        return MOVES[status, move]
    except KeyError:
        raise Conflict("PurchaseState", f"Purchase {purchase_id} {FORBIDDEN[status, move]}.") from None


@dataclass(frozen=True, slots=True)
class Payable:
    """What a payment must know of a purchase, wherever the purchase lives (here, or in a remote Dataverse)."""

    id: UUID
    reference: str
    status: Status
    total: Money
    live: bool
    provider: str
    """Kind of the payment provider, such as "stripe"."""
    hold_until: datetime | None
    """UTC. None: held without an end."""
    title: str
    """What is bought, as the buyer reads it on the provider's page: the event's name."""
    items: str
    """For example "2 × Full pass"."""
    email: str | None
    return_url: str | None
    """Checked against the web application's origins when the purchase was made. None: our own page."""
    created: datetime
    way: Way = Way.REDIRECT
    """Where the buyer pays, unless the buyer chose otherwise."""
    locale: str | None = None
    """The language of the order, such as "de"; None: not known here."""


_CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def order_reference(purchase_id: UUID) -> str:
    """A name for people, such as GP-7K3F-92QD: the last 40 (random) bits of the id. No key: never look up by it alone."""
    tail = purchase_id.int & ((1 << 40) - 1)
    text = "".join(_CODE_LETTERS[(tail >> shift) & 31] for shift in range(35, -1, -5))
    return f"GP-{text[:4]}-{text[4:]}"


def reference_tail(text: str) -> str | None:
    """The end of the purchase id, in ten hexadecimal digits, that a reference such as gp-7k3f-92qd stands for; None: it is none."""
    letters = text.strip().upper().removeprefix("GP").replace("-", "").replace(" ", "")
    # As people read them out: the alphabet has no O, I and L.
    letters = letters.replace("O", "0").replace("I", "1").replace("L", "1")
    if len(letters) != 8 or any(letter not in _CODE_LETTERS for letter in letters):
        return None
    number = 0
    for letter in letters:
        number = number * 32 + _CODE_LETTERS.index(letter)
    return f"{number:010x}"
