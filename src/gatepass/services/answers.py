"""What a program asks for with an Idempotency-Key is done once, however often it asks: key, effect and answer commit together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from gatepass.domain.errors import Conflict
from gatepass.store import WriteTx, tokens

KEPT = timedelta(days=1)
MAX_KEY_CHARS = 200


@dataclass(frozen=True, slots=True)
class Ask:
    """One call. `asked`: a hash of what it says, so that a key cannot be used for something else."""

    token_id: UUID
    key: str
    asked: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, as it goes over the wire."""

    status: int
    body: bytes


def once(tx: WriteTx, ask: Ask, unit: Callable[[WriteTx], Answer]) -> Answer:
    """The answer of `unit`, or the one that was given before. What raises leaves nothing, and the key is free again.

    Raises Conflict for a key that was used for something else.
    """
    before = tokens.begin_answer(tx, ask.token_id, ask.key, ask.asked)
    if before is None:
        answer = unit(tx)
        tokens.end_answer(tx, ask.token_id, ask.key, answer.status, answer.body)
        tokens.forget_answers(tx, tx.now - KEPT)
        return answer
    if before["asked"] != ask.asked:
        raise Conflict(
            "IdempotencyKeyReused", "This Idempotency-Key was used for another call. Send a new key with a new wish."
        )
    return Answer(before["status"], before["body"])
