"""The kind of a failure becomes a status, and a body in the shape of the API that it came through."""

from collections.abc import Mapping
from types import MappingProxyType

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused, Unavailable

# Codes whose status says more than their kind does. The table in docs/status-codes.md is checked against this one.
STATUS: Mapping[str, int] = MappingProxyType(
    {
        "TokenMissing": 400,
        "OriginMissing": 400,
        "JsonMalformed": 400,
        "PurchaseIdInvalid": 400,
        "LinkDamaged": 400,
        "ReturnUrlForeign": 400,
        "TokenInvalid": 401,
        "SignInNeeded": 401,
        "ScopeMissing": 403,
        "AdministratorByPeople": 403,
        "IdempotencyKeyMissing": 400,
        "QueryInvalid": 400,
        "OriginForeign": 403,
        "FinalizeSwitchedOff": 403,
        "RegistrationClosed": 410,
        "PurchaseCancelled": 410,
        "PurchaseExpired": 410,
        "BodyTooLarge": 413,
        "BodyTooSlow": 408,
        "TooManyOrders": 429,
    }
)


def status_of(error: GatepassError) -> int:
    """The HTTP status of a refusal."""
    if error.code in STATUS:
        return STATUS[error.code]
    match error:
        case NotFound():
            return 404
        case Conflict():
            return 409
        case Refused():
            return 422
        case Unavailable():
            return 503
        case _:
            return 500


def headers_of(error: GatepassError) -> dict[str, str]:
    """Retry-After, where trying again helps."""
    return {"Retry-After": str(error.retry_after_s)} if isinstance(error, Unavailable) else {}
