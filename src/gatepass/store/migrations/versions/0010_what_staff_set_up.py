"""What staff set up: refund terms of an event; a site's token can be changed without a gap, and tells when it was used."""

import sqlalchemy as sa
from alembic import op

from gatepass.store.types import Utc

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event", sa.Column("refund_terms", sa.String(1000), nullable=True))
    op.execute("create index ix_attendee_email_lower on attendee (lower(email))")
    like = " text_pattern_ops" if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(f"create index ix_attendee_last_name_lower on attendee (lower(last_name){like})")
    op.execute("create index ix_purchase_tail on purchase (substr(replace(cast(id as varchar), '-', ''), 23, 10))")
    with op.batch_alter_table("web_application") as table:
        table.add_column(sa.Column("old_token", sa.String(300), nullable=True))
        table.add_column(sa.Column("old_token_ends", Utc(), nullable=True))
        table.add_column(sa.Column("last_used", Utc(), nullable=True))
        table.create_unique_constraint("uq_web_application_old_token", ["old_token"])
