"""Who comes in: staff, programs, and what is kept secret for them."""

import sqlalchemy as sa

from gatepass.store.tables.columns import count, id_, json_, metadata, text, to, when

staff_user = sa.Table(
    "staff_user",
    metadata,
    id_(),
    text("email", 320, unique=True),
    text("name", 100),
    # Empty: no password, so none fits. Somebody invited, or who signs in elsewhere.
    text("password_hash", 300),
    text("role", 20),
    when("created"),
    # Issuer and subject at another identity provider.
    text("identity", 600, required=False),
    when("second_factor", required=False),
    sa.Column("last_step", sa.BigInteger, nullable=True),
    sa.Column("recovery", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("link", sa.Uuid, nullable=True),
    when("link_ends", required=False),
    when("disabled", required=False),
    sa.Index("uq_staff_user_identity", "identity", unique=True),
    sa.Index("uq_staff_user_link", "link", unique=True),
)
"""A person. `second_factor`: since when; `last_step`: of the newest code that was used; `recovery`: hashes of what is left;
`link`: the one invitation or reset that is open, until `link_ends`."""

staff_session = sa.Table(
    "staff_session",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    to("staff_user", index=True),
    text("way", 20),
    when("created"),
    when("seen"),
    when("confirmed"),
    when("expires"),
)
"""A sign-in. `way`: how; `seen`: the last request, to the minute; `confirmed`: when the person last showed who it is."""

staff_try = sa.Table(
    "staff_try", metadata, id_(), text("key", 64), when("at"), sa.Index("ix_staff_try_key_at", "key", "at")
)
"""Tries to sign in that have not worked (yet). `key` is a hash: no address stands here in plain text."""

secret = sa.Table(
    "secret",
    metadata,
    sa.Column("table_name", sa.String(60), primary_key=True),
    sa.Column("row_id", sa.Uuid, primary_key=True),
    sa.Column("column_name", sa.String(60), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    text("last_four", 4, required=False),
    when("changed"),
)
"""Encrypted for its place (services/secrets.py). `last_four` is all that a page may show of it."""

staff_token = sa.Table(
    "staff_token",
    metadata,
    id_(),
    text("name", 100),
    text("token_hash", 64, unique=True),
    json_("scopes"),
    text("created_by", 320),
    when("created"),
    when("expires"),
    when("last_used", required=False),
    when("revoked", required=False),
)
"""A program that calls the staff API. `last_used`: to the hour. A name is free again once its token has ended."""

staff_answer = sa.Table(
    "staff_answer",
    metadata,
    sa.Column("staff_token_id", sa.Uuid, sa.ForeignKey("staff_token.id"), primary_key=True),
    sa.Column("key", sa.String(200), primary_key=True),
    text("asked", 64),
    count("status", required=False),
    sa.Column("body", sa.LargeBinary, nullable=True),
    when("created"),
    sa.Index("ix_staff_answer_created", "created"),
)
"""What the staff API answered to an Idempotency-Key, for a day. `asked`: a hash of method, address and body."""

api_token = sa.Table(
    "api_token",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    text("name", 100),
    text("role", 20),
    sa.Column("systemuser_id", sa.Uuid, nullable=True),
    when("created"),
)
