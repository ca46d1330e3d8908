"""A wish to attend: who, with which pass. Checked here as far as no database is needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gatepass.domain.errors import Refused
from gatepass.domain.text import is_email, is_one_line, is_visible, typed

MAX_ATTENDEES = 50
"""In one purchase."""
NAME_CHARS = 50
EMAIL_CHARS = 100
RESPONSE_CHARS = 4000
MAX_RESPONSES = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one registration field: `id` names the field, `value` is the text."""

    id: str
    value: str


@dataclass(frozen=True, slots=True)
class Attendee:
    """One person of a registration. `pass_id` is None only at an event without passes."""

    first_name: str
    last_name: str
    email: str
    pass_id: UUID | None
    answers: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """The command that holds seats."""

    event: str
    """The event's readable id."""
    attendees: Sequence[Attendee]
    web_application_id: UUID | None
    """None: our own registration page."""
    return_url: str | None
    idempotency_key: str | None
    """Unique per web application; the same key and wish give the same purchase."""
    locale: str = "en"
    agreed: str = ""
    """The total that the buyer saw; another one is another wish. Empty: whatever it costs."""
    own_seats: Sequence[UUID | None] = ()
    """Passes of seats that are kept for nobody but this buyer: waited for, or given back in the same transaction."""


def checked_attendees(attendees: Sequence[Attendee]) -> list[Attendee]:
    """Trimmed attendees; raises Refused naming the first member that is wrong, such as `attendees[0].email`."""
    if not attendees:
        raise Refused("AttendeesMissing", "A registration needs at least one attendee.", field="attendees")
    if len(attendees) > MAX_ATTENDEES:
        raise Refused(
            "TooManyAttendees", f"At most {MAX_ATTENDEES} attendees fit in one registration.", field="attendees"
        )
    return [_checked(attendee, f"attendees[{i}]") for i, attendee in enumerate(attendees)]


def _checked(attendee: Attendee, where: str) -> Attendee:
    answers = [_checked_answer(answer, f"{where}.responses[{i}]") for i, answer in enumerate(attendee.answers)]
    if len(answers) > MAX_RESPONSES:
        raise Refused("ResponsesInvalid", f"At most {MAX_RESPONSES} responses are kept.", field=f"{where}.responses")
    return Attendee(
        first_name=_name(attendee.first_name, "first name", f"{where}.firstName"),
        last_name=_name(attendee.last_name, "last name", f"{where}.lastName"),
        email=_email(attendee.email, f"{where}.email"),
        pass_id=attendee.pass_id,
        answers=answers,
    )


def _name(text: str, what: str, where: str) -> str:
    name = typed(text)
    if not name:
        raise Refused("AttendeeInvalid", f"Enter a {what} for this attendee.", field=where)
    if len(name) > NAME_CHARS or not is_one_line(name) or not is_visible(name):
        raise Refused(
            "AttendeeInvalid", f"Write the {what} in at most {NAME_CHARS} characters on one line.", field=where
        )
    return name


def _email(text: str, where: str) -> str:
    email = typed(text)
    if not email:
        raise Refused(
            "AttendeeInvalid", "Enter an email address for this attendee; the ticket goes there.", field=where
        )
    if len(email) > EMAIL_CHARS or not is_email(email):
        raise Refused("AttendeeInvalid", "Enter an email address with an ending, like name@example.com.", field=where)
    local, _, domain = email.rpartition("@")
    return f"{local}@{domain.lower()}"


def _checked_answer(answer: Answer, where: str) -> Answer:
    if not answer.id.strip() or len(answer.id) > 100:
        raise Refused("ResponsesInvalid", "A response needs the id of its field.", field=f"{where}.id")
    if len(answer.value) > RESPONSE_CHARS:
        raise Refused(
            "ResponsesInvalid", f"A response has at most {RESPONSE_CHARS} characters.", field=f"{where}.value"
        )
    return answer
