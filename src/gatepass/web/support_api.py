"""Gatepass's own API for support tools: read only, for programs with a bearer token of any role, and for staff."""

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.services import timeline
from gatepass.web import events_api, timeline_types
from gatepass.web.dataverse.auth import caller
from gatepass.web.errors import headers_of
from gatepass.web.pages.timeline import NO_STORE, purchase_id_of
from gatepass.web.site import site


async def purchase_timeline(request: Request) -> Response:
    """GET /api/gatepass/v1/purchases/{purchase_id}/timeline"""
    try:
        await caller(request)
        story = await timeline.tell(site(request).store, purchase_id_of(request))
    except GatepassError as error:
        challenge = {"WWW-Authenticate": "Bearer"} if error.code == "SignInNeeded" else {}
        return events_api.refusal(error, NO_STORE | headers_of(error) | challenge)
    return Response(timeline_types.encoded(story, for_staff=True), media_type="application/json", headers=NO_STORE)
