"""Events as iCalendar files (RFC 5545), which every calendar opens. Times are UTC, so that no zone has to be described."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatepass.domain.event import Event

MEDIA_TYPE = "text/calendar; charset=utf-8"
MAX_LINE_BYTES = 75
"""RFC 5545, 3.1: longer lines are folded."""
OPENING = timedelta(minutes=15)
"""How long the reminder of an opening stands in the calendar."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a calendar shows."""

    uid: str
    """The same for the same thing: opened again, it replaces itself."""
    title: str
    starts: datetime
    ends: datetime
    place: str
    url: str
    alarm: bool = False
    """Reminds when it starts."""


def of_event(event: Event, url: str) -> Entry:
    """The event itself."""
    return Entry(f"{event.id.hex}@gatepass", event.name, event.begins, event.finishes, event.place, url)


def of_opening(event: Event, title: str, url: str) -> Entry:
    """The moment at which registration opens; the event must have one."""
    assert event.registration_opens
    opens = event.registration_opens
    return Entry(f"{event.id.hex}-opens@gatepass", title, opens, opens + OPENING, "", url, alarm=True)


def text_of(entry: Entry, made: datetime) -> str:
    """The file's content."""
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:PT0S", f"DESCRIPTION:{_escaped(entry.title)}", "END:VALARM")
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Gatepass//EN", "METHOD:PUBLISH", "BEGIN:VEVENT",
        f"UID:{entry.uid}", f"DTSTAMP:{_stamp(made)}", f"DTSTART:{_stamp(entry.starts)}", f"DTEND:{_stamp(entry.ends)}",
        f"SUMMARY:{_escaped(entry.title)}", f"LOCATION:{_escaped(entry.place)}", f"URL:{entry.url}",
        *(alarm if entry.alarm else ()), "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for char in "\\;,":
        text = text.replace(char, f"\\{char}")
    return "\\n".join(text.splitlines())


def _folded(line: str) -> str:
    """At most 75 bytes a line; no character is cut in two."""
    parts, size = [""], 0
    for char in line:
        size += len(char.encode())
        if size > MAX_LINE_BYTES:
            parts.append(" ")
            size = 1 + len(char.encode())
        parts[-1] += char
    return "\r\n".join(parts)
