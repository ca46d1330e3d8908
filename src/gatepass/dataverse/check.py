"""Will it work: every part of the connection to a Dataverse, one after the other, each with what to do when it is not fine.

The environment is asked without a token first, and Entra ID beside it: so a wrong address of either, an environment that is
down, and a secret that is wrong are told apart.
Nothing over there is changed. Whether the custom API is there and may be run is found out by calling it for a purchase that
does not exist: the refusal says which.
"""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from uuid import uuid4

import httpx
import msgspec

from gatepass.dataverse.client import WHO_AM_I, Dataverse
from gatepass.dataverse.finalize import ACTION, finalize
from gatepass.dataverse.purchases import read_any
from gatepass.dataverse.silence import NO_HOST, NO_NAMES
from gatepass.dataverse.token import NoAccess
from gatepass.domain.errors import GatepassError, NotFound, Refused
from gatepass.domain.health import Health
from gatepass.domain.remote import Word

CLOCK_APART = timedelta(seconds=30)
"""Beyond it holds end at another moment here than there."""
WINDOW_S, CALLS_IN_WINDOW = 300, 6000
"""Service protection, per application user and server: dataverse-web-api.md, section 7."""
LEFT_WARNING = 1000
"""Fewer calls left in the window: others use the same application user."""
_LEFT = "x-ms-ratelimit-burst-remaining-xrm-requests"
_GIVER = re.compile(r'authorization_uri="?([^",\s]+?)(?:/oauth2/authorize)?[",\s]')
"""Whose tokens an environment takes: it says so to whom it does not know (dataverse-web-api.md, section 1)."""
_NOT_NOW = frozenset({408, 429})


@dataclass(frozen=True, slots=True)
class Finding:
    """About one part; `says` names the way out when it is not fine."""

    what: str
    health: Health
    says: str


async def check(dataverse: Dataverse, calls_per_s: int) -> list[Finding]:
    """Findings, the first one first; ends at the first that makes the others pointless. Never raises a refusal."""
    found = [await _environment(dataverse), await _found("token", _token(dataverse), _TOKEN_REMEDIES)]
    if any(one.health is Health.BROKEN for one in found):
        return found
    try:
        who = await dataverse.get(WHO_AM_I)
    except GatepassError as error:
        return [*found, _broken("sign-in", error, _remedy(_SIGN_IN_REMEDIES, error.message))]
    user = _user(who)
    if not user:
        says = f"{dataverse.url} answers, but not as a Dataverse does. Check GATEPASS_DATAVERSE_URL"
        return [*found, Finding("sign-in", Health.BROKEN, says)]
    found.append(Finding("sign-in", Health.FINE, f"{dataverse.url} knows us as application user {user}"))
    found += [_clock(who), _limits(who, calls_per_s)]
    found.append(await _found("purchases", _purchases(dataverse), _PURCHASE_REMEDIES))
    found.append(await _finalizing(dataverse))
    return found


class _WhoAmI(msgspec.Struct):
    UserId: str = ""


def _user(who: httpx.Response) -> str:
    """Empty when this is no answer of a Dataverse."""
    try:
        return msgspec.json.decode(who.content, type=_WhoAmI).UserId
    except msgspec.DecodeError:
        return ""


Remedies = Mapping[str, str]
"""What to do, by what stands in the refusal; the empty one when nothing else does."""

_WRONG_URL = "GATEPASS_DATAVERSE_URL is wrong: copy the environment URL (Power Platform admin center, Environments, the environment)"
_DOWN = (
    "The environment is down, or a firewall keeps this machine from it: look at it in the Power Platform admin center. "
    "Nothing is lost meanwhile: payments are kept, and confirmed when it is back"
)
_OFFLINE = "Is this machine online? Nothing is lost meanwhile"
_ENVIRONMENT_REMEDIES: Remedies = MappingProxyType(
    {
        NO_HOST: _WRONG_URL,
        NO_NAMES: _OFFLINE,
        "its certificate": f"{_WRONG_URL}. If it is right, a proxy opens the connection: name its authority in SSL_CERT_FILE",
        "does not speak TLS": _WRONG_URL,
        "": _DOWN,
    }
)
_WRONG_AUTHORITY = (
    "GATEPASS_DATAVERSE_AUTHORITY is wrong: leave it out, unless yours is a sovereign cloud; the environment names whose "
    "tokens it takes"
)
_TOKEN_REMEDIES: Remedies = MappingProxyType(
    {
        "AADSTS7000215": "GATEPASS_DATAVERSE_CLIENT_SECRET is wrong: copy the *value* of the secret, not its id",
        "AADSTS7000222": "The client secret has ended: make a new one (App registrations, the app, Certificates & secrets)",
        "AADSTS700016": "GATEPASS_DATAVERSE_CLIENT_ID is no app of this tenant",
        "AADSTS90002": "GATEPASS_DATAVERSE_TENANT_ID is no tenant",
        "The managed identity gives": "GATEPASS_DATAVERSE_MANAGED_IDENTITY names no identity that was given to this app or machine",
        "The managed identity": "Is this in Azure, and has it a managed identity? docs/dynamics.md says how to give it one",
        "AADSTS500011": "GATEPASS_DATAVERSE_URL is no environment of this tenant",
        "gives no token right now (5": "Entra ID is down. Nothing is lost meanwhile: it is asked again by itself",
        "gives no token right now": _WRONG_AUTHORITY,
        "gives no token: status": _WRONG_AUTHORITY,
        NO_HOST: _WRONG_AUTHORITY,
        NO_NAMES: _OFFLINE,
        "does not answer": f"A firewall keeps this machine from it, or {_WRONG_AUTHORITY}",
        "": "Check GATEPASS_DATAVERSE_TENANT_ID, _CLIENT_ID and _CLIENT_SECRET; docs/dynamics.md says where they are found",
    }
)
_SIGN_IN_REMEDIES: Remedies = MappingProxyType(
    {
        "lets us do nothing": "Make the app an application user: Power Platform admin center, the environment, Settings, "
        "Users + permissions, Application users, New app user",
        "refuses": _WRONG_URL,
        "": _DOWN,
    }
)
_PURCHASE_REMEDIES: Remedies = MappingProxyType(
    {
        "0x80040220": "Give the application user a role with Read on Event purchase and on Currency, for the whole organization",
        "0x80060888": "This environment has no event purchases: install Customer Insights - Journeys with event management",
        "0x8006088a": "This environment has no event purchases: install Customer Insights - Journeys with event management",
        "": "Nothing is lost meanwhile; ask again in some minutes",
    }
)


