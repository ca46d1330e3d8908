"""Tokens of a managed identity: Azure gives them to what runs there, and nobody keeps a secret.

App Service and Container Apps say in the environment where to ask; a virtual machine asks its metadata service.
Source: learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference) and
learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

METADATA_SERVICE = "http://169.254.169.254/metadata/identity/oauth2/token"
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """Who asks: what Azure knows this machine, or this container, as."""

    resource: str
    """The environment, such as https://contoso.crm4.dynamics.com"""
    client_id: str | None = None
    """Of a user-assigned identity; None: the system-assigned one."""
    endpoint: str | None = None
    """IDENTITY_ENDPOINT of App Service and Container Apps; None: the metadata service of a virtual machine."""
    header: str = field(default="", repr=False)
    """IDENTITY_HEADER: what that address wants to see."""
    metadata_service: str = METADATA_SERVICE

    giver = "The managed identity"

    async def ask(self, _http: httpx.AsyncClient) -> httpx.Response:
        """Its answer. Raises httpx's errors. Never through a proxy: the address is this machine's own."""
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as direct:
            return await direct.send(self.request())

    def request(self) -> httpx.Request:
        """What is asked there."""
        asked = {"resource": self.resource} | ({"client_id": self.client_id} if self.client_id else {})
        url, version, headers = self._where()
        return httpx.Request("GET", url, params={"api-version": version} | asked, headers=headers)

    def _where(self) -> tuple[str, str, Mapping[str, str]]:
        """Address, version of its API, and the header that keeps out requests that somebody else has us make."""
        if self.endpoint:
            return self.endpoint, "2019-08-01", {"X-IDENTITY-HEADER": self.header}
        return self.metadata_service, "2018-02-01", {"Metadata": "true"}
