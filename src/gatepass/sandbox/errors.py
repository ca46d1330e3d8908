"""Errors with the shape and the words of Stripe's own. Raised: nothing happened. Returned: the effect is kept."""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

_log = logging.getLogger(__name__)


class StripeError(Exception):
    """One error answer: HTTP status, and the members of `error` (docs.stripe.com/api/errors)."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error", **members: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": kind}
        self.error |= {name: value for name, value in members.items() if value is not None}
        if "code" in self.error:
            self.error["doc_url"] = f"https://docs.stripe.com/error-codes/{self.error['code'].replace('_', '-')}"

    def body(self) -> Mapping[str, Any]:
        return {"error": self.error}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    return StripeError(400, message, param=param, code=code)


def unknown(param: str) -> StripeError:
    return invalid(f"Received unknown parameter: {param}", param, "parameter_unknown")


def missing(param: str) -> StripeError:
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def no_such(kind: str, identity: str, param: str = "id", status: int = 404) -> StripeError:
    return StripeError(status, f"No such {kind}: '{identity}'", param=param, code="resource_missing")


def wrong_state(message: str, code: str | None = None, **members: Any) -> StripeError:
    return StripeError(400, message, code=code, **members)


def card_error(code: str, message: str, decline_code: str | None = None, **members: Any) -> StripeError:
    """402: the card was refused (docs.stripe.com/declines/codes)."""
    return StripeError(402, message, "card_error", code=code, decline_code=decline_code, **members)


@contextmanager
def errors_logged(task: str) -> Generator[None]:
    """A background task outlives one bad round; the reason is logged."""
    try:
        yield
    except Exception:
        _log.exception("sandbox_task_failed task=%s", task)
