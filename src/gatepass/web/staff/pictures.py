"""The picture of an event, given by staff: kept by us, shown from our own host."""

from collections.abc import AsyncGenerator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError, Refused
from gatepass.services import pictures, records
from gatepass.services.access import Caller
from gatepass.store import WriteTx
from gatepass.web.body import limited_body
from gatepass.web.site import site
from gatepass.web.staff.asking import id_in
from gatepass.web.staff.event_form import EVENT
from gatepass.web.staff.events import EVENTS, event_page
from gatepass.web.staff.layout import done

ENVELOPE_BYTES = 16 * 1024
"""What a form wraps around a file."""
_COLUMN = EVENT.by_name["image_url"].logical or ""


async def give(request: Request, caller: Caller) -> Response:
    """POST /staff/events/{event_id}/picture: one file"""
    event_id = id_in(request, "event_id")

    def unit(tx: WriteTx) -> None:
        records.update(tx, caller, EVENT, event_id, {_COLUMN: pictures.give(tx, body)})

    try:
        body = await _file_of(request)
        await site(request).store.write(unit)
    except GatepassError as refusal:
        return await event_page(request, caller, event_id, refusal)
    return done(request, f"{EVENTS}/{event_id}", "The picture is on the event’s page.")


async def _file_of(request: Request) -> bytes:
    """The one file of a form; raises Refused where there is none, or it is too large."""
    whole = await limited_body(request, pictures.MOST_BYTES + ENVELOPE_BYTES)

    async def parts() -> AsyncGenerator[bytes]:
        yield whole

    try:
        form = await MultiPartParser(request.headers, parts(), max_files=1, max_fields=10).parse()
    except (MultiPartException, KeyError):
        raise Refused("PictureUnfit", "The form was not understood. Choose the file again.") from None
    file = form.get("picture")
    found = await file.read() if isinstance(file, UploadFile) else b""
    await form.close()
    if not found:
        raise Refused("PictureUnfit", "Choose a file first.")
    return found
