"""Accounts of people: invited, given a role, closed; always at least one administrator. Every change is audited."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from uuid import UUID, uuid4

from gatepass.domain.errors import Conflict, NotFound, Refused
from gatepass.services import audit, passwords, sessions
from gatepass.services.access import STAFF, Role
from gatepass.services.links import Links
from gatepass.store import ReadTx, Store, WriteTx, jobs, staff
from gatepass.store.tables import Row, new_id

INVITATION_LIFE, RESET_LIFE, FIRST_LIFE = timedelta(days=7), timedelta(hours=2), timedelta(hours=24)
MAIL_EVERY = timedelta(minutes=5)
"""At most one reset mail in so long: whoever types somebody's address cannot fill their mailbox."""
PURPOSE, FIRST = "staff", "first-administrator"
MAX_NAME_CHARS, MAX_EMAIL_CHARS = 100, 254


@dataclass(frozen=True, slots=True)
class Added:
    """An account, and whether it is new or was changed."""

    user_id: UUID
    word: str


def add(tx: WriteTx, email: str, name: str, role: Role, actor: str, *, mail: bool) -> Added:
    """Invite somebody. An account with this address gets the role instead: doing it twice does no harm.

    `mail`: send the invitation. Raises Refused for an address, a name or a role that is none.
    """
    address, called = _checked(email), _named(name or email)
    _check_role(role)
    if known := staff.by_email(tx, address):
        changed = set_role(tx, address, role, actor) if known["role"] != role.value else False
        return Added(known["id"], "changed" if changed else "there already")
    user_id = new_id()
    row = {"id": user_id, "email": address, "name": called, "role": role.value, "created": tx.now, "password_hash": ""}
    staff.add(tx, row)
    audit.write(tx, actor, "staff.add", f"staff:{user_id}", after={"email": address, "role": role.value})
    if mail:
        send_link(tx, user_id)
    return Added(user_id, "added")


def set_role(tx: WriteTx, email: str, role: Role, actor: str, reason: str = "") -> bool:
    """False: it had this role. Raises Conflict for the last administrator."""
    _check_role(role)
    user = named(tx, email)
    if user["role"] == role.value:
        return False
    _keep_an_administrator(tx, user)
    staff.change(tx, user["id"], {"role": role.value})
    _audit(tx, actor, "staff.role", user, {"role": user["role"]}, {"role": role.value}, reason)
    # What a session may was decided by the old role: it begins anew.
    sessions.end_all(tx, user["id"], actor)
    return True


def disable(tx: WriteTx, email: str, actor: str, reason: str = "") -> bool:
    """Let somebody in no more; their sessions end at once. False: it was so. Raises Conflict for the last administrator."""
    user = named(tx, email)
    if user["disabled"]:
        return False
    _keep_an_administrator(tx, user)
    staff.change(tx, user["id"], {"disabled": tx.now, "link": None, "link_ends": None})
    _audit(tx, actor, "staff.disable", user, {"disabled": False}, {"disabled": True}, reason)
    sessions.end_all(tx, user["id"], actor)
    return True


def enable(tx: WriteTx, email: str, actor: str, reason: str = "") -> bool:
    """Let somebody in again. False: it was so."""
    user = named(tx, email)
    if not user["disabled"]:
        return False
    staff.change(tx, user["id"], {"disabled": None})
    _audit(tx, actor, "staff.enable", user, {"disabled": True}, {"disabled": False}, reason)
    return True


def named(tx: ReadTx, email: str) -> Row:
    """The account with this address; raises NotFound."""
    found = staff.by_email(tx, email.strip())
    if found is None:
        raise NotFound("StaffUnknown", f"There is no account {email}. List them with: gatepass user list")
    return found


def send_link(tx: WriteTx, user_id: UUID) -> None:
    """A mail with a link to set a password: an invitation, or a reset."""
    jobs.add(tx, "send_staff_mail", {"staff_user_id": str(user_id)})


def forgotten(tx: WriteTx, email: str) -> None:
    """Somebody says that the password is forgotten: a mail, if there is such an account. The page says the same either way."""
    user = staff.by_email(tx, email.strip())
    if user is None or user["disabled"] or user["identity"]:
        return
    if user["link_ends"] and user["link_ends"] - RESET_LIFE + MAIL_EVERY > tx.now and user["password_hash"]:
        return
    new_link(tx, user)
    audit.write(tx, user["email"], "staff.forgotten", f"staff:{user['id']}")
    send_link(tx, user["id"])


def new_link(tx: WriteTx, user: Row) -> Row:
    """Open a link for this account; an older one ends. The account as it is then."""
    ends = tx.now + (RESET_LIFE if user["password_hash"] else INVITATION_LIFE)
    # Random: an id made from the time could be guessed, though not signed.
    values = {"link": uuid4(), "link_ends": ends}
    staff.change(tx, user["id"], values)
    return dict(user) | values


