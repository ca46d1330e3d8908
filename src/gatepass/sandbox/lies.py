"""What the sandbox says against its better knowledge. The truth stays stored, and the ledger tells it."""

from typing import Any, cast

import msgspec

from gatepass.sandbox import money
from gatepass.sandbox.errors import StripeError, invalid
from gatepass.sandbox.objects import EXPANDABLE, Obj, may_be_null
from gatepass.sandbox.store import Tx

LATEST_S = 32_503_680_000
"""The year 3000: no time that an object is given lies later."""
# What may be written where null stands: members that are no plain text stay null.
_TEXTS = frozenset(
    (
        "balance_transaction",
        "cancellation_reason",
        "cancel_url",
        "charge",
        "client_reference_id",
        "customer_email",
        "description",
        "failure_balance_transaction",
        "failure_code",
        "failure_message",
        "failure_reason",
        "latest_charge",
        "locale",
        "payment_intent",
        "payment_link",
        "payment_method",
        "reason",
        "receipt_url",
        "success_url",
        "url",
    )
)
_NEVER_NULL = frozenset(("currency", "status", "payment_status"))


def tell(tx: Tx, identity: str, members: Obj) -> Obj:
    """From now on say these members of an object, in API answers and events, until others are named; none: the truth."""
    obj = tx.find(identity)
    if obj is None:
        raise StripeError(404, f"There is no object {identity}.")
    for name, value in members.items():
        check_member(tx, obj, name, value)
    tx.run("delete from lie where object = ?", identity)
    if members:
        tx.run("insert into lie (object, members) values (?, ?)", identity, msgspec.json.encode(members).decode())
    return obj | members


def all_told(tx: Tx) -> dict[str, Obj]:
    """Every lie that is told now, by the id of its object."""
    return {row["object"]: msgspec.json.decode(row["members"]) for row in tx.rows("select * from lie")}


def end_all(tx: Tx) -> None:
    tx.run("delete from lie")


def told(tx: Tx, answer: Obj) -> Obj:
    """An answer as it is said: with the lies about all objects in it, however deep."""
    lies = all_told(tx)
    return _retold(answer, lies) if lies else answer


def _retold(node: Any, lies: dict[str, Obj]) -> Any:
    if isinstance(node, list):
        return [_retold(item, lies) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    told = {name: _retold(value, lies) for name, value in cast("Obj", node).items()}
    return told | lies.get(str(told.get("id")), {})


def check_member(tx: Tx, obj: Obj, name: str, value: Any) -> None:
    """Raises unless the object stays one that all code of the sandbox can read: a lie, but a well-formed one."""
    if name not in obj or name in {"id", "object"}:
        raise invalid(f"Invalid {name}: {obj['object']} has no such member to change.", name)
    if name == "currency" and isinstance(value, str):
        money.known_currency(value, name)
    if not _fits(obj, name, value):
        raise invalid(f"Invalid {name}: this value cannot stand there.", name)
    kind = EXPANDABLE.get(obj["object"], {}).get(name)
    if kind and value is not None:
        tx.get(kind, value, name, 400)


def _fits(obj: Obj, name: str, value: Any) -> bool:
    current, time = obj[name], name == "created" or name.endswith("_at")
    number = time or "amount" in name or type(current) is int
    match value:
        case None:
            return not number and name not in _NEVER_NULL and may_be_null(obj["object"], name)
        case bool():
            return isinstance(current, bool)
        case int():
            return number and 0 <= value <= (LATEST_S if time else money.MAX_AMOUNT)
        case str():
            return not number and (isinstance(current, str) or (current is None and name in _TEXTS))
        case dict():
            return name == "metadata" and all(isinstance(text, str) for text in cast("Obj", value).values())
        case _:
            return False
