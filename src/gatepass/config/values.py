"""Variables as they were given, and how each kind of value is read: with an error that names it and says what it should be."""

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit
from uuid import UUID

PREFIX = "GATEPASS_"
STAFF_ROLES = ("viewer", "event_staff", "finance", "administrator")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingError(Exception):
    """A variable is wrong; the message names it and says what it should be."""


def from_file(path: Path) -> dict[str, str]:
    """NAME=value lines; blank ones and comments are left out. Raises SettingError for a line that is neither."""
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else (), 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals:
            raise SettingError(f"{path}, line {number}: write NAME=value.")
        found[name.strip()] = value.strip()
    return found


class Given:
    """Variables by their name without prefix; an empty one counts as not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(PREFIX + name, "").strip() or default

    def secret(self, name: str) -> str | None:
        return self.text(name, "") or None

    def list(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.text(name, "").split(",") if part.strip())

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.text(name, default).lower()
        if value not in choices:
            raise SettingError(f"{PREFIX}{name} is '{value}'. It can be: {', '.join(choices)}.")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or len(value) > 9 or not least <= int(value) <= most:
            raise SettingError(f"{PREFIX}{name} is '{value}'. It has to be a number from {least} to {most}.")
        return int(value)


def database_url(url: str) -> str:
    known = url.startswith(("sqlite:///", "postgresql://", "postgres://"))
    try:
        known = known and (url.startswith("sqlite:") or urlsplit(url).port != 0)
    except ValueError:
        known = False
    if known:
        return url
    raise SettingError(
        f"{PREFIX}DATABASE_URL has to begin with sqlite:/// or postgresql://, "
        "such as sqlite:////var/lib/gatepass/gatepass.db or postgresql://user:password@host/name."
    )


def address(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine, parts = False, urlsplit("")
    if not fine or parts.query or parts.fragment or "@" in parts.netloc or any(char.isspace() for char in url):
        raise SettingError(f"{PREFIX}{name} is '{url}'. It has to be an address such as https://events.contoso.com.")
    return url.rstrip("/")


def over_tls(name: str, url: str) -> str | None:
    """A secret goes there: https, or this machine. None: not set."""
    if not url:
        return None
    found = address(name, url)
    if urlsplit(found).scheme != "https" and urlsplit(found).hostname not in _LOOPBACK:
        raise SettingError(f"{PREFIX}{name} is '{url}'. It has to begin with https://: a secret is sent there.")
    return found


def environment(name: str, url: str) -> str | None:
    """The same, of a Dataverse: its API begins at the root."""
    bare = over_tls(name, url.partition("?")[0])
    if bare and (urlsplit(bare).path or "?" in url):
        root = f"{urlsplit(bare).scheme}://{urlsplit(bare).netloc}"
        raise SettingError(f"{PREFIX}{name} is '{url}'. Leave out what stands behind the host: {root}")
    return bare


def certificate(text: str) -> Path | None:
    if not text:
        return None
    if not Path(text).is_file():
        raise SettingError(f"{PREFIX}DATAVERSE_CLIENT_CERTIFICATE is '{text}', which is no file.")
    return Path(text).absolute()


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """What Azure knows this process as. `client_id`: None, the system-assigned one."""

    client_id: str | None
    endpoint: str | None
    """Where App Service and Container Apps give tokens; None: where a virtual machine does."""
    header: str = field(repr=False)


def managed_identity(name: str, text: str, environment: Mapping[str, str]) -> ManagedIdentity:
    """`system`, or the client id of a user-assigned one; where to ask stands in Azure's own variables."""
    try:
        client_id = None if text.lower() == "system" else str(UUID(text))
    except ValueError:
        raise SettingError(
            f"{PREFIX}{name} is '{text}'. Set it to system, or to the client id of a user-assigned identity."
        ) from None
    return ManagedIdentity(client_id, environment.get("IDENTITY_ENDPOINT"), environment.get("IDENTITY_HEADER", ""))


def origin(name: str, text: str) -> str:
    """Scheme and host, and a port or `:*` for every port, as the web applications of Dynamics 365 list them."""
    url = address(name, text.removesuffix(":*"))
    if urlsplit(url).path:
        raise SettingError(f"{PREFIX}{name} has '{text}'. List origins, without a path: https://www.contoso.com.")
    return text.rstrip("/")


def sender(text: str) -> str:
    address = parseaddr(text)[1]
    if "@" not in address or not text.isprintable():
        raise SettingError(f"{PREFIX}MAIL_FROM is '{text}'. Write it like: Contoso Events <tickets@contoso.com>.")
    return text


def networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise SettingError(
                f"{PREFIX}TRUSTED_PROXIES has '{text}'. List addresses or networks such as 10.0.0.0/8."
            ) from None
    return texts


def issuer(url: str, mode: str) -> str | None:
    """As the provider writes it, to the letter: its tokens must say the same."""
    if not url:
        return None
    address("OIDC_ISSUER", url)
    loopback = urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"} and mode == "test"
    if not url.startswith("https://") and not loopback:
        raise SettingError(f"{PREFIX}OIDC_ISSUER is {url}. It has to begin with https://.")
    return url


def oidc_roles(texts: tuple[str, ...]) -> Mapping[str, str]:
    """`Events.Admin=administrator,money people=finance`."""
    found: dict[str, str] = {}
    for text in texts:
        value, _, role = text.rpartition("=")
        if not value.strip() or role.strip() not in STAFF_ROLES:
            raise SettingError(
                f"{PREFIX}OIDC_ROLES has '{text}'. Write what the provider says, =, and one of: {', '.join(STAFF_ROLES)}."
            )
        found[value.strip()] = role.strip()
    return MappingProxyType(found)


def key_file(path: str) -> tuple[str, ...]:
    """A key a line, the newest last: as a secret that is mounted as a file."""
    if not path:
        return ()
    try:
        keys = keys_of(Path(path).read_text())
    except OSError as error:
        raise SettingError(f"{PREFIX}SECRET_KEY_FILE is {path}, which cannot be read: {error.strerror}.") from None
    if not keys:
        raise SettingError(f"{PREFIX}SECRET_KEY_FILE is {path}, which is empty.")
    return keys


def keys_of(text: str) -> tuple[str, ...]:
    """A key a line, the newest last."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def own_secret(directory: Path) -> str:
    """A key of this installation, made at first start; never a default that others know."""
    try:
        return _kept_secret(directory / "secret.key")
    except OSError as error:
        raise SettingError(f"{PREFIX}DATA_DIR is {directory}, which cannot be used: {error.strerror}.") from None


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".secret.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another process of this installation was faster: its key counts
        finally:
            draft.unlink()
    return path.read_text().strip()


def recipient(text: str) -> str:
    if "@" not in text.strip("@") or not text.isprintable() or not text.isascii() or " " in text:
        raise SettingError(f"{PREFIX}REPORT_TO has '{text}'. List mail addresses: anna@contoso.com,bob@contoso.com.")
    return text
