"""The JSON of a request's body: one object whose members are told once, numbers exact, texts that a database can keep."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn, cast

from gatepass.domain.errors import Refused

Item = str | int | Decimal | bool | None | Sequence["Item"] | Mapping[str, "Item"]
Members = Mapping[str, Item]


def read(body: bytes, place: str) -> Members:
    """The object in the body. `place` is the set or action it is sent to. Raises Refused for anything else."""
    try:
        found: Item = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_members, parse_float=Decimal, parse_constant=_constant
        )
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise invalid(place, f"The body is no JSON that can be read: {_short(error)}", code="JsonMalformed") from None
    if not isinstance(found, Mapping):
        raise invalid(place, "A JSON object is needed.", code="JsonMalformed")
    _check_texts(found, place)
    return found


def invalid(place: str, why: str, *, code: str = "PayloadInvalid") -> Refused:
    """A payload that is none, in Dataverse's words."""
    return Refused(code, f"Error identified in Payload provided by the user for Entity :'{place}'. {why}")


def _members(pairs: list[tuple[str, Any]]) -> Members:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Multiple properties with the name '{twice}' were detected.")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number.")


def _check_texts(found: Item, place: str) -> None:
    """Neither NUL, which PostgreSQL cannot keep, nor half a surrogate pair, which UTF-8 cannot."""
    if isinstance(found, str):
        if not _keepable(found):
            raise invalid(place, "A text holds a character that cannot be kept.", code="ValueInvalid")
    elif isinstance(found, Mapping):
        for name, value in cast("Members", found).items():
            _check_texts(name, place)
            _check_texts(value, place)
    elif isinstance(found, Sequence):
        for value in found:
            _check_texts(value, place)


def _keepable(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _short(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
