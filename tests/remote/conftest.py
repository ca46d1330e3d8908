"""The pair, with the completion service on each database; Dynamics is on SQLite."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import DATABASES, fresh_database
from tests.remote.pair import Pair, paired


@pytest_asyncio.fixture(params=DATABASES)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    """Both sides keep their promises when the story is over."""
    url = fresh_database(request.param, tmp_path, request)
    async with paired(url, dynamics_database(request, tmp_path), tmp_path) as both:
        yield both
        both.line.down = False
        await both.check_promises()


def dynamics_database(request: pytest.FixtureRequest, directory: Path) -> str:
    """A database of its own for Dynamics."""
    path = directory / "dynamics.db"
    shutil.copy(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"
