"""What the registration page keeps: pictures of events, so that no visitor's browser asks another host for them."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "picture",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("source", sa.String(1000), nullable=True),
        sa.Column("kind", sa.String(20), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.String(500), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due", Utc(), nullable=True),
        sa.Column("changed", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_picture"),
        sa.UniqueConstraint("source", name="uq_picture_source"),
    )
