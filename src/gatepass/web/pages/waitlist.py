"""All seats are taken: whoever wants one leaves a name and waits for the next, and may leave the list again."""

from dataclasses import replace
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import NotFound, Refused, Unavailable
from gatepass.domain.event import Event
from gatepass.languages import languages, speaking, spoken
from gatepass.services import waitlist
from gatepass.store import ReadTx, events, purchases
from gatepass.store import waitlist as kept_list
from gatepass.store.purchases import Purchase
from gatepass.store.waitlist import Place
from gatepass.web.pages import draft as drafts
from gatepass.web.pages import mistakes, problem
from gatepass.web.pages.common import address, form_of, render, same_origin
from gatepass.web.pages.draft import Draft
from gatepass.web.pages.language import kept, language_of, picked_of, speaks
from gatepass.web.pages.registration import again, slow_down
from gatepass.web.pages.standing import Standing, closed, standing
from gatepass.web.site import site


@speaks
@problem.readable
async def join(request: Request) -> Response:
    """POST /e/{readable_id}/waitlist"""
    typed = await form_of(request)
    readable_id: str = request.path_params["readable_id"].replace("\0", "\ufffd")
    event = await site(request).store.read(lambda tx: events.find(tx, readable_id))
    if event is None or standing(event) is not Standing.SOLD_OUT or not event.waitlist:
        # Perhaps there is a seat by now: the event's page knows.
        return RedirectResponse(f"/e/{request.path_params['readable_id']}{kept(request)}", 303)
    draft = _read(event, typed)
    if draft.problems:
        return closed(request, event, draft)
    try:
        slow_down(request, site(request).orders)
    except Unavailable as error:
        return again(request, typed, error)
    person, locale = replace(draft.people[0], pass_id=draft.chosen.id if draft.chosen else None), spoken()
    await site(request).store.write(lambda tx: waitlist.join(tx, event, person, locale))
    return RedirectResponse(f"{address(event)}?waiting{kept(request).replace('?', '&')}", 303)


def _read(event: Event, typed: dict[str, str]) -> Draft:
    draft = drafts.read(event, (), typed | {"people": "1"})
    if len(event.passes) == 1:
        draft = replace(draft, chosen=event.passes[0])
    return mistakes.checked_to_wait(draft)


@speaks
@problem.readable
async def leave_form(request: Request) -> Response:
    """GET /waitlist/{token}: a button, since programs that look through mails open every link"""
    here, item_id = site(request), _item_of(request)
    found = await here.store.read(lambda tx: _place(tx, item_id))
    if found is None:
        raise NotFound("WaitingUnknown", "This link belongs to no place in a waiting list.")
    place, event, offer = found
    order_url = here.links.order(offer.id, offer.created) if offer else None
    with speaking(_language(request, place)):
        context = {"event": event, "waits": place.waits, "order_url": order_url}
        return render(request, "leave.html", context)


@speaks
@problem.readable
async def leave(request: Request) -> Response:
    """POST /waitlist/{token}"""
    item_id = _item_of(request)
    if not same_origin(request):
        raise Refused("FormForeign", "This form came from another site. Open the link in your mail.")
    await site(request).store.write(lambda tx: kept_list.leave(tx, item_id))
    return RedirectResponse(f"{request.url.path}{kept(request)}", 303)


def _item_of(request: Request) -> UUID:
    return site(request).links.read("waiting", request.path_params["token"])


def _place(tx: ReadTx, item_id: UUID) -> tuple[Place, Event, Purchase | None] | None:
    place = kept_list.get(tx, item_id)
    event = place and events.get(tx, place.event_id)
    if not place or not event:
        return None
    return place, event, purchases.get(tx, place.purchase_id) if place.purchase_id else None


def _language(request: Request, place: Place) -> str:
    known = place.person.locale if place.person.locale in languages() else None
    return picked_of(request) or known or language_of(request)
