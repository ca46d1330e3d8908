"""Keys of this installation from a secret of Azure Key Vault, by the identity that Azure gives to what runs there.

Source: learn.microsoft.com/rest/api/keyvault/secrets/get-secret.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gatepass.config import values
from gatepass.config.values import PREFIX, SettingError

if TYPE_CHECKING:
    import httpx

NAME, IDENTITY = "SECRET_KEY_VAULT", "SECRET_KEY_VAULT_IDENTITY"
API_VERSION = "7.4"
TIMEOUT_S = 10.0
_SECRET = re.compile(r"/secrets/[0-9A-Za-z-]+(/[0-9a-f]+)?")
_WAYS_OUT: Mapping[int, str] = {
    401: "its tenant does not know this identity",
    403: "give the identity the role Key Vault Secrets User there, and let this network in",
    404: "there is no such secret",
}


def keys(address: str, identity: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The value of the secret at `address`, a key a line, the newest last; none where no address is set. Raises SettingError.

    Asks Azure: for a token, then for the secret.
    """
    if not address:
        return ()
    parts = urlsplit(address)
    if parts.scheme != "https" or not _SECRET.fullmatch(parts.path) or parts.query or "@" in parts.netloc:
        raise _wrong(address, "Write it like https://contoso.vault.azure.net/secrets/gatepass")
    token = _token(address, values.managed_identity(IDENTITY, identity or "system", environment))
    found = values.keys_of(_text(_asked(address, token), "value") or "")
    if not found:
        raise _wrong(address, "it holds no key")
    return found


def resource_of(address: str) -> str:
    """What a token has to be for: https://vault.azure.net, or the same of another cloud."""
    return f"https://{(urlsplit(address).hostname or '').partition('.')[2]}"


def _token(address: str, given: values.ManagedIdentity) -> str:
    import httpx

    from gatepass.dataverse import ManagedIdentity

    identity = ManagedIdentity(resource_of(address), given.client_id, given.endpoint, given.header)
    try:
        # Never through a proxy: it is this machine's own.
        with httpx.Client(trust_env=False, timeout=TIMEOUT_S) as http:
            answer = http.send(identity.request())
    except httpx.HTTPError as error:
        raise _wrong(address, f"the managed identity does not answer ({type(error).__name__})") from None
    token = _text(answer, "access_token") if answer.is_success else None
    if token is None:
        raise _wrong(address, f"the managed identity gives no token ({answer.status_code})")
    return token


def _asked(address: str, token: str) -> "httpx.Response":
    import httpx

    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = httpx.get(address, params={"api-version": API_VERSION}, headers=headers, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise _wrong(address, f"it does not answer ({type(error).__name__})") from None
    if not answer.is_success:
        why = _WAYS_OUT.get(answer.status_code, "try again")
        raise _wrong(address, f"Key Vault answers {answer.status_code}: {why}")
    return answer


def _text(answer: "httpx.Response", member: str) -> str | None:
    """A text of the JSON that was answered; None when there is none."""
    import msgspec

    try:
        found = msgspec.json.decode(answer.content, type=dict[str, object]).get(member)
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, str) else None


def _wrong(address: str, why: str) -> SettingError:
    return SettingError(f"{PREFIX}{NAME} is {address}: {why}.")
