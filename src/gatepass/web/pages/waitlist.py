"""All seats are taken: whoever wants one leaves a name and waits for the next."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gatepass.domain.errors import Unavailable
from gatepass.domain.event import Event
from gatepass.languages import spoken
from gatepass.services import waitlist
from gatepass.store import events
from gatepass.web.pages import draft as drafts
from gatepass.web.pages import problem
from gatepass.web.pages.common import address, form_of
from gatepass.web.pages.draft import Draft
from gatepass.web.pages.language import kept, speaks
from gatepass.web.pages.registration import Standing, again, closed, slow_down, standing
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
        slow_down(request)
    except Unavailable as error:
        return again(request, typed, error)
    person, locale = replace(draft.people[0], pass_id=draft.chosen.id if draft.chosen else None), spoken()
    await site(request).store.write(lambda tx: waitlist.join(tx, event, person, locale))
    return RedirectResponse(f"{address(event)}?waiting{kept(request).replace('?', '&')}", 303)


def _read(event: Event, typed: dict[str, str]) -> Draft:
    draft = drafts.read(event, (), typed | {"people": "1"})
    if len(event.passes) == 1:
        draft = replace(draft, chosen=event.passes[0])
    return drafts.checked_to_wait(draft)
