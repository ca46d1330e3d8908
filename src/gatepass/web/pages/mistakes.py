"""What is wrong with a registration that was typed: every mistake, at its field, in the order of the page."""

from dataclasses import replace

from gatepass.domain.errors import Refused
from gatepass.domain.event import Event, Pass
from gatepass.domain.question import TEXT_CHARS, Question, QuestionKind
from gatepass.domain.registration import NAME_CHARS, Attendee, checked_attendees
from gatepass.languages import gettext as _
from gatepass.languages import later, ngettext
from gatepass.web.pages.draft import MOST_PEOPLE, Draft, Problem, free

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


def checked(draft: Draft) -> Draft:
    """The same with everything that is wrong with it, in the order of the page; tidied when nothing is."""
    problems = [*_pass_problems(draft), *_count_problems(draft)]
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


def _pass_problems(draft: Draft) -> list[Problem]:
    event, count = draft.event, len(draft.people)
    if event.passes and draft.chosen is None:
        return [Problem("pass-1", _("Choose a pass.") if _any_free(event) else _(_COME_BACK))]
    numbers = range(1, count + 1)
    if unknown := [number for number in numbers if f"att{number}-pass" in draft.not_offered]:
        return [Problem(f"att{number}-pass", _named(_("Choose a pass."), number, count)) for number in unknown]
    short = [(one, free(event, one)) for one, wanted in draft.wanted.items() if free(event, one) < wanted]
    if short:
        return [Problem(_field_of(draft, one), _short(event, one.name, left)) for one, left in short]
    if event.left is None or event.left >= count:
        return []
    return [Problem(_field_of(draft, draft.chosen), _short(event, event.name, event.left))]


def _count_problems(draft: Draft) -> list[Problem]:
    if len(draft.people) <= MOST_PEOPLE:
        return []
    return [Problem("fewer", _("At most %(most)s people fit in one order. Register fewer people.", most=MOST_PEOPLE))]


def _field_of(draft: Draft, one: Pass | None) -> str:
    """The field in which a pass was chosen: for all, or for the first who wants it for themselves."""
    if one is None or one == draft.chosen:
        return f"pass-{1 + draft.event.passes.index(one)}" if one else "pass-1"
    return next(f"att{number}-pass" for number, person in enumerate(draft.people, 1) if person.pass_id == one.id)


def _short(event: Event, what: str, left: int) -> str:
    return _too_few(what, left) if _any_free(event) else _(_COME_BACK)


def _any_free(event: Event) -> bool:
    return any(free(event, one) > 0 for one in event.passes) if event.passes else event.left != 0


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
    # Answers have problems of their own.
    person = replace(person, answers=())
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
        name = f"att{number}-q{at}"
        if words := _wrong_answer(asked, answer, offered=name not in draft.not_offered):
            found.append(Problem(name, _named(words, number, len(draft.people))))
    return found


def _wrong_answer(asked: Question, answer: str, *, offered: bool) -> str | None:
    if not offered:
        return _("“%(question)s”: choose from what is offered here now.", question=asked.text)
    if asked.required and not answer:
        return _("Answer “%(question)s”.", question=asked.text)
    if asked.kind is QuestionKind.TEXT and len(answer) > TEXT_CHARS:
        return _("Answer “%(question)s” in at most %(most)s characters.", question=asked.text, most=TEXT_CHARS)
    return None


def _named(words: str, number: int, people: int) -> str:
    """The words, about one of several people or about the only one."""
    return words if people == 1 else _("Attendee %(number)s: %(problem)s", number=number, problem=words)
