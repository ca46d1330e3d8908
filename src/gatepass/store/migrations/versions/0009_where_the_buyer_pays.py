"""Where the buyer pays: on the provider's page, as until now, or on ours."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("payment_provider", "payment"):
        op.add_column(table, sa.Column("way", sa.String(20), nullable=False, server_default="redirect"))
