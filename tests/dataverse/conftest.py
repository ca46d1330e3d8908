"""An installation behind TLS, with an application user that may do everything."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from gatepass.services import applications
from gatepass.services.access import Role
from gatepass.services.applications import Credentials
from tests.conftest import DATABASES, fresh_database
from tests.dataverse.proxy import Secure, secured
from tests.running import Running, running


@dataclass(frozen=True, slots=True)
class Environment:
    """What a client program is told of a Dataverse environment."""

    here: Running
    secure: Secure
    tenant: str
    client: Credentials

    @property
    def url(self) -> str:
        """The environment's address."""
        return self.secure.url


@pytest_asyncio.fixture(params=DATABASES)
async def environment(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Environment]:
    """On each database."""
    url = fresh_database(request.param, tmp_path, request)
    async with (
        running(url, tmp_path, GATEPASS_TRUSTED_PROXIES="127.0.0.1", GATEPASS_API_REQUESTS="0") as here,
        secured(here.base_url, tmp_path) as secure,
    ):
        client = await here.store.write(lambda tx: applications.add(tx, "Tests", Role.ADMINISTRATOR, "test"))
        yield Environment(here, secure, str(here.organization), client)
