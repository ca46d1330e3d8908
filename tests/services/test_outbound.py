"""Calls that others choose the target of never reach our own network, whatever the name says, and when."""

import ipaddress
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatepass.domain.errors import Refused
from gatepass.services.outbound import Guard, Outbound, addresses_of, checked_url, in_words, public
from tests.receiver import raw_receiver

NAME = "hooks.contoso.example"
INSIDE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "0.0.0.0", "0.1.2.3", "192.0.0.192", "192.0.2.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.7", "192.88.99.1", "168.63.129.16", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "2606:4700::1%1", "fec0::1", "ff02::1",
]  # fmt: skip
OUTSIDE = [
    "8.8.8.8", "1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111",
    "2a00:1450:4001:82b::200e",
]  # fmt: skip


class Recording(httpcore.AsyncMockBackend):
    """Notes where it was told to connect to."""

    def __init__(self) -> None:
        super().__init__([])
        self.called: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.called.append(host)
        return await super().connect_tcp(host, port)


@pytest.mark.parametrize("address", INSIDE)
async def test_what_is_not_public_is_refused_when_connecting(address: str) -> None:
    inner = Recording()
    guard = Guard(inner, allow_private=False, resolve=lambda *_: [address])

    assert not public(ipaddress.ip_address(address))
    with pytest.raises(Refused, match="not a public address"):
        await guard.connect_tcp(NAME, 443)
    assert inner.called == []


@pytest.mark.parametrize("address", OUTSIDE)
async def test_what_is_public_is_connected_to_by_the_address_that_was_checked(address: str) -> None:
    inner = Recording()

    await Guard(inner, allow_private=False, resolve=lambda *_: [address]).connect_tcp(NAME, 443)

    assert inner.called == [address]


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """DNS rebinding: public for the check, private for the connection. There is no second look-up."""
    answers = iter((["93.184.216.34"], ["127.0.0.1"]))
    inner = Recording()
    guard = Guard(inner, allow_private=False, resolve=lambda *_: next(answers))

    await guard.connect_tcp(NAME, 443)
    assert inner.called == ["93.184.216.34"]
    with pytest.raises(Refused):
        await guard.connect_tcp(NAME, 443)


async def test_of_a_mixed_answer_only_the_public_part_counts() -> None:
    inner = Recording()

    await Guard(inner, allow_private=False, resolve=lambda *_: ["10.0.0.1", "1.1.1.1"]).connect_tcp(NAME, 443)

    assert inner.called == ["1.1.1.1"]


@pytest.mark.parametrize("name", ["localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1"])
async def test_names_of_this_machine_are_refused(name: str) -> None:
    with pytest.raises(Refused):
        await Guard(Recording(), allow_private=False, resolve=addresses_of).connect_tcp(name, 443)
    with pytest.raises(Refused, match="not a"):
        await Outbound(allow_private=False).post(f"https://{name}/", {}, b"")


@pytest.mark.parametrize(
    "url",
    [
        "http://contoso.example/", "ftp://contoso.example/", "contoso.example", "https://", "https:///path", "",
        "https://user:secret@contoso.example/", "https://contoso.example/#x", "https://contoso.example:22/",
        "https://contoso.example:80/", "https://contoso.example:99999/", "https://contoso.example/a b",
        "https://contoso.example\\@127.0.0.1/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data", "https://10.1.2.3:8443/", "https://contoso.example/" + "x" * 2000,
        "https://contoso.example/\r\nHost: x",
    ],
)  # fmt: skip
def test_an_address_that_we_would_never_call_is_refused_when_it_is_added(url: str) -> None:
    with pytest.raises(Refused, match="cannot be called from here"):
        checked_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://contoso.example/hooks?key=1",
        "https://münchen.example:8443/",
        "https://1.1.1.1/",
        "https://[2606:4700::1]/",
    ],
)
def test_an_address_of_the_internet_is_taken(url: str) -> None:
    assert checked_url(url, allow_private=False).host


async def test_tls_and_host_go_by_the_name_though_the_connection_goes_to_the_address(tmp_path: Path) -> None:
    told: dict[str, Any] = {}

    async def answer(reader: Any, writer: Any) -> None:
        told["head"] = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    ours, trust = _certificate(tmp_path, [NAME])
    ours.sni_callback = lambda _socket, name, _context: told.update(sni=name)
    async with raw_receiver(answer, ssl=ours) as port:
        outbound = Outbound(allow_private=True, resolve=lambda *_: ["127.0.0.1"], trust=trust)
        answered = await outbound.post(f"https://{NAME}:{port}/hooks", {"webhook-id": "msg_1"}, b"{}")

    assert answered.status == 204
    assert told["sni"] == NAME
    assert f"Host: {NAME}:{port}".encode() in told["head"]


async def test_certificates_are_checked(tmp_path: Path) -> None:
    async def answer(_reader: Any, writer: Any) -> None:
        writer.close()

    ours, trust = _certificate(tmp_path, ["another.example"])
    async with raw_receiver(answer, ssl=ours) as port:
        for trusting, said in (
            (trust, "certificate cannot be trusted: Hostname mismatch"),
            (None, "cannot be trusted"),
        ):
            outbound = Outbound(allow_private=True, resolve=lambda *_: ["127.0.0.1"], trust=trusting)
            with pytest.raises(httpcore.ConnectError) as caught:
                await outbound.post(f"https://{NAME}:{port}/", {}, b"")
            assert said in in_words(caught.value)


def _certificate(directory: Path, names: Iterable[str]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a fresh certificate for these names, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")]), datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(path)
    return ours, ssl.create_default_context(cafile=str(path))
