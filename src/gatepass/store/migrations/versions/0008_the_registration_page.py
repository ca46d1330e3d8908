"""what the registration page shows: the event's colour, whom to ask, and when registration opens"""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("registration_opens", Utc(), nullable=True))
    op.add_column("event", sa.Column("color", sa.String(7), nullable=True))
    op.add_column("event", sa.Column("contact_email", sa.String(100), nullable=True))
