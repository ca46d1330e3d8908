"""Programs that may: their users and tokens; web applications. People stand in `staff`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.domain.event import WebApplication
from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, Row, api_token, web_application

systemuser = DECLARED["systemuser"]


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


def web_application_by_token(tx: ReadTx, token: str, now: datetime) -> WebApplication | None:
    """The site that holds this public token, or held it before and may still use it."""
    at = web_application.c
    row = tx.row(sa.select(web_application).where(at.token == token))
    row = row or tx.row(sa.select(web_application).where(at.old_token == token, at.old_token_ends > now))
    return _web_application(row) if row else None


def web_applications(tx: ReadTx) -> list[Row]:
    """All sites, by name."""
    return tx.rows(sa.select(web_application).order_by(web_application.c.name, web_application.c.id))


def change_web_application(tx: WriteTx, application_id: UUID, values: Mapping[str, Any]) -> None:
    """Write these columns; what only we count is no change of its version."""
    tx.execute(sa.update(web_application).where(web_application.c.id == application_id).values(**values))


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
        id=row["id"], name=row["name"], origins=row["origins"], token=row["token"], return_url=row["return_url"],
        last_used=row["last_used"],
    )  # fmt: skip


def organization_id(tx: ReadTx) -> UUID:
    """The installation's own id, made when the database was."""
    return tx.execute(sa.select(DECLARED["organization"].c.id)).scalar_one()
