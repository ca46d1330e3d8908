"""What goes over the wire of the events API (event-management.md, 1.4 to 1.6): camelCase, nulls kept, unknown members refused."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec


class RegistrationResult(msgspec.Struct, rename="camel"):
    """What every registration answers: all five members, nulls kept."""

    status: str
    error_message: str | None = None
    error_code: str | None = None
    redirect_url: str | None = None
    purchase_id: UUID | None = None


class ApiError(msgspec.Struct, rename="camel"):
    """Every refusal: `Message` is what the Microsoft client reads, the rest are the members of RegistrationResult."""

    status: str
    error_message: str
    error_code: str
    message: str = msgspec.field(name="Message")
    field: str | None = None
    redirect_url: str | None = None
    purchase_id: UUID | None = None


class EventDto(msgspec.Struct, rename="camel"):
    """An event as the Microsoft clients read it; what Gatepass does not keep is null."""

    event_id: UUID
    readable_event_id: str
    event_name: str
    description: str | None
    start_date: datetime
    end_date: datetime
    start_date_utc: datetime = msgspec.field(name="startDateUTC")
    end_date_utc: datetime = msgspec.field(name="endDateUTC")
    time_zone_name: str
    max_capacity: int
    is_capacity_restricted: bool
    public_event_url: str
    image: str | None
    stop_registration_date: datetime | None
    set_registration_end_date: bool
    allow_anonymous_registrations: bool = True
    allow_custom_agenda: bool = False
    autoregister_waitlist_items: bool = False
    building: None = None
    enable_captcha: bool = False
    enable_multi_attendee_registration: bool = True
    event_format: int | None = None
    event_language: int | None = None
    event_type: int | None = None
    room: None = None
    show_automatic_registration_checkbox: bool = False
    show_waitlist: bool = False
    time_zone: int | None = None
    registration_form: str | None = None
    website_message: str | None = None


class PassDto(msgspec.Struct, rename="camel"):
    """A pass; `price` is a number in the event's currency."""

    pass_id: UUID
    pass_name: str
    price: Decimal
    currency_symbol: str
    number_of_passes_left: int
    number_of_passes_sold: int
    sessions: list[None] = []


class ResponseIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The answer to a registration field; `values` for several choices."""

    id: str
    value: str | bool | int | None = None
    values: list[str] | None = None


class SessionIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A session that an attendee asks for."""

    session_id: str
    waitlisted: bool = False


class AttendeeIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """One attendee. What would set a price or a state is no member, and so refused."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    pass_id: UUID | None = None
    waitlisted: bool | None = None
    auto_register: bool | None = None
    responses: list[ResponseIn] | None = None
    attendee_sessions: list[SessionIn] | None = None


class RegistrationIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A registration of one purchase; `returnUrl` must be on the web application's list of origins."""

    attendees: list[AttendeeIn]
    return_url: str | None = None
    hip_object: msgspec.Raw | None = None


class FinalizeIn(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Simulated payment of a purchase."""

    purchase_id: UUID
    hip_object: msgspec.Raw | None = None
