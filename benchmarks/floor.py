"""The web server without a database: same server options, same decoding, same answers. `python -m benchmarks.floor PORT`"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from benchmarks.system import free_port, process, wait_for
from gatepass import server
from gatepass.providers.stripe import Stripe
from gatepass.store.tables import new_id
from gatepass.web.events_types import RegistrationIn, RegistrationResult

SECRET = "whsec_floor"
PAGE = "https://checkout.stripe.com/c/pay/cs_test_" + "a" * 40

_decoder = msgspec.json.Decoder(RegistrationIn)
_encoder = msgspec.json.Encoder()
_stripe = Stripe("sk_test_floor", [SECRET], "http://127.0.0.1:9")


@contextmanager
def floor() -> Iterator[int]:
    """Run it as a process; yields its port."""
    port = free_port()
    with process(["benchmarks.floor", str(port)]) as run:
        wait_for(port, run)
        yield port


async def _register(request: Request) -> Response:
    wish = _decoder.decode(await request.body())
    assert wish.attendees
    result = RegistrationResult(status="Redirect", redirect_url=PAGE, purchase_id=new_id())
    return Response(_encoder.encode(result), 200, media_type="application/json")


async def _redirect(_: Request) -> Response:
    return RedirectResponse(PAGE, 302)


async def _notify(request: Request) -> Response:
    _stripe.verify(request.headers, await request.body())
    return Response(status_code=200)


async def _healthy(_: Request) -> Response:
    return Response(status_code=200)


def main() -> None:
    """Serve until a signal."""
    routes = [
        Route("/register", _register, methods=["POST"]),
        Route("/redirect", _redirect),
        Route("/notify", _notify, methods=["POST"]),
        Route("/healthz", _healthy),
    ]
    listening = server.listen("127.0.0.1", int(sys.argv[1]))
    server.run_forever([(Starlette(routes=routes), listening)], lambda: None)


if __name__ == "__main__":
    main()
