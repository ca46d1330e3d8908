"""Runs web applications on sockets until a signal, then lets requests finish."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette

Served = tuple[Starlette, socket.socket]
"""An application and where it listens."""
DRAIN_S = 15
BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Named, so that asyncio knows it for TCP and switches Nagle off: else every kept-alive request waits 40 ms.
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((host, port))
    found.listen(BACKLOG)
    return found


def address(listening: socket.socket) -> str:
    """Such as http://127.0.0.1:8000."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@asynccontextmanager
async def serving(served: Sequence[Served]) -> AsyncGenerator[None]:
    """Answers on all sockets inside the block; requests under way are finished at its end. Raises when one cannot start."""
    servers = [_server(application) for application, _ in served]
    pairs = zip(servers, served, strict=True)
    tasks = [asyncio.create_task(server.serve(sockets=[listening])) for server, (_, listening) in pairs]
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            raise RuntimeError("A server could not start; the log above says why.")
        await asyncio.sleep(0.005)
    try:
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


async def run(served: Sequence[Served], ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; calls `ready` when all answer."""
    stop = asyncio.Event()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
    async with serving(served):
        ready()
        await stop.wait()


class _Server(uvicorn.Server):
    """Signals are ours: one process may run several servers."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _server(application: Starlette) -> uvicorn.Server:
    # Not at the top: the parser is of use only to what serves.
    from gatepass.protocol import LimitedProtocol

    config = uvicorn.Config(
        application,
        http=LimitedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    return _Server(config)


def log_to_stderr(level: str) -> None:
    """One JSON line per event. Nothing personal and no secret is ever given to a logger (tests/flows/test_logs.py)."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(message)s")
    # A stranger's broken request is no news, and uvicorn would tell it as plain text.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def run_forever(served: Sequence[Served], ready: Callable[[], None]) -> None:
    """The same on a loop of its own."""
    run_on_fast_loop(run(served, ready))


def run_on_fast_loop(work: Coroutine[Any, Any, None]) -> None:
    """Until it ends: uvloop where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        new_event_loop = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)
