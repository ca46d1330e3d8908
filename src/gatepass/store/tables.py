"""Every table, once. Times are UTC, money is integer minor units with a currency, ids are UUIDv7 made here."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from uuid_utils import compat as uuids

from gatepass import model
from gatepass.model.table import Table
from gatepass.store.declared import link_table, sql_table
from gatepass.store.types import Utc

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


def _declared(table: Table) -> sa.Table:
    return metadata.tables[table.name] if table.name in metadata.tables else sql_table(table, metadata)


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

payment_provider = sql_table(
    model.payments.PAYMENT_PROVIDER, metadata, sa.CheckConstraint("timeout_minutes > 0", name="timeout")
)

web_application = sql_table(model.site.WEB_APPLICATION, metadata)

event = sql_table(
    model.events.EVENT,
    metadata,
    sa.CheckConstraint("held >= 0 and sold >= 0 and (capacity is null or held + sold <= capacity)", name="seats"),
)

event_pass = sql_table(
    model.events.PASS,
    metadata,
    sa.CheckConstraint("held >= 0 and sold >= 0 and held + sold <= allocation", name="seats"),
    sa.CheckConstraint("price_minor >= 0", name="price"),
)

purchase = sql_table(model.purchases.PURCHASE, metadata, sa.CheckConstraint("total_minor >= 0", name="total"))
sa.Index(
    "ix_purchase_ending", purchase.c.hold_until,
    postgresql_where=purchase.c.status == "awaiting_payment", sqlite_where=purchase.c.status == "awaiting_payment",
)  # fmt: skip
sa.Index(
    "ix_purchase_waiting", purchase.c.changed,
    postgresql_where=purchase.c.status == "waitlisted", sqlite_where=purchase.c.status == "waitlisted",
)  # fmt: skip
sa.Index("ix_purchase_created", purchase.c.created, purchase.c.id)
sa.Index("ix_purchase_event_created", purchase.c.event_id, purchase.c.created, purchase.c.id)
"""Orders by age, all or those of one event: the pages of a long list cost the same, the first as the last."""

awaiting_payment = purchase.c.status == sa.literal_column("'awaiting_payment'")
_often = [sa.literal_column(f"'{status}'", sa.String) for status in ("completed", "awaiting_payment")]
rare_status = purchase.c.status.not_in(_often)
"""The conditions of these indexes. Whoever wants SQLite to use one asks with the same words."""
sa.Index(
    "ix_purchase_awaiting", purchase.c.event_id, purchase.c.created, purchase.c.id,
    postgresql_where=awaiting_payment, sqlite_where=awaiting_payment,
)  # fmt: skip
for _name, _columns in (
    ("ix_purchase_rare", ("status", "created", "id")), ("ix_purchase_event_rare", ("event_id", "status", "created", "id"))
):  # fmt: skip
    sa.Index(
        _name, *(purchase.c[column] for column in _columns), postgresql_where=rare_status, sqlite_where=rare_status
    )
"""Lists of one status, newest first: what is not completed is rare, and would be looked for through everything."""


def tail_of_id(column: sa.ColumnElement[UUID]) -> sa.ColumnElement[str]:
    """The last ten hexadecimal digits of an id: what an order's reference stands for."""
    text = sa.func.replace(sa.cast(column, sa.String), sa.literal_column("'-'"), sa.literal_column("''"))
    return sa.func.substr(text, sa.literal_column("23"), sa.literal_column("10"))


sa.Index("ix_purchase_tail", tail_of_id(purchase.c.id))

attendee = sql_table(model.purchases.ATTENDEE, metadata)

sa.Index("ix_attendee_email_lower", sa.func.lower(attendee.c.email))
sa.Index(
    "ix_attendee_last_name_lower", sa.func.lower(attendee.c.last_name).label("name"),
    postgresql_ops={"name": "text_pattern_ops"},
)  # fmt: skip
"""Staff looks people up by address, and by the beginning of a name."""

registration = sql_table(model.purchases.REGISTRATION, metadata)

attendee_pass = sql_table(model.purchases.ATTENDEE_PASS, metadata)

payment = sql_table(
    model.payments.PAYMENT,
    metadata,
    sa.UniqueConstraint("purchase_id", "number"),
    sa.UniqueConstraint("provider", "session_ref"),
)
sa.Index(
    "uq_payment_one_open", payment.c.purchase_id, unique=True,
    postgresql_where=payment.c.state.in_(("created", "processing")),
    sqlite_where=payment.c.state.in_(("created", "processing")),
)  # fmt: skip

notification = sql_table(model.payments.NOTIFICATION, metadata, sa.UniqueConstraint("provider", "event_ref"))

sa.Index(
    "ix_notification_bodies", notification.c.received,
    postgresql_where=notification.c.body.is_not(None), sqlite_where=notification.c.body.is_not(None),
)  # fmt: skip
"""Raw bodies by age: for the day on which they go."""
_waits = sa.or_(notification.c.state == "new", notification.c.state == "quarantined")
sa.Index("ix_notification_waiting", notification.c.state, postgresql_where=_waits, sqlite_where=_waits)
"""The few of many that are not dealt with."""

refund = sql_table(
    model.payments.REFUND,
    metadata,
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
sa.Index(
    "ix_job_due", job.c.kind, job.c.due, postgresql_where=job.c.state == "ready", sqlite_where=job.c.state == "ready"
)

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
sa.Index(
    "ix_attention_open", attention.c.opened,
    postgresql_where=attention.c.closed.is_(None), sqlite_where=attention.c.closed.is_(None),
)  # fmt: skip

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    _when("at"),
    _text("actor", 200),
    _text("action", 60),
    _text("subject", 300, index=True),
    _json("detail"),
    sa.Index("ix_audit_actor_id", "actor", "id"),
    sa.Index("ix_audit_action_id", "action", "id"),
)
"""Only grows: a trigger of the database refuses to change or delete a row (migration 0007)."""


