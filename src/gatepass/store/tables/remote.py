"""Purchases that live in somebody's Dynamics 365, and the pace at which it is called."""

import sqlalchemy as sa

from gatepass.store.tables.columns import count, id_, json_, metadata, minor, text, when

remote_purchase = sa.Table(
    "remote_purchase",
    metadata,
    id_(),
    text("name", 300),
    minor("total_minor"),
    text("currency", 3),
    text("status", 20),
    when("created"),
    when("hold_until", required=False),
    text("said", 20),
    when("read"),
    text("wanted", 20, required=False),
    when("sent", required=False),
    text("told", 20, required=False),
    when("told_at", required=False),
    text("error", 1000, required=False),
    when("changed"),
    sa.CheckConstraint("total_minor > 0", name="total"),
    sa.Index("ix_remote_purchase_changed", "changed"),
)
"""Purchases that live in a remote Dataverse, by its ids: what was read, what is wanted, what it was told."""
sa.Index(
    "ix_remote_purchase_ending", remote_purchase.c.hold_until,
    postgresql_where=remote_purchase.c.status == "awaiting_payment",
    sqlite_where=remote_purchase.c.status == "awaiting_payment",
)  # fmt: skip
sa.Index(
    "ix_remote_purchase_waiting", remote_purchase.c.created,
    postgresql_where=remote_purchase.c.wanted.is_not(None), sqlite_where=remote_purchase.c.wanted.is_not(None),
)  # fmt: skip
sa.Index("ix_remote_purchase_created", remote_purchase.c.created, remote_purchase.c.id)
sa.Index(
    "ix_remote_purchase_name_lower", sa.func.lower(remote_purchase.c.name).label("name"),
    postgresql_ops={"name": "text_pattern_ops"},
)  # fmt: skip

call_lane = sa.Table(
    "call_lane",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    when("next_free"),
    when("paused_until"),
    count("failures"),
    json_("taken"),
)
"""A remote service that is called at a pace which all processes share: one row, locked for a moment by each call."""
