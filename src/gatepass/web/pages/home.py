"""The front door: what is on sale."""

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.event import Event
from gatepass.domain.money import Money
from gatepass.store import events
from gatepass.web.pages import problem
from gatepass.web.pages.common import picture, render
from gatepass.web.pages.language import speaks
from gatepass.web.pages.standing import Standing, standing
from gatepass.web.site import site


@speaks
@problem.readable
async def show(request: Request) -> Response:
    """GET /"""
    published = await site(request).store.read(events.published)
    coming = [event for event in published if standing(event) is not Standing.OVER]
    return render(request, "home.html", {"events": [_entry(event) for event in coming]})


def _entry(event: Event) -> dict[str, object]:
    return {
        "event": event,
        "standing": standing(event).value,
        "from_price": _from_price(event),
        "several_prices": len({one.price for one in event.passes}) > 1,
        "picture": picture(event.image_url),
    }


def _from_price(event: Event) -> Money:
    """The lowest price that can be had."""
    prices = [one.price.minor for one in event.passes if one.left > 0] or [one.price.minor for one in event.passes]
    return Money(min(prices, default=0), event.currency)
