"""The door of the control API: who may come in, and how JSON goes in and out.

A page of somebody else, open in the developer's browser, may do nothing: see `guarded`.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gatepass.sandbox.errors import StripeError, invalid

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
Asked = TypeVar("Asked", bound=msgspec.Struct)
Run = Callable[[Request], Awaitable[Any]]


def guarded(
    handle: Callable[[Request], Awaitable[Response]], base_url: str
) -> Callable[[Request], Awaitable[Response]]:
    """Answers 403 to another host name, which a foreign page can point at this machine, and to that page's own POSTs."""
    base = urlsplit(base_url)

    async def checked(request: Request) -> Response:
        host = request.headers.get("host", "")
        if _host_of(host) not in LOOPBACK | {base.hostname}:
            return _refused(f"The control API answers on the loopback and at {base_url}, not as {host[:100]}.")
        origin = request.headers.get("origin")
        own = {f"http://{host}", f"https://{host}", f"{base.scheme}://{base.netloc}"}
        if request.method != "GET" and origin is not None and origin not in own:
            return _refused(f"A page of {origin[:100]} may not control this sandbox.")
        return await handle(request)

    return checked


def _host_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _refused(why: str) -> Response:
    return JSONResponse(StripeError(403, why).body(), 403)


async def body_of(request: Request, kind: type[Asked]) -> Asked:
    return msgspec.json.decode(await request.body() or b"{}", type=kind)


def as_json(run: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(await run(request))
        except msgspec.DecodeError as error:
            return JSONResponse(invalid(str(error), _member(str(error))).body(), 400)
        except (UnicodeError, RecursionError, OverflowError) as error:
            return JSONResponse(invalid(f"The body cannot be kept as JSON: {error}").body(), 400)
        except StripeError as error:
            return JSONResponse(error.body(), error.status)

    return handle


def _member(message: str) -> str | None:
    """The member that msgspec's words name."""
    found = re.search(r"`\$\.([^`]+)`", message) or re.search(r"field `([^`]+)`", message)
    return found[1] if found else None
