"""What the registration page keeps: pictures of events, so that no visitor's browser asks another host; who waits for what."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0012"
down_revision = "0011"
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
    with op.batch_alter_table("waitlist_item") as table:
        table.add_column(sa.Column("pass_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("purchase_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("locale", sa.String(20), nullable=True))
        table.create_foreign_key("fk_waitlist_item_pass_id", "pass", ["pass_id"], ["id"])
        table.create_foreign_key("fk_waitlist_item_purchase_id", "purchase", ["purchase_id"], ["id"])
