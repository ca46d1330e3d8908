"""INSERT OR REPLACE of SQLite deletes without telling the triggers that keep the audit log from it."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One trigger more on SQLite; PostgreSQL has no such statement."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "create trigger audit_no_replace before insert on audit when exists (select 1 from audit where id = new.id) "
            "begin select raise(abort, 'the table audit only grows'); end"
        )


def downgrade() -> None:
    """Without it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("drop trigger audit_no_replace")
