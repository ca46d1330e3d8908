"""The migrations lead to exactly the tables that are declared, on both databases."""

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from gatepass.store import Store, migrations, readiness, tables, types
from gatepass.store.engine import engines

OF_EXPRESSIONS = {"ix_attendee_email_lower", "ix_attendee_last_name_lower", "ix_audit_kind", "ix_purchase_tail"}
"""Alembic cannot compare these, nor SQLAlchemy read them from SQLite."""


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
def test_the_migrated_schema_is_the_declared_one(database_url: str) -> None:
    writer, reader = engines(database_url)
    try:
        with writer.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True, "compare_server_default": True,
                    "include_object": lambda _one, name, _type, _reflected, _other: name not in OF_EXPRESSIONS,
                },
            )  # fmt: skip
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

    assert found.keys() >= OF_EXPRESSIONS
    assert "unique" in found["uq_payment_one_open"].lower()
    for name in (
        "uq_payment_one_open", "ix_job_due", "ix_purchase_ending", "ix_webhook_message_due", "ix_purchase_awaiting",
        "ix_purchase_rare", "ix_purchase_event_rare", "ix_attention_open",
    ):  # fmt: skip
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
        types.Utc().process_bind_param(datetime(2026, 1, 1), sa.create_engine("sqlite://").dialect)


def test_a_database_of_the_first_schema_keeps_its_rows(database_url: str) -> None:
    """Tables that others point to are not made anew, and what an old row does not say is filled in."""
    writer, reader = engines(database_url)
    with writer.begin() as connection:
        tables.metadata.drop_all(connection)
        connection.execute(sa.text("drop table alembic_version"))
    _upgrade(database_url, "0001")
    with writer.begin() as connection:
        for statement in FIRST:
            connection.execute(sa.text(statement))
    writer.dispose()

    migrations.migrate(database_url)

    with reader.connect() as connection:
        about = connection.execute(sa.text("select about from notification")).scalar_one()
        policy = connection.execute(sa.text("select late_policy from event")).scalar_one()
        disputed = connection.execute(sa.text("select disputed from registration")).scalar_one()
        counted = connection.execute(sa.text("select what, count from figure_change")).one()
    reader.dispose()
    assert (about, policy, bool(disputed)) == ("page", "seat_else_refund", False)
    assert tuple(counted) == ("order.completed", 1)


_ID = "'0123456789abcdef0123456789abcdef'"
_NOW = "'2026-11-21T08:00:00.000000Z'"
FIRST = (
    (
        "insert into event (id, readable_id, name, description, place, status, currency, held, sold, starts, ends, time_zone,"
        f" payment_enabled, late_policy, created) values ({_ID}, 'E1', 'E', '', '', 'live', 'EUR', 0, 0,"
        f" '2027-01-01 00:00:00', '2027-01-02 00:00:00', 'UTC', false, 'seat_again', {_NOW})"
    ),
    (
        "insert into purchase (id, event_id, status, total_minor, currency, live, items, locale, created, changed)"
        f" values ({_ID}, {_ID}, 'completed', 0, 'EUR', false, '1', 'en', {_NOW}, {_NOW})"
    ),
    (
        "insert into attendee (id, purchase_id, position, price_minor, first_name, last_name, email, answers)"
        f" values ({_ID}, {_ID}, 0, 0, 'A', 'B', 'a@b.example', '[]')"
    ),
    (
        f"insert into registration (id, event_id, purchase_id, attendee_id, status, created) values ({_ID}, {_ID}, {_ID},"
        f" {_ID}, 'registered', {_NOW})"
    ),
    f"insert into attendee_pass (id, registration_id, code, price_minor, currency) values ({_ID}, {_ID}, 'X', 0, 'EUR')",
    (
        "insert into notification (id, provider, event_ref, kind, live, body, state, received)"
        f" values ({_ID}, 'stripe', 'evt_1', 'checkout.session.completed', false, '', 'applied', {_NOW})"
    ),
)


def _upgrade(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.VERSIONS.parent))
    writer, reader = engines(url)
    with writer.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    writer.dispose()
    reader.dispose()
