"""Signs in with a certificate instead of a secret: a short-lived statement, signed with its key.

Source: learn.microsoft.com/entra/identity-platform/certificate-credentials.
"""

import base64
import time
from pathlib import Path
from uuid import uuid4

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LIFE_S = 300
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SALT_BYTES = 32
"""PS256: as long as the hash."""


class BadCertificate(ValueError):
    """The file holds no certificate with an RSA key that is not locked. The message says what is missing."""


class Certificate:
    """A certificate and its private key, from one PEM file."""

    def __init__(self, path: Path) -> None:
        """Raises BadCertificate, or OSError when the file cannot be read."""
        pem = path.read_bytes()
        try:
            key = serialization.load_pem_private_key(pem, password=None)
            found = x509.load_pem_x509_certificate(pem)
        except (ValueError, TypeError) as error:
            raise BadCertificate(
                f"{path} does not hold a certificate and its private key, without a password."
            ) from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise BadCertificate(f"The key in {path} is no RSA key: Entra ID takes no other.")
        self._key, self._thumbprint = key, _text(found.fingerprint(hashes.SHA256()))

    def assertion(self, client_id: str, audience: str) -> str:
        """A JWT that says who asks; `audience`: the address of the tokens."""
        now = int(time.time())
        claims = {
            "aud": audience, "iss": client_id, "sub": client_id, "jti": str(uuid4()), "nbf": now, "iat": now,
            "exp": now + LIFE_S,
        }  # fmt: skip
        head = {"alg": "PS256", "typ": "JWT", "x5t#S256": self._thumbprint}
        signed = ".".join(_text(msgspec.json.encode(part)) for part in (head, claims))
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), _SALT_BYTES)
        return f"{signed}.{_text(self._key.sign(signed.encode(), scheme, hashes.SHA256()))}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
