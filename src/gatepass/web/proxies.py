"""Whom to believe when a request came through a proxy: only the addresses that were configured."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import HTTPConnection

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """Addresses whose X-Forwarded-* headers count."""

    trusted: Sequence[Network] = ()

    def trusts(self, host: str | None) -> bool:
        """True when this peer is one of our proxies."""
        try:
            return any(ipaddress.ip_address(host or "") in network for network in self.trusted)
        except ValueError:
            return False

    def origin(self, connection: HTTPConnection) -> str:
        """Scheme and host as the client used them, such as https://events.contoso.com."""
        headers: Mapping[str, str] = connection.headers
        scheme, host = connection.url.scheme, headers.get("host", connection.url.netloc)
        if self.trusts(connection.client.host if connection.client else None):
            scheme = headers.get("x-forwarded-proto", scheme).split(",")[0].strip()
            host = headers.get("x-forwarded-host", host).split(",")[0].strip()
        return f"{scheme}://{host}"
