"""How one part of a connection to somebody else stands."""

from enum import StrEnum


class Health(StrEnum):
    """How one part of a connection stands."""

    FINE = "fine"
    WARNING = "warning"
    """It works, but not as well as it could."""
    BROKEN = "broken"
