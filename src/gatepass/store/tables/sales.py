"""Events, orders and their money."""

from uuid import UUID

import sqlalchemy as sa

from gatepass import model
from gatepass.store.declared import sql_table
from gatepass.store.tables.columns import flag, id_, json_, metadata, minor, text, to, when

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
    id_(),
    sa.Column("purchase_id", sa.Uuid, nullable=False, index=True),
    to("payment"),
    text("provider", 20),
    text("dispute_ref", 255),
    text("state", 20),
    minor("amount_minor"),
    text("currency", 3),
    text("reason", 100),
    flag("inquiry"),
    when("due", required=False),
    when("opened"),
    when("changed"),
    when("closed", required=False),
    sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True),
    sa.UniqueConstraint("provider", "dispute_ref"),
)

timeline_entry = sa.Table(
    "timeline_entry",
    metadata,
    id_(),
    sa.Column("purchase_id", sa.Uuid, nullable=False, index=True),
    when("at"),
    text("kind", 40),
    json_("detail"),
)
"""What happened to a purchase that no other row keeps the time of."""
