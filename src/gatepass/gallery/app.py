"""One host page per thing that a host page may do to the form. It knows no more of Gatepass than any site would."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

_HERE = Path(__file__).parent
_templates = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, trim_blocks=True)

PAGES: Mapping[str, str] = MappingProxyType(
    {
        "plain": "An article of a newspaper, the form beside it",
        "strict": "A strict Content-Security-Policy with Trusted Types",
        "noframe": "A policy that allows no frame: the payment step opens on its own",
        "blocked": "A policy that blocks the script: the link remains",
        "hostile": "A style sheet that spoils everything it reaches",
        "rtl": "A page that is read from right to left",
        "dialog": "In a dialog",
        "twice": "Two forms on one page",
        "later": "Added by a script after the page was loaded",
        "light": "Without a shadow root, in the page's own style",
        "placed": "Own colours, and every part where the page wants it",
        "iframe": "In a frame, for sites that run no foreign script",
        "test": "A form that tests the page it stands on",
    }
)


@dataclass(frozen=True, slots=True)
class Gallery:
    """What a site owner knows: where the form comes from, the site's token, and the events."""

    form_url: str
    token: str
    event: str
    """Paid on the page."""
    other_event: str
    """Paid on the provider's page."""


def create_app(gallery: Gallery) -> Starlette:
    """All host pages under /, one list of them on top."""

    async def front(_: Request) -> Response:
        return HTMLResponse(_templates.get_template("front.html").render(pages=PAGES))

    async def page(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in PAGES:
            raise HTTPException(404)
        html = _templates.get_template("host.html").render(g=gallery, name=name, title=PAGES[name])
        policy = _policies(gallery.form_url).get(name)
        return HTMLResponse(html, headers={"Content-Security-Policy": policy} if policy else {})

    static = Mount("/host", StaticFiles(directory=_HERE / "static"))
    return Starlette(routes=[Route("/", front), static, Route("/{name}", page)])


def _policies(form: str) -> Mapping[str, str]:
    """What docs/embed.md tells a site owner to write, and two that somebody got wrong."""
    base = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
    types = "require-trusted-types-for 'script'; trusted-types 'none'"
    return {
        "strict": f"{base}; script-src {form}; connect-src {form}; frame-src {form}; {types}",
        "noframe": f"{base}; script-src {form}; connect-src {form}; frame-src 'none'",
        "blocked": f"{base}; script-src 'self'",
    }
