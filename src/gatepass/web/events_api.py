"""The events API, in both its base forms (event-management.md, section 1): events, passes, registrations.

Token in the query, origin by CORS, bare arrays, nulls kept, and `Message` in every error body.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.domain.event import Event, Pass, WebApplication
from gatepass.domain.purchase import Status
from gatepass.domain.registration import Answer, Attendee, Register
from gatepass.services import finalize, registrations, switches, texts
from gatepass.services.links import allowed, origin_allowed
from gatepass.services.registrations import Registered
from gatepass.store import events, purchases
from gatepass.web.body import limited_body
from gatepass.web.errors import headers_of, status_of
from gatepass.web.events_types import (
    ApiError,
    AttendeeIn,
    EventDto,
    FinalizeIn,
    PassDto,
    RegistrationIn,
    RegistrationResult,
    ResponseIn,
)
from gatepass.web.site import Site, site

MAX_BODY_BYTES = 256 * 1024
MAX_KEY_CHARS = 200
_ALLOWED_HEADERS = "Content-Type, Accept, Idempotency-Key, X-Requested-With"
_PREFLIGHT_S = "600"


_registration = msgspec.json.Decoder(RegistrationIn)
_finalize = msgspec.json.Decoder(FinalizeIn)
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Call:
    """One authorized request."""

    request: Request
    site: Site
    application: WebApplication

    @property
    def readable_id(self) -> str:
        """The event in the path."""
        return str(self.request.path_params["readable_id"])

    async def event(self) -> Event:
        """The live event in the path; raises NotFound."""
        found = await self.site.store.read(lambda tx: events.find(tx, self.readable_id))
        if found is None or not found.live:
            raise NotFound("EventNotFound", f"There is no live event '{self.readable_id}'.")
        return found


T = TypeVar("T")
Handler = Callable[[Call], Awaitable[object]]


async def published(call: Call) -> object:
    """GET events/published"""
    return [_event(call.site, event) for event in await call.site.store.read(events.published)]


async def event(call: Call) -> object:
    """GET events/{readableEventId}"""
    return _event(call.site, await call.event())


async def passes(call: Call) -> object:
    """GET events/{readableEventId}/passes; an allocation of 0 hides a pass."""
    return [_pass(one) for one in (await call.event()).passes if one.allocation]


async def registrations_count(call: Call) -> object:
    """GET events/{readableEventId}/registrations/count: a bare number"""
    found = await call.event()
    return await call.site.store.read(lambda tx: purchases.count_registrations(tx, found.id))


async def register(call: Call) -> object:
    """POST events/{readableEventId}/registrations"""
    wish = _decode(_registration, await limited_body(call.request, MAX_BODY_BYTES))
    registered = await registrations.register(call.site.store, _command(call, wish))
    return _result(call.site, registered)


async def finalize_demo(call: Call) -> object:
    """POST events/{readableEventId}/registrations/finalize: simulated payment, behind its switch"""
    wish = _decode(_finalize, await limited_body(call.request, MAX_BODY_BYTES))
    if call.site.live or not await switches.is_on(call.site.store, switches.DEMO_PAYMENT):
        raise Refused(
            "FinalizeSwitchedOff",
            "Demo payment confirmation is switched off. Pay at the redirectUrl of the registration instead.",
        )
    found = await call.event()
    purchase = await call.site.store.read(lambda tx: purchases.get(tx, wish.purchase_id))
    if purchase is None or (purchase.event_id, purchase.web_application_id) != (found.id, call.application.id):
        raise NotFound("PurchaseUnknown", f"{found.name} has no purchase {wish.purchase_id} by this web application.")
    said = finalize.Finalize(
        wish.purchase_id, finalize.Word.COMPLETED, f"web application {call.application.name}", "demo"
    )
    await finalize.finalize(call.site.store, said)
    return RegistrationResult(status="Success", purchase_id=wish.purchase_id)


class Endpoint:
    """The route of a handler: who may, CORS, and refusals in this API's shape around it.

    An ASGI application of its own, since Starlette wraps a plain function twice more.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.__doc__ = handler.__doc__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        here, origin = site(request), request.headers.get("origin")
        application: WebApplication | None = None
        try:
            _check_organization(request, here)
            application = await _application(request, here)
            _check_origin(request, application, origin)
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=_cors(origin, preflight=True))
            answer = await self._handler(Call(request, here, application))
            return Response(_encoder.encode(answer), 200, _cors(origin), "application/json")
        except GatepassError as error:
            known = application is not None and error.code != "OriginForeign"
            return refusal(error, _cors(origin if known else None))


def refusal(error: GatepassError, headers: dict[str, str] | None = None) -> Response:
    """A refusal in this API's shape."""
    body = ApiError("Failed", error.message, error.code, error.message, error.field)
    return Response(_encoder.encode(body), status_of(error), (headers or {}) | headers_of(error), "application/json")


def _check_organization(request: Request, here: Site) -> None:
    named = request.path_params.get("organization")
    if named is not None and named.lower() != here.organization:
        raise NotFound("OrganizationUnknown", "This installation serves another organization. Copy the endpoint anew.")


async def _application(request: Request, here: Site) -> WebApplication:
    token = _token(request.scope["query_string"])
    if not token:
        raise Refused("TokenMissing", "Add ?emApplicationtoken= with the token of your web application.")
    found = await here.applications.by_token(token) if len(token) <= 300 and "\x00" not in token else None
    if found is None:
        raise Refused("TokenInvalid", "No web application has this emApplicationtoken. Copy it anew from its record.")
    return found


