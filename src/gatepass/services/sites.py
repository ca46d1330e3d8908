"""Sites that may register attendees, by their public token; remembered for some seconds, since every call asks."""

import time

from gatepass.domain.event import WebApplication
from gatepass.store import Store, people

REMEMBERED_S = 5.0
"""A changed origin or token counts after this at the latest."""
MOST_REMEMBERED = 1000


class WebApplications:
    """Looks tokens up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[float, WebApplication | None]] = {}

    async def by_token(self, token: str) -> WebApplication | None:
        """The site with this token, or None."""
        until, found = self._known.get(token, (0.0, None))
        if until < time.monotonic():
            found = await self._store.read(lambda tx: people.web_application_by_token(tx, token))
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[token] = (time.monotonic() + REMEMBERED_S, found)
        return found
