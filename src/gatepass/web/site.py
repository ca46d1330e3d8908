"""What the web room works with, made once by `app` and found at `request.app.state.site`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request

from gatepass.services.applications import Tokens
from gatepass.services.checkout import Desk
from gatepass.services.connection import Place
from gatepass.services.connections import Connections
from gatepass.services.identity import IdentityProvider
from gatepass.services.links import Links
from gatepass.services.remote.management import Terms
from gatepass.services.secrets import Vault
from gatepass.services.sites import WebApplications
from gatepass.store import Store
from gatepass.web.dataverse.protection import Protection
from gatepass.web.pages.throttle import Throttle
from gatepass.web.proxies import Proxies


@dataclass(frozen=True, slots=True)
class Site:
    """One installation, as its pages and APIs see it."""

    desk: Desk
    applications: WebApplications
    organization: str
    """Id of the organization that is served here, as it stands in addresses."""
    migrated: str
    """The schema revision that this code needs."""
    payment_origins: Sequence[str]
    """Origins that a form of ours may lead to: the payment pages."""
    secure_cookies: bool
    live: bool
    """True when money moves."""
    terms: Terms | None
    """Purchases live in a remote Dataverse, served on these terms: only what that needs is here. None: they live here."""
    proxies: Proxies
    tokens: Tokens
    protection: Protection
    vault: Vault
    connections: Connections
    place: Place
    """Where it stands, for whoever checks a connection."""
    identity: IdentityProvider | None
    """Where staff may sign in elsewhere."""
    more_time: timedelta
    """By which a buyer may make a hold longer, once; nothing: not at all."""
    orders: Throttle
    """Orders from one address."""
    forms: Throttle
    """Forms that are kept on their way to an order, from one address."""
    second_factor_required: bool

    @property
    def remote(self) -> bool:
        """True where purchases live in a remote Dataverse."""
        return self.terms is not None

    @property
    def store(self) -> Store:
        """The database."""
        return self.desk.store

    @property
    def links(self) -> Links:
        """Signed links."""
        return self.desk.links


def site(request: Request) -> Site:
    """The installation that this request came to."""
    found = request.app.state.site
    assert isinstance(found, Site)
    return found
