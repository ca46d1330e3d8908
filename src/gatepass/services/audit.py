"""Who did what, what it was before and after, and why. Written in the change's own transaction; nobody changes it later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from gatepass.store import ReadTx, WriteTx, records
from gatepass.store.tables import Row

PAGE = 50
MAX_WANTED_CHARS = 300
POLICY = "policy"
"""The actor where nobody asked for it: a policy, a job, the provider's word."""


def write(
    tx: WriteTx, actor: str, action: str, subject: str, *,
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, reason: str = "",
) -> None:  # fmt: skip
    """One change. `subject` is `<table>:<id>`; never put a secret in `before` or `after`."""
    detail = {"before": before, "after": after, "reason": reason or None}
    records.add_audit(tx, actor, action, subject, {name: value for name, value in detail.items() if value})


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was, and what is, of those members only that differ."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def members(detail: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What an entry tells as `before`, or `after`."""
    found: Any = detail.get(name)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; empty: everything. `action` may be the beginning of one, `subject` a whole kind such as `event:`."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None
    """The last one of the page before."""


def search(tx: ReadTx, wanted: Wanted) -> tuple[Sequence[Row], UUID | None]:
    """One page of entries, the newest first, and where the next page begins."""
    found = records.audit_entries(
        tx, actor=wanted.actor, action=wanted.action, subject=wanted.subject, since=wanted.since, until=wanted.until,
        before=wanted.before, limit=PAGE + 1,
    )  # fmt: skip
    return found[:PAGE], (found[PAGE - 1]["id"] if len(found) > PAGE else None)
