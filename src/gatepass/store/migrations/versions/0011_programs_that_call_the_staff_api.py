"""Programs that call the staff API: their tokens, and what they were answered, so that nothing is done twice."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(320), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("expires", Utc(), nullable=False),
        sa.Column("last_used", Utc(), nullable=True),
        sa.Column("revoked", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_token"),
        sa.UniqueConstraint("token_hash", name="uq_staff_token_token_hash"),
    )
    op.create_table(
        "staff_answer",
        sa.Column("staff_token_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["staff_token_id"], ["staff_token.id"], name="fk_staff_answer_staff_token_id"),
        sa.PrimaryKeyConstraint("staff_token_id", "key", name="pk_staff_answer"),
    )
    op.create_index("ix_staff_answer_created", "staff_answer", ["created"])
