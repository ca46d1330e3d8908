"""Pictures of events, from our own host."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.store import pictures
from gatepass.web.pages.common import STANDARD_PICTURE
from gatepass.web.site import site

_HEADERS = {
    # A name stands for one picture, for ever.
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def show(request: Request) -> Response:
    """GET /pictures/{name}: the picture, or the standard one as long as it is not here."""
    name: str = request.path_params["name"].replace("\0", "")
    found = await site(request).store.read(lambda tx: pictures.find(tx, name))
    if found is None:
        return RedirectResponse(STANDARD_PICTURE, 302, {"Cache-Control": "no-store"})
    return Response(found.body, media_type=found.kind, headers=_HEADERS)
