"""The payment providers of this process, as staff and settings say: a key that somebody gave is used a few seconds later.

Every process has its own; nobody has to restart one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from gatepass.domain.errors import GatepassError
from gatepass.providers.base import PaymentProvider
from gatepass.services import connecting
from gatepass.services.connecting import Keys
from gatepass.services.secrets import Vault
from gatepass.store import Store, secrets

LOOK_EVERY_S = 5.0
_TABLE = "payment_provider"

log = structlog.get_logger("gatepass.connections")

Make = Callable[[Keys | None], dict[str, PaymentProvider]]


class Connections:
    """Keeps `connected` as it should be: the same mapping that the desk has. `make`: adapters from keys, or from the settings."""

    def __init__(self, store: Store, vault: Vault, connected: dict[str, PaymentProvider], make: Make) -> None:
        self._store, self._vault, self._make = store, vault, make
        self.connected = connected
        self._stamp: tuple[int, datetime | None] = (0, None)
        self._left: list[PaymentProvider] = []

    async def refresh(self) -> bool:
        """Look for other keys, and connect with them. False: nothing has changed, or they cannot be read."""
        stamp = await self._store.read(lambda tx: secrets.stamp(tx, _TABLE))
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            found = self._make(await self._store.read(lambda tx: connecting.newest(tx, self._vault)))
        except GatepassError as error:
            log.warning("connections.unreadable", code=error.code)
            return False
        # Calls may be under way with the old ones: they end with the process.
        self._left += self.connected.values()
        self.connected.clear()
        self.connected.update(found)
        return True

    async def watch(self, changed: Callable[[], Awaitable[None]]) -> None:
        """Refresh until cancelled, and tell when something has changed."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                if await self.refresh():
                    await changed()
            except Exception as error:  # A database that is down for a while must not end the watch.
                log.warning("connections.not_looked", error=type(error).__name__)

    async def close(self) -> None:
        """Let all connections go."""
        for provider in [*self._left, *self.connected.values()]:
            await provider.close()
