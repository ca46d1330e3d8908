"""Figures of an event and of all events: charts with their tables, brought up to date without a reload."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.event import Event
from gatepass.domain.money import Money
from gatepass.services import figures, texts
from gatepass.services.access import Caller
from gatepass.services.figures import PERIODS, Series, period_of
from gatepass.store import ReadTx, events
from gatepass.web.pages.common import templates
from gatepass.web.pages.order import fingerprint
from gatepass.web.site import site
from gatepass.web.staff.asking import id_in, row_at
from gatepass.web.staff.event_form import EVENT
from gatepass.web.staff.layout import page

LOOK_EVERY_S = 10
EVERYWHERE = "UTC"
"""The zone of figures over all events."""
MOST_HEAD_CHARS = 300
"""Where the address of the next look stands in the content."""
WIDTH, HEIGHT, GAP = 1000, 100, 0.2


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/figures?period="""
    return page(request, caller, "figures", {"owner": None, "content": await content_of(request, None)})


async def of_event(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/figures?period="""
    event_id = id_in(request, "event_id")
    row = await site(request).store.read(lambda tx: row_at(tx, EVENT, event_id))
    return page(request, caller, "figures", {"owner": row, "content": await content_of(request, event_id)})


async def now(request: Request, caller: Caller) -> Response:
    """GET /staff/figures/now?period=&seen=: what has changed; 204 when nothing has"""
    return await _now(request, None)


async def now_of_event(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/figures/now?period=&seen="""
    return await _now(request, id_in(request, "event_id"))


async def _now(request: Request, event_id: UUID | None) -> Response:
    content = await content_of(request, event_id)
    if f"seen={request.query_params.get('seen', '-')}" in content[:MOST_HEAD_CHARS]:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    return Response(content, media_type="text/html", headers={"Cache-Control": "no-store"})


async def content_of(request: Request, event_id: UUID | None) -> str:
    """The figures as HTML, with the address of the next look."""
    period = period_of(request.query_params.get("period", ""))

    def look(tx: ReadTx) -> dict[str, Any]:
        event = events.get(tx, event_id) if event_id else None
        zone = event.time_zone if event else EVERYWHERE
        return {"event": event, "found": figures.look(tx, period, zone, event_id), "passes": _passes(event)}

    told = await site(request).store.snapshot(look)
    own = f"/staff/events/{event_id}/figures" if event_id else "/staff/figures"
    series = [told["found"].registrations, *told["found"].revenue]
    context = told | {"own": own, "period": period, "periods": PERIODS, "charts": [_chart(one) for one in series]}
    body = templates().get_template("staff/figures_content.html").render(context)
    return _framed(body, f"{own}/now?period={period}&seen={fingerprint(body)}")


def _framed(body: str, url: str) -> str:
    """The fingerprint is that of the content without the address that carries it."""
    look = f'hx-get="{url.replace("&", "&amp;")}" hx-trigger="every {LOOK_EVERY_S}s" hx-swap="outerHTML settle:0"'
    return f'<div class="stack" id="figures" {look}>{body}</div>'


def _passes(event: Event | None) -> list[dict[str, Any]]:
    """Sold, held and left of each pass, and the widths of their bars in percent."""
    return [
        {"name": one.name, "sold": one.sold, "held": one.held, "left": one.left, "sold_width": _share(one.sold, one.allocation),
         "taken_width": _share(one.sold + one.held, one.allocation)}
        for one in (event.passes if event else ())
    ]  # fmt: skip


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _chart(series: Series) -> dict[str, Any]:
    """Bars in a drawing that stretches, and the words beside it."""
    most = series.highest[1]
    step = WIDTH / len(series.points)
    bars = [
        {
            "x": round(number * step, 1),
            "width": round(step * (1 - GAP), 1),
            "height": round(HEIGHT * value / most, 1) if most else 0,
        }
        for number, (_, value) in enumerate(series.points)
    ]
    days = [day for day, _ in series.points]
    return {
        "label": series.label, "bars": bars, "first": days[0], "last": days[-1], "total": _written(series, series.total),
        "most": _written(series, most), "most_day": series.highest[0], "points": _table(series),
    }  # fmt: skip


def _table(series: Series) -> Sequence[tuple[Any, str]]:
    """Days with something, the newest first."""
    return [(day, _written(series, value)) for day, value in reversed(series.points) if value]


def _written(series: Series, value: int) -> str:
    if series.currency is None:
        return f"{value:,}"
    return texts.money(Money(value, series.currency)) if value else f"0 {series.currency}"
