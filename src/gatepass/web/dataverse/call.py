"""One request to the Web API, whether it came alone or inside a $batch, and its answer.

An operation is chosen by method and path (operations.py), reads or writes in one transaction, and never awaits: so a
change set is one unit of work that runs several.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl

from gatepass.domain.errors import Refused
from gatepass.services.access import Caller
from gatepass.store import ReadTx, WriteTx


@dataclass(frozen=True)
class Call:
    """What is asked. `path` is what follows `/api/data/v9.x/`, still percent-encoded."""

    method: str
    path: str
    query: str
    """The raw query string, without the question mark."""
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes
    root: str
    """The service root as the caller wrote it, such as https://ev.example/api/data/v9.2/."""
    caller: Caller
    references: Mapping[str, str] = field(default_factory=dict[str, str])
    """Inside a batch, by Content-ID: what `$1` stands for, such as msevtmgt_events(5b0c...)."""

    @cached_property
    def options(self) -> Mapping[str, str]:
        """Query options by name; names are case-sensitive, `+` is a space. Raises Refused for what is not UTF-8."""
        try:
            return dict(parse_qsl(self.query, keep_blank_values=True, errors="strict"))
        except UnicodeDecodeError:
            raise Refused("QuerySyntax", "The query string is not UTF-8: percent-encode it anew.") from None

    @cached_property
    def preferences(self) -> Mapping[str, str]:
        """The Prefer header: name to value, quotes taken off; a name alone has the value ''."""
        found: dict[str, str] = {}
        for part in _split(self.headers.get("prefer", "")):
            name, _, value = part.partition("=")
            found[name.strip().lower()] = value.strip().strip('"')
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer. OData-Version and the request ids are added at the door."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    stays: Callable[[WriteTx], None] | None = None
    """What a refusal writes down, to be written again when a change set is undone by it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a call will do: exactly one of the two. Both raise GatepassError."""

    read: Callable[[ReadTx, Call], Reply] | None = None
    write: Callable[[WriteTx, Call], Reply] | None = None


def _split(text: str) -> list[str]:
    """At commas outside quotes: odata.include-annotations="a,b" is one."""
    parts, quoted, current = list[str](), False, ""
    for letter in text:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            parts, current = [*parts, current], ""
        else:
            current += letter
    return [part for part in (*parts, current) if part.strip()]
