"""Keys under which a provider takes the same call twice for one."""

from dataclasses import replace
from typing import TypeVar

from gatepass.domain.payment import Payment
from gatepass.domain.refund import Refund

Keyed = TypeVar("Keyed", Payment, Refund)


def with_next_key(stored: Keyed, spent: Keyed) -> Keyed:
    """The row as it is stored, with the key after that of `spent`.

    Another process may have gone on already: never skip a key that is in use.
    """
    return replace(stored, opening=max(stored.opening, spent.opening + 1))
