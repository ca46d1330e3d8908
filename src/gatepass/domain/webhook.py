"""What integrators are told, and how long we try: the names of Standard Webhooks (standardwebhooks.com)."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What happened, as `type` in the message."""

    REGISTRATION_CONFIRMED = "registration.confirmed"
    """An order is completed: its attendees hold their passes."""
    REGISTRATION_CANCELLED = "registration.cancelled"
    """Registrations were given up, all of an order or some."""
    PAYMENT_FAILED = "payment.failed"
    """An attempt to pay was declined, or failed days later. The buyer may try again."""
    PAYMENT_REFUNDED = "payment.refunded"
    """Money went back, the whole sum or a part."""
    PING = "webhook.ping"
    """A person tries the address out. Sent when asked for only, and once."""


ANNOUNCED = (
    Kind.REGISTRATION_CONFIRMED,
    Kind.REGISTRATION_CANCELLED,
    Kind.PAYMENT_FAILED,
    Kind.PAYMENT_REFUNDED,
)
"""What an endpoint can ask for."""


class EndpointState(StrEnum):
    """Whether an address is told anything."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    """By a person, or by itself after long failure; `reason` says why. Messages wait."""
    REMOVED = "removed"


class MessageState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    """To be sent when it is due."""
    DELIVERED = "delivered"
    """Answered with 2xx."""
    FAILED = "failed"
    """Given up; it can be sent again by hand."""


PAUSES: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first try, which is made at once. Source: the example schedule of the Standard Webhooks specification."""
JITTER = 0.1
"""Each pause is longer by up to this part, so that what failed together does not come back together."""
LONGEST_RETRY_AFTER = timedelta(hours=24)
"""A receiver may ask for patience, but not for ever."""
FAILING_AT_GIVING_UP = timedelta(days=3)
"""An endpoint that has taken nothing for so long when a message is given up is disabled."""
FAILING_AT_MOST = timedelta(days=5)
"""An endpoint that has taken nothing for so long is disabled, whatever its messages are at."""


def pause_after(tries: int, luck: float, asked: timedelta | None) -> timedelta | None:
    """How long to wait after so many tries, all failed; None: give up.

    `luck` is a random number from 0 to 1; `asked` is what the receiver wants at least (Retry-After).
    """
    if tries > len(PAUSES):
        return None
    pause = PAUSES[tries - 1] * (1 + JITTER * luck)
    return max(pause, min(asked, LONGEST_RETRY_AFTER)) if asked else pause