def _figure(scope: str) -> list[sa.Column[Any]]:
    """`what`: `order.<status>`, `sent`, `declined.<reason>`, `refund.<state>`, `dispute.<state>`."""
    numbers = [sa.Column(name, sa.BigInteger, nullable=False) for name in ("count", "total_minor")]
    return [sa.Column(scope, sa.Uuid, nullable=False), _when("at"), _text("what", 60), _text("currency", 3), *numbers]


figure = sa.Table("figure", metadata, *_figure("scope"), sa.PrimaryKeyConstraint("scope", "at", "what", "currency"))
"""Sums of an event by the quarter of an hour, and of all events by the day of UTC: what charts are drawn from."""
figure_change = sa.Table("figure_change", metadata, *_figure("event_id"))
"""What has happened since they were summed up. Triggers write it (migration 0014), the worker adds it to `figure`."""

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
    # Empty: no password, so none fits. Somebody invited, or who signs in elsewhere.
    _text("password_hash", 300),
    _text("role", 20),
    _when("created"),
    # Issuer and subject at another identity provider.
    _text("identity", 600, required=False),
    _when("second_factor", required=False),
    sa.Column("last_step", sa.BigInteger, nullable=True),
    sa.Column("recovery", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("link", sa.Uuid, nullable=True),
    _when("link_ends", required=False),
    _when("disabled", required=False),
    sa.Index("uq_staff_user_identity", "identity", unique=True),
    sa.Index("uq_staff_user_link", "link", unique=True),
)
"""A person. `second_factor`: since when; `last_step`: of the newest code that was used; `recovery`: hashes of what is left;
`link`: the one invitation or reset that is open, until `link_ends`."""

staff_session = sa.Table(
    "staff_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    _to("staff_user", index=True),
    _text("way", 20),
    _when("created"),
    _when("seen"),
    _when("confirmed"),
    _when("expires"),
)
"""A sign-in. `way`: how; `seen`: the last request, to the minute; `confirmed`: when the person last showed who it is."""

staff_try = sa.Table(
    "staff_try", metadata, _id(), _text("key", 64), _when("at"), sa.Index("ix_staff_try_key_at", "key", "at")
)
"""Tries to sign in that have not worked (yet). `key` is a hash: no address stands here in plain text."""

secret = sa.Table(
    "secret",
    metadata,
    sa.Column("table_name", sa.String(60), primary_key=True),
    sa.Column("row_id", sa.Uuid, primary_key=True),
    sa.Column("column_name", sa.String(60), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _text("last_four", 4, required=False),
    _when("changed"),
)
"""Encrypted for its place (services/secrets.py). `last_four` is all that a page may show of it."""

staff_token = sa.Table(
    "staff_token",
    metadata,
    _id(),
    _text("name", 100),
    _text("token_hash", 64, unique=True),
    _json("scopes"),
    _text("created_by", 320),
    _when("created"),
    _when("expires"),
    _when("last_used", required=False),
    _when("revoked", required=False),
)
"""A program that calls the staff API. `last_used`: to the hour. A name is free again once its token has ended."""

staff_answer = sa.Table(
    "staff_answer",
    metadata,
    sa.Column("staff_token_id", sa.Uuid, sa.ForeignKey("staff_token.id"), primary_key=True),
    sa.Column("key", sa.String(200), primary_key=True),
    _text("asked", 64),
    _count("status", required=False),
    sa.Column("body", sa.LargeBinary, nullable=True),
    _when("created"),
    sa.Index("ix_staff_answer_created", "created"),
)
"""What the staff API answered to an Idempotency-Key, for a day. `asked`: a hash of method, address and body."""

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    _text("name", 100),
    _text("role", 20),
    sa.Column("systemuser_id", sa.Uuid, nullable=True),
    _when("created"),
)

remote_purchase = sa.Table(
    "remote_purchase",
    metadata,
    _id(),
    _text("name", 300),
    _minor("total_minor"),
    _text("currency", 3),
    _text("status", 20),
    _when("created"),
    _when("hold_until", required=False),
    _text("said", 20),
    _when("read"),
    _text("wanted", 20, required=False),
    _when("sent", required=False),
    _text("told", 20, required=False),
    _when("told_at", required=False),
    _text("error", 1000, required=False),
    _when("changed"),
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

picture = sa.Table(
    "picture",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    _text("source", 1000, required=False, unique=True),
    _text("kind", 20, required=False),
    sa.Column("body", sa.LargeBinary, nullable=True),
    _text("problem", 500, required=False),
    _count("tries"),
    _when("due", required=False),
    _when("changed"),
)
"""A picture of an event, kept here. `source`: where it was fetched, None for one that staff gave; `problem`: why it is not
here; `due`: when it is tried again, None when it is here."""

call_lane = sa.Table(
    "call_lane",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    _when("next_free"),
    _when("paused_until"),
    _count("failures"),
    _json("taken"),
)
"""A remote service that is called at a pace which all processes share: one row, locked for a moment by each call."""

Row = Mapping[str, Any]

DECLARED: Mapping[str, sa.Table] = MappingProxyType(
    {one.name: _declared(one) for one in model.TABLES if not one.face_of}
)
"""The SQL tables of the data model by our noun: those above, and those that only the Web API knows."""
LINKS: Mapping[str, sa.Table] = MappingProxyType(
    {one.intersect: link_table(one, metadata) for one in model.MANY_TO_MANY}
)
"""The many-to-many tables by their logical name."""
