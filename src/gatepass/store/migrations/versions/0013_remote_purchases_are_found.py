"""Purchases that live elsewhere are listed by age, and found by the name that they have there."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_remote_purchase_created", "remote_purchase", ["created", "id"])
    wanted = sa.text("wanted is not null")
    op.create_index(
        "ix_remote_purchase_waiting", "remote_purchase", ["created"], postgresql_where=wanted, sqlite_where=wanted
    )
    like = " text_pattern_ops" if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(f"create index ix_remote_purchase_name_lower on remote_purchase (lower(name){like})")
