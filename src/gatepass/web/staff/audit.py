"""Who did what, before and after, and why: of everything, or of one object."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.services import audit
from gatepass.services.access import Caller, Role
from gatepass.services.audit import Wanted
from gatepass.services.records.values import EARLIEST, LATEST
from gatepass.store.tables import Row
from gatepass.web.site import site
from gatepass.web.staff.door import ADMINISTERS, EVERYBODY
from gatepass.web.staff.layout import page

AUDIT = "/staff/audit"
_PAGES: Mapping[str, tuple[str, Collection[Role]]] = {
    "purchase": ("/staff/purchases", EVERYBODY), "event": ("/staff/events", EVERYBODY), "staff": ("/staff/people", ADMINISTERS),
    "payment_provider": ("/staff/providers", ADMINISTERS), "web_application": ("/staff/sites", ADMINISTERS),
}  # fmt: skip
"""Of objects, by the word before their id, and for whom."""
FIELDS = ("actor", "action", "subject", "since", "until")


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/audit?actor=&action=&subject=&since=&until=&before="""
    given = {name: value.strip()[: audit.MAX_WANTED_CHARS] for name, value in request.query_params.items()}
    wanted = _wanted(given)
    rows, more = await site(request).store.read(lambda tx: audit.search(tx, wanted))
    asked = {name: given[name] for name in FIELDS if given.get(name)}
    context: dict[str, Any] = {
        "given": asked,
        "rows": [_line(row, caller) for row in rows],
        "more": f"{AUDIT}?{urlencode(asked | {'before': str(more)})}" if more else None,
    }
    return page(request, caller, "audit", context)


def _wanted(given: Mapping[str, str]) -> Wanted:
    until = _day(given.get("until", ""))
    return Wanted(
        actor=given.get("actor", ""),
        action=given.get("action", ""),
        subject=given.get("subject", ""),
        since=_day(given.get("since", "")),
        until=until and until + timedelta(days=1),
        before=_id(given.get("before", "")),
    )


def _line(row: Row, caller: Caller) -> dict[str, Any]:
    """An entry; what changed as (name, before, after)."""
    detail: Mapping[str, Any] = row["detail"]
    before, after = audit.members(detail, "before"), audit.members(detail, "after")
    same = {name: value for name, value in after.items() if name in before and before[name] == value}
    rest = {name: value for name, value in detail.items() if name != "reason" and not isinstance(value, dict)} | same
    return {
        "at": row["at"], "actor": row["actor"], "action": row["action"], "subject": row["subject"],
        "changes": [(name, before.get(name), after.get(name)) for name in {**before, **after} if name not in same],
        "rest": rest, "reason": detail.get("reason"), "path": _path(row["subject"], caller),
    }  # fmt: skip


def _path(subject: str, caller: Caller) -> str | None:
    """The page of the object, where there is one that this caller may open."""
    kind, _, about = subject.partition(":")
    path, may = _PAGES.get(kind, ("", ()))
    return f"{path}/{about}" if caller.role in may and _id(about) else None


def _day(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or UTC) if EARLIEST < found.replace(tzinfo=None) < LATEST else None
    except ValueError:
        return None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