def mail_new_link(tx: WriteTx, user: Row, actor: str, reason: str = "") -> None:
    """The invitation again, or a reset, by somebody else. Raises Conflict for an account that is closed or signs in elsewhere."""
    _check_link(user)
    new_link(tx, user)
    _audit(tx, actor, "staff.link", user, {}, {}, reason)
    send_link(tx, user["id"])


def printed_link(tx: WriteTx, email: str, actor: str) -> Row:
    """A new link that is told here instead of by mail; the account with it. Raises NotFound, Conflict as `mail_new_link`."""
    user = named(tx, email)
    _check_link(user)
    _audit(tx, actor, "staff.link", user, {}, {}, "printed")
    return new_link(tx, user)


def _check_link(user: Row) -> None:
    if user["disabled"] or user["identity"]:
        raise Conflict("LinkPointless", "This account is closed, or signs in elsewhere: a password would not help.")


def address_of(links: Links, user: Row) -> str:
    """Where the open link of an account leads: signed, with an end, for one use."""
    return f"{links.base_url}/staff/link/{links.token(PURPOSE, user['link'], user['link_ends'])}"


def behind(tx: WriteTx, links: Links, token: str) -> Row:
    """Whose link this is; raises NotFound when it has ended, was used, or a newer one was sent."""
    user = staff.by_link(tx, links.read(PURPOSE, token))
    if user is None or user["disabled"] or user["link_ends"] < tx.now:
        raise NotFound("LinkUsed", "This link was used already, or a newer one was sent. Ask for another.")
    return user


async def set_password(store: Store, links: Links, token: str, password: str) -> Row:
    """By a link, which ends with it; so do all sessions. The second factor stays. Raises NotFound, Refused (weak)."""
    user = await store.write(lambda tx: behind(tx, links, token))
    passwords.check(password, user["email"], user["name"])
    made = passwords.hashed(password)
    return await store.write(lambda tx: _set_password(tx, links, token, made))


def _set_password(tx: WriteTx, links: Links, token: str, password_hash: str) -> Row:
    user = behind(tx, links, token)
    staff.change(tx, user["id"], {"password_hash": password_hash, "link": None, "link_ends": None})
    before, after = {"password": "one" if user["password_hash"] else None}, {"password": "another one"}
    why = "by a link that was mailed"
    audit.write(tx, user["email"], "staff.password", f"staff:{user['id']}", before=before, after=after, reason=why)
    sessions.end_all(tx, user["id"], user["email"])
    return user


def first_link(tx: ReadTx, links: Links, organization: UUID) -> str | None:
    """Where the first administrator of an installation makes an account; None once there is anybody."""
    if not staff.is_empty(tx):
        return None
    return f"{links.base_url}/staff/first/{links.token(FIRST, organization, datetime.now(UTC) + FIRST_LIFE)}"


def check_first(tx: ReadTx, links: Links, organization: UUID, token: str) -> None:
    """Raises NotFound unless this is the link that was printed, and nobody has an account yet."""
    if links.read(FIRST, token) != organization or not staff.is_empty(tx):
        raise NotFound("LinkUsed", "This link is for the first administrator, and there is one. Sign in instead.")


def make_first(tx: WriteTx, links: Links, organization: UUID, token: str, email: str, name: str, password: str) -> Row:
    """The first administrator. Raises NotFound as `check_first`, Refused for what is wrong with the form."""
    check_first(tx, links, organization, token)
    address, called = _checked(email), _named(name)
    passwords.check(password, address, called)
    row = {"id": new_id(), "email": address, "name": called, "role": Role.ADMINISTRATOR.value, "created": tx.now}
    staff.add(tx, row | {"password_hash": passwords.hashed(password)})
    audit.write(tx, address, "staff.add", f"staff:{row['id']}", after={"email": address, "role": row["role"]})
    return row


def _keep_an_administrator(tx: WriteTx, user: Row) -> None:
    if user["role"] == Role.ADMINISTRATOR and not set(staff.lock_active(tx, Role.ADMINISTRATOR)) - {user["id"]}:
        raise Conflict("LastAdministrator", f"{user['email']} is the last administrator. Make somebody else one first.")


def _check_role(role: Role) -> None:
    if role not in STAFF:
        raise Refused("RoleUnknown", f"A role is one of: {', '.join(STAFF)}.", field="role")


def _checked(email: str) -> str:
    address = parseaddr(email.strip())[1].lower()
    local, at, domain = address.rpartition("@")
    fine = at and local and "." in domain and address == email.strip().lower() and len(address) <= MAX_EMAIL_CHARS
    if not fine or not address.isprintable() or " " in address:
        raise Refused("EmailInvalid", "Write an address such as anna@contoso.com.", field="email")
    return address


def _named(name: str) -> str:
    called = name.strip()
    if not called or len(called) > MAX_NAME_CHARS or not called.isprintable():
        raise Refused("NameInvalid", f"Write a name of 1 to {MAX_NAME_CHARS} characters.", field="name")
    return called


def _audit(
    tx: WriteTx, actor: str, action: str, user: Row, before: dict[str, object], after: dict[str, object], reason: str
) -> None:
    audit.write(tx, actor, action, f"staff:{user['id']}", before=before, after=after, reason=reason)
