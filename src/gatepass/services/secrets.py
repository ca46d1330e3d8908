"""Secrets that must be read again are encrypted at rest; what only has to be recognized is hashed (services/access.py).

AES-256-GCM with the place as associated data: a value that is copied to another row or column cannot be read there.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.services import audit
from gatepass.store import ReadTx, WriteTx
from gatepass.store import secrets as kept

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12
"""Random, 96 bits: as NIST SP 800-38D wants it for fewer than 2^32 values per key."""
_KEY_BYTES = 32
_TAIL, _LEAST_FOR_TAIL = 4, 16
"""Of a short secret four characters would be too much."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret stands."""

    table: str
    row: UUID
    column: str

    @property
    def key(self) -> kept.Place:
        """The same for the store."""
        return self.table, self.row, self.column

    @property
    def associated_data(self) -> bytes:
        """Authenticated with the value, and not stored with it."""
        return f"{self.table}/{self.row}/{self.column}".encode()


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be seen of a secret that was given."""

    last_four: str | None
    changed: datetime


@dataclass(frozen=True, slots=True)
class Sealer:
    """Encrypts and reads. `keys`: GATEPASS_SECRET_KEY, the newest last, older ones still read."""

    keys: Sequence[str]

    def seal(self, secret: bytes, place: Place) -> bytes:
        """The bytes to store at `place`: version, nonce, ciphertext with its tag."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + _cipher(self.keys[-1]).encrypt(nonce, secret, place.associated_data)

    def read(self, sealed: bytes, place: Place) -> bytes:
        """What was sealed for this place. Raises Refused when no key of ours fits, or it was changed or moved."""
        for key in reversed(self.keys):
            if (found := _opened(key, sealed, place)) is not None:
                return found
        raise Refused(
            "SecretUnreadable",
            f"The {place.column} of {place.table} {place.row} cannot be read with GATEPASS_SECRET_KEY. "
            "Put the older key back beside the new one, or rotate the secret.",
        )

    def is_current(self, sealed: bytes, place: Place) -> bool:
        """Sealed with the newest key."""
        return _opened(self.keys[-1], sealed, place) is not None


@dataclass(frozen=True, slots=True)
class Vault:
    """Secrets that staff give and only Gatepass reads again. Pages show when one was set, and its last four characters."""

    sealer: Sealer

    def put(self, tx: WriteTx, place: Place, value: str, *, show_last_four: bool = False) -> None:
        """Store a secret, in the place of an older one. The caller writes the audit entry."""
        tail = value[-_TAIL:] if show_last_four and len(value) >= _LEAST_FOR_TAIL else None
        kept.put(tx, place.key, self.sealer.seal(value.encode(), place), tail)

    def read(self, tx: ReadTx, place: Place) -> str | None:
        """The secret; None: none was given. Raises Refused when no key of ours fits."""
        found = kept.get(tx, place.key)
        return self.sealer.read(found["sealed"], place).decode() if found else None

    def shown(self, tx: ReadTx, place: Place) -> Shown | None:
        """What a page may tell of it; None: none was given."""
        found = kept.get(tx, place.key)
        return Shown(found["last_four"], found["changed"]) if found else None

    def remove(self, tx: WriteTx, place: Place) -> bool:
        """False: there was none."""
        return kept.remove(tx, place.key)


def rotate(tx: WriteTx, sealer: Sealer, actor: str) -> tuple[int, int]:
    """Encrypt everything with the newest key: how many were, of how many. Twice does no harm.

    Raises Refused, and changes nothing, when one cannot be read with any key.
    """
    found = [(Place(*place), sealed) for place, sealed in kept.everything(tx)]
    old = [(place, sealed) for place, sealed in found if not sealer.is_current(sealed, place)]
    for place, sealed in old:
        kept.put_back(tx, place.key, sealer.seal(sealer.read(sealed, place), place))
    if old:
        audit.write(tx, actor, "secrets.rotate", "secret:all", after={"encrypted anew": len(old)})
    return len(old), len(found)


def _opened(key: str, sealed: bytes, place: Place) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return _cipher(key).decrypt(nonce, ciphertext, place.associated_data) if sealed[:1] == _VERSION else None
    except InvalidTag:
        return None


@cache
def _cipher(key: str) -> "AESGCM":
    """Derived once per key. Imported here: most commands encrypt nothing."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"gatepass.secrets.1").derive(key.encode()))
