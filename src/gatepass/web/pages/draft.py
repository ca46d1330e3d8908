"""A registration while it is being typed: everything travels in the form, nothing is kept on the server."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from gatepass.domain.errors import Refused
from gatepass.domain.event import Event, Pass
from gatepass.domain.money import Money
from gatepass.domain.registration import Attendee, Register, checked_attendees

MOST_PEOPLE = 10
"""In one visit of the page; the events API takes more."""
MOST_CHARS = 300
"""Of one field that is kept as typed."""
_KEY = re.compile(r"[0-9a-f]{32}")
_COME_BACK = (
    "All seats have just been taken. Seats whose payment does not arrive come back: "
    "leave this page open, and try again in half an hour."
)
# Member of an attendee -> the form field, and a value that is always right.
_FIELDS = {
    "firstName": ("given", "first_name", "x"),
    "lastName": ("family", "last_name", "x"),
    "email": ("email", "email", "x@x.x"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in the same words for the summary and for the field with this id."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order."""

    label: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed so far. `key` names the wish: sent twice, it registers once."""

    event: Event
    chosen: Pass | None
    people: Sequence[Attendee]
    key: str
    agreed: str = ""
    """The total that the buyer last saw on the review page, as text."""
    problems: Sequence[Problem] = field(default_factory=tuple[Problem, ...])

    @property
    def total(self) -> Money:
        """What all of it costs."""
        return Money(self.chosen.price.minor * len(self.people) if self.chosen else 0, self.event.currency)

    @property
    def lines(self) -> list[Line]:
        """The order, as far as it is chosen."""
        if self.chosen:
            return [Line(f"{len(self.people)} × {self.chosen.name}", self.total)]
        return [] if self.event.passes else [Line(f"{len(self.people)} × registration", self.total)]

    def problem_at(self, name: str) -> str | None:
        """What is wrong with one field."""
        return next((problem.message for problem in self.problems if problem.field == name), None)

    def resized(self, people: int) -> "Draft":
        """The same for more or fewer people; nothing typed is lost but the last one's."""
        count = min(max(people, 1), MOST_PEOPLE)
        return replace(self, people=[*self.people, *[_nobody()] * count][:count])

    def command(self) -> Register:
        """The wish. Its key is made from what was typed too: coming back and changing it is another wish."""
        attendees = [replace(person, pass_id=self.chosen.id if self.chosen else None) for person in self.people]
        digest = hashlib.sha256(repr(attendees).encode()).hexdigest()[:16]
        return Register(
            event=self.event.readable_id,
            attendees=attendees,
            web_application_id=None,
            return_url=None,
            idempotency_key=f"page:{self.key}:{digest}",
        )


def new(event: Event, wanted_pass: str) -> Draft:
    """An empty form, with the pass of the link chosen, or the first one that there is."""
    asked = _pass_of(event, wanted_pass)
    first = next((one for one in event.passes if free(event, one) > 0), None)
    return Draft(event, asked if asked and free(event, asked) > 0 else first, [_nobody()], uuid4().hex)


def read(event: Event, form: Mapping[str, str]) -> Draft:
    """What was typed. Nothing is refused here: what cannot be read is left out."""
    people = [_person(form, number) for number in range(1, _count(form.get("people", "")) + 1)]
    key = form.get("idempotency_key", "")
    return Draft(
        event=event,
        chosen=_pass_of(event, form.get("pass", "")),
        people=people,
        key=key if _KEY.fullmatch(key) else uuid4().hex,
        agreed=form.get("agreed", "")[:MOST_CHARS],
    )


def checked(draft: Draft) -> Draft:
    """The same with everything that is wrong with it, in the order of the page; tidied when nothing is."""
    problems = [*_pass_problems(draft)]
    for number, person in enumerate(draft.people, 1):
        problems += _person_problems(person, number, len(draft.people))
    if problems:
        return replace(draft, problems=problems)
    return replace(draft, people=checked_attendees(draft.people), problems=())


def free(event: Event, one: Pass) -> int:
    """Seats of a pass that can be asked for now."""
    return one.left if event.left is None else min(one.left, event.left)


def _pass_problems(draft: Draft) -> list[Problem]:
    event, chosen, count = draft.event, draft.chosen, len(draft.people)
    if event.passes and chosen is None:
        return [Problem("pass-1", "Choose a pass." if _any_free(event) else _COME_BACK)]
    left = free(event, chosen) if chosen else event.left
    if left is None or left >= count:
        return []
    what = chosen.name if chosen else event.name
    number = 1 + event.passes.index(chosen) if chosen else 1
    return [Problem(f"pass-{number}", _too_few(what, left) if _any_free(event) else _COME_BACK)]


def _any_free(event: Event) -> bool:
    return any(free(event, one) > 0 for one in event.passes) if event.passes else event.left != 0


def _too_few(what: str, left: int) -> str:
    if left <= 0:
        return f"{what} has just sold out. Choose another pass."
    return f"Only {left} left of {what}. Register fewer people, or choose another pass."


def _person_problems(person: Attendee, number: int, people: int) -> list[Problem]:
    """Every problem of one person: the domain names one at a time, so each is put right before asking again."""
    found: list[Problem] = []
    for _ in _FIELDS:
        try:
            checked_attendees([person])
        except Refused as refusal:
            name, member, right = _FIELDS[(refusal.field or "").rpartition(".")[2]]
            found.append(Problem(f"att{number}-{name}", _named(refusal.message, number, people)))
            person = replace(person, **{member: right})
    return found


def _named(message: str, number: int, people: int) -> str:
    """A message of the domain, about one of several people or about the only one."""
    if people == 1:
        return message.replace(" for this attendee", "")
    named = message.replace("this attendee", f"attendee {number}")
    return named if named != message else f"Attendee {number}: {message}"


def _person(form: Mapping[str, str], number: int) -> Attendee:
    given, family, email = (form.get(f"att{number}_{name}", "")[:MOST_CHARS] for name in ("given", "family", "email"))
    return Attendee(given, family, email, None)


def _nobody() -> Attendee:
    return Attendee("", "", "", None)


def _count(text: str) -> int:
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    return min(max(count, 1), MOST_PEOPLE)


def _pass_of(event: Event, text: str) -> Pass | None:
    try:
        wanted = UUID(text)
    except ValueError:
        return None
    return next((one for one in event.passes if one.id == wanted), None)
