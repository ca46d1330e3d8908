"""`gatepass ...` as a process of its own, forked from one that has imported all of it: that takes longer than most commands do."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory
from typing import NoReturn

PATIENCE_S = 60.0
_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.loaded"])


def gatepass(*arguments: str, **variables: str) -> CompletedProcess[str]:
    """Wait for its end: what it said, what it complained of, its exit code. No setting but these reaches it."""
    with TemporaryDirectory() as directory:
        out, err = Path(directory) / "out", Path(directory) / "err"
        process = start(arguments, variables, out, err)
        process.join(PATIENCE_S)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"gatepass {' '.join(arguments)}: {out.read_text()}{err.read_text()}")
        ended = CompletedProcess(arguments, process.exitcode, out.read_text(), err.read_text())
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def start(
    arguments: tuple[str, ...], variables: Mapping[str, str], out: Path, err: Path, main: str = "gatepass.cli"
) -> BaseProcess:
    """Begin it: what it writes is appended to these files. `main`: the module whose `main` it runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEPASS_")}
    process = _FORKING.Process(target=_run, args=(arguments, {**kept, **variables}, out, err, main))
    process.start()
    return process


async def ended(process: BaseProcess) -> int:
    """Wait for its exit code; that of a signal is negative."""
    while (code := process.exitcode) is None:
        await asyncio.sleep(0.01)
    return code


def _run(arguments: tuple[str, ...], environment: dict[str, str], out: Path, err: Path, main: str) -> NoReturn:
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream.fileno())
    sys.argv = ["gatepass", *arguments]
    import_module(main).main()
    raise SystemExit
