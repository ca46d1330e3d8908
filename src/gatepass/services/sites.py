"""Sites that may register attendees, by their public token; remembered for some seconds, since every call asks.

A token is shown when it is made; a new one does not end the old one at once, so that a site can be changed without a gap.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gatepass import model
from gatepass.domain.errors import NotFound
from gatepass.domain.event import WebApplication
from gatepass.services import audit
from gatepass.services.access import Caller
from gatepass.services.records.privileges import Right, require
from gatepass.store import Store, WriteTx, people, rows

REMEMBERED_S = 5.0
"""A changed origin or token counts after this at the latest."""
MOST_REMEMBERED = 1000
OVERLAP = timedelta(days=7)
"""How long the token before still counts."""
USE_NOTED_EVERY = timedelta(hours=1)
TOKEN_BYTES = 32
_TABLE = model.BY_NAME["web_application"]


class WebApplications:
    """Looks tokens up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[float, WebApplication | None]] = {}

    async def by_token(self, token: str) -> WebApplication | None:
        """The site with this token, or None."""
        until, found = self._known.get(token, (0.0, None))
        if until < time.monotonic():
            found = await self._store.read(lambda tx: people.web_application_by_token(tx, token, datetime.now(UTC)))
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[token] = (time.monotonic() + REMEMBERED_S, found)
            await self._note_use(found)
        return found

    async def _note_use(self, found: WebApplication | None) -> None:
        now = datetime.now(UTC)
        if found and (found.last_used is None or now - found.last_used > USE_NOTED_EVERY):
            await self._store.write(lambda tx: people.change_web_application(tx, found.id, {"last_used": tx.now}))


def rotate(tx: WriteTx, caller: Caller, application_id: UUID, overlap: timedelta = OVERLAP) -> str:
    """A new token, shown this once; the one before counts for `overlap`. Audited. Raises NotFound, Refused."""
    require(caller, Right.WRITE, _TABLE)
    before = rows.lock(tx, _TABLE, application_id)
    if before is None:
        raise NotFound("WebApplicationUnknown", f"There is no web application {application_id}.")
    token, ends = secrets.token_urlsafe(TOKEN_BYTES), tx.now + overlap
    values = {"token": token, "old_token": before["token"], "old_token_ends": ends}
    people.change_web_application(tx, application_id, values)
    was, now = {"token": _ending(before["token"])}, {"token": _ending(token), _UNTIL: ends.isoformat()}
    subject = f"web_application:{application_id}"
    audit.write(tx, caller.name, "web_application.rotate", subject, before=was, after=now)
    return token


_UNTIL = "old token counts until"


def _ending(token: str) -> str:
    return f"…{token[-4:]}"


def end_old_token(tx: WriteTx, caller: Caller, application_id: UUID) -> None:
    """The token before counts no longer, from some seconds from now on. Audited. Raises NotFound, Refused."""
    require(caller, Right.WRITE, _TABLE)
    found = rows.lock(tx, _TABLE, application_id)
    if found is None:
        raise NotFound("WebApplicationUnknown", f"There is no web application {application_id}.")
    ends = found["old_token_ends"]
    people.change_web_application(tx, application_id, {"old_token": None, "old_token_ends": None})
    before, after = {_UNTIL: ends.isoformat() if ends else None}, {_UNTIL: None}
    subject = f"web_application:{application_id}"
    audit.write(tx, caller.name, "web_application.end_old_token", subject, before=before, after=after)
