"""What a merchant's page loads from Stripe: the script, and the fields in a frame of their own (docs.stripe.com/js)."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gatepass.sandbox.cards import METHODS
from gatepass.sandbox.pages import render

_FILES = Path(__file__).parent / "static"


def routes() -> list[Route]:
    return [
        Route("/v3/", _file("stripe.js")),
        Route("/v3/element", _element),
        *(Route(f"/v3/{name}", _file(name)) for name in ("element.js", "over.js")),
    ]


async def _element(_: Request) -> Response:
    """GET /v3/element: the payment element's fields"""
    return render("element.html", framed=True, methods=METHODS.values())


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(_: Request) -> Response:
        return FileResponse(_FILES / name, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

    return serve
