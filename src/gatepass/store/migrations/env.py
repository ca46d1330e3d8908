"""Alembic runs this; the connection and its transaction come from `migrations.migrate`."""

from alembic import context

from gatepass.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
