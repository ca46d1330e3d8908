"""People show who they are: by password, by the code of a second factor, and once more before what matters."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from gatepass.services import audit, passwords, second_factor, sessions, tries
from gatepass.services.secrets import Vault
from gatepass.services.sessions import Session, Way
from gatepass.services.tries import Try, Visitor
from gatepass.store import Store, WriteTx, staff
from gatepass.store.tables import Row

PASSWORD, CODE = "password", "code"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a try: a session's token, or seconds to wait, or neither when it was wrong."""

    token: str | None = None
    user_id: UUID | None = None
    code_wanted: bool = False
    wait_s: int = 0


async def with_password(store: Store, email: str, password: str, visitor: Visitor) -> Answer:
    """A new session, or one that waits for the second factor. Which of mail and password is wrong is not told."""
    user, one = await store.write(lambda tx: _begin(tx, email, visitor))
    if one.wait_s:
        return Answer(wait_s=one.wait_s)
    if not await passwords.fits(user["password_hash"] if user else "", password) or user is None:
        await store.write(lambda tx: _failed(tx, user, PASSWORD))
        return Answer()
    again = passwords.hashed(password) if passwords.outdated(user["password_hash"]) else None
    return await store.write(lambda tx: _opened(tx, user, one, again))


async def with_code(store: Store, vault: Vault, session_token: str, code: str, visitor: Visitor) -> Answer:
    """The second step: a code of the app, or a recovery code. The session becomes another one."""
    session = await sessions.look(store, session_token)
    if session is None or session.way is not Way.CODE_WANTED:
        return Answer()
    return await store.write(lambda tx: _code(tx, vault, session, code, visitor))


async def confirm(store: Store, vault: Vault, session: Session, given: str, visitor: Visitor) -> Answer:
    """Once more: the code where there is a second factor, else the password. `token` is no new one: only its being there counts."""
    if session.second_factor:
        return await store.write(lambda tx: _confirmed_by_code(tx, vault, session, given, visitor))
    user, one = await store.write(lambda tx: _begin(tx, session.caller.name, visitor))
    if one.wait_s:
        return Answer(wait_s=one.wait_s)
    if user is None or not await passwords.fits(user["password_hash"], given):
        await store.write(lambda tx: _failed(tx, user, PASSWORD))
        return Answer()
    return await store.write(partial(_confirm, session, one))


def _begin(tx: WriteTx, email: str, visitor: Visitor) -> tuple[Row | None, Try]:
    user = staff.by_email(tx, email)
    known = user is not None and user["id"] == visitor.known
    one = tries.begin(tx, PASSWORD, email.lower(), visitor, known=known)
    return (user if user and not user["disabled"] else None), one


def _opened(tx: WriteTx, user: Row, one: Try, again: str | None) -> Answer:
    """The account may have changed while the password was looked at."""
    now = staff.lock(tx, user["id"])
    if now is None or now["disabled"] or now["password_hash"] != user["password_hash"]:
        return Answer()
    tries.worked(tx, one)
    if again:
        staff.change(tx, user["id"], {"password_hash": again})
    way = Way.CODE_WANTED if now["second_factor"] else Way.PASSWORD
    token = sessions.begin(tx, user["id"], user["email"], way)
    return Answer(token, user["id"], code_wanted=way is Way.CODE_WANTED)


def _code(tx: WriteTx, vault: Vault, session: Session, code: str, visitor: Visitor) -> Answer:
    user, one = session.caller, _try_code(tx, vault, session, code, visitor)
    if one is None or one.wait_s:
        return Answer(wait_s=one.wait_s if one else 0)
    tries.worked(tx, one)
    staff.close_session(tx, session.token_hash)
    return Answer(sessions.begin(tx, user.user_id, user.name, Way.SECOND_FACTOR), user.user_id)


def _confirmed_by_code(tx: WriteTx, vault: Vault, session: Session, code: str, visitor: Visitor) -> Answer:
    one = _try_code(tx, vault, session, code, visitor)
    if one is None or one.wait_s:
        return Answer(wait_s=one.wait_s if one else 0)
    return _confirm(session, one, tx)


def _try_code(tx: WriteTx, vault: Vault, session: Session, code: str, visitor: Visitor) -> Try | None:
    """A try that counts; None: the code is wrong. Where there is something to wait for, the code was not looked at."""
    user = session.caller
    # Whoever is here knows the password: tries count for the account, wherever they come from.
    one = tries.begin(tx, CODE, str(user.user_id), Visitor(visitor.address, user.user_id), known=True)
    if one.wait_s or second_factor.accepts(tx, vault, user.user_id, code):
        return one
    _failed(tx, staff.get(tx, user.user_id), CODE)
    return None


def _confirm(session: Session, one: Try, tx: WriteTx) -> Answer:
    tries.worked(tx, one)
    sessions.confirm(tx, session)
    return Answer(session.token_hash, session.caller.user_id)


def _failed(tx: WriteTx, user: Row | None, what: str) -> None:
    """For the owner to see. A mail that nobody has stands in no log: it may be a password that was typed there."""
    if user:
        audit.write(tx, user["email"], "sign_in.refused", f"staff:{user['id']}", after={"wrong": what})


async def change_password(store: Store, session: Session, current: str, new: str, visitor: Visitor) -> Answer:
    """A new password, by somebody who knows the old one; every other session ends. Raises Refused for a weak one."""
    user, one = await store.write(lambda tx: _begin(tx, session.caller.name, visitor))
    if one.wait_s:
        return Answer(wait_s=one.wait_s)
    if user is None or not await passwords.fits(user["password_hash"], current):
        return Answer()
    passwords.check(new, user["email"], user["name"])
    made = passwords.hashed(new)
    return await store.write(lambda tx: _changed_password(tx, session, one, made))


def _changed_password(tx: WriteTx, session: Session, one: Try, password_hash: str) -> Answer:
    user = session.caller
    tries.worked(tx, one)
    staff.change(tx, user.user_id, {"password_hash": password_hash, "link": None, "link_ends": None})
    before, after = {"password": "one"}, {"password": "another one"}
    audit.write(tx, user.name, "staff.password", f"staff:{user.user_id}", before=before, after=after)
    sessions.end_all(tx, user.user_id, user.name, session.token_hash)
    return _confirm(session, one, tx)
