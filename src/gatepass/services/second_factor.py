"""The second factor: a code of an authenticator app (TOTP, RFC 6238), or one of ten recovery codes, each of which works once."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from gatepass.domain.errors import Conflict, Refused
from gatepass.services import audit
from gatepass.services.access import hashed
from gatepass.services.secrets import Place, Vault
from gatepass.store import WriteTx, staff
from gatepass.store.tables import Row

if TYPE_CHECKING:
    from pyotp.totp import TOTP

STEP_S = 30
STEPS_EITHER_SIDE = 1
"""Clocks differ, and people type slowly."""
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
ISSUER = "Gatepass"


@dataclass(frozen=True, slots=True)
class Pending:
    """What an authenticator app is given: the address as a QR code, or the secret by hand."""

    uri: str
    secret: str


def place(user_id: UUID) -> Place:
    """Where the secret of somebody's app is stored."""
    return Place("staff_user", user_id, "totp")


def begin(tx: WriteTx, vault: Vault, user: Row) -> Pending:
    """A new secret, which counts once a code of it was typed. Raises Conflict when a second factor is on already."""
    import pyotp

    if user["second_factor"]:
        raise Conflict("SecondFactorOn", "Your second factor is on. Turn it off before you set up another app.")
    secret = pyotp.random_base32()
    vault.put(tx, place(user["id"]), secret)
    return _pending(user, secret)


def pending(tx: WriteTx, vault: Vault, user: Row) -> Pending | None:
    """The secret that waits for its first code."""
    secret = None if user["second_factor"] else vault.read(tx, place(user["id"]))
    return _pending(user, secret) if secret else None


def finish(tx: WriteTx, vault: Vault, user_id: UUID, code: str) -> list[str]:
    """The app works: from now on it is asked for. Returns the recovery codes, shown once. Raises Refused for a wrong code."""
    user = _user(tx, user_id)
    secret = vault.read(tx, place(user_id))
    step = _step(secret, code, tx) if secret and not user["second_factor"] else None
    if step is None:
        raise Refused("CodeWrong", "This code does not fit. Is the clock of your phone right?", field="code")
    codes = _new_codes()
    staff.change(tx, user_id, {"second_factor": tx.now, "last_step": step, "recovery": [hashed(one) for one in codes]})
    audit.write(tx, user["email"], "staff.second_factor", f"staff:{user_id}", before={"on": False}, after={"on": True})
    return codes


def accepts(tx: WriteTx, vault: Vault, user_id: UUID, code: str) -> bool:
    """A code of the app, or a recovery code; either works once."""
    user = _user(tx, user_id)
    return bool(user["second_factor"]) and (_accepts_app(tx, vault, user, code) or _accepts_recovery(tx, user, code))


def new_recovery_codes(tx: WriteTx, user_id: UUID) -> list[str]:
    """Ten new ones, shown once; the old ones end."""
    user, codes = _user(tx, user_id), _new_codes()
    staff.change(tx, user_id, {"recovery": [hashed(one) for one in codes]})
    before, after = {"left": len(user["recovery"] or ())}, {"left": len(codes)}
    audit.write(tx, user["email"], "staff.recovery_codes", f"staff:{user_id}", before=before, after=after)
    return codes


def turn_off(tx: WriteTx, vault: Vault, user_id: UUID, actor: str, reason: str = "") -> None:
    """No second factor any more: by its owner, or by an administrator when the phone is lost."""
    user = staff.get(tx, user_id)
    before, after = {"on": bool(user and user["second_factor"])}, {"on": False}
    vault.remove(tx, place(user_id))
    staff.change(tx, user_id, {"second_factor": None, "last_step": None, "recovery": None})
    audit.write(tx, actor, "staff.second_factor", f"staff:{user_id}", before=before, after=after, reason=reason)


def _accepts_app(tx: WriteTx, vault: Vault, user: Row, code: str) -> bool:
    secret = vault.read(tx, place(user["id"]))
    step = _step(secret, code, tx) if secret else None
    # RFC 6238, 5.2: a code that was accepted once is not accepted again, nor an older one.
    if step is None or step <= (user["last_step"] or 0):
        return False
    staff.change(tx, user["id"], {"last_step": step})
    return True


def _accepts_recovery(tx: WriteTx, user: Row, code: str) -> bool:
    left: Sequence[str] = user["recovery"] or ()
    used = hashed(_written(code))
    if used not in left:
        return False
    staff.change(tx, user["id"], {"recovery": [one for one in left if one != used]})
    before, after = {"left": len(left)}, {"left": len(left) - 1}
    audit.write(tx, user["email"], "staff.recovery_code_used", f"staff:{user['id']}", before=before, after=after)
    return True


def _step(secret: str, code: str, tx: WriteTx) -> int | None:
    """Which step of 30 seconds this is the code of; None: of none near now."""
    app, now, digits = _app(secret), int(tx.now.timestamp()) // STEP_S, "".join(code.split())
    near = range(now - STEPS_EITHER_SIDE, now + STEPS_EITHER_SIDE + 1)
    return next((one for one in near if hmac.compare_digest(app.at(one * STEP_S).encode(), digits.encode())), None)


def _app(secret: str) -> "TOTP":
    from pyotp.totp import TOTP

    return TOTP(secret, interval=STEP_S)


def _pending(user: Row, secret: str) -> Pending:
    return Pending(_app(secret).provisioning_uri(name=user["email"], issuer_name=ISSUER), secret)


def _user(tx: WriteTx, user_id: UUID) -> Row:
    found = staff.lock(tx, user_id)
    if found is None or found["disabled"]:
        raise Refused("SignInNeeded", "This account is closed.")
    return found


def _new_codes() -> list[str]:
    """80 random bits each, in groups that can be read aloud."""
    made = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in made]


def _written(code: str) -> str:
    plain = "".join(char for char in code.lower() if char.isalnum())
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))
