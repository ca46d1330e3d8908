"""What an event asks of each attendee beside name and mail: the custom registration fields of Dataverse, in four kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

TEXT_CHARS = 500
"""Of an answer that is typed on our page. The events API takes more."""
YES, NO = "Yes", "No"
"""As they are written on the wire (event-management.md section 1, responses)."""
CHOICES_PARTED_BY = ", "
"""Between several chosen values, on the wire."""


class QuestionKind(IntEnum):
    """The values of `msevtmgt_customregistrationfieldtype`."""

    TEXT = 100000000
    YES_NO = 100000001
    SEVERAL = 100000002
    ONE = 100000003


@dataclass(frozen=True, slots=True)
class Question:
    """One custom registration field of an event."""

    id: UUID
    text: str
    kind: QuestionKind
    required: bool
    choices: Sequence[str]
    """What can be chosen; empty for the other kinds."""

    def answered(self, typed: Sequence[str]) -> str:
        """What a form sent, as it is kept; empty when that is no answer. Nothing is cut: whoever checks says what is too long."""
        match self.kind:
            case QuestionKind.TEXT:
                return " ".join(typed).strip()
            case QuestionKind.YES_NO:
                return next((one for one in typed if one in {YES, NO}), "")
            case QuestionKind.ONE:
                return next((one for one in typed if one in self.choices), "")
            case QuestionKind.SEVERAL:
                return CHOICES_PARTED_BY.join(one for one in self.choices if one in typed)

    def offers(self, typed: Sequence[str]) -> bool:
        """False when something was chosen that cannot be chosen: staff may have changed the question meanwhile."""
        if self.kind is QuestionKind.TEXT:
            return True
        offered = {YES, NO} if self.kind is QuestionKind.YES_NO else {*self.choices}
        return offered.issuperset(one for one in typed if one)

    def parts(self, answer: str) -> list[str]:
        """A kept answer as a form sends it."""
        chosen = self.chosen(answer)
        return [one for one in self.choices if one in chosen] if self.kind is QuestionKind.SEVERAL else [answer]

    def chosen(self, answer: str) -> frozenset[str]:
        """The choices in a kept answer. A choice may have the parting itself in it, so each is looked for whole."""
        if self.kind is not QuestionKind.SEVERAL:
            return frozenset({answer} - {""})
        found, rest = set[str](), answer
        for one in self.choices:
            if rest == one or rest.startswith(one + CHOICES_PARTED_BY):
                found.add(one)
                rest = rest.removeprefix(one).removeprefix(CHOICES_PARTED_BY)
        return frozenset(found)
