"""Refusals in the shape of the Dataverse Web API: {"error": {"code", "message"}} (dataverse-web-api.md, error table)."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import uuid4

import msgspec
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.web.errors import headers_of

BAD_PAYLOAD, BAD_OPTION, UNKNOWN_RECORD = "0x80048d19", "0x8004431a", "0x80040217"
RULE, NO_PRIVILEGE, UNKNOWN_SEGMENT, UNEXPECTED = "0x80040265", "0x80040220", "0x8006088a", "0x80040216"

# our code -> (status, Dataverse's code); what is not here is a rule of ours: 400, 0x80040265.
_CODES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "PayloadInvalid": (400, BAD_PAYLOAD),
        "OptionInvalid": (400, BAD_OPTION),
        "BodyTooLarge": (413, BAD_PAYLOAD),
        "BodyTooSlow": (408, BAD_PAYLOAD),
        "JsonMalformed": (400, BAD_PAYLOAD),
        "PurchaseUnknown": (404, UNKNOWN_RECORD),
        "SignInNeeded": (401, NO_PRIVILEGE),
        "PrivilegeMissing": (403, NO_PRIVILEGE),
        "OriginForeign": (403, NO_PRIVILEGE),
        "SegmentUnknown": (404, UNKNOWN_SEGMENT),
        "MethodWrong": (405, UNKNOWN_SEGMENT),
        "DatabaseUnavailable": (503, UNEXPECTED),
    }
)


def headers() -> dict[str, str]:
    """On every answer."""
    return {"OData-Version": "4.0", "x-ms-service-request-id": str(uuid4()), "Cache-Control": "no-cache"}


def refusal(error: GatepassError, authority: str) -> Response:
    """A refusal as Dataverse answers it; a 401 tells where a token is to be had."""
    status, code = _CODES.get(error.code, (400, RULE))
    return answer(status, code, error.message, authority, headers_of(error))


def answer(
    status: int, code: str, message: str, authority: str = "", more: Mapping[str, str] | None = None
) -> Response:
    """The same by its parts."""
    body = msgspec.json.encode({"error": {"code": code, "message": message}})
    found = headers() | dict(more or {})
    if status == 401:
        found["WWW-Authenticate"] = (
            f'Bearer authorization_uri="{authority}/oauth2/authorize", resource_id="{authority}/"'
        )
    return Response(body, status, found, "application/json; odata.metadata=minimal")
