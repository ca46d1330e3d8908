"""Who may: staff accounts, their sessions, tokens of programs, web applications."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.event import WebApplication
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, Row, api_token, staff_session, staff_user, web_application

_contact = DECLARED["contact"]
_contacts = (
    sa.select(_contact.c.id, _contact.c.match_key)
    .where(_contact.c.match_key.in_(sa.bindparam("keys", expanding=True)))
    .with_for_update(read=True, key_share=True)
)


def staff_by_email(tx: ReadTx, email: str) -> Row | None:
    """The account, with its password hash."""
    return tx.row(sa.select(staff_user).where(staff_user.c.email == email.lower()))


def add_staff(tx: WriteTx, row: Row) -> None:
    """A new account, as a row of `tables.staff_user`."""
    tx.execute(sa.insert(staff_user), [dict(row)])


def open_session(tx: WriteTx, token_hash: str, user_id: UUID, expires: datetime) -> None:
    """Remember a sign-in; old ones of the same person stay."""
    row = {"token_hash": token_hash, "staff_user_id": user_id, "created": tx.now, "expires": expires}
    tx.execute(sa.insert(staff_session), [row])


def close_session(tx: WriteTx, token_hash: str) -> None:
    """Forget a sign-in."""
    tx.execute(sa.delete(staff_session).where(staff_session.c.token_hash == token_hash))


def staff_of_session(tx: ReadTx, token_hash: str, now: datetime) -> Row | None:
    """The account that is signed in with this session."""
    statement = (
        sa.select(staff_user)
        .join(staff_session, staff_session.c.staff_user_id == staff_user.c.id)
        .where(staff_session.c.token_hash == token_hash, staff_session.c.expires > now)
    )
    return tx.row(statement)


def token_owner(tx: ReadTx, token_hash: str) -> Row | None:
    """Name and role of the program that holds this token."""
    return tx.row(sa.select(api_token).where(api_token.c.token_hash == token_hash))


def add_token(tx: WriteTx, row: Row) -> None:
    """A new token, as a row of `tables.api_token`."""
    tx.execute(sa.insert(api_token), [dict(row)])


def web_application_by_token(tx: ReadTx, token: str) -> WebApplication | None:
    """The site that holds this public token."""
    row = tx.row(sa.select(web_application).where(web_application.c.token == token))
    return _web_application(row) if row else None


def web_application_by_id(tx: ReadTx, application_id: UUID) -> WebApplication | None:
    """The same by id."""
    statement = sa.select(web_application).where(web_application.c.id == application_id)
    row = tx.row(statement)
    return _web_application(row) if row else None


def add_web_application(tx: WriteTx, row: Row) -> None:
    """A new site, as a row of `tables.web_application`."""
    tx.execute(sa.insert(web_application), [dict(row)])


def _web_application(row: Row) -> WebApplication:
    return WebApplication(
        id=row["id"], name=row["name"], origins=row["origins"], token=row["token"], return_url=row["return_url"]
    )


def put_contacts(tx: WriteTx, rows: Sequence[Row]) -> dict[str, UUID]:
    """New rows of `contact`, but for those whose `match_key` is known. The id of each key; all stay until the commit."""
    tx.insert_many(_contact, rows, unless="match_key")
    found = tx.rows(_contacts, {"keys": [row["match_key"] for row in rows]})
    return {row["match_key"]: row["id"] for row in found}
