"""The migrations lead to exactly the tables that are declared, on both databases."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from gatepass.store import Store, migrations, readiness, tables
from gatepass.store.engine import engines


def test_the_migrated_schema_is_the_declared_one(database_url: str) -> None:
    writer, reader = engines(database_url)
    try:
        with writer.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, tables.metadata) == []
    finally:
        writer.dispose()
        reader.dispose()


def test_the_partial_indexes_are_partial(database_url: str) -> None:
    """Alembic does not compare conditions of indexes; the one open payment rests on one."""
    store = Store.open(database_url)
    kind = "pg_indexes" if database_url.startswith("postgres") else "sqlite_master"
    names, text = ("indexname", "indexdef") if kind == "pg_indexes" else ("name", "sql")
    found = store.read_now(
        lambda tx: {row[0]: row[1] for row in tx.execute(sa.text(f"select {names}, {text} from {kind}"))}
    )
    store.close()

    assert "unique" in found["uq_payment_one_open"].lower()
    for name in ("uq_payment_one_open", "ix_job_due", "ix_purchase_ending", "ix_webhook_message_due"):
        assert "where" in found[name].lower(), name


def test_migrating_again_changes_nothing(database_url: str) -> None:
    migrations.migrate(database_url)

    assert migrations.current(database_url) == migrations.head()
    store = Store.open(database_url)
    assert store.read_now(readiness.revision) == migrations.head()
    store.close()


def test_a_moment_needs_its_time_zone() -> None:
    from datetime import datetime

    with pytest.raises(ValueError, match="time zone"):
        tables.Utc().process_bind_param(datetime(2026, 1, 1), sa.create_engine("sqlite://").dialect)
