"""Where application users get a token, as Entra ID answers it: standard Azure credentials work against us.

Only the client credentials flow. Errors carry Entra's codes (AADSTS...), which its client libraries show to people.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.services import applications
from gatepass.web.body import limited_body
from gatepass.web.site import Site, site

MAX_BODY_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Refusal(Exception):
    """An OAuth error (RFC 6749, 5.2) with the number that Entra gives it."""

    status: int
    error: str
    number: int
    message: str


async def token(request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/token: client_credentials -> {token_type, expires_in, access_token}"""
    here = site(request)
    try:
        return _json(await _token(here, request))
    except _Refusal as refusal:
        return _refused(refusal)
    except GatepassError as error:
        return _refused(_Refusal(400, "invalid_request", 900144, error.message))


async def _token(here: Site, request: Request) -> dict[str, object]:
    form = dict(parse_qsl((await limited_body(request, MAX_BODY_BYTES)).decode(errors="replace")))
    _check_tenant(here, request)
    _check_grant(form)
    client_id, secret = _client(form, request.headers.get("authorization", ""))
    if await applications.sign_in(here.store, client_id, secret) is None:
        raise await _wrong_client(here, client_id)
    life = applications.TOKEN_LIFE_S
    issued = here.tokens.issue(client_id)
    return {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": issued}


def _check_tenant(here: Site, request: Request) -> None:
    tenant = str(request.path_params["tenant"])
    if tenant.lower() != here.organization:
        raise _Refusal(400, "invalid_request", 90002, f"Tenant '{tenant[:100]}' not found. It is {here.organization}.")


def _check_grant(form: Mapping[str, str]) -> None:
    grant = form.get("grant_type")
    if not grant:
        raise _missing("grant_type")
    if grant != "client_credentials":
        message = f"The grant type '{grant[:100]}' is not supported: use client_credentials."
        raise _Refusal(400, "unsupported_grant_type", 70003, message)
    if not (form.get("scope") or form.get("resource")):
        raise _missing("scope")
    if "scope" in form and not form["scope"].endswith("/.default"):
        raise _Refusal(
            400,
            "invalid_scope",
            1002012,
            f"The provided value for scope {form['scope'][:200]} is not valid. Client credential flows must have a scope "
            "value with /.default suffixed to the resource identifier.",
        )


def _client(form: Mapping[str, str], authorization: str) -> tuple[UUID, str]:
    """Client id and secret: in the form, or as Basic authentication."""
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _missing("client_id") from None
    if not client_id:
        raise _missing("client_id")
    if not secret:
        raise _missing_secret()
    try:
        return UUID(client_id), secret
    except ValueError:
        raise _unknown(client_id) from None


async def _wrong_client(here: Site, client_id: UUID) -> _Refusal:
    if not await applications.known(here.store, client_id):
        return _unknown(str(client_id))
    return _Refusal(
        401,
        "invalid_client",
        7000215,
        f"Invalid client secret provided for app '{client_id}', or the application user is disabled. Ensure the secret "
        "being sent in the request is the client secret value, not the client secret ID.",
    )


def _unknown(client_id: str) -> _Refusal:
    return _Refusal(
        400,
        "unauthorized_client",
        700016,
        f"Application with identifier '{client_id[:100]}' was not found in the directory. It has to be an application "
        "user of this installation.",
    )


def _missing_secret() -> _Refusal:
    needed = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
    return _Refusal(401, "invalid_client", 7000218, needed)


def _missing(name: str) -> _Refusal:
    return _Refusal(400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")


async def openid_configuration(request: Request) -> Response:
    """GET /{tenant}/v2.0/.well-known/openid-configuration: where client libraries find the token endpoint"""
    here = site(request)
    try:
        _check_tenant(here, request)
    except _Refusal as refusal:
        return _refused(refusal)
    base = f"{here.proxies.origin(request)}/{here.organization}"
    return _json(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        }
    )


def _refused(refusal: _Refusal) -> Response:
    now, trace, correlation = datetime.now(UTC), uuid4(), uuid4()
    described = (
        f"AADSTS{refusal.number}: {refusal.message} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {now:%Y-%m-%d %H:%M:%SZ}"
    )
    body = {
        "error": refusal.error,
        "error_description": described,
        "error_codes": [refusal.number],
        "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
        "trace_id": str(trace),
        "correlation_id": str(correlation),
    }
    return _json(body, refusal.status)


def _json(body: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(body), status, {"Cache-Control": "no-store, no-cache"}, "application/json; charset=utf-8"
    )
