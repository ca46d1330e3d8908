"""What all staff pages share: the frame with its navigation, and the message after something was done."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.services.access import Caller, Role
from gatepass.web.pages.common import render
from gatepass.web.site import Site, site
from gatepass.web.staff.door import ADMINISTERS, EVERYBODY, HOME, MOVES_MONEY

# No token is in these addresses, and with no-referrer a browser would not name the origin of a form.
_HEADERS = {"Referrer-Policy": "same-origin"}
FLASH_S, MAX_FLASH_CHARS = 60, 300


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation; a template marks it by `{% set here = key %}`."""

    key: str
    label: str
    icon: str
    path: str
    may: Collection[Role] = EVERYBODY
    own: bool = False
    """Not where purchases live in a remote Dataverse."""


NAVIGATION = (
    Entry("overview", "Overview", "chart", HOME),
    Entry("figures", "Figures", "chart", "/staff/figures", own=True),
    Entry("events", "Events", "calendar", "/staff/events", own=True),
    Entry("purchases", "Purchases", "card", "/staff/purchases"),
    Entry("attention", "Needs attention", "inbox", "/staff/attention"),
    Entry("providers", "Payment providers", "plug", "/staff/providers", ADMINISTERS),
    Entry("sites", "Web applications", "globe", "/staff/sites", ADMINISTERS, own=True),
    Entry("switches", "Feature switches", "switch", "/staff/switches", ADMINISTERS),
    Entry("people", "People", "people", "/staff/people", ADMINISTERS),
    Entry("audit", "Audit", "log", "/staff/audit", MOVES_MONEY),
    Entry("finalize", "Finalize by hand", "check", "/staff#finalize", own=True),
)


def page(
    request: Request, caller: Caller, template: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> Response:
    """`templates/staff/<template>.html` inside the frame, with what `done` left to be said."""
    here = site(request)
    frame = {
        "caller": caller,
        "navigation": [entry for entry in NAVIGATION if caller.role in entry.may and not (entry.own and here.remote)],
        "flash": _said(request),
    }
    answer = render(request, f"staff/{template}.html", frame | dict(context or {}), status, _HEADERS)
    return _once(request, answer)


def open_page(request: Request, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """A page for whoever is not signed in: no navigation."""
    said = _said(request)
    answer = render(request, f"staff/{template}.html", {"flash": said} | dict(context), status, _HEADERS)
    return _once(request, answer)


def done(request: Request, url: str, message: str = "") -> Response:
    """What was asked for is done: go to `url`, a path of ours, where `message` is shown once. It may hold no secret."""
    answer = RedirectResponse(url, 303)
    if message:
        answer.set_cookie(
            _flash_cookie(site(request)),
            quote(message[:MAX_FLASH_CHARS]),
            FLASH_S,
            path="/",
            secure=site(request).secure_cookies,
            httponly=True,
            samesite="lax",
        )
    return answer


def _said(request: Request) -> str:
    return unquote(request.cookies.get(_flash_cookie(site(request)), ""))[:MAX_FLASH_CHARS]


def _once(request: Request, answer: Response) -> Response:
    """What was said is not said again."""
    here = site(request)
    if _said(request):
        answer.delete_cookie(_flash_cookie(here), path="/", secure=here.secure_cookies, httponly=True, samesite="lax")
    return answer


def _flash_cookie(here: Site) -> str:
    return "__Host-gatepass-said" if here.secure_cookies else "gatepass_said"
