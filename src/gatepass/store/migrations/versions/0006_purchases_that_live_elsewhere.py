"""Purchases of a remote Dataverse, and the pace at which it is called."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HELD = sa.text("status = 'awaiting_payment'")


def upgrade() -> None:
    op.create_table(
        "remote_purchase",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(300), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("created", Utc(), nullable=False),
        sa.Column("hold_until", Utc(), nullable=True),
        sa.Column("said", sa.String(20), nullable=False),
        sa.Column("read", Utc(), nullable=False),
        sa.Column("wanted", sa.String(20), nullable=True),
        sa.Column("sent", Utc(), nullable=True),
        sa.Column("told", sa.String(20), nullable=True),
        sa.Column("told_at", Utc(), nullable=True),
        sa.Column("error", sa.String(1000), nullable=True),
        sa.Column("changed", Utc(), nullable=False),
        sa.CheckConstraint("total_minor > 0", name=op.f("ck_remote_purchase_total")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remote_purchase")),
    )
    op.create_index(
        "ix_remote_purchase_ending", "remote_purchase", ["hold_until"], postgresql_where=HELD, sqlite_where=HELD
    )
    op.create_index("ix_remote_purchase_changed", "remote_purchase", ["changed"])
    op.create_table(
        "call_lane",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("next_free", Utc(), nullable=False),
        sa.Column("paused_until", Utc(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("taken", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_call_lane")),
    )
