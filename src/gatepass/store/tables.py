"""Every table, once. Times are UTC, money is integer minor units with a currency, ids are UUIDv7 made here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from uuid_utils import compat as uuids

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def new_id() -> UUID:
    """UUIDv7: sorted by time, so inserts stay at one end of the index. Never a credential."""
    return uuids.uuid7()


def first_id_of(moment: datetime) -> UUID:
    """No id made at or after this moment is smaller: a span of time is a span of ids, and needs no index of its own."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


class Utc(sa.TypeDecorator[datetime]):
    """A moment. Refuses naive values; timestamptz on PostgreSQL, text of fixed width on SQLite, which sorts as time does."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        kind: Any = sa.String(27) if dialect.name == "sqlite" else sa.DateTime(timezone=True)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        if dialect.name != "sqlite":
            return value
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


def _id() -> sa.Column[UUID]:
    return sa.Column("id", sa.Uuid, primary_key=True)


def _to(table: str, name: str | None = None, *, required: bool = True, index: bool = False) -> sa.Column[UUID]:
    return sa.Column(name or f"{table}_id", sa.Uuid, sa.ForeignKey(f"{table}.id"), nullable=not required, index=index)


def _text(name: str, length: int, *, required: bool = True, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=not required, **more)


def _when(name: str, *, required: bool = True) -> sa.Column[datetime]:
    return sa.Column(name, Utc, nullable=not required)


def _count(name: str, *, required: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=not required)


def _minor(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _flag(name: str, **more: Any) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, **more)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=False)


setting = sa.Table("setting", metadata, sa.Column("name", sa.String(100), primary_key=True), _text("value", 4000))
"""Feature switches and what an installation keeps of itself."""

payment_provider = sa.Table(
    "payment_provider",
    metadata,
    _id(),
    _text("name", 100),
    _text("kind", 20),
    _text("payment_page_url", 1000),
    _count("timeout_minutes"),
    _flag("live"),
    _when("created"),
    sa.CheckConstraint("timeout_minutes > 0", name="timeout"),
)

web_application = sa.Table(
    "web_application",
    metadata,
    _id(),
    _text("name", 100),
    _json("origins"),
    _text("token", 300, unique=True),
    _text("return_url", 1000, required=False),
    _when("created"),
)

event = sa.Table(
    "event",
    metadata,
    _id(),
    _text("readable_id", 500, unique=True),
    _text("name", 100),
    _text("description", 2000),
    _text("place", 200),
    _text("image_url", 1000, required=False),
    _text("status", 20),
    _text("currency", 3),
    _count("capacity", required=False),
    _count("held"),
    _count("sold"),
    sa.Column("starts", sa.DateTime, nullable=False),
    sa.Column("ends", sa.DateTime, nullable=False),
    _text("time_zone", 60),
    _when("registration_closes", required=False),
    _flag("payment_enabled"),
    _to("payment_provider", required=False),
    _text("late_policy", 20),
    _when("created"),
    sa.CheckConstraint("held >= 0 and sold >= 0 and (capacity is null or held + sold <= capacity)", name="seats"),
)

event_pass = sa.Table(
    "pass",
    metadata,
    _id(),
    _to("event", index=True),
    _text("name", 100),
    _text("description", 500),
    _minor("price_minor"),
    _count("allocation"),
    _count("held"),
    _count("sold"),
    _when("created"),
    sa.CheckConstraint("held >= 0 and sold >= 0 and held + sold <= allocation", name="seats"),
    sa.CheckConstraint("price_minor >= 0", name="price"),
)

purchase = sa.Table(
    "purchase",
    metadata,
    _id(),
    _to("event", index=True),
    _text("status", 20),
    _minor("total_minor"),
    _text("currency", 3),
    _flag("live"),
    _to("payment_provider", required=False),
    _to("web_application", required=False),
    _text("return_url", 2000, required=False),
    _text("items", 500),
    _text("locale", 20),
    _text("idempotency_key", 300, required=False, unique=True),
    _text("wish", 64, required=False),
    _when("hold_until", required=False),
    _when("created"),
    _when("changed"),
    sa.CheckConstraint("total_minor >= 0", name="total"),
)
sa.Index(
    "ix_purchase_ending", purchase.c.hold_until,
    postgresql_where=purchase.c.status == "awaiting_payment", sqlite_where=purchase.c.status == "awaiting_payment",
)  # fmt: skip
sa.Index(
    "ix_purchase_waiting", purchase.c.changed,
    postgresql_where=purchase.c.status == "waitlisted", sqlite_where=purchase.c.status == "waitlisted",
)  # fmt: skip

attendee = sa.Table(
    "attendee",
    metadata,
    _id(),
    _to("purchase", index=True),
    _count("position"),
    _to("pass", required=False),
    _minor("price_minor"),
    _text("first_name", 50),
    _text("last_name", 50),
    _text("email", 100),
    _json("answers"),
)

registration = sa.Table(
    "registration",
    metadata,
    _id(),
    _to("event", index=True),
    _to("purchase", index=True),
    sa.Column("attendee_id", sa.Uuid, sa.ForeignKey("attendee.id"), nullable=False, unique=True),
    _text("status", 20),
    _flag("disputed", server_default=sa.false()),
    _when("created"),
    _when("cancelled", required=False),
)

attendee_pass = sa.Table(
    "attendee_pass",
    metadata,
    _id(),
    sa.Column("registration_id", sa.Uuid, sa.ForeignKey("registration.id"), nullable=False, unique=True),
    _to("pass", required=False),
    _text("code", 40, unique=True),
    _minor("price_minor"),
    _text("currency", 3),
)

payment = sa.Table(
    "payment",
    metadata,
    _id(),
    # No foreign key: the purchase may live in a remote Dataverse.
    sa.Column("purchase_id", sa.Uuid, nullable=False),
    _count("number"),
    _text("provider", 20),
    _count("opening"),
    _text("state", 20),
    _minor("amount_minor"),
    _text("currency", 3),
    _flag("live"),
    _text("page_url", 2000, required=False),
    _text("session_ref", 255, required=False),
    _text("intent_ref", 255, required=False, index=True),
    _text("charge_ref", 255, required=False),
    _text("reason_code", 100, required=False),
    _text("reason_text", 1000, required=False),
    _text("return_url", 2000, required=False),
    sa.Column("fee_minor", sa.BigInteger, nullable=True),
    _when("opened"),
    _when("changed"),
    _when("expires_at"),
    sa.UniqueConstraint("purchase_id", "number"),
    sa.UniqueConstraint("provider", "session_ref"),
)
sa.Index(
    "uq_payment_one_open", payment.c.purchase_id, unique=True,
    postgresql_where=payment.c.state.in_(("created", "processing")),
    sqlite_where=payment.c.state.in_(("created", "processing")),
)  # fmt: skip

notification = sa.Table(
    "notification",
    metadata,
    _id(),
    _text("provider", 20),
    _text("event_ref", 255),
    _text("kind", 100),
    _text("object_ref", 255, required=False),
    _text("payment_hint", 255, required=False),
    _text("about", 20),
    _text("money_ref", 255, required=False),
    sa.Column("payment_id", sa.Uuid, nullable=True),
    sa.Column("purchase_id", sa.Uuid, nullable=True, index=True),
    _flag("live"),
    # None when its time of keeping is over.
    sa.Column("body", sa.LargeBinary, nullable=True),
    _text("state", 20),
    _text("reason", 1000, required=False),
    _when("received"),
    _when("handled", required=False),
    sa.UniqueConstraint("provider", "event_ref"),
)

sa.Index(
    "ix_notification_bodies", notification.c.received,
    postgresql_where=notification.c.body.is_not(None), sqlite_where=notification.c.body.is_not(None),
)  # fmt: skip
"""Raw bodies by age: for the day on which they go."""
_waits = sa.or_(notification.c.state == "new", notification.c.state == "quarantined")
sa.Index("ix_notification_waiting", notification.c.state, postgresql_where=_waits, sqlite_where=_waits)
"""The few of many that are not dealt with."""

refund = sa.Table(
    "refund",
    metadata,
    _id(),
    sa.Column("purchase_id", sa.Uuid, nullable=False, index=True),
    _to("payment", index=True),
    _text("provider", 20),
    _count("opening"),
    _text("state", 20),
    _minor("amount_minor"),
    _text("currency", 3),
    _text("cause", 20),
    _text("reason", 500),
    _text("actor", 200),
    _text("money_ref", 255),
    _text("refund_ref", 255, required=False),
    _json("attendees"),
    _text("reason_code", 100, required=False),
    _text("reason_text", 1000, required=False),
    _when("requested"),
    _when("changed"),
    sa.UniqueConstraint("provider", "refund_ref"),
    sa.CheckConstraint("amount_minor > 0", name="amount"),
)

dispute = sa.Table(
    "dispute",
    metadata,
    _id(),
    sa.Column("purchase_id", sa.Uuid, nullable=False, index=True),
    _to("payment"),
    _text("provider", 20),
    _text("dispute_ref", 255),
    _text("state", 20),
    _minor("amount_minor"),
    _text("currency", 3),
    _text("reason", 100),
    _flag("inquiry"),
    _when("due", required=False),
    _when("opened"),
    _when("changed"),
    _when("closed", required=False),
    sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True),
    sa.UniqueConstraint("provider", "dispute_ref"),
)

timeline_entry = sa.Table(
    "timeline_entry",
    metadata,
    _id(),
    sa.Column("purchase_id", sa.Uuid, nullable=False, index=True),
    _when("at"),
    _text("kind", 40),
    _json("detail"),
)
"""What happened to a purchase that no other row keeps the time of."""

webhook_endpoint = sa.Table(
    "webhook_endpoint",
    metadata,
    _id(),
    _text("url", 2000),
    _text("description", 200),
    _json("kinds"),
    _flag("personal"),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("old_secret", sa.LargeBinary, nullable=True),
    _when("old_secret_ends", required=False),
    _text("state", 20),
    _text("reason", 500, required=False),
    _when("failing_since", required=False),
    _when("created"),
)
"""An integrator's address. Both secrets are encrypted; no kinds: all of them."""

