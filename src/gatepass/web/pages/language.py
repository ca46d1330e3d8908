"""In which language a page speaks: what the reader picked (`?lang=`), else what the browser asks for. No cookie is kept."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from gatepass.languages import PSEUDO, best, languages, speaking
from gatepass.store.purchases import Purchase

Handler = Callable[[Request], Awaitable[Response]]


def speaks(handler: Handler) -> Handler:
    """Everything that this page says is in the reader's language."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        with speaking(language_of(request)):
            return await handler(request)

    return answer


def language_of(request: Request, order: Purchase | None = None) -> str:
    """An order that was made on our own page goes on in the language in which it was made."""
    if picked := picked_of(request):
        return picked
    if order and order.web_application_id is None and order.locale in languages():
        return order.locale
    return best(request.headers.get("accept-language", ""))


def picked_of(request: Request) -> str | None:
    """The language that stands in the address."""
    wanted = request.query_params.get("lang", "")
    return wanted if wanted in languages() or wanted == PSEUDO else None


def kept(request: Request) -> str:
    """`?lang=de` for the links of a page whose language was picked; else nothing."""
    picked = picked_of(request)
    return f"?lang={picked}" if picked else ""
