"""Set-up where purchases live in a remote Dataverse: what applies here, and where everything else is set. Nothing is changed here."""

from starlette.requests import Request
from starlette.responses import Response

from gatepass.services import connection
from gatepass.services.access import Caller
from gatepass.services.remote.management import Terms
from gatepass.store import inbox
from gatepass.web.site import Site, site
from gatepass.web.staff.layout import page


async def providers(request: Request, caller: Caller) -> Response:
    """GET /staff/providers[?check]: with `check` the payment provider is asked now"""
    here = site(request)
    terms = _terms(here)
    adapter = here.desk.providers.get(terms.provider)
    findings = await connection.check(adapter, here.place) if adapter and "check" in request.query_params else None
    context = {
        "name": terms.provider.capitalize(),
        "terms": terms,
        "connected": adapter is not None,
        "live": here.live,
        "told": await here.store.read(lambda tx: inbox.any_of(tx, terms.provider)),
        "pull_every": here.place.pull_every,
        "findings": findings,
        "pay_url": f"{here.links.base_url}/GatewayRedirect/PayWith{terms.provider.capitalize()}?",
        "notify_url": connection.notify_url(here.place, adapter) if adapter else None,
    }
    return page(request, caller, "remote_providers", context)


async def switches(request: Request, caller: Caller) -> Response:
    """GET /staff/switches"""
    return page(request, caller, "remote_switches", {"terms": _terms(site(request))})


def _terms(here: Site) -> Terms:
    assert here.terms is not None, "these pages are served in front of a Dataverse only"
    return here.terms
