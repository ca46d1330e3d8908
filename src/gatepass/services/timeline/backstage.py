"""What only staff are told: every notification with its event id, what people did, what needed attention."""

from collections.abc import Iterable, Mapping
from typing import Any

from gatepass.domain.timeline import Audience, Moment, Tone
from gatepass.services import audit
from gatepass.services.timeline.facts import Facts
from gatepass.services.timeline.words import named
from gatepass.store.tables import Row

_BECAME = {
    "new": (Tone.NOW, "Not handled yet."),
    "applied": (Tone.PLAIN, "Handled: the provider was asked, and its answer counts."),
    "ignored": (Tone.PLAIN, "Says nothing to us."),
    "quarantined": (Tone.ATTENTION, "Does not fit, so it changed nothing."),
}


def of(facts: Facts) -> Iterable[Moment]:
    """In no order."""
    yield from map(_notification, facts.around.notifications)
    yield from map(_audit, facts.around.audit)
    for row in facts.around.attention:
        yield from _attention(row)


def _notification(row: Row) -> Moment:
    tone, became = _BECAME[row["state"]]
    detail = {
        "event": row["event_ref"],
        "about": row["object_ref"] or "",
        "received": row["received"].isoformat(),
        "handled": row["handled"].isoformat() if row["handled"] else "",
        "state": row["state"],
        "reason": row["reason"] or "",
    }
    title = f"{named(row['provider'])} sent {row['kind']}"
    return _for_staff(row, "received", f"notification.{row['state']}", tone, "inbox", title, became, detail)


def _audit(row: Row) -> Moment:
    said = _said(row["detail"]) | {"subject": row["subject"]}
    title = f"{row['actor']}: {row['action'].replace('.', ' ').replace('_', ' ')}"
    return _for_staff(row, "at", "audit", Tone.PLAIN, "people", title, "", said)


def _said(detail: Mapping[str, Any]) -> dict[str, str]:
    """Each member as one word, or as what it was and is."""
    before, after = (audit.members(detail, name) for name in ("before", "after"))
    changed = {
        name: f"{before[name]} → {after.get(name)}" if name in before else str(after[name])
        for name in {**before, **after}
    }
    return {name: str(value) for name, value in detail.items() if name not in ("before", "after")} | changed


def _attention(row: Row) -> Iterable[Moment]:
    what, detail = row["kind"].replace("_", " "), {"entry": str(row["id"])}
    tone = Tone.PLAIN if row["closed"] else Tone.ATTENTION
    yield _for_staff(
        row, "opened", "attention.opened", tone, "alert", f"Needs attention: {what}", row["reason"], detail
    )
    if row["closed"]:
        yield _for_staff(row, "closed", "attention.closed", Tone.PLAIN, "check", f"Dealt with: {what}", "", detail)


def _for_staff(
    row: Row, at: str, kind: str, tone: Tone, icon: str, title: str, text: str, detail: dict[str, str]
) -> Moment:
    known = {name: value for name, value in detail.items() if value}
    return Moment(row[at], kind, tone, icon, title, (text,) if text else (), known, Audience.STAFF)
