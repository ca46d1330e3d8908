"""`gatepass doctor` over many purchases: how long every promise takes, and what sales lose while it runs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from benchmarks import words
from benchmarks.bench import MOST, Bench
from benchmarks.history import fill
from benchmarks.report import Measurement
from benchmarks.system import System, running
from gatepass.store import Store, promises


def doctor(bench: Bench) -> None:
    """Each promise over `bench.purchases` purchases, the whole command, and registrations with and without it."""
    url = bench.database.fresh()
    started = time.perf_counter()
    fill(url, bench.purchases)
    bench.report.add(_took(bench, "doctor_fill", time.perf_counter() - started))
    for name, seconds in promise_times(url):
        bench.report.add(_took(bench, name, seconds))
    _beside_sales(bench, url)


def _took(bench: Bench, name: str, seconds: float) -> Measurement:
    return Measurement(name, bench.database.name, p50_ms=round(seconds * 1000, 1))


def promise_times(url: str) -> Iterator[tuple[str, float]]:
    """Seconds of each promise, on a reading connection; raises when one is broken, since then it was found too soon."""
    store = Store.open(url)
    try:
        for number, promise in enumerate(promises.PROMISES):
            started = time.perf_counter()
            found = store.read_now(lambda tx, promise=promise: promises.broken(tx, promise, datetime.now(UTC)))
            seconds = time.perf_counter() - started
            if found:
                raise RuntimeError(f"{promise.says}: {found[:3]}")
            yield f"promise {promise.number} ({number}) {promise.says[:40]}", seconds
    finally:
        store.close()


def _beside_sales(bench: Bench, url: str) -> None:
    with running(url, bench.folder()) as system:
        requests = [
            words.registration(system.port, system.fair, offer, at) for at, offer in enumerate(system.fair.spread)
        ]
        bench.for_a_while(system.port, MOST, requests)
        alone = bench.for_a_while(system.port, MOST, requests)
        bench.report.add(bench.measured("register_alone", MOST, alone))
        with _doctors(system) as spent:
            beside = bench.for_a_while(system.port, MOST, requests)
        line = bench.measured("register_beside_doctor", MOST, beside)
        bench.report.add(line.beside(alone.rate(200), "the same without a doctor"))
        for seconds in spent:
            bench.report.add(_took(bench, "doctor", seconds))


@contextmanager
def _doctors(system: System) -> Iterator[list[float]]:
    """One `gatepass doctor` after another, until the block ends."""
    spent: list[float] = []
    over = threading.Event()

    def consult() -> None:
        while not over.is_set():
            started = time.perf_counter()
            run = subprocess.run(
                [sys.executable, "-m", "gatepass", "doctor"], env=os.environ | {"GATEPASS_DATABASE_URL": system.database_url},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            spent.append(time.perf_counter() - started)
            if "BROKEN promise" in run.stdout or run.returncode == 2:
                raise RuntimeError(run.stdout + run.stderr)

    thread = threading.Thread(target=consult)
    thread.start()
    try:
        yield spent
    finally:
        over.set()
        thread.join()
