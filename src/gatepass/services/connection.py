"""Can money come, and would we hear of it: the provider's own findings, and what our address and settings add to them."""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from gatepass.domain.errors import GatepassError
from gatepass.domain.health import Health
from gatepass.providers.base import Check, KeyRefused, Part, PaymentProvider

PATIENCE_S = 5.0
"""For all answers of one provider: whoever asks is waiting."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this installation stands. `pull_every`: None when events are not pulled."""

    base_url: str
    live: bool
    pull_every: timedelta | None


def notify_url(place: Place, provider: PaymentProvider) -> str:
    """Where a provider sends its notifications."""
    return f"{place.base_url}/GatewayEvents/Handle{provider.name.capitalize()}Event"


async def check(provider: PaymentProvider, place: Place) -> list[Check]:
    """Every finding about one provider; never raises when it cannot be reached. Changes nothing."""
    found = await _asked(provider, notify_url(place, provider))
    mixed = [] if provider.live is place.live else [Check(Part.MODE, Health.BROKEN, "key and deployment disagree")]
    return [*mixed, *(_with_pull(one, place.pull_every) for one in found), address(place)]


async def _asked(provider: PaymentProvider, url: str) -> Sequence[Check]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await provider.check(url)
    except TimeoutError:
        return [Check(Part.KEY, Health.BROKEN, f"{provider.name} does not answer within {PATIENCE_S:g} s")]
    except KeyRefused as error:
        return [Check(Part.KEY, Health.BROKEN, f"{error.message} Set another key, with the rights that it needs")]
    except GatepassError as error:
        says = f"{error.message} Is this machine online? It is tried again by itself; nothing is lost meanwhile"
        return [Check(Part.KEY, Health.BROKEN, says)]


def _with_pull(found: Check, pull_every: timedelta | None) -> Check:
    """Nobody is kept waiting long by a webhook that fails while events are pulled."""
    if found.what is not Part.WEBHOOK or found.health is not Health.BROKEN or pull_every is None:
        return found
    says = f"{found.says}. Meanwhile payments are found by pulling within {pull_every.total_seconds():g} s"
    return replace(found, health=Health.WARNING, says=says)


def address(place: Place) -> Check:
    """Where buyers come and notifications go."""
    parts = urlsplit(place.base_url)
    if place.live and parts.scheme != "https":
        return Check(Part.ADDRESS, Health.BROKEN, f"{place.base_url} is not https. Set GATEPASS_BASE_URL")
    if place.live and _only_here(parts.hostname or ""):
        says = f"{place.base_url} can be reached from this machine or network only. Set GATEPASS_BASE_URL"
        return Check(Part.ADDRESS, Health.BROKEN, says)
    return Check(Part.ADDRESS, Health.FINE, place.base_url)


def _only_here(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
