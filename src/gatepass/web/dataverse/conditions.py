"""What a caller insists on, by If-Match and If-None-Match (RFC 9110 13.1, as the Web API reads them)."""

import re
from dataclasses import dataclass

from gatepass.web.dataverse.call import Call

NEVER = -1
"""A version that no record has: what an etag means that we never gave."""
_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')


@dataclass(frozen=True, slots=True)
class Conditions:
    """`expected`: the version that the record must have. None: any."""

    expected: int | None = None
    may_create: bool = True
    may_update: bool = True
    known: int | None = None
    """The version that the caller has already, for reading."""


def conditions(call: Call) -> Conditions:
    """`If-Match: *` is an update only, `If-None-Match: *` a creation only, `If-None-Match: null` is said by some and is none."""
    match = call.headers.get("if-match")
    none_match = call.headers.get("if-none-match", "").strip()
    none_match = "" if none_match.lower() == "null" else none_match
    return Conditions(
        # An empty one was meant to say something: it matches no record.
        expected=None if match is None or match.strip() == "*" else _version(match.strip()),
        may_create=match is None,
        may_update=none_match != "*",
        known=_version(none_match) if none_match not in {"", "*"} else None,
    )


def _version(etag: str) -> int:
    found = _ETAG.fullmatch(etag)
    return int(found.group(1)) if found else NEVER
