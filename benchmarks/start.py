"""Cold start, memory at rest, and how long `--help` takes."""

import statistics
import subprocess
import sys
import time

from benchmarks.bench import Bench
from benchmarks.report import Measurement
from benchmarks.system import free_port, rss_mb, serving

TIMES = 5
REST_S = 1.0
STRIPE = {"GATEPASS_STRIPE_SECRET_KEY": "sk_test_bench", "GATEPASS_STRIPE_WEBHOOK_SECRET": "whsec_bench"}


def start(bench: Bench) -> None:
    """From the start of the process to the first 200 of /healthz, on a migrated database; then its memory."""
    url, directory = bench.database.fresh(), bench.folder()
    spent, memory = [], 0.0
    for _ in range(TIMES):
        began, port = time.perf_counter(), free_port()
        with serving(url, directory, port, STRIPE | {"GATEPASS_BASE_URL": f"http://127.0.0.1:{port}"}) as run:
            spent.append((time.perf_counter() - began) * 1000)
            time.sleep(REST_S / TIMES)
            memory = rss_mb(run.pid)
    line = Measurement("cold_start", bench.database.name, p50_ms=round(statistics.median(spent), 1))
    line.p99_ms = round(max(spent), 1)
    bench.report.add(line)
    bench.report.add(Measurement("idle_memory", bench.database.name, rss_mb=round(memory, 1)))


def help_time(bench: Bench) -> None:
    """`gatepass --help`, the whole process."""
    spent = []
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "gatepass", "--help"], stdout=subprocess.DEVNULL, check=True)
        spent.append((time.perf_counter() - began) * 1000)
    line = Measurement("help", bench.database.name, p50_ms=round(statistics.median(spent), 1))
    line.p99_ms = round(max(spent), 1)
    bench.report.add(line)
