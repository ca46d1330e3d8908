"""jobs by kind"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

READY = sa.text("state = 'ready'")


def upgrade() -> None:
    """A claim takes so many of each kind: however many wait of another kind, it does not walk over them."""
    op.drop_index("ix_job_due", "job")
    op.create_index("ix_job_due", "job", ["kind", "due"], postgresql_where=READY, sqlite_where=READY)
