"""Forms of the registration page on their way to an order: whoever comes back to one finds it again."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of its own: nothing points to it, and it is soon forgotten."""
    op.create_table(
        "draft",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("typed", sa.JSON(), nullable=False),
        sa.Column("ends", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draft"),
    )


def downgrade() -> None:
    """Without them."""
    op.drop_table("draft")
