"""Work on a purchase that has not succeeded yet, and will be tried again."""

from gatepass.languages import ngettext
from gatepass.services.timeline.facts import Facts
from gatepass.store.jobs import READY
from gatepass.store.tables import Row

_QUESTIONS = ("look_up:", "apply:", "end:")
"""Jobs that ask the provider how a payment stands."""


def failing(facts: Facts) -> list[Row]:
    """Tried, failed, and waiting for the next try."""
    return [row for row in facts.around.jobs if row["state"] == READY and row["failures"]]


def silent(facts: Facts) -> Row | None:
    """The question that was asked most often without an answer."""
    asked = [row for row in failing(facts) if row["dedupe"].startswith(_QUESTIONS)]
    return max(asked, key=lambda row: row["failures"], default=None)


def asking(facts: Facts) -> Row | None:
    """The next planned question about an open payment."""
    planned = [row for row in facts.around.jobs if row["state"] == READY and row["dedupe"].startswith("look_up:")]
    return next((row for row in planned if row["due"] > facts.now), None)


def asked_in_vain(provider: str, count: int) -> str:
    """Such as "We asked Stripe 3 times without an answer."."""
    return ngettext(
        "We asked %(provider)s once without an answer.",
        "We asked %(provider)s %(num)s times without an answer.",
        count,
        provider=provider,
    )
