"""The first answer to a key is the answer to it, for a day (docs.stripe.com/api/idempotent_requests)."""

import hashlib
from dataclasses import dataclass

from gatepass.sandbox.errors import StripeError
from gatepass.sandbox.store import Tx

KEPT_S = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered with. `first_request` names the request that a repeat repeats."""

    status: int
    body: bytes
    first_request: str | None = None


def fingerprint(method: str, path: str, body: str) -> str:
    return hashlib.sha256(f"{method} {path}\n{body}".encode()).hexdigest()


def stored(tx: Tx, key: str, print_: str) -> Answer | None:
    """The kept answer; raises when the key was used for something else."""
    row = tx.row("select * from idempotency where key = ? and created > ?", key, tx.now - KEPT_S)
    if row is None:
        return None
    if row["fingerprint"] != print_:
        message = (
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise StripeError(400, message, "idempotency_error")
    return Answer(row["status"], row["body"], row["request"])


def keep(tx: Tx, key: str, print_: str, request: str, answer: Answer) -> None:
    values = (key, print_, tx.now, request, answer.status, answer.body)
    tx.run(
        "insert or replace into idempotency (key, fingerprint, created, request, status, body) values (?, ?, ?, ?, ?, ?)",
        *values,
    )


def check_key(key: str, in_use: set[str]) -> None:
    if len(key) > LONGEST_KEY:
        raise StripeError(400, f"Idempotency keys are at most {LONGEST_KEY} characters long.", "idempotency_error")
    if key in in_use:
        message = f"There is currently another in-progress request using this Idempotent Key: {key}."
        raise StripeError(409, message, "idempotency_error", code="idempotency_key_in_use")
