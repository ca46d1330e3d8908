"""GET /openapi.json: events API, the seed's completion service, custom API, Web API and staff API, from the types they decode."""

from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import gatepass
from gatepass.web.dataverse import openapi as webapi
from gatepass.web.dataverse.finalize import FinalizeRegistrationPayment
from gatepass.web.events_types import ApiError, EventDto, FinalizeIn, PassDto, RegistrationIn, RegistrationResult
from gatepass.web.staff.api import openapi as staff
from gatepass.web.timeline_types import TimelineDto

_TYPES = (
    EventDto, PassDto, RegistrationIn, RegistrationResult, FinalizeIn, ApiError, FinalizeRegistrationPayment, TimelineDto,
)  # fmt: skip
_EVENTS = "/api/v1.0/orgs/{organization}/eventmanagement/events"
_OLDER = "/EvtMgmt/api/v2.0/events"


async def document(request: Request) -> Response:
    """GET /openapi.json"""
    return Response(_document(), media_type="application/json")


@cache
def _document() -> bytes:
    types = [*_TYPES, *staff.types()]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    names = dict(zip((one.__name__ for one in types), schemas, strict=True))
    paths: dict[str, Any] = {}
    for base in (_EVENTS, _OLDER):
        paths |= {f"{base}{path}": operations for path, operations in _events_api(names, base).items()}
    paths |= _completion_service() | _custom_api(names) | _support_api(names) | webapi.paths() | staff.paths(names)
    info = {"title": "Gatepass", "version": gatepass.__version__, "license": {"name": "Apache-2.0"}}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": info,
            "paths": paths,
            "components": {"schemas": components, "securitySchemes": staff.SECURITY},
        }
    )


def _events_api(types: dict[str, Any], base: str) -> dict[str, Any]:
    listed = {"type": "array"}
    return {
        "/published": {"get": _call("Live events", base, listed | {"items": types["EventDto"]})},
        "/{readableEventId}": {"get": _call("One live event", base, types["EventDto"])},
        "/{readableEventId}/passes": {"get": _call("Passes of an event", base, listed | {"items": types["PassDto"]})},
        "/{readableEventId}/registrations/count": {
            "get": _call("Registrations of an event", base, {"type": "integer"})
        },
        "/{readableEventId}/registrations": {
            "post": _call("Register attendees", base, types["RegistrationResult"], types["RegistrationIn"])
        },
        "/{readableEventId}/registrations/finalize": {
            "post": _call("Simulate a payment", base, types["RegistrationResult"], types["FinalizeIn"])
        },
    }


def _call(summary: str, base: str, answer: Any, body: Any = None) -> dict[str, Any]:
    path = ["organization"] if "{organization}" in base else []
    parameters = [_parameter(name, "path") for name in path]
    if summary != "Live events":
        parameters.append(_parameter("readableEventId", "path"))
    parameters.append(_parameter("emApplicationtoken", "query"))
    if body:
        parameters.append(_parameter("Idempotency-Key", "header", required=False))
    refused = {"description": "Refused", "content": _json({"$ref": "#/components/schemas/ApiError"})}
    operation: dict[str, Any] = {
        "tags": ["Events API"],
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": {"description": "Success", "content": _json(answer)}, "4XX": refused, "503": refused},
    }
    return operation | ({"requestBody": {"required": True, "content": _json(body)}} if body else {})


def _completion_service() -> dict[str, Any]:
    """The first two parameters and the 302 are the seed's own document."""
    query = [
        {"name": "purchaseId", "in": "query", "schema": {"type": "string", "format": "uuid"}},
        {"name": "returnUrl", "in": "query", "schema": {"type": "string"}},
        {"name": "signature", "in": "query", "schema": {"type": "string"}},
    ]
    page = {"description": "A page that says what to do next", "content": {"text/html": {"schema": {"type": "string"}}}}
    answers = {"302": {"description": "Redirect"}} | dict.fromkeys(("400", "404", "409", "410", "422", "503"), page)
    event = {"type": "object", "description": "The provider's event, signed"}
    notify = {
        "tags": ["GatewayEvents"],
        "summary": "A notification of the payment provider",
        "parameters": [_parameter("Stripe-Signature", "header")],
        "requestBody": {"required": True, "content": _json(event)},
        "responses": {
            "200": {"description": "Kept"},
            **{
                code: {"description": why}
                for code, why in (("400", "Not signed"), ("413", "Too large"), ("503", "Try again"))
            },
        },
    }
    return {
        "/GatewayRedirect/PayWithStripe": {
            "get": {"tags": ["GatewayRedirect"], "parameters": query, "responses": answers}
        },
        "/GatewayEvents/HandleStripeEvent": {"post": notify},
        "/WebhookEventListener": {"post": notify},
    }


def _custom_api(types: dict[str, Any]) -> dict[str, Any]:
    shape = {"type": "object", "properties": {"error": {"type": "object"}}}
    refused = {"description": "Refused, in Dataverse's shape", "content": _json(shape)}
    operation = {
        "tags": ["Web API"],
        "summary": "Say that a purchase is paid or cancelled",
        "requestBody": {"required": True, "content": _json(types["FinalizeRegistrationPayment"])},
        "responses": {"204": {"description": "Done, or nothing to do"}, "4XX": refused, "503": refused},
    }
    return {"/api/data/v9.1/msevtmgt_finalizeregistrationpayment": {"post": operation}}


def _support_api(types: dict[str, Any]) -> dict[str, Any]:
    refused = {"description": "Refused", "content": _json({"$ref": "#/components/schemas/ApiError"})}
    told = {"200": {"description": "The story", "content": _json(types["TimelineDto"])}, "4XX": refused, "503": refused}

    def call(summary: str, parameter: str, *, authorized: bool = True) -> dict[str, Any]:
        header = [_parameter("Authorization", "header", required=False)] if authorized else []
        parameters = [_parameter(parameter, "path"), *header]
        return {"get": {"tags": ["Timeline"], "summary": summary, "parameters": parameters, "responses": told}}

    return {
        "/api/gatepass/v1/purchases/{purchase_id}/timeline": call(
            "Everything that happened to a purchase", "purchase_id"
        ),
        "/orders/{token}/timeline.json": call("What the buyer of an order may know", "token", authorized=False),
    }


def _parameter(name: str, place: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": {"type": "string"}}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
