"""Bring the schema up to date: once, under a lock, before anything serves."""

from pathlib import Path

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, engines
from gatepass.store.readiness import revision

VERSIONS = Path(__file__).parent / "versions"
_LOCK = 0x6761746570617373
"""PostgreSQL advisory lock that migrating nodes queue for."""


def head() -> str:
    """The revision this code needs: the last file of `versions/`. Reads no Alembic, whose import takes longer than a start."""
    return max(path.name.split("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def current(url: str) -> str | None:
    """The revision of a database; None when it is empty. Raises when the database does not answer."""
    writer, reader = engines(url)
    try:
        with reader.connect() as connection:
            return revision(ReadTx(connection))
    finally:
        writer.dispose()
        reader.dispose()


def migrate(url: str) -> None:
    """Run what is missing. Safe to call from many nodes at once."""
    from alembic import command
    from alembic.config import Config

    writer, reader = engines(url)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    try:
        with writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        writer.dispose()
        reader.dispose()
