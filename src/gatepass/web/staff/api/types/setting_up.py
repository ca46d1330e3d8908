"""Set-up: events, keys, sites, switches, people."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from gatepass.web.staff.api.types import Before, In, Out, Reason


class EventQuery(In):
    """`q`: a part of the name."""

    q: Annotated[str, Meta(max_length=100)] = ""
    status: Literal["", "draft", "ready_to_go_live", "in_progress", "live", "cancelled", "going_live"] = ""
    before: Before = None


class EventLine(Out):
    """One event in a list; `starts` and `ends` on the clock of `timeZone`."""

    id: UUID
    readable_id: str
    name: str
    status: str
    starts: datetime
    ends: datetime
    time_zone: str
    currency: str
    capacity: int | None
    held: int
    sold: int


class EventLines(Out):
    """The newest first."""

    items: list[EventLine]
    next: UUID | None = None


class ChecklistLine(Out):
    """What stands between an event and its first paid registration. `standing`: done, advice or missing."""

    standing: str
    says: str
    remedy: str
    about: UUID | None
    field: str


class CopyIn(In):
    """Without a name it is “Copy of” and the name of the source."""

    name: Annotated[str, Meta(max_length=100)] = ""


class KeyIn(In):
    """A secret that is written and never read: the answer shows its last four characters."""

    value: Annotated[str, Meta(max_length=300)]


class KeyOut(Out):
    """What may be seen of a key."""

    last_four: str | None
    changed: datetime


class KeysOut(Out):
    """Null: none was given."""

    secret_key: KeyOut | None
    webhook_secret: KeyOut | None


class FindingOut(Out):
    """One line of a connection check. `health`: fine, warning or broken."""

    what: str
    health: str
    says: str


class FindingsOut(Out):
    """`connected`: false when there is no key."""

    connected: bool
    findings: list[FindingOut]


class TokenOut(Out):
    """The public token of a site, shown this once."""

    token: str


class SwitchOut(Out):
    """A feature switch of the installation."""

    name: str
    on: bool
    label: str
    meaning: str


class SwitchesOut(Out):
    """All of them."""

    items: list[SwitchOut]


class SwitchIn(In):
    """On or off."""

    on: bool


class InviteIn(In):
    """Who is there already gets the role."""

    email: str
    role: Literal["viewer", "event_staff", "finance", "administrator"]
    name: str = ""


class RoleIn(In):
    """Another role: their sessions end."""

    role: Literal["viewer", "event_staff", "finance", "administrator"]
    reason: Reason = ""


class ReasonIn(In):
    """Why, for the audit."""

    reason: Reason = ""


class PersonOut(Out):
    """Somebody who may sign in. `state`: invited, active or closed."""

    id: UUID
    email: str
    name: str
    role: str
    state: str
    second_factor: bool
    elsewhere: bool


class PeopleOut(Out):
    """Everybody."""

    items: list[PersonOut]
