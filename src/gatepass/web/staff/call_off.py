"""Where a whole event is called off: first what it means, then how far it is."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, NotFound
from gatepass.domain.event import EventStatus
from gatepass.domain.money import Money
from gatepass.services import cancellations
from gatepass.services.access import Caller
from gatepass.services.cancellations import Forecast
from gatepass.store import ReadTx, WriteTx
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff.asking import form_page, id_in
from gatepass.web.staff.layout import done


async def form(request: Request, caller: Caller) -> Response:
    """GET /staff/events/{event_id}/call-off: the forecast, or the progress"""
    return await _page(request, caller, id_in(request, "event_id"))


async def submit(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/call-off"""
    given, event_id = await form_of(request), id_in(request, "event_id")
    reason, name = given.get("reason", ""), given.get("name", "")

    def unit(tx: WriteTx) -> None:
        cancellations.call_off_in(tx, event_id, reason, caller.name, named=name)

    try:
        await site(request).store.write(unit)
    except NotFound:
        raise
    except GatepassError as refusal:
        return await _page(request, caller, event_id, refusal)
    return done(
        request, f"/staff/events/{event_id}/call-off", "The event is called off. Everybody gets their money back."
    )


async def _page(request: Request, caller: Caller, event_id: UUID, wrong: GatepassError | None = None) -> Response:
    def look(tx: ReadTx) -> dict[str, Any]:
        found = cancellations.forecast(tx, event_id)
        return {"forecast": found, "event": found.event, "cash": _amounts(found), "left": sum(found.orders.values())}

    found = await site(request).store.read(look)
    orders = {status.value: count for status, count in found["forecast"].orders.items()}
    context = found | {
        "orders": orders, "takes": cancellations.spoken(found["forecast"].takes),
        "under_way": found["event"].status is EventStatus.CANCELLED,
    }  # fmt: skip
    return form_page(request, caller, "call_off", context, wrong)


def _amounts(found: Forecast) -> list[Money]:
    return [Money(minor, currency) for currency, minor in sorted(found.cash.items()) if minor]
