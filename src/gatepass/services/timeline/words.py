"""Words that several parts of the story share."""

from gatepass.domain.payment import Payment, PaymentState
from gatepass.services.timeline.facts import Facts


def named(provider: str) -> str:
    """A provider as people write it."""
    return provider.capitalize()


def seats(facts: Facts) -> int:
    """How many: for plurals. An order without people is one sum."""
    return max(len(facts.people), 1)


def by_hand(payment: Payment) -> bool:
    """Recorded by a person or a program: no page of ours led to it."""
    return payment.state is PaymentState.SUCCEEDED and payment.session_ref is None
