"""The routes, and what happens to what no route foresaw: always an answer in the shape of the API it came through."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import Conflict, GatepassError, NotFound
from gatepass.languages import gettext as _
from gatepass.languages import speaking
from gatepass.web import events_api
from gatepass.web.dataverse import errors as dataverse_errors
from gatepass.web.errors import headers_of, status_of
from gatepass.web.pages import problem
from gatepass.web.pages.language import language_of
from gatepass.web.routes import remote_routes, routes
from gatepass.web.site import Site
from gatepass.web.staff.api.door import API as STAFF_API
from gatepass.web.staff.api.door import refusal as staff_refusal

log = structlog.get_logger("gatepass.web")

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def web_application(site: Site, lifespan: Lifespan) -> Starlette:
    """The web application of one installation."""
    handlers = {HTTPException: _not_routed, GatepassError: _refused, Exception: _unforeseen}
    application = Starlette(
        routes=list(remote_routes() if site.remote else routes()), lifespan=lifespan, exception_handlers=handlers
    )  # type: ignore[arg-type]
    application.router.redirect_slashes = False
    application.state.site = site
    return application


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        refusal: GatepassError = Conflict("MethodWrong", f"{request.url.path} does not answer to {request.method}.")
    else:
        refusal = NotFound("AddressUnknown", "There is nothing at this address. Check it for typing mistakes.")
    return _shaped(request, refusal, error.status_code, dict(error.headers or {}))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatepassError)
    return _shaped(request, error, status_of(error), headers_of(error))


async def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("request.failed", route=_route(request), error=type(error).__name__)
    failure = GatepassError("Unexpected", "Something went wrong on our side. Nothing was lost; please try again.")
    return _shaped(request, failure, 500, {})


def _route(request: Request) -> str:
    """The route's pattern: an address may carry a credential."""
    return str(getattr(request.scope.get("route"), "path", "unknown"))


def _shaped(request: Request, error: GatepassError, status: int, headers: dict[str, str]) -> Response:
    path = request.url.path
    if path.startswith("/api/data"):
        return dataverse_errors.shaped(status, error.message, headers)
    if path.startswith(STAFF_API):
        return staff_refusal(error, status, headers)
    if path.startswith(("/api/", "/EvtMgmt/", "/GatewayEvents", "/WebhookEventListener")):
        answer = events_api.refusal(error, headers)
        answer.status_code = status
        return answer
    with speaking(language_of(request)):
        title, see = _("This did not work"), _("See the events")
        return problem.page(request, status, title, _(error.message), next_url="/", next_label=see)
