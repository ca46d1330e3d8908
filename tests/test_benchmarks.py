"""The measurements can be taken: they use the same functions as everything else, and would be forgotten by themselves."""

import subprocess
import sys


def test_the_bench_starts_and_names_its_measurements() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, "--only" in done.stdout) == (0, True), done.stderr
