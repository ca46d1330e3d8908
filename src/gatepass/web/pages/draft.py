"""A registration while it is being typed: everything travels in the form, nothing is kept on the server."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from gatepass.domain.errors import Refused
from gatepass.domain.event import Event, Pass
from gatepass.domain.money import Money
from gatepass.domain.question import Question
from gatepass.domain.registration import NAME_CHARS, Answer, Attendee, Register, checked_attendees
from gatepass.languages import gettext as _
from gatepass.languages import later, ngettext, spoken

MOST_PEOPLE = 10
"""In one visit of the page; the events API takes more."""
MOST_CHARS = 300
"""Of one field that is kept as typed."""
_KEY = re.compile(r"[0-9a-f]{32}")
_COME_BACK = later(
    "All seats have just been taken. Seats whose payment does not arrive come back: "
    "leave this page open, and try again in half an hour."
)
# Member of an attendee -> the form field, and a value that is always right.
_FIELDS = {
    "firstName": ("given", "first_name", "x"),
    "lastName": ("family", "last_name", "x"),
    "email": ("email", "email", "x@x.x"),
}
# Form field -> what to say when it is empty, and when it is wrong.
_WORDS = {
    "given": (later("Enter a first name."), later("Write the first name in at most %(most)s characters.")),
    "family": (later("Enter a last name."), later("Write the last name in at most %(most)s characters.")),
    "email": (
        later("Enter an email address; the ticket goes there."),
        later("Enter an email address with an ending, like name@example.com."),
    ),
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
    """The first attendee's, and everybody's who has none of their own."""
    people: Sequence[Attendee]
    """`pass_id`: a pass of their own."""
    key: str
    questions: Sequence[Question] = ()
    """What the event asks of each attendee."""
    agreed: str = ""
    """The total that the buyer last saw on the review page, as text."""
    problems: Sequence[Problem] = field(default_factory=tuple[Problem, ...])

    def pass_of(self, person: Attendee) -> Pass | None:
        """What this person gets: a pass of their own, or the one that was chosen for all."""
        return next((one for one in self.event.passes if one.id == person.pass_id), self.chosen)

    @property
    def wanted(self) -> Counter[Pass]:
        """How many of each pass, in the order of the people."""
        return Counter(one for person in self.people if (one := self.pass_of(person)))

    @property
    def total(self) -> Money:
        """What all of it costs."""
        return Money(sum(one.price.minor * count for one, count in self.wanted.items()), self.event.currency)

    @property
    def lines(self) -> list[Line]:
        """The order, as far as it is chosen."""
        if self.event.passes:
            return [
                Line(f"{count} × {one.name}", Money(one.price.minor * count, self.event.currency))
                for one, count in self.wanted.items()
            ]
        return [Line(registrations(len(self.people)), self.total)]

    def answers_of(self, person: Attendee) -> list[tuple[Question, str]]:
        """Every question with what this person answered; empty where nothing."""
        said = {answer.id: answer.value for answer in person.answers}
        return [(one, said.get(str(one.id), "")) for one in self.questions]

    def problem_at(self, name: str) -> str | None:
        """What is wrong with one field."""
        return next((problem.message for problem in self.problems if problem.field == name), None)

    def resized(self, people: int) -> "Draft":
        """The same for more or fewer people; nothing typed is lost but the last one's."""
        count = min(max(people, 1), MOST_PEOPLE)
        return replace(self, people=[*self.people, *[_nobody()] * count][:count])

    def command(self) -> Register:
        """The wish. Its key is made from what was typed too: coming back and changing it is another wish."""
        passes = [self.pass_of(person) for person in self.people]
        attendees = [
            replace(person, pass_id=one.id if one else None) for person, one in zip(self.people, passes, strict=True)
        ]
        digest = hashlib.sha256(repr(attendees).encode()).hexdigest()[:16]
        return Register(
            event=self.event.readable_id,
            attendees=attendees,
            web_application_id=None,
            return_url=None,
            idempotency_key=f"page:{self.key}:{digest}",
            locale=spoken(),
        )


def new(event: Event, questions: Sequence[Question], wanted_pass: str) -> Draft:
    """An empty form, with the pass of the link chosen, or the first one that there is."""
    asked = _pass_of(event, wanted_pass)
    first = next((one for one in event.passes if free(event, one) > 0), None)
    return Draft(event, asked if asked and free(event, asked) > 0 else first, [_nobody()], uuid4().hex, questions)


def read(event: Event, questions: Sequence[Question], form: Mapping[str, str]) -> Draft:
    """What was typed. Nothing is refused here: what cannot be read is left out."""
    people = [_person(event, form, questions, number) for number in range(1, _count(form.get("people", "")) + 1)]
    key = form.get("idempotency_key", "")
    return Draft(
        event=event,
        chosen=_pass_of(event, form.get("pass", "")),
        people=people,
        key=key if _KEY.fullmatch(key) else uuid4().hex,
        questions=questions,
        agreed=form.get("agreed", "")[:MOST_CHARS],
    )


