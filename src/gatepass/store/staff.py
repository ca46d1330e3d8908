"""People who sign in: their accounts, their sessions, and tries that did not work."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gatepass.store.engine import ReadTx, WriteTx
from gatepass.store.tables import DECLARED, Row, first_id_of, new_id, staff_session, staff_try, staff_user

_user, _session, _try = staff_user.c, staff_session.c, staff_try.c
_systemuser = DECLARED["systemuser"]


def by_email(tx: ReadTx, email: str) -> Row | None:
    """The account, with its password hash."""
    return tx.row(sa.select(staff_user).where(_user.email == email.lower()))


def get(tx: ReadTx, user_id: UUID) -> Row | None:
    """One account."""
    return tx.row(sa.select(staff_user).where(_user.id == user_id))


def lock(tx: WriteTx, user_id: UUID) -> Row | None:
    """The same, and nobody else changes it meanwhile."""
    return tx.row(sa.select(staff_user).where(_user.id == user_id).with_for_update())


def by_identity(tx: ReadTx, identity: str) -> Row | None:
    """The account of somebody at another identity provider."""
    return tx.row(sa.select(staff_user).where(_user.identity == identity))


def by_link(tx: WriteTx, link: UUID) -> Row | None:
    """Whose invitation or reset is open, kept from others until the end of the transaction."""
    return tx.row(sa.select(staff_user).where(_user.link == link).with_for_update())


def everybody(tx: ReadTx) -> list[Row]:
    """All accounts, by address."""
    return tx.rows(sa.select(staff_user).order_by(_user.email))


def lock_active(tx: WriteTx, role: str) -> list[UUID]:
    """Who of this role can sign in, which who was only invited cannot; nobody changes these meanwhile."""
    known = sa.or_(_user.password_hash != "", _user.identity.is_not(None))
    wanted = sa.select(_user.id).where(_user.role == role, _user.disabled.is_(None), known).order_by(_user.id)
    return list(tx.execute(wanted.with_for_update()).scalars())


def is_empty(tx: ReadTx) -> bool:
    """Nobody can sign in yet."""
    return tx.execute(sa.select(sa.func.count()).select_from(sa.select(_user.id).limit(1).subquery())).scalar_one() == 0


def add(tx: WriteTx, row: Row) -> None:
    """A new account, as a row of `tables.staff_user`; and its user of the Web API."""
    tx.execute(sa.insert(staff_user), [dict(row)])
    user = {"id": row["id"], "fullname": row["name"], "internalemailaddress": row["email"], "role": row["role"]}
    tx.execute(sa.insert(_systemuser), [user | {"isdisabled": False}])


def change(tx: WriteTx, user_id: UUID, values: Mapping[str, Any]) -> None:
    """Change an account, and what the Web API tells of it."""
    tx.execute(sa.update(staff_user).where(_user.id == user_id).values(**values))
    told = {name: values[name] for name in ("role",) if name in values}
    if "disabled" in values:
        told["isdisabled"] = values["disabled"] is not None
    if told:
        tx.execute(sa.update(_systemuser).where(_systemuser.c.id == user_id).values(**told))


def open_session(tx: WriteTx, token_hash: str, user_id: UUID, way: str, expires: datetime) -> None:
    """Remember a sign-in; old ones of the same person stay."""
    at = {"created": tx.now, "seen": tx.now, "confirmed": tx.now, "expires": expires}
    row = {"token_hash": token_hash, "staff_user_id": user_id, "way": way, **at}
    tx.execute(sa.insert(staff_session), [row])


def session(tx: ReadTx, token_hash: str, seen_after: datetime, now: datetime) -> Row | None:
    """A session that has not ended, with its account: columns of the account, and `way`, `seen`, `confirmed`."""
    wanted = (
        sa.select(staff_user, _session.way, _session.seen, _session.confirmed)
        .join(staff_session, _session.staff_user_id == _user.id)
        .where(_session.token_hash == token_hash, _session.expires > now, _session.seen > seen_after)
        .where(_user.disabled.is_(None))
    )
    return tx.row(wanted)


def sessions_of(tx: ReadTx, user_id: UUID, now: datetime) -> list[Row]:
    """Where somebody is signed in, the newest first."""
    mine = sa.select(staff_session).where(_session.staff_user_id == user_id, _session.expires > now)
    return tx.rows(mine.order_by(_session.created.desc()))


def change_session(tx: WriteTx, token_hash: str, values: Mapping[str, Any]) -> None:
    """`seen` or `confirmed`."""
    tx.execute(sa.update(staff_session).where(_session.token_hash == token_hash).values(**values))


def close_session(tx: WriteTx, token_hash: str) -> None:
    """Forget a sign-in."""
    tx.execute(sa.delete(staff_session).where(_session.token_hash == token_hash))


def close_sessions(tx: WriteTx, user_id: UUID, but: str | None = None) -> int:
    """All of somebody's, except one; how many."""
    gone = sa.delete(staff_session).where(_session.staff_user_id == user_id)
    return tx.execute(gone.where(_session.token_hash != but) if but else gone).rowcount


def forget_ended_sessions(tx: WriteTx, seen_before: datetime) -> None:
    """Those that time has ended."""
    tx.execute(sa.delete(staff_session).where((_session.expires < tx.now) | (_session.seen < seen_before)))


def queue_for(tx: WriteTx, keys: Collection[str]) -> None:
    """Nobody else counts tries of these keys until the end of the transaction. SQLite has one writer anyway."""
    if tx.postgresql:
        # In one order: two that share keys wait for each other, never around each other.
        for key in sorted(keys):
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))


def tries(tx: ReadTx, keys: Collection[str], since: datetime) -> Mapping[str, list[datetime]]:
    """When it was tried, of each key, the newest first."""
    wanted = sa.select(_try.key, _try.at).where(_try.key.in_(keys), _try.at > since).order_by(_try.at.desc())
    found: dict[str, list[datetime]] = {key: [] for key in keys}
    for row in tx.rows(wanted):
        found[row["key"]].append(row["at"])
    return found


def add_tries(tx: WriteTx, keys: Sequence[str]) -> list[UUID]:
    """One more of each; what `forget_tries` wants."""
    ids = [new_id() for _ in keys]
    tx.execute(sa.insert(staff_try), [{"id": at, "key": key, "at": tx.now} for at, key in zip(ids, keys, strict=True)])
    return ids


def forget_tries(
    tx: WriteTx, ids: Collection[UUID] = (), key: str | None = None, before: datetime | None = None
) -> None:
    """Those with these ids, those of a key, and those before a moment."""
    for gone in (
        _try.id.in_(ids) if ids else None,
        _try.key == key if key else None,
        _try.id < first_id_of(before) if before else None,
    ):
        if gone is not None:
            tx.execute(sa.delete(staff_try).where(gone))
