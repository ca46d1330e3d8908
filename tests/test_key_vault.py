"""Keys from a secret of Azure Key Vault: a real HTTPS server in its place, and one that gives tokens as Azure does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from gatepass import config
from gatepass.config import SettingError, vault
from tests import commands

OLD, NEW = "o" * 48, "n" * 48
HEADER, TOKEN = "a-header-that-azure-made-up", "a-token-for-the-vault"
CLIENT = "11111111-2222-3333-4444-555555555555"


@dataclass
class Azure:
    """What both answer, and what they were asked."""

    value: str = f"{OLD}\n{NEW}\n"
    vault_url: str = ""
    identity_url: str = ""
    asked: list[dict[str, list[str]]] = field(default_factory=list[dict[str, list[str]]])

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, object]:
        """Status and body."""
        parts = urlsplit(path)
        self.asked.append(parse_qs(parts.query))
        if parts.path == "/msi/token":
            known = headers.get("x-identity-header") == HEADER
            return (200, {"access_token": TOKEN, "expires_on": "4070908800"}) if known else (400, {"message": "no"})
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"error": {"code": "Unauthorized"}}
        known = {"/secrets/gatepass": 200, "/secrets/closed": 403}.get(parts.path, 404)
        return known, {"value": self.value, "id": path} if known == 200 else {"error": {"code": "Forbidden"}}

    @property
    def variables(self) -> dict[str, str]:
        """Of a process that Azure runs."""
        return {
            "GATEPASS_SECRET_KEY_VAULT": f"{self.vault_url}/secrets/gatepass", "IDENTITY_ENDPOINT": f"{self.identity_url}/msi/token",
            "IDENTITY_HEADER": HEADER,
        }  # fmt: skip


@contextmanager
def _serving(azure: Azure, authority: trustme.CA | None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, told = azure.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if authority:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http{'s' if authority else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Vault and identity, with a certificate that this process trusts as it would any other authority."""
    made, authority = Azure(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with _serving(made, authority) as made.vault_url, _serving(made, None) as made.identity_url:
        yield made


def test_keys_come_from_a_key_vault_by_a_managed_identity(azure: Azure, tmp_path: Path) -> None:
    settings = config.read(azure.variables, data_dir=tmp_path)

    assert settings.secret_key == (OLD, NEW)
    token, secret = azure.asked
    assert (token["resource"], "client_id" in token, secret) == (["https://0.0.1"], False, {"api-version": ["7.4"]})
    assert not (tmp_path / "secret.key").exists()
    own = azure.variables | {"GATEPASS_SECRET_KEY_VAULT_IDENTITY": CLIENT}
    assert config.read(own, data_dir=tmp_path).secret_key == (OLD, NEW)
    assert azure.asked[2]["client_id"] == [CLIENT]


def test_what_stands_nearer_counts_first_and_asks_nobody(azure: Azure, tmp_path: Path) -> None:
    nearer = azure.variables | {"GATEPASS_SECRET_KEY": "k" * 48}
    assert config.read(nearer, data_dir=tmp_path).secret_key == ("k" * 48,)
    assert azure.asked == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"IDENTITY_HEADER": "of somebody else"}, "the managed identity gives no token"),
        ({"IDENTITY_ENDPOINT": "http://127.0.0.1:9/msi/token"}, "the managed identity does not answer"),
        ({"GATEPASS_SECRET_KEY_VAULT": "{}/secrets/closed"}, "Key Vault Secrets User"),
        ({"GATEPASS_SECRET_KEY_VAULT": "{}/secrets/other"}, "no such secret"),
        ({"GATEPASS_SECRET_KEY_VAULT": "{}/keys/gatepass"}, "Write it like https://"),
        ({"GATEPASS_SECRET_KEY_VAULT": "http://127.0.0.1:9/secrets/gatepass"}, "Write it like https://"),
        ({"GATEPASS_SECRET_KEY_VAULT": "https://127.0.0.1:9/secrets/gatepass"}, "it does not answer"),
        ({"GATEPASS_SECRET_KEY_VAULT_IDENTITY": "me"}, "GATEPASS_SECRET_KEY_VAULT_IDENTITY is 'me'"),
    ],
)
def test_a_vault_that_gives_no_key_stops_the_start_with_the_way_out(
    azure: Azure, tmp_path: Path, change: dict[str, str], says: str
) -> None:
    variables = azure.variables | {name: value.format(azure.vault_url) for name, value in change.items()}
    with pytest.raises(SettingError, match=says):
        config.read(variables, data_dir=tmp_path)


def test_a_vault_that_nobody_vouches_for_gets_no_token(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(SettingError, match="it does not answer"):
        config.read(azure.variables, data_dir=tmp_path)
    assert len(azure.asked) == 1


def test_a_command_says_it_in_a_sentence_without_a_secret(azure: Azure, tmp_path: Path) -> None:
    azure.value = "\n"
    run = commands.gatepass("migrate", "--data-dir", str(tmp_path), **azure.variables)
    assert (run.returncode, "it holds no key" in run.stderr) == (2, True), run.stderr
    assert TOKEN not in run.stderr + run.stdout


def test_tokens_are_for_the_vaults_of_its_cloud() -> None:
    assert vault.resource_of("https://contoso.vault.azure.net/secrets/gatepass") == "https://vault.azure.net"
    assert vault.resource_of("https://contoso.vault.azure.cn/secrets/x/0a") == "https://vault.azure.cn"