webhook_message = sa.Table(
    "webhook_message",
    metadata,
    _id(),
    _to("webhook_endpoint"),
    sa.Column("purchase_id", sa.Uuid, nullable=True, index=True),
    _text("kind", 60),
    # What was announced, by name: one fact is one message per endpoint.
    _text("fact", 200),
    _json("about"),
    # None until the first try: then it is written from the rows, and every retry sends the same.
    sa.Column("body", sa.Text, nullable=True),
    _text("state", 20),
    _when("due"),
    _count("tries"),
    _count("last_status", required=False),
    _text("last_error", 500, required=False),
    _when("created"),
    _when("ended", required=False),
    sa.UniqueConstraint("webhook_endpoint_id", "fact"),
)
"""A message is its own job: `due` is its lease while it is being sent, `tries` the fence of that claim."""
sa.Index(
    "ix_webhook_message_due", webhook_message.c.webhook_endpoint_id, webhook_message.c.due,
    postgresql_where=webhook_message.c.state == "pending", sqlite_where=webhook_message.c.state == "pending",
)  # fmt: skip

job = sa.Table(
    "job",
    metadata,
    _id(),
    _text("kind", 40),
    _text("dedupe", 300, required=False, unique=True),
    _json("payload"),
    _text("state", 10),
    _when("due"),
    _count("attempt"),
    _count("failures"),
    _text("owner", 60, required=False),
    _text("last_error", 1000, required=False),
    _when("created"),
    _when("done", required=False),
)
sa.Index("ix_job_due", job.c.due, postgresql_where=job.c.state == "ready", sqlite_where=job.c.state == "ready")

