"""People who sign in: second factor, other identity providers, sessions that end; secrets; an audit log that only grows."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("identity", sa.String(600), nullable=True),
        sa.Column("second_factor", Utc(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("recovery", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("link", sa.Uuid(), nullable=True),
        sa.Column("link_ends", Utc(), nullable=True),
        sa.Column("disabled", Utc(), nullable=True),
    ):
        op.add_column("staff_user", column)
    op.create_index("uq_staff_user_identity", "staff_user", ["identity"], unique=True)
    op.create_index("uq_staff_user_link", "staff_user", ["link"], unique=True)
    # Whoever is signed in does so again.
    op.drop_table("staff_session")
    op.create_table(
        "staff_session",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("staff_user_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.String(20), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("seen", Utc(), nullable=False),
        sa.Column("confirmed", Utc(), nullable=False),
        sa.Column("expires", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["staff_user_id"], ["staff_user.id"], name="fk_staff_session_staff_user_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_staff_session"),
    )
    op.create_index("ix_staff_session_staff_user_id", "staff_session", ["staff_user_id"])
    op.create_table(
        "staff_try",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff_try"),
    )
    op.create_index("ix_staff_try_key_at", "staff_try", ["key", "at"])
    op.create_table(
        "secret",
        sa.Column("table_name", sa.String(60), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("column_name", sa.String(60), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.String(4), nullable=True),
        sa.Column("changed", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("table_name", "row_id", "column_name", name="pk_secret"),
    )
    op.create_index("ix_audit_actor_id", "audit", ["actor", "id"])
    op.create_index("ix_audit_action_id", "audit", ["action", "id"])
    _only_grow("audit")


def _only_grow(table: str) -> None:
    """What stands there cannot be changed or taken away, not by us either."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"create or replace function {table}_only_grows() returns trigger language plpgsql as "
            f"$$ begin raise exception 'the table {table} only grows'; end $$"
        )
        op.execute(
            f"create trigger {table}_only_grows before update or delete or truncate on {table} "
            f"for each statement execute function {table}_only_grows()"
        )
        return
    for word in ("update", "delete"):
        op.execute(
            f"create trigger {table}_no_{word} before {word} on {table} "
            f"begin select raise(abort, 'the table {table} only grows'); end"
        )
