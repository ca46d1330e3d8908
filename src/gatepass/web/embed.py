"""The form on pages of somebody else: its script and style, what it shows, and the same form in a frame of ours.

It registers by the events API: token and origin are checked there, in one place.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from gatepass.domain.errors import NotFound
from gatepass.domain.event import Event
from gatepass.domain.money import decimals_of
from gatepass.domain.payment import Way
from gatepass.domain.question import Question
from gatepass.languages import best, speaking, spoken
from gatepass.look import STATIC
from gatepass.services import texts
from gatepass.store import ReadTx, events, questions
from gatepass.web.embed_check import Finding, findings
from gatepass.web.embed_texts import texts as words
from gatepass.web.events_api import Call
from gatepass.web.pages import draft, problem
from gatepass.web.pages.common import form_of, framed_by, render
from gatepass.web.pages.language import speaks
from gatepass.web.pages.registration import FEW
from gatepass.web.pages.standing import Standing, standing
from gatepass.web.site import site

SCRIPT_LIFE_S = 300
"""How long a browser may keep the script without asking: a fix reaches every page soon."""
MAX_TOKEN_CHARS = 300
_FOR_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": f"public, max-age={SCRIPT_LIFE_S}",
}


class PassShown(msgspec.Struct, rename="camel"):
    """A pass; `minor` in the smallest units of the currency."""

    id: UUID
    name: str
    description: str
    minor: int
    left: int


class QuestionShown(msgspec.Struct, rename="camel"):
    """What the event asks of each attendee; `kind` is text, yes_no, several or one."""

    id: UUID
    text: str
    kind: str
    required: bool
    choices: Sequence[str]


class EventShown(msgspec.Struct, rename="camel"):
    """What the form's head says."""

    readable_event_id: str
    name: str
    when: str
    url: str


class Shown(msgspec.Struct, rename="camel"):
    """Everything that the form shows."""

    event: EventShown
    standing: str
    passes: list[PassShown]
    questions: list[QuestionShown]
    currency: str
    decimals: int
    way: str
    """"page": the payment step can be shown in a frame."""
    few: int
    most: int
    language: str
    texts: dict[str, str]


async def script(request: Request) -> Response:
    """GET /embed/v1.js"""
    return FileResponse(STATIC / "embed.js", media_type="text/javascript", headers=_FOR_ALL)


async def style(request: Request) -> Response:
    """GET /embed/v1.css"""
    return FileResponse(STATIC / "gatepass.css", media_type="text/css", headers=_FOR_ALL)


async def shown(call: Call) -> object:
    """GET /embed/v1/events/{readableEventId}?emApplicationtoken="""
    event, asked = await call.site.store.read(lambda tx: _read(tx, call.readable_id))
    with speaking(best(call.request.query_params.get("locale", ""))):
        return _shown(call, event, asked)


def _read(tx: ReadTx, readable_id: str) -> tuple[Event | None, Sequence[Question]]:
    event = events.find(tx, readable_id)
    return event, questions.of_event(tx, event.id) if event else ()


def _shown(call: Call, event: Event | None, asked: Sequence[Question]) -> Shown:
    state = standing(event)
    if event is None or state is Standing.HIDDEN:
        raise NotFound("EventNotFound", f"There is no live event '{call.readable_id}'.")
    return Shown(
        event=_event(call, event),
        standing=state.value,
        passes=[_pass(event, one) for one in event.passes if one.allocation],
        questions=[_question(one) for one in asked],
        currency=event.currency,
        decimals=decimals_of(event.currency),
        way=_way(call, event).value,
        few=FEW,
        most=draft.MOST_PEOPLE,
        language=spoken(),
        texts=words(),
    )


def _event(call: Call, event: Event) -> EventShown:
    when = texts.when(event.starts, event.ends, event.time_zone)
    return EventShown(event.readable_id, event.name, when, f"{call.site.links.base_url}/e/{event.readable_id}")


def _pass(event: Event, one: Any) -> PassShown:
    return PassShown(one.id, one.name, one.description, one.price.minor, max(0, draft.free(event, one)))


def _question(one: Question) -> QuestionShown:
    return QuestionShown(one.id, one.text, one.kind.name.lower(), one.required, one.choices)


def _way(call: Call, event: Event) -> Way:
    """As the payment will be opened: on the page only where the provider is connected for it."""
    provider = event.provider
    adapter = provider and call.site.desk.providers.get(provider.kind)
    return provider.way if provider and adapter and adapter.page_step else Way.REDIRECT


@problem.readable
async def frame(request: Request) -> Response:
    """GET /embed/{readableEventId}?token=: the same form as a page, for sites that cannot run a script"""
    token = request.query_params.get("token", "")
    known = len(token) <= MAX_TOKEN_CHARS and "\0" not in token
    application = await site(request).applications.by_token(token) if known else None
    if application is None:
        raise NotFound("TokenInvalid", "No web application has this token. Copy it anew from its record.")
    context = {"readable_id": request.path_params["readable_id"], "token": token}
    return _framed(request, "embed_frame.html", context, application.origins)


async def probe(request: Request) -> Response:
    """GET /embed/probe: says that a frame of ours can be shown; nothing else is on it, so anybody may"""
    return _framed(request, "embed_probe.html", {}, ["*"])


def _framed(request: Request, name: str, context: dict[str, Any], origins: Sequence[str]) -> Response:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'"
    )
    return render(request, name, context, headers={"Content-Security-Policy": framed_by(policy, origins)})


@speaks
@problem.readable
async def check(request: Request) -> Response:
    """GET and POST /embed/check: what a site's own policy lets through, and the line to add"""
    typed = await form_of(request) if request.method == "POST" else {}
    policy = typed.get("policy", "")
    own = site(request).links.base_url
    found: Sequence[Finding] = findings(policy, own) if policy.strip() else ()
    return render(request, "embed_check.html", {"policy": policy, "found": found, "own": own})