@lru_cache(maxsize=100)
def _token(query: bytes) -> str:
    """Taken out of the query once: a site sends the same one every time."""
    return QueryParams(query).get("emApplicationtoken", "")


def _check_origin(request: Request, application: WebApplication, origin: str | None) -> None:
    if origin is None:
        # Browsers always send it; the older API insists (event-management.md 1.2), the current one serves servers too.
        if request.scope["path"].startswith("/EvtMgmt/"):
            raise Refused("OriginMissing", "Send the Origin header of your site, as a browser does.")
    elif not origin_allowed(origin, application.origins) and not _is_ours(request, origin):
        raise Refused(
            "OriginForeign", f"The web application {application.name} does not list this origin. Add it to the record."
        )


def _is_ours(request: Request, origin: str) -> bool:
    """Our own form in a frame: who may show that frame is checked by the browser, against the same list."""
    here = site(request)
    return origin in {here.proxies.origin(request), here.links.base_url}


def _cors(origin: str | None, *, preflight: bool = False) -> dict[str, str]:
    headers = {"Vary": "Origin", "Cache-Control": "no-store"}
    if origin:
        headers["Access-Control-Allow-Origin"] = origin
    if preflight:
        headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        headers["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
        headers["Access-Control-Max-Age"] = _PREFLIGHT_S
    return headers


def _decode(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """Strictly: an unknown member is refused by name."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        raise Refused("MemberInvalid", f"{what}.", field=where.strip("`").removeprefix("$.") or None) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused("JsonMalformed", "The body is not JSON. Send an object with 'attendees'.") from None


def _command(call: Call, wish: RegistrationIn) -> Register:
    return Register(
        event=call.readable_id,
        attendees=[_attendee(person, f"attendees[{i}]") for i, person in enumerate(wish.attendees)],
        web_application_id=call.application.id,
        return_url=_return_url(call, wish),
        idempotency_key=_key(call),
    )


def _return_url(call: Call, wish: RegistrationIn) -> str | None:
    if not wish.return_url:
        return call.application.return_url
    if not allowed(wish.return_url, call.application.origins):
        message = f"The web application {call.application.name} does not list the origin of this returnUrl."
        raise Refused("ReturnUrlForeign", message, field="returnUrl")
    return wish.return_url


def _key(call: Call) -> str | None:
    key = call.request.headers.get("idempotency-key")
    if key is None:
        return None
    if not key.strip() or len(key) > MAX_KEY_CHARS:
        raise Refused("IdempotencyKeyInvalid", f"An Idempotency-Key has 1 to {MAX_KEY_CHARS} characters.")
    return f"{call.application.id}:{key}"


def _attendee(person: AttendeeIn, where: str) -> Attendee:
    if person.waitlisted:
        raise Conflict("WaitlistClosed", "This event keeps no waitlist. Register without 'waitlisted'.")
    if person.attendee_sessions:
        raise Refused("SessionsNotOffered", "This event has no sessions to choose.", field=f"{where}.attendeeSessions")
    return Attendee(
        first_name=person.first_name or "",
        last_name=person.last_name or "",
        email=person.email or "",
        pass_id=person.pass_id,
        answers=[Answer(one.id, _value(one)) for one in person.responses or ()],
    )


def _value(response: ResponseIn) -> str:
    if response.values is not None and response.value is None:
        return ", ".join(response.values)
    if isinstance(response.value, bool):
        return "Yes" if response.value else "No"
    return "" if response.value is None else str(response.value)


def _result(here: Site, registered: Registered) -> RegistrationResult:
    if registered.status is Status.COMPLETED:
        return RegistrationResult(status="Success", purchase_id=registered.purchase_id)
    if registered.status is not Status.AWAITING_PAYMENT:
        raise Conflict(
            "PurchaseEnded",
            "This registration has ended: its seats were held for a while. Register anew with a new key.",
        )
    if registered.payment_page_url is None:
        return RegistrationResult(status="Initiated", purchase_id=registered.purchase_id)
    back = registered.return_url or here.links.order(registered.purchase_id, registered.created)
    url = here.links.pay(registered.payment_page_url, registered.purchase_id, back)
    return RegistrationResult(status="Redirect", redirect_url=url, purchase_id=registered.purchase_id)


def _event(here: Site, event: Event) -> EventDto:
    return EventDto(
        event_id=event.id,
        readable_event_id=event.readable_id,
        event_name=event.name,
        description=event.description or None,
        start_date=event.starts,
        end_date=event.ends,
        start_date_utc=texts.utc_of(event.starts, event.time_zone),
        end_date_utc=texts.utc_of(event.ends, event.time_zone),
        time_zone_name=event.time_zone,
        max_capacity=event.capacity or 0,
        is_capacity_restricted=event.capacity is not None,
        public_event_url=f"{here.links.base_url}/e/{event.readable_id}",
        image=_everywhere(here, event.image_url),
        stop_registration_date=event.registration_closes,
        set_registration_end_date=event.registration_closes is not None,
    )


def _everywhere(here: Site, url: str | None) -> str | None:
    """An address as other sites need it, also of a picture that stands with us."""
    return f"{here.links.base_url}{url}" if url and url.startswith("/") else url


def _pass(one: Pass) -> PassDto:
    return PassDto(
        pass_id=one.id,
        pass_name=one.name,
        price=one.price.amount,
        currency_symbol=texts.symbol(one.price.currency),
        number_of_passes_left=one.left,
        number_of_passes_sold=one.sold,
    )