attention = sa.Table(
    "attention",
    metadata,
    _id(),
    _text("kind", 40),
    _text("dedupe", 300, unique=True),
    sa.Column("purchase_id", sa.Uuid, nullable=True, index=True),
    sa.Column("payment_id", sa.Uuid, nullable=True),
    sa.Column("notification_id", sa.Uuid, nullable=True),
    _text("reason", 1000),
    _when("opened"),
    _when("closed", required=False),
)
"""What a person must decide, named and in sight."""

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    _when("at"),
    _text("actor", 200),
    _text("action", 60),
    _text("subject", 300, index=True),
    _json("detail"),
)

mail = sa.Table(
    "mail",
    metadata,
    _id(),
    _to("purchase"),
    _text("kind", 40),
    _text("recipient", 320),
    _text("subject", 300),
    _when("created"),
    _when("sent", required=False),
    sa.UniqueConstraint("purchase_id", "kind", "recipient"),
)

staff_user = sa.Table(
    "staff_user",
    metadata,
    _id(),
    _text("email", 320, unique=True),
    _text("name", 100),
    _text("password_hash", 300),
    _text("role", 20),
    _when("created"),
)

staff_session = sa.Table(
    "staff_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    _to("staff_user", index=True),
    _when("created"),
    _when("expires"),
)

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    _text("name", 100),
    _text("role", 20),
    _when("created"),
)

Row = Mapping[str, Any]
