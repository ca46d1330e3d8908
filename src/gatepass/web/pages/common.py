"""What all pages share: templates, headers, forms, and the question whether a form came from a page of ours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gatepass import languages
from gatepass.domain.event import Event
from gatepass.domain.money import Money
from gatepass.domain.timeline import Words
from gatepass.services import pictures
from gatepass.web.body import limited_body
from gatepass.web.pages import markdown
from gatepass.web.pages.language import kept
from gatepass.web.site import Site, site

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_FORM_BYTES = 64 * 1024
MAX_FORM_FIELDS = 500
STANDARD_PICTURE = "/static/cover.svg"
_SEVERAL = "att"
"""Names of fields that may have several values begin so."""
_TEMPLATES = Path(__file__).parent.parent / "templates"
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


@cache
def templates() -> "Environment":
    """The template environment. Made at the first page, so that importing a page stays cheap."""
    from gatepass.services import texts
    from gatepass.services.letters import environment_of

    environment = environment_of(_TEMPLATES)
    cast("dict[str, Any]", environment.filters).update(
        story=markdown.to_html, qr=_qr, qr_code=_qr_code, address=address, told=_told, bdi=_bdi, money=_money
    )
    cast("dict[str, Any]", environment.globals).update(
        zip=zip,
        time_of=time_of,
        moment=texts.moment,
        clock=texts.clock,
        brief=texts.brief,
        stamp=texts.stamp,
        languages=languages.languages,
    )
    return environment


def render(
    request: Request, name: str, context: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A page from a template, with the headers that every page carries; `headers` are added or win."""
    event: Event | None = context.get("event")
    shared = {"kept": kept(request), "path": request.url.path, "help": event and event.contact_email}
    html = templates().get_template(name).render(shared | dict(context))
    policy = {"Content-Security-Policy": _content_policy(site(request), context.get("event"))}
    spoken = {"Content-Language": languages.spoken(), "Vary": "Accept-Language"}
    return HTMLResponse(html, status, _HEADERS | policy | spoken | dict(headers or {}))


def _content_policy(here: Site, event: object) -> str:
    # Browsers check form-action along the redirects too: without the payment origins a buyer would stay on our page.
    provider = event.provider if isinstance(event, Event) else None
    elsewhere = urlsplit(provider.payment_page_url if provider else "")
    others = [f"{elsewhere.scheme}://{elsewhere.netloc}"] if elsewhere.netloc else []
    forms = " ".join(["'self'", *here.payment_origins, *others])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action {forms}; base-uri 'none'; frame-ancestors 'none'"
    )


def framed_by(policy: str, origins: Sequence[str]) -> str:
    """The policy of a page that our own pages and these sites may show in a frame."""
    # A policy cannot name an IPv6 address (w3.org/TR/CSP3, host-source).
    listed = " ".join(["'self'", *(origin for origin in origins if "[" not in origin)])
    return f"{policy}; frame-ancestors {listed}"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form; raises Refused when it is too large. Of a name that comes again the last one counts;
    of an attendee's field all do, one a line.

    What is no form, or no UTF-8, becomes missing fields or replacement characters: the page then says what is wrong.
    """
    body = await limited_body(request, MAX_FORM_BYTES)
    try:
        fields = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        return {}
    typed: dict[str, str] = {}
    for name, value in fields:
        # No database keeps a NUL.
        text = value.replace("\0", "\ufffd")
        typed[name] = f"{typed[name]}\n{text}" if name.startswith(_SEVERAL) and name in typed else text
    return typed


def same_origin(request: Request, *, or_unknown: bool = True) -> bool:
    """True unless a browser says that a page of somebody else sent this. `or_unknown`: programs, which send neither header, pass."""
    sent_by = request.headers.get("sec-fetch-site")
    if sent_by is not None:
        return sent_by == "same-origin"
    origin = request.headers.get("origin") or _origin(request.headers.get("referer", "")).removesuffix("://") or None
    if origin is None:
        return or_unknown
    return origin in {site(request).proxies.origin(request), _origin(site(request).links.base_url)}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def client_of(request: Request) -> str:
    """The address that a request came from, behind a trusted proxy the one that the proxy saw."""
    peer = request.client.host if request.client else ""
    seen = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return seen if seen and site(request).proxies.trusts(peer) else peer


def address(event: Event) -> str:
    """The path of an event's page."""
    return f"/e/{quote(event.readable_id, safe='')}"


def picture(url: str | None) -> str:
    """An event's picture on this host; the standard one where it has none."""
    return pictures.address_of(url) if url else STANDARD_PICTURE


def _qr(code: str) -> str:
    """A ticket code as a QR symbol of 21 x 21 modules: the dark ones as an SVG path of horizontal strokes."""
    import segno

    rows = segno.make_qr(code, error="m", version=1, boost_error=False).matrix
    return "".join(f"M{x} {y + 0.5}h1" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)


def _qr_code(text: str) -> "Markup":
    """A longer text as a whole SVG, dark on light whatever the page's colours: cameras want it so."""
    import segno
    from markupsafe import Markup

    made = segno.make_qr(text, error="m").svg_inline(scale=4, border=3, dark="#000", light="#fff", omitsize=False)
    return Markup('<div role="img" aria-label="QR code">{}</div>').format(Markup(made))  # noqa: S704


def _told(words: Words, zone: str) -> "Markup":
    """A text whose times a script may write anew for somebody in another zone."""
    from markupsafe import Markup

    from gatepass.services import texts

    time = Markup('<time datetime="{}" data-local="sentence">{}</time>')
    return Markup("").join(
        part if isinstance(part, str) else time.format(part.isoformat(), texts.in_sentence(part, zone))
        for part in words
    )


def _money(amount: Money) -> "Markup | str":
    from gatepass.services import texts

    return _bdi(texts.money(amount)) if amount.minor else texts.money(amount)


def time_of(at: datetime, zone: str) -> "Markup":
    """A moment inside a sentence."""
    from markupsafe import Markup

    from gatepass.services import texts

    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), texts.in_sentence(at, zone))


def _bdi(text: str) -> "Markup":
    """A foreign name or an address inside a sentence: its script must not turn the words around it."""
    from markupsafe import Markup

    return Markup("<bdi>{}</bdi>").format(text)