def checked(draft: Draft) -> Draft:
    """The same with everything that is wrong with it, in the order of the page; tidied when nothing is."""
    problems = [*_pass_problems(draft)]
    for number, person in enumerate(draft.people, 1):
        problems += _person_problems(person, number, len(draft.people))
        problems += _question_problems(draft, person, number)
    if problems:
        return replace(draft, problems=problems)
    return replace(draft, people=checked_attendees(draft.people), problems=())


def checked_to_wait(draft: Draft) -> Draft:
    """The same for somebody who waits for a seat: a person, and which pass."""
    choose = draft.event.passes and draft.chosen is None
    problems = [Problem("pass-1", _("Choose a pass."))] if choose else []
    problems += _person_problems(draft.people[0], 1, 1)
    return replace(draft, problems=problems)


def free(event: Event, one: Pass) -> int:
    """Seats of a pass that can be asked for now."""
    return one.left if event.left is None else min(one.left, event.left)


def _pass_problems(draft: Draft) -> list[Problem]:
    event, count = draft.event, len(draft.people)
    if event.passes and draft.chosen is None:
        return [Problem("pass-1", _("Choose a pass.") if _any_free(event) else _(_COME_BACK))]
    short = [(one, free(event, one)) for one, wanted in draft.wanted.items() if free(event, one) < wanted]
    if short:
        return [Problem(_field_of(draft, one), _short(event, one.name, left)) for one, left in short]
    if event.left is None or event.left >= count:
        return []
    return [Problem(_field_of(draft, draft.chosen), _short(event, event.name, event.left))]


def _field_of(draft: Draft, one: Pass | None) -> str:
    """The field in which a pass was chosen: for all, or for the first who wants it for themselves."""
    if one is None or one == draft.chosen:
        return f"pass-{1 + draft.event.passes.index(one)}" if one else "pass-1"
    return next(f"att{number}-pass" for number, person in enumerate(draft.people, 1) if person.pass_id == one.id)


def _short(event: Event, what: str, left: int) -> str:
    return _too_few(what, left) if _any_free(event) else _(_COME_BACK)


def _any_free(event: Event) -> bool:
    return any(free(event, one) > 0 for one in event.passes) if event.passes else event.left != 0


def registrations(count: int) -> str:
    """What a line of an order says where there are no passes."""
    return ngettext("%(num)s × registration", "%(num)s × registration", count)


def _too_few(what: str, left: int) -> str:
    if left <= 0:
        return _("%(name)s has just sold out. Choose another pass.", name=what)
    return ngettext(
        "Only %(num)s left of %(name)s. Register fewer people, or choose another pass.",
        "Only %(num)s left of %(name)s. Register fewer people, or choose another pass.",
        left,
        name=what,
    )


def _person_problems(person: Attendee, number: int, people: int) -> list[Problem]:
    """Every problem of one person: the domain names one at a time, so each is put right before asking again."""
    found: list[Problem] = []
    for _again in _FIELDS:
        try:
            checked_attendees([person])
        except Refused as refusal:
            name, member, right = _FIELDS[(refusal.field or "").rpartition(".")[2]]
            empty, wrong = _WORDS[name]
            words = _(wrong, most=NAME_CHARS) if getattr(person, member).strip() else _(empty)
            found.append(Problem(f"att{number}-{name}", _named(words, number, people)))
            person = replace(person, **{member: right})
    return found


def _question_problems(draft: Draft, person: Attendee, number: int) -> list[Problem]:
    found: list[Problem] = []
    for at, (asked, answer) in enumerate(draft.answers_of(person), 1):
        if asked.required and not answer:
            words = _("Answer “%(question)s”.", question=asked.text)
            found.append(Problem(f"att{number}-q{at}", _named(words, number, len(draft.people))))
    return found


def _named(words: str, number: int, people: int) -> str:
    """The words, about one of several people or about the only one."""
    return words if people == 1 else _("Attendee %(number)s: %(problem)s", number=number, problem=words)


def _person(event: Event, form: Mapping[str, str], questions: Sequence[Question], number: int) -> Attendee:
    given, family, email = (
        _one_line(form.get(f"att{number}_{name}", ""))[:MOST_CHARS] for name in ("given", "family", "email")
    )
    typed = [(asked, form.get(f"att{number}-q{at}", "").splitlines()) for at, asked in enumerate(questions, 1)]
    answers = [Answer(str(asked.id), answer) for asked, lines in typed if (answer := asked.answered(lines))]
    own = _pass_of(event, _one_line(form.get(f"att{number}_pass", ""))) if number > 1 else None
    return Attendee(given, family, email, own.id if own else None, answers)


def _one_line(text: str) -> str:
    """The last value of a field that came twice."""
    return text.rpartition("\n")[2]


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
