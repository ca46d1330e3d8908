"""Secrets that must be read again are encrypted at rest; what only has to be recognized is hashed (services/access.py).

AES-256-GCM with the place as associated data: a value that is copied to another row or column cannot be read there.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from uuid import UUID

from gatepass.domain.errors import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12
"""Random, 96 bits: as NIST SP 800-38D wants it for fewer than 2^32 values per key."""
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret stands."""

    table: str
    row: UUID
    column: str

    @property
    def associated_data(self) -> bytes:
        """Authenticated with the value, and not stored with it."""
        return f"{self.table}/{self.row}/{self.column}".encode()


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
        from cryptography.exceptions import InvalidTag

        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        for key in reversed(self.keys) if sealed.startswith(_VERSION) else ():
            try:
                return _cipher(key).decrypt(nonce, ciphertext, place.associated_data)
            except InvalidTag:
                continue
        raise Refused(
            "SecretUnreadable",
            f"The {place.column} of {place.table} {place.row} cannot be read with GATEPASS_SECRET_KEY. "
            "Put the older key back beside the new one, or rotate the secret.",
        )


@cache
def _cipher(key: str) -> "AESGCM":
    """Derived once per key. Imported here: most commands encrypt nothing."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"gatepass.secrets.1").derive(key.encode()))
