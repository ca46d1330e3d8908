"""A purchase that lives in somebody else's Dataverse: what is said of it there, and what we keep of it here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from gatepass.domain.money import Money
from gatepass.domain.purchase import PAID, Move, Status, after

BEING_CONFIRMED, IN_QUESTION = "being_confirmed", "in_question"
"""What is paid here, where Dataverse has yet to hear of it; and where a person decides whether it shall."""
REOPENED_HOLD = timedelta(minutes=30)
"""After a payment that was under way at the bank failed: so long another one may be made."""


class Word(StrEnum):
    """How Dataverse has a purchase: finer states exist with us only."""

    OPEN = "open"
    """Neither of the others: it may be paid."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Seen:
    """What Dataverse said of a purchase at one look. `missing` names what it has to have and has not, such as "price"."""

    id: UUID
    name: str
    total: Money | None
    word: Word
    created: datetime
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class RemotePurchase:
    """Our record of it: the row that is locked, moved by the state machine, and brought over there by a job."""

    id: UUID
    name: str
    total: Money
    status: Status
    """Where it stands with us; `COMPLETED`: paid in full, whether or not Dataverse knows yet."""
    created: datetime
    hold_until: datetime | None
    """UTC. None: a bank takes its time."""
    said: Word
    """What Dataverse said at the last look."""
    read: datetime
    """When that was."""
    wanted: Word | None = None
    """What Dataverse is to be told; None: nothing, or no longer."""
    sent: datetime | None = None
    """When `wanted` left for the first time: from then on it may have arrived, whatever was answered."""
    told: Word | None = None
    """What Dataverse took from us, and said itself when it was read back."""
    told_at: datetime | None = None
    error: str | None = None
    """Why `wanted` has not arrived."""

    @property
    def reference(self) -> str:
        """A name for people."""
        return self.name or str(self.id)

    @property
    def confirmed(self) -> bool:
        """Paid, and Dataverse knows."""
        return self.status is Status.COMPLETED and self.said is Word.COMPLETED

    @property
    def standing(self) -> str:
        """In one word, for people: its status, and of what is paid here whether Dataverse knows."""
        if self.status is not Status.COMPLETED or self.confirmed:
            return self.status.value
        return BEING_CONFIRMED if self.wanted else IN_QUESTION

    @property
    def completed_elsewhere(self) -> bool:
        """Somebody else has said over there that it is paid."""
        return self.said is Word.COMPLETED and self.wanted is None and self.told is None

    def seen(self, seen: Seen, now: datetime) -> "RemotePurchase":
        """After a look on a buyer's way. While something of ours is under way, only what was said is noted."""
        noted = replace(self, said=seen.word, read=now)
        if self.status is not Status.AWAITING_PAYMENT or seen.total is None:
            return noted
        noted = replace(noted, name=seen.name, total=seen.total)
        move = _SAID.get(seen.word)
        return replace(noted, status=after(self.status, move, self.id)) if move else noted

    def moved(self, move: Move, now: datetime) -> "RemotePurchase":
        """After a move of ours, with what Dataverse is to be told of it. Raises Conflict for a forbidden one."""
        status = after(self.status, move, self.id)
        one = replace(self, status=status)
        if status is Status.AWAITING_PAYMENT and move in {Move.WAIT, Move.REOPEN}:
            return replace(one, hold_until=None if move is Move.WAIT else now + REOPENED_HOLD)
        if status is self.status or move is Move.SEAT:
            return one
        return one.wanting(Word.COMPLETED if status in PAID else Word.CANCELLED)

    def wanting(self, word: Word) -> "RemotePurchase":
        """Dataverse is to be told `word`, unless it cannot take it: cancelled after completed is for a person over there."""
        known = word is Word.CANCELLED and self.said is not Word.OPEN
        return replace(self, wanted=None if known else word, sent=None, error=None)

    def telling_again(self) -> "RemotePurchase":
        """Dataverse forgot, or was never told: it is paid here."""
        return replace(self, wanted=Word.COMPLETED, told=None, told_at=None)


class Step(StrEnum):
    """What is to be done about a purchase, once Dataverse has been looked at."""

    SEND = "send"
    DONE = "done"
    """Dataverse says what we want it to say."""
    TOO_LATE = "too_late"
    """Our money came, and the seats were given away."""
    ELSEWHERE = "elsewhere"
    """Our money came, and somebody else had completed it before we said a word."""
    KEPT = "kept"
    """It is to be cancelled, and was completed over there."""


def step(one: RemotePurchase, said: Word) -> Step:
    """The only table of what wanted and said make together; `one.wanted` must not be None."""
    if said is Word.OPEN:
        return Step.SEND
    if one.wanted is said:
        return Step.ELSEWHERE if said is Word.COMPLETED and one.sent is None else Step.DONE
    return Step.TOO_LATE if one.wanted is Word.COMPLETED else Step.KEPT


_SAID: Mapping[Word, Move] = MappingProxyType({Word.COMPLETED: Move.PAY, Word.CANCELLED: Move.CANCEL})
"""What somebody else has done over there to a purchase that waits for money."""
