"""How long the torture is: short in `make test`, long in `make torture`; each figure can be set by the environment."""

import os
from random import Random

LONG = os.environ.get("TORTURE") == "long"


def figure(name: str, *, short: int, long: int) -> int:
    """A number that the environment may set: TORTURE_<name>."""
    return int(os.environ.get(f"TORTURE_{name}", long if LONG else short))


HISTORIES = figure("HISTORIES", short=12, long=1000)
"""Histories that Hypothesis makes up on SQLite; a tenth of them on PostgreSQL."""
STEPS = figure("STEPS", short=20, long=40)
"""Of one history at most."""
ORDERS = figure("ORDERS", short=10, long=120)
"""Orders in which the events of one scenario are delivered."""
KILLS = figure("KILLS", short=6, long=200)
"""Kills at random under load, on both databases together."""
FUZZED = figure("FUZZED", short=1000, long=100_000)
"""Requests made up against the Web API, on both databases together."""
EXAMPLES = figure("EXAMPLES", short=1, long=60)
"""How many times as many examples Hypothesis makes up for the Web API as in `make test`."""
SEED = figure("SEED", short=1, long=1)
"""Of whatever is drawn here: the same seed is the same torture."""

FIGURES: list[str] = []
"""What was done, for the summary."""


def drawn(what: str) -> Random:
    """The dice of one test."""
    return Random(f"{SEED}:{what}")
