"""A certificate in place of the secret: what Entra ID is sent can be verified with it, and is never the same twice."""

import asyncio
import base64
import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gatepass import server
from gatepass.dataverse import Certificate, Connection, Dataverse
from gatepass.dataverse.certificate import BadCertificate
from tests.torture.proxy import Call, _read, _written


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """As an administrator makes one: key and certificate in a file."""
    made = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("gatepass", key_type=trustme.KeyType.RSA)
    path = tmp_path / "gatepass.pem"
    made.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


async def test_entra_id_is_sent_a_statement_that_the_certificate_verifies(pem: Path) -> None:
    asked: list[Call] = []

    async def entra(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await _read(reader))
        writer.write(_written(200, {}, b'{"access_token": "good", "expires_in": 0}'))
        await writer.drain()
        writer.close()

    listening = server.listen("127.0.0.1", 0)
    authority = server.address(listening)
    async with await asyncio.start_server(entra, sock=listening):
        dataverse = Dataverse(authority, Connection(authority, "tenant", "client", Certificate(pem), "scope"))
        assert [await dataverse.token(), await dataverse.token()] == ["good", "good"]
        await dataverse.close()

    told = [{name: value[0] for name, value in parse_qs(call.body.decode()).items()} for call in asked]
    statements = [one["client_assertion"] for one in told]
    assert len(set(statements)) == 2
    assert all("client_secret" not in one for one in told)
    claims = _verified(statements[0], pem)
    assert (claims["iss"], claims["sub"]) == ("client", "client")
    assert claims["aud"] == f"{authority}/tenant/oauth2/v2.0/token"
    assert 0 < claims["exp"] - claims["nbf"] <= 600


def test_a_file_without_a_key_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "nothing.pem"
    path.write_text("-----BEGIN NOTHING-----\n")

    with pytest.raises(BadCertificate, match="private key"):
        Certificate(path)


def _verified(statement: str, pem: Path) -> dict[str, object]:
    head, claims, signature = statement.split(".")
    certificate = x509.load_pem_x509_certificate(pem.read_bytes())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    key.verify(_bytes(signature), f"{head}.{claims}".encode(), scheme, hashes.SHA256())
    told = json.loads(_bytes(head))
    assert told["alg"] == "PS256"
    assert _bytes(told["x5t#S256"]) == certificate.fingerprint(hashes.SHA256())
    return json.loads(_bytes(claims))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