async def _found(what: str, asked: Awaitable[str], remedies: Remedies) -> Finding:
    try:
        return Finding(what, Health.FINE, await asked)
    except GatepassError as error:
        return _broken(what, error, _remedy(remedies, error.message))


def _remedy(remedies: Remedies, message: str) -> str:
    return next(way for sign, way in remedies.items() if sign in message)


def _broken(what: str, error: GatepassError, remedy: str) -> Finding:
    return Finding(what, Health.BROKEN, f"{error.message.rstrip('.')}. {remedy}")


async def _environment(dataverse: Dataverse) -> Finding:
    """Asked without a token: what stands here is about its address and itself, and nothing of ours."""
    try:
        answer = await dataverse.knock()
    except GatepassError as error:
        return _broken("environment", error, _remedy(_ENVIRONMENT_REMEDIES, error.message))
    status = answer.status_code
    if status >= 500 or status in _NOT_NOW:
        return Finding("environment", Health.BROKEN, f"{dataverse.url} answers with {status}. {_DOWN}")
    if status != 401:
        says = f"{dataverse.url} answers with {status} where a Dataverse asks for a token. {_WRONG_URL}"
        return Finding("environment", Health.BROKEN, says)
    giver = _GIVER.search(f"{answer.headers.get('WWW-Authenticate', '')} ")
    if giver is None:
        says = f"{dataverse.url} answers, but does not name whose tokens it takes, as a Dataverse does. Is it one?"
        return Finding("environment", Health.WARNING, says)
    return Finding("environment", Health.FINE, f"{dataverse.url} answers, and takes tokens of {giver[1]}")


async def _token(dataverse: Dataverse) -> str:
    await dataverse.token()
    return f"{dataverse.token_giver} gives one"


async def _purchases(dataverse: Dataverse) -> str:
    await read_any(dataverse)
    return "can be read, with their currency"


async def _finalizing(dataverse: Dataverse) -> Finding:
    """Called for nobody's purchase, and as cancelled: it can have no effect."""
    may = f"{ACTION} is there and may be run"
    try:
        await finalize(dataverse, uuid4(), Word.CANCELLED, uuid4())
    except NoAccess as error:
        return _broken("finalizing", error, "Give the application user a role that may run this custom API")
    except NotFound:
        return Finding("finalizing", Health.FINE, may)
    except Refused as error:
        if "segment" in error.message:
            return _broken("finalizing", error, "Update Customer Insights - Journeys: this version has no paid events")
        return Finding("finalizing", Health.FINE, f"{may}; of an unknown purchase it says: {error.message}")
    except GatepassError as error:
        return Finding("finalizing", Health.WARNING, f"{error.message} Whether it may be run is not known")
    return Finding("finalizing", Health.FINE, f"{may}; of an unknown purchase it says nothing")


def _clock(answer: httpx.Response) -> Finding:
    try:
        apart = abs(parsedate_to_datetime(answer.headers.get("Date", "")) - datetime.now(UTC))
    except ValueError:
        return Finding("clock", Health.WARNING, "Dataverse does not tell its own")
    if apart > CLOCK_APART:
        says = f"differs from Dataverse's by {apart.total_seconds():.0f} s. Set this machine's clock by NTP"
        return Finding("clock", Health.BROKEN, says)
    return Finding("clock", Health.FINE, f"agrees with Dataverse's to {max(1, round(apart.total_seconds()))} s")


def _limits(answer: httpx.Response, calls_per_s: int) -> Finding:
    wanted = calls_per_s * WINDOW_S
    ours = f"{calls_per_s} calls a second are {wanted} in five minutes, of {CALLS_IN_WINDOW}"
    if wanted > CALLS_IN_WINDOW:
        return Finding("limits", Health.WARNING, f"{ours}: set GATEPASS_DATAVERSE_CALLS_PER_S to 20 or less")
    left = answer.headers.get(_LEFT, "")
    if left.isdigit() and int(left) < LEFT_WARNING:
        says = f"only {left} calls are left now: others use the same application user. Give Gatepass one of its own"
        return Finding("limits", Health.WARNING, says)
    return Finding("limits", Health.FINE, f"{ours}{f'; {left} are left now' if left.isdigit() else ''}")
