"""A registration while it is being typed: everything travels in the form."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from uuid import UUID, uuid4

from gatepass.domain.event import Event, Pass
from gatepass.domain.money import Money
from gatepass.domain.question import Question
from gatepass.domain.registration import MAX_ATTENDEES, Answer, Attendee, Register
from gatepass.languages import ngettext, spoken

MOST_PEOPLE = 10
"""In one visit of the page; the events API takes more."""
LIFE = timedelta(hours=2)
"""So long a form on its way to an order is kept: longer than a hold, short for what people have not sent off."""
_KEY = re.compile(r"[0-9a-f]{32}")


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
    not_offered: Collection[str] = ()
    """Fields in which something was chosen that cannot be chosen."""
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
        """The same for more or fewer people, one more than fit at most never; nothing typed is lost but the last one's."""
        count = min(max(people, 1), max(MOST_PEOPLE, len(self.people)))
        return replace(self, people=[*self.people, *[_nobody()] * count][:count])

    @property
    def id(self) -> UUID:
        """Names what is kept of it, in addresses too: the key cannot be told from it."""
        return UUID(bytes=hashlib.sha256(order_key(self.event, self.key).encode()).digest()[:16])

    def command(self) -> Register:
        """The wish. Coming back and changing it is another wish of the same key: a correction."""
        passes = [self.pass_of(person) for person in self.people]
        attendees = [
            replace(person, pass_id=one.id if one else None) for person, one in zip(self.people, passes, strict=True)
        ]
        return Register(
            event=self.event.readable_id,
            attendees=attendees,
            web_application_id=None,
            return_url=None,
            idempotency_key=order_key(self.event, self.key),
            locale=spoken(),
            agreed=str(self.total),
        )


def order_key(event: Event, key: str) -> str:
    """The idempotency key of the one order that a form makes at a time."""
    return f"page:{event.id.hex}:{key}"


def new(event: Event, questions: Sequence[Question], wanted_pass: str) -> Draft:
    """An empty form, with the pass of the link chosen, or the first one that there is."""
    asked = _pass_of(event, wanted_pass)
    first = next((one for one in event.passes if free(event, one) > 0), None)
    return Draft(event, asked if asked and free(event, asked) > 0 else first, [_nobody()], uuid4().hex, questions)


def read(event: Event, questions: Sequence[Question], form: Mapping[str, str]) -> Draft:
    """What was typed. Nothing is refused here, and nothing cut: `mistakes` says what is wrong."""
    numbers = range(1, _count(form.get("people", "")) + 1)
    people = [_person(event, form, questions, number) for number in numbers]
    key = form.get("idempotency_key", "")
    return Draft(
        event=event,
        chosen=_pass_of(event, form.get("pass", "")),
        people=people,
        key=key if _KEY.fullmatch(key) else uuid4().hex,
        questions=questions,
        agreed=form.get("agreed", ""),
        not_offered={*_answers_not_offered(questions, form, numbers), *_passes_not_offered(event, form, numbers)},
    )


def _answers_not_offered(
    questions: Sequence[Question], form: Mapping[str, str], numbers: Iterable[int]
) -> Iterator[str]:  # fmt: skip
    for number, (at, asked) in product(numbers, enumerate(questions, 1)):
        if not asked.offers(form.get(name := f"att{number}-q{at}", "").splitlines()):
            yield name


def _passes_not_offered(event: Event, form: Mapping[str, str], numbers: Iterable[int]) -> Iterator[str]:
    """Of further people: the first one's pass is everybody's who has none of their own."""
    for number in numbers:
        text = _one_line(form.get(f"att{number}_pass", ""))
        if number > 1 and text and _pass_of(event, text) is None:
            yield f"att{number}-pass"


def free(event: Event, one: Pass) -> int:
    """Seats of a pass that can be asked for now."""
    return one.left if event.left is None else min(one.left, event.left)


def registrations(count: int) -> str:
    """What a line of an order says where there are no passes."""
    return ngettext("%(num)s × registration", "%(num)s × registration", count)


def _person(event: Event, form: Mapping[str, str], questions: Sequence[Question], number: int) -> Attendee:
    given, family, email = (_one_line(form.get(f"att{number}_{name}", "")) for name in ("given", "family", "email"))
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
    return min(max(count, 1), MAX_ATTENDEES)


def _pass_of(event: Event, text: str) -> Pass | None:
    try:
        wanted = UUID(text)
    except ValueError:
        return None
    return next((one for one in event.passes if one.id == wanted), None)
