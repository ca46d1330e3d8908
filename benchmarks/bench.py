"""What every measurement needs: what to measure on, how long, and where to say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from benchmarks import load
from benchmarks.databases import Database
from benchmarks.load import Outcome, Plan
from benchmarks.report import Measurement, Report

MOST = 32
"""Connections where many are wanted and the number is not what is measured."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One run on one kind of database."""

    database: Database
    connections: Sequence[int]
    seconds: float
    report: Report
    directory: Path
    purchases: int = 0
    """In the database that the doctor looks at."""

    def folder(self) -> Path:
        """A new one, for the data of one installation."""
        return Path(mkdtemp(dir=self.directory))

    def measured(self, name: str, connections: int, outcome: Outcome, status: int = 200) -> Measurement:
        """An outcome as a measurement; everything but `status` is an error."""
        rate = round(outcome.rate(status), 1)
        spent = (outcome.p50_ms, outcome.p99_ms)
        return Measurement(name, self.database.name, connections, rate, *spent, errors=outcome.errors(status))

    def for_a_while(self, port: int, connections: int, requests: list[bytes]) -> Outcome:
        """The requests, round and round."""
        return load.run(Plan("127.0.0.1", port, connections, requests, seconds=self.seconds))


def once(port: int, connections: int, requests: list[bytes], *, keep: bool = False) -> Outcome:
    """Each request once."""
    return load.run(Plan("127.0.0.1", port, connections, requests, keep=keep))
