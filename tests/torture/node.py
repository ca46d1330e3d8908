"""A command of Gatepass in a process that dies by SIGKILL at a named point. Nothing of Gatepass is changed for it.

A point is "before" or "after" a commit, named by the units of work in it. Each that is passed is written to the file
TORTURE_POINTS; the process dies at the one that stands in TORTURE_TARGET at that moment.
"""

import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Pool, event

from gatepass import cli

POINTS, TARGET = Path(os.environ["TORTURE_POINTS"]), Path(os.environ["TORTURE_TARGET"])


def passing(point: str) -> None:
    """Write it down, and die when it is the one."""
    with POINTS.open("a") as written:
        written.write(f"{point}\n")
    if TARGET.read_text() == point:
        os.kill(os.getpid(), signal.SIGKILL)


def _before_commit(connection: Any) -> None:
    """SQLAlchemy says so before it commits."""
    connection.info["committing"] = units = _units()
    for unit in units:
        passing(f"before commit of {unit}")


def _after_commit(_: object, record: Any, *_more: object) -> None:
    """The connection goes back to the pool, before anybody hears of the commit."""
    for unit in record.info.pop("committing", ()):
        passing(f"after commit of {unit}")


def _units() -> list[str]:
    """Names of the units of work in the transaction that is about to be committed."""
    frame = sys._getframe()
    while frame and "tickets" not in frame.f_locals:
        frame = frame.f_back
    return sorted({_name(ticket.unit) for ticket in frame.f_locals["tickets"]}) if frame else []


def _name(unit: Any) -> str:
    function = unit.func if isinstance(unit, partial) else unit
    module = function.__module__.rpartition(".")[2]
    return f"{module}.{function.__qualname__.replace('.<locals>.<lambda>', '')}"


def main() -> None:
    """The command, observed."""
    event.listen(Engine, "commit", _before_commit)
    event.listen(Pool, "reset", _after_commit)
    cli.main()
