"""`python -m benchmarks`: JSON lines on stdout, one per measurement, and a table on stderr at the end."""

import argparse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import databases, dataverse, doctor, drain, payments, register, staff, start
from benchmarks.bench import Bench
from benchmarks.databases import Database
from benchmarks.report import Report

GROUPS: Mapping[str, tuple[Callable[[Bench], None], ...]] = {
    "start": (start.help_time, start.start),
    "floor": (register.without_database, payments.notify_floor),
    "register": (register.spread,),
    "hot": (register.hot,),
    "oversell": (register.oversell,),
    "redirect": (payments.redirect,),
    "notify": (payments.notify,),
    "settle": (payments.settle,),
    "paced": (drain.settle_paced,),
    "backlog": (drain.backlog,),
    "doctor": (doctor.doctor,),
    "dataverse": (dataverse.dataverse,),
    "staff": (staff.staff,),
}
AS_A_RULE = [name for name in GROUPS if name not in {"doctor", "dataverse", "staff"}]
"""A database full of history takes minutes to fill: only when it is asked for."""
PURCHASES = 1_000_000
BACKLOG = 10_000
CONNECTIONS, QUICK_CONNECTIONS = (1, 8, 32), (1, 32)
SECONDS, QUICK_SECONDS = 3.0, 1.0


def main() -> None:
    """Measure what was asked for."""
    asked = _arguments()
    report = Report()
    try:
        with TemporaryDirectory(prefix="gatepass-bench-") as directory:
            for name in ("sqlite", "postgresql") if asked.database == "both" else (asked.database,):
                with _database(name, Path(directory)) as database:
                    bench = Bench(
                        database, asked.connections, asked.seconds, report, Path(directory),
                        purchases=asked.purchases, backlog=asked.backlog,
                    )  # fmt: skip
                    _measure(asked, bench)
    finally:
        report.print_table()


def _measure(asked: argparse.Namespace, bench: Bench) -> None:
    for group in asked.only:
        for measure in GROUPS[group]:
            measure(bench)


@contextmanager
def _database(name: str, directory: Path) -> Iterator[Database]:
    with databases.sqlite(directory) if name == "sqlite" else databases.postgresql() as database:
        yield database


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seconds", type=float, help=f"of each measurement; {SECONDS:g}")
    parser.add_argument("--only", type=_groups, default=AS_A_RULE, help=f"some of {','.join(GROUPS)}")
    parser.add_argument("--purchases", type=int, default=PURCHASES, help="in a database full of history")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_SECONDS:g} s each, connections {QUICK_CONNECTIONS}"
    )
    parser.add_argument("--backlog", type=int, default=BACKLOG, help=f"notifications of the outage; {BACKLOG}")
    asked = parser.parse_args()
    asked.connections = QUICK_CONNECTIONS if asked.quick else CONNECTIONS
    asked.seconds = asked.seconds or (QUICK_SECONDS if asked.quick else SECONDS)
    return asked


def _groups(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in GROUPS]:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}; there are: {', '.join(GROUPS)}")
    return names


if __name__ == "__main__":
    main()
