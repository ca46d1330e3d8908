"""Who may: staff accounts, their sessions, tokens of programs, web applications."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.event import WebApplication
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, Row, api_token, staff_session, staff_user, web_application

systemuser = DECLARED["systemuser"]


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
    """The user (a row of `systemuser`) that holds this token."""
    held = sa.select(api_token.c.systemuser_id).where(api_token.c.token_hash == token_hash)
    return tx.row(sa.select(systemuser).where(systemuser.c.id.in_(held)))


def add_user(tx: WriteTx, row: Row) -> None:
    """A new user, as a row of `systemuser`."""
    tx.execute(sa.insert(systemuser), [dict(row)])


def application_user(tx: ReadTx, client_id: UUID) -> Row | None:
    """The user that signs in with this client id, disabled ones too."""
    return tx.row(sa.select(systemuser).where(systemuser.c.applicationid == client_id))


def application_users(tx: ReadTx) -> list[Row]:
    """All users with a client id, by name."""
    wanted = sa.select(systemuser).where(systemuser.c.applicationid.is_not(None))
    return tx.rows(wanted.order_by(systemuser.c.fullname, systemuser.c.id))


def change_application_user(tx: WriteTx, client_id: UUID, values: Mapping[str, Any]) -> bool:
    """False: there is none."""
    changed = sa.update(systemuser).where(systemuser.c.applicationid == client_id).values(**values)
    return tx.execute(changed).rowcount > 0


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


def organization_id(tx: ReadTx) -> UUID:
    """The installation's own id, made when the database was."""
    return tx.execute(sa.select(DECLARED["organization"].c.id)).scalar_one()
