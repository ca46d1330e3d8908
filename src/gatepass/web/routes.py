"""Every URL in one table."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from gatepass.look import Look
from gatepass.web import embed, events_api, gateway, health, oauth, openapi, support_api
from gatepass.web.dataverse import door
from gatepass.web.pages import (
    around,
    holds,
    home,
    order,
    payment,
    pictures,
    registration,
    remote_order,
    remote_timeline,
    timeline,
    waitlist,
)
from gatepass.web.staff.api.operations import routes as staff_api
from gatepass.web.staff.routes import routes as staff_routes

EVENTS_API = (
    ("POST", "/events/{readable_id}/registrations", events_api.register),
    ("GET", "/events/published", events_api.published),
    ("GET", "/events/{readable_id}", events_api.event),
    ("GET", "/events/{readable_id}/passes", events_api.passes),
    ("GET", "/events/{readable_id}/registrations/count", events_api.registrations_count),
    ("POST", "/events/{readable_id}/registrations/finalize", events_api.finalize_demo),
)
EVENTS_BASES = ("/api/v1.0/orgs/{organization}/eventmanagement", "/EvtMgmt/api/v2.0")
"""The current base and the older one."""

DATAVERSE = "/api/data/v9.{minor:int}"


class AnyCase(Route):
    """An address of Microsoft's samples: ASP.NET does not look at capitals, and somebody may have typed it otherwise."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, methods: Sequence[str] | None = None) -> None:
        super().__init__(path, endpoint, methods=methods)
        self.path_regex = re.compile(self.path_regex.pattern, re.IGNORECASE)


def routes() -> Sequence[BaseRoute]:
    """All of them, the most wanted first."""
    return [
        *(Route(base + path, events_api.Endpoint(handler), methods=[method, "OPTIONS"])
          for base in EVENTS_BASES for method, path, handler in EVENTS_API),
        AnyCase("/GatewayEvents/Handle{provider}Event", gateway.handle_event, methods=["POST"]),
        AnyCase("/WebhookEventListener", gateway.handle_stripe_event, methods=["POST"]),
        AnyCase("/GatewayRedirect/PayWith{provider}", gateway.pay),
        Route("/GatewayRedirect/Return/{token}", gateway.returned),
        Route(f"{DATAVERSE}/{{path:path}}", door.serve, methods=list(door.METHODS)),
        Route(DATAVERSE, door.serve, methods=list(door.METHODS)),
        Route("/api/data/{rest:path}", door.unknown, methods=list(door.METHODS)),
        Route("/{tenant}/oauth2/v2.0/token", oauth.token, methods=["POST"]),
        Route("/{tenant}/oauth2/token", oauth.token, methods=["POST"]),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", oauth.openid_configuration),
        Route("/", home.show),
        Route("/e/{readable_id}", registration.form, methods=["GET"]),
        Route("/e/{readable_id}", registration.submit, methods=["POST"]),
        Route("/e/{readable_id}/details/{token}", registration.details),
        Route("/e/{readable_id}/review/{token}", registration.review),
        Route("/e/{readable_id}/waitlist", waitlist.join, methods=["POST"]),
        Route("/waitlist/{token}", waitlist.leave_form, methods=["GET"]),
        Route("/waitlist/{token}", waitlist.leave, methods=["POST"]),
        Route("/e/{readable_id}/theme.css", around.theme),
        Route("/e/{readable_id}/calendar.ics", around.event_calendar),
        Route("/pictures/{name}", pictures.show),
        Route("/orders/{token}", order.show),
        Route("/orders/{token}/state", order.state),
        Route("/orders/{token}/pay", payment.show, methods=["GET"]),
        Route("/orders/{token}/pay", payment.choose, methods=["POST"]),
        Route("/orders/{token}/pay/look", payment.look, methods=["POST"]),
        Route("/orders/{token}/more-time", holds.more_time, methods=["POST"]),
        Route("/orders/{token}/timeline", timeline.show),
        Route("/orders/{token}/timeline/state", timeline.state),
        Route("/orders/{token}/timeline.json", timeline.document),
        Route("/embed/v1.js", embed.script),
        Route("/embed/v1.css", embed.style),
        Route("/embed/v1/events/{readable_id}", events_api.Endpoint(embed.shown), methods=["GET", "OPTIONS"]),
        Route("/embed/v1/events/{readable_id}/registrations", events_api.Endpoint(events_api.register),
              methods=["POST", "OPTIONS"]),
        Route("/embed/check", embed.check, methods=["GET", "POST"]),
        Route("/embed/probe", embed.probe),
        Route("/embed/{readable_id}", embed.frame),
        Route("/orders/{token}/calendar.ics", around.calendar_file),
        Route("/orders/{token}/receipt", around.receipt),
        Route("/orders/{token}/cancel", around.cancel_form, methods=["GET"]),
        Route("/orders/{token}/cancel", around.cancel, methods=["POST"]),
        Route("/orders/{token}/mail", around.link_mailed, methods=["GET"]),
        Route("/orders/{token}/mail", around.mail_link, methods=["POST"]),
        Route("/tickets/{token}", around.ticket),
        Route("/tickets/{token}/calendar.ics", around.ticket_calendar),
        *staff_routes(),
        *staff_api(),
        Route("/api/gatepass/v1/purchases/{purchase_id}/timeline", support_api.purchase_timeline),
        Route("/openapi.json", openapi.document),
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/favicon.ico", _no_icon),
        Mount("/static", Look()),
    ]  # fmt: skip


def remote_routes() -> Sequence[BaseRoute]:
    """Those of the completion service of a Dynamics 365 environment. Whatever else Dynamics serves is not here."""
    return [
        AnyCase("/GatewayEvents/Handle{provider}Event", gateway.handle_event, methods=["POST"]),
        AnyCase("/WebhookEventListener", gateway.handle_stripe_event, methods=["POST"]),
        AnyCase("/GatewayRedirect/PayWith{provider}", gateway.pay),
        Route("/GatewayRedirect/Return/{token}", gateway.returned),
        Route("/orders/{token}", remote_order.show),
        Route("/orders/{token}/state", remote_order.state),
        Route("/orders/{token}/pay", payment.show, methods=["GET"]),
        Route("/orders/{token}/pay", payment.choose, methods=["POST"]),
        Route("/orders/{token}/pay/look", payment.look, methods=["POST"]),
        Route("/orders/{token}/timeline", remote_timeline.show),
        Route("/orders/{token}/timeline/state", remote_timeline.state),
        Route("/orders/{token}/timeline.json", remote_timeline.document),
        Route("/", remote_order.front),
        *staff_routes(remote=True),
        *staff_api(remote=True),
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/favicon.ico", _no_icon),
        Mount("/static", Look()),
    ]


async def _no_icon(request: Request) -> Response:
    """GET /favicon.ico: pages name their own icon"""
    return Response(status_code=204)
