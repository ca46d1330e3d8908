"""What a provider's notification is about."""

from enum import StrEnum


class About(StrEnum):
    """What a notification is about: it says whom to ask."""

    PAGE = "page"
    """A payment page of ours: `object_ref` is what `fetch` takes."""
    PAYMENT = "payment"
    """The money itself: `object_ref` is its reference."""
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"
    """Nothing of ours: kept, and left alone."""
