"""Around a purchase: the calendar's entry, the receipt, one ticket alone, the link by mail, and the way to cancel."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import Conflict, NotFound, Refused, Unavailable
from gatepass.domain.event import Event, is_color
from gatepass.domain.payment import PaymentState
from gatepass.languages import gettext as _
from gatepass.languages import speaking
from gatepass.services import calendar, mail, withdrawals
from gatepass.services.links import ORDER_LINK_LIFE
from gatepass.store import ReadTx, events, purchases
from gatepass.store.purchases import AttendeeRow, Purchase
from gatepass.web.pages import problem
from gatepass.web.pages.common import render, same_origin
from gatepass.web.pages.language import kept, language_of, speaks
from gatepass.web.pages.order import Order, read_order
from gatepass.web.site import site

OrderHandler = Callable[[Request, Order], Awaitable[Response]]


def for_order(handler: OrderHandler) -> problem.Handler:
    """The order of the link, in its language. What changes something has to come from a page of ours."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        if request.method == "POST" and not same_origin(request):
            raise Refused("FormForeign", "This form came from another site. Open the page of your order.")
        here = site(request)
        order = await read_order(here, here.links.read("order", request.path_params["token"]))
        with speaking(language_of(request, order.purchase)):
            return await handler(request, order)

    return speaks(problem.readable(answer))


@for_order
async def calendar_file(request: Request, order: Order) -> Response:
    """GET /orders/{token}/calendar.ics"""
    url = site(request).links.order(order.purchase.id, order.purchase.created)
    return _file(calendar.of_event(order.event, url), order.event)


@for_order
async def receipt(request: Request, order: Order) -> Response:
    """GET /orders/{token}/receipt: to print or to keep; without money the same as a confirmation"""
    if not order.people:
        raise NotFound("ReceiptNone", "This order has no receipt: ask the program that made it.")
    paid = [row for row in order.attempts if row.state is PaymentState.SUCCEEDED]
    title = _("Receipt") if paid else _("Order confirmation")
    return render(request, "receipt.html", _shared(request, order) | {"title": title, "paid": paid})


@for_order
async def cancel_form(request: Request, order: Order) -> Response:
    """GET /orders/{token}/cancel: what would happen"""
    return render(request, "cancel.html", _shared(request, order) | {"may_cancel": order.may_cancel})


@for_order
async def cancel(request: Request, order: Order) -> Response:
    """POST /orders/{token}/cancel"""
    try:
        await withdrawals.cancel(site(request).desk, order.purchase.id)
    except Conflict:
        return RedirectResponse(f"{request.url.path}{kept(request)}", 303)
    except Unavailable as error:
        return _not_cancelled(request, error)
    return RedirectResponse(f"{_order_path(request)}{kept(request)}", 303)


def _not_cancelled(request: Request, error: Unavailable) -> Response:
    return problem.page(
        request, 503, _("Your order is not cancelled yet"),
        _("We could not ask the payment provider whether you have paid, so your order stands for now."),
        next_url=f"{request.url.path}{kept(request)}", next_label=_("Try again"), state="awaiting",
        retry_after_s=error.retry_after_s,
    )  # fmt: skip


@for_order
async def mail_link(request: Request, order: Order) -> Response:
    """POST /orders/{token}/mail: the link of this order to the buyer's own address, at most once an hour"""
    if not order.people:
        raise NotFound("NobodyToWrite", "Nobody stands in this order who could be written to.")
    await mail.ask_for_link(site(request).store, order.purchase.id)
    return RedirectResponse(f"{request.url.path}{kept(request)}", 303)


@for_order
async def link_mailed(request: Request, order: Order) -> Response:
    """GET /orders/{token}/mail: where it went; when nobody asked for it of late, the order"""
    asked, now = order.purchase.id, datetime.now(UTC)
    if not order.people or not await site(request).store.read(lambda tx: mail.link_was_wanted(tx, asked, now)):
        return RedirectResponse(f"{_order_path(request)}{kept(request)}", 303)
    return render(request, "sent.html", _shared(request, order) | {"days": ORDER_LINK_LIFE.days})


@speaks
@problem.readable
async def ticket(request: Request) -> Response:
    """GET /tickets/{token}"""
    event, purchase, person = await _ticket(request)
    name = next((one.name for one in event.passes if one.id == person.pass_id), None)
    with speaking(language_of(request, purchase)):
        context = {"event": event, "person": person, "pass_name": name or _("Registration")}
        return render(request, "ticket.html", context)


@speaks
@problem.readable
async def ticket_calendar(request: Request) -> Response:
    """GET /tickets/{token}/calendar.ics"""
    event, _purchase, _person = await _ticket(request)
    return _file(calendar.of_event(event, str(request.url).removesuffix("/calendar.ics")), event)


async def _ticket(request: Request) -> tuple[Event, Purchase, AttendeeRow]:
    here = site(request)
    attendee_id = here.links.read("ticket", request.path_params["token"])
    found = await here.store.read(lambda tx: _ticket_in(tx, attendee_id))
    if found is None:
        raise NotFound("TicketUnknown", "This link belongs to no ticket that we know.")
    return found


def _ticket_in(tx: ReadTx, attendee_id: UUID) -> tuple[Event, Purchase, AttendeeRow] | None:
    purchase_id = purchases.of_attendee(tx, attendee_id)
    purchase = purchase_id and purchases.get(tx, purchase_id)
    event = purchase and events.get(tx, purchase.event_id)
    if not purchase or not event:
        return None
    person = next(one for one in purchases.tickets(tx, purchase.id) if one.id == attendee_id)
    return event, purchase, person


def _shared(request: Request, order: Order) -> dict[str, object]:
    return {"order": order, "event": order.event, "order_url": _order_path(request)}


def _order_path(request: Request) -> str:
    return f"/orders/{request.path_params['token']}"


def _file(entry: calendar.Entry, event: Event) -> Response:
    name = urlsplit(event.readable_id).path.encode("ascii", "ignore").decode() or "event"
    safe = "".join(char for char in name if char.isalnum() or char in "-_")
    headers = {"Content-Disposition": f'attachment; filename="{safe}.ics"', "Cache-Control": "no-store"}
    return Response(calendar.text_of(entry, datetime.now(UTC)), 200, headers, calendar.MEDIA_TYPE)


@speaks
@problem.readable
async def event_calendar(request: Request) -> Response:
    """GET /e/{readable_id}/calendar.ics: the event, or the moment at which its registration opens"""
    event = await _published(request)
    url = f"{site(request).links.base_url}/e/{event.readable_id}"
    if event.registration_opens and event.registration_opens > datetime.now(UTC):
        title = _("Registration opens: %(event)s", event=event.name)
        return _file(calendar.of_opening(event, title, url), event)
    return _file(calendar.of_event(event, url), event)


async def theme(request: Request) -> Response:
    """GET /e/{readable_id}/theme.css: the one thing that an event sets, its colour"""
    event = await _published(request)
    rule = f":root{{--event:{event.color}}}\n" if event.color and is_color(event.color) else ""
    return Response(rule, 200, {"Cache-Control": "public, max-age=300"}, "text/css")


async def _published(request: Request) -> Event:
    readable_id: str = request.path_params["readable_id"].replace("\0", "")
    event = await site(request).store.read(lambda tx: events.find(tx, readable_id))
    if event is None or not (event.live or event.status.value == "cancelled"):
        raise NotFound("EventNotFound", "There is no event at this address.")
    return event
