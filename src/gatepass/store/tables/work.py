"""What is to be done, was done, and is told: jobs, questions to people, the audit log, figures, mails, webhooks, pictures."""

from typing import Any

import sqlalchemy as sa

from gatepass.store.tables.columns import count, flag, id_, json_, metadata, text, to, when

setting = sa.Table("setting", metadata, sa.Column("name", sa.String(100), primary_key=True), text("value", 4000))
"""Feature switches and what an installation keeps of itself."""

job = sa.Table(
    "job",
    metadata,
    id_(),
    text("kind", 40),
    text("dedupe", 300, required=False, unique=True),
    json_("payload"),
    text("state", 10),
    when("due"),
    count("attempt"),
    count("failures"),
    text("owner", 60, required=False),
    text("last_error", 1000, required=False),
    when("created"),
    when("done", required=False),
)
sa.Index(
    "ix_job_due", job.c.kind, job.c.due, postgresql_where=job.c.state == "ready", sqlite_where=job.c.state == "ready"
)

attention = sa.Table(
    "attention",
    metadata,
    id_(),
    text("kind", 40),
    text("dedupe", 300, unique=True),
    sa.Column("purchase_id", sa.Uuid, nullable=True, index=True),
    sa.Column("payment_id", sa.Uuid, nullable=True),
    sa.Column("notification_id", sa.Uuid, nullable=True),
    text("reason", 1000),
    when("opened"),
    when("closed", required=False),
)
"""What a person must decide, named and in sight."""
sa.Index(
    "ix_attention_open", attention.c.opened,
    postgresql_where=attention.c.closed.is_(None), sqlite_where=attention.c.closed.is_(None),
)  # fmt: skip

audit = sa.Table(
    "audit",
    metadata,
    id_(),
    when("at"),
    text("actor", 200),
    text("action", 60),
    text("subject", 300, index=True),
    json_("detail"),
    sa.Index("ix_audit_actor_id", "actor", "id"),
    sa.Index("ix_audit_action_id", "action", "id"),
)
"""Only grows: a trigger of the database refuses to change or delete a row (migration 0007)."""


def _figure(scope: str) -> list[sa.Column[Any]]:
    """`what`: `order.<status>`, `sent`, `declined.<reason>`, `refund.<state>`, `dispute.<state>`, `paid`, `fee`."""
    numbers = [sa.Column(name, sa.BigInteger, nullable=False) for name in ("count", "total_minor")]
    return [sa.Column(scope, sa.Uuid, nullable=False), when("at"), text("what", 60), text("currency", 3), *numbers]


figure = sa.Table("figure", metadata, *_figure("scope"), sa.PrimaryKeyConstraint("scope", "at", "what", "currency"))
"""Sums of an event by the quarter of an hour, and of all events by the day of UTC: what charts are drawn from."""
figure_change = sa.Table("figure_change", metadata, *_figure("event_id"))
"""What has happened since they were summed up. Triggers write it (migrations 0014, 0016), the worker adds it to `figure`."""

mail = sa.Table(
    "mail",
    metadata,
    id_(),
    to("purchase"),
    text("kind", 40),
    text("recipient", 320),
    text("subject", 300),
    when("created"),
    when("sent", required=False),
    sa.UniqueConstraint("purchase_id", "kind", "recipient"),
)


webhook_endpoint = sa.Table(
    "webhook_endpoint",
    metadata,
    id_(),
    text("url", 2000),
    text("description", 200),
    json_("kinds"),
    flag("personal"),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("old_secret", sa.LargeBinary, nullable=True),
    when("old_secret_ends", required=False),
    text("state", 20),
    text("reason", 500, required=False),
    when("failing_since", required=False),
    when("created"),
)
"""An integrator's address. Both secrets are encrypted; no kinds: all of them."""

webhook_message = sa.Table(
    "webhook_message",
    metadata,
    id_(),
    to("webhook_endpoint"),
    sa.Column("purchase_id", sa.Uuid, nullable=True, index=True),
    text("kind", 60),
    # What was announced, by name: one fact is one message per endpoint.
    text("fact", 200),
    json_("about"),
    # None until the first try: then it is written from the rows, and every retry sends the same.
    sa.Column("body", sa.Text, nullable=True),
    text("state", 20),
    when("due"),
    count("tries"),
    count("last_status", required=False),
    text("last_error", 500, required=False),
    when("created"),
    when("ended", required=False),
    sa.UniqueConstraint("webhook_endpoint_id", "fact"),
)
"""A message is its own job: `due` is its lease while it is being sent, `tries` the fence of that claim."""
sa.Index(
    "ix_webhook_message_due", webhook_message.c.webhook_endpoint_id, webhook_message.c.due,
    postgresql_where=webhook_message.c.state == "pending", sqlite_where=webhook_message.c.state == "pending",
)  # fmt: skip


picture = sa.Table(
    "picture",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    text("source", 1000, required=False, unique=True),
    text("kind", 20, required=False),
    sa.Column("body", sa.LargeBinary, nullable=True),
    text("problem", 500, required=False),
    count("tries"),
    when("due", required=False),
    when("changed"),
)
"""A picture of an event, kept here. `source`: where it was fetched, None for one that staff gave; `problem`: why it is not
here; `due`: when it is tried again, None when it is here."""
