"""What one measurement says, as a line of JSON and as a line of the table at the end."""

import sys
from collections.abc import Sequence

import msgspec

_HEADS = (
    "bench",
    "database",
    "conns",
    "per s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "errors",
    "oversold",
    "limit/s",
    "ratio",
    "limit",
    "cpu us",
    "disorder",
    "memory MB",
    "kB",
)


class Measurement(msgspec.Struct):
    """`ratio` is `rate_per_s` to `limit_per_s`, measured beside it in the same run. None: not of this measurement."""

    bench: str
    database: str
    connections: int | None = None
    rate_per_s: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    errors: int = 0
    oversold: int | None = None
    limit_per_s: float | None = None
    limit: str | None = None
    ratio: float | None = None
    rss_mb: float | None = None
    rss_from_mb: float | None = None
    rss_to_mb: float | None = None
    """The least and the most memory of the worker, once warm."""
    cpu_us: float | None = None
    """Processor time of the process for one of what is counted."""
    out_of_order: int | None = None
    """The largest distance between the place in the order of receipt and in that of handling."""
    bytes: int | None = None
    """Of one answer, as it is without compression."""

    def beside(self, limit_per_s: float | None, limit: str) -> "Measurement":
        """The same, with the limit it is to be read against."""
        if limit_per_s:
            self.limit, self.limit_per_s = limit, round(limit_per_s, 1)
            self.ratio = round((self.rate_per_s or 0) / limit_per_s, 3)
        return self


class Report:
    """Prints each measurement at once, and keeps it for the table."""

    def __init__(self) -> None:
        self.lines: list[Measurement] = []

    def add(self, line: Measurement) -> None:
        """One line of JSON on stdout."""
        self.lines.append(line)
        print(msgspec.json.encode(line).decode(), flush=True)

    def print_table(self) -> None:
        """For people, on stderr."""
        rows = [_HEADS, *(_cells(line) for line in self.lines)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADS))]
        for row in rows:
            print(_aligned(row, widths), file=sys.stderr)


def _cells(line: Measurement) -> tuple[str, ...]:
    rate = f"{line.rss_mb:.0f} MB" if line.rss_mb else _number(line.rate_per_s, 0)
    ratio = "" if line.ratio is None else f"{line.ratio:.0%}"
    oversold = "" if line.oversold is None else str(line.oversold)
    connections = str(line.connections or "")
    times = (_number(line.p50_ms, 1), _number(line.p95_ms, 1), _number(line.p99_ms, 1))
    spent = (rate, *times, str(line.errors), oversold)
    return (
        line.bench,
        line.database,
        connections,
        *spent,
        _number(line.limit_per_s, 0),
        ratio,
        line.limit or "",
        *_of_worker(line),
        "" if line.bytes is None else f"{line.bytes / 1000:.1f}",
    )


def _of_worker(line: Measurement) -> tuple[str, str, str]:
    memory = "" if line.rss_to_mb is None else f"{line.rss_from_mb:.0f} to {line.rss_to_mb:.0f}"
    return _number(line.cpu_us, 0), _number(line.out_of_order, 0), memory


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Words to the left, numbers to the right."""
    left = {0, 1, _HEADS.index("limit")}
    cells = (
        cell.ljust(width) if at in left else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(cells).rstrip()
