"""Refusals in the shape of the Dataverse Web API: {"error": {"code", "message"}} (dataverse-web-api.md, error table)."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import uuid4

import msgspec
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.web.dataverse.call import Reply
from gatepass.web.errors import headers_of

JSON = "application/json; odata.metadata=minimal"
BAD_PAYLOAD, UNKNOWN_RECORD, UNKNOWN_SEGMENT = "0x80048d19", "0x80040217", "0x8006088a"
BAD_QUERY, RULE, NO_PRIVILEGE, UNEXPECTED = "0x80060888", "0x80040265", "0x80040220", "0x80040216"

CODES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "PayloadInvalid": (400, BAD_PAYLOAD),
        "ValueInvalid": (400, BAD_PAYLOAD),
        "ValueMissing": (400, BAD_PAYLOAD),
        "JsonMalformed": (400, BAD_PAYLOAD),
        "OptionInvalid": (400, "0x8004431a"),
        "NumberOutOfRange": (400, "0x80044330"),
        "TextTooLong": (400, "0x80044331"),
        "PropertyUnknown": (400, BAD_QUERY),
        "QuerySyntax": (400, BAD_QUERY),
        "QueryUnsupported": (400, BAD_QUERY),
        "KeyInvalid": (400, BAD_QUERY),
        "ReferenceUnknown": (400, BAD_QUERY),
        "BatchMalformed": (400, BAD_QUERY),
        "RuleBroken": (400, RULE),
        "SignInNeeded": (401, NO_PRIVILEGE),
        "PrivilegeMissing": (403, NO_PRIVILEGE),
        "OriginForeign": (403, NO_PRIVILEGE),
        "RecordMissing": (404, UNKNOWN_RECORD),
        "PurchaseUnknown": (404, UNKNOWN_RECORD),
        "KeyMissing": (404, "0x80060891"),
        "SegmentUnknown": (404, UNKNOWN_SEGMENT),
        "MethodWrong": (405, BAD_QUERY),
        "RecordInUse": (405, "0x80040227"),
        "BodyTooSlow": (408, BAD_PAYLOAD),
        "VersionStale": (412, "0x80060882"),
        "RecordExists": (412, "0x80040237"),
        "KeyTaken": (412, "0x80060892"),
        "BodyTooLarge": (413, BAD_PAYLOAD),
        "AddressTooLong": (414, BAD_QUERY),
        "MediaTypeWrong": (415, BAD_PAYLOAD),
        "TooManyRequests": (429, "0x80072322"),
        "TooMuchTime": (429, "0x80072321"),
        "TooManyAtOnce": (429, "0x80072326"),
        "NotBuilt": (501, NO_PRIVILEGE),
        "DatabaseUnavailable": (503, UNEXPECTED),
    }
)
"""Our code -> (status, Dataverse's code). What is not here is a rule of ours: 400, 0x80040265."""


def headers() -> dict[str, str]:
    """On every answer."""
    return {"OData-Version": "4.0", "x-ms-service-request-id": str(uuid4()), "Cache-Control": "no-cache"}


def reply(error: GatepassError, authority: str = "") -> Reply:
    """A refusal as Dataverse answers it; a 401 tells where a token is to be had."""
    status, code = CODES.get(error.code, (400, RULE))
    return reply_of(status, code, error.message, authority, headers_of(error))


def unforeseen() -> Reply:
    """A bug of ours. What it was stands in the log."""
    return reply_of(500, UNEXPECTED, "Something went wrong on our side. Nothing was lost; please try again.")


def refusal(error: GatepassError, authority: str) -> Response:
    """The same as a whole answer."""
    found = reply(error, authority)
    return Response(found.body, found.status, headers() | dict(found.headers))


def shaped(status: int, message: str, more: Mapping[str, str]) -> Response:
    """What never came to the door: an address or a method that is none, a failure of ours."""
    codes = {404: UNKNOWN_SEGMENT, 405: BAD_QUERY}
    return answer(status, codes.get(status, UNEXPECTED), message, "", more)


def answer(
    status: int, code: str, message: str, authority: str = "", more: Mapping[str, str] | None = None
) -> Response:
    """A whole answer by its parts."""
    found = reply_of(status, code, message, authority, more)
    return Response(found.body, found.status, headers() | dict(found.headers))


def reply_of(status: int, code: str, message: str, authority: str = "", more: Mapping[str, str] | None = None) -> Reply:
    """The error by its parts."""
    found = {"Content-Type": JSON} | dict(more or {})
    if status == 401:
        found["WWW-Authenticate"] = (
            f'Bearer authorization_uri="{authority}/oauth2/authorize", resource_id="{authority}/"'
        )
    return Reply(status, found, msgspec.json.encode({"error": {"code": code, "message": message}}))
