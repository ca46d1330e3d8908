"""How hard Hypothesis tries: seconds in `make test`, much longer in `make torture`."""

from hypothesis import HealthCheck, settings

from tests.torture.options import EXAMPLES


def examples(number: int) -> settings:
    """So many examples in the short form. A slow machine or a fixture that outlives an example is no fault."""
    return settings(deadline=None, max_examples=number * EXAMPLES, suppress_health_check=list(HealthCheck))
