"""kill -9 while a change set is on its way: afterwards all of it is there, or nothing; all of it, when that was answered."""

import asyncio
import contextlib
import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa

from gatepass.services import access
from gatepass.store.tables import DECLARED
from tests import commands
from tests.conftest import DATABASES, fresh_database
from tests.dataverse.clients import Asked, sdk_body, sdk_read
from tests.torture.cluster import START_S, Cluster, cluster
from tests.torture.options import LONG, drawn

TOKEN = "secret-token-of-a-writer"
RECORDS = 40
"""In one change set: enough to be in the middle of it for some milliseconds."""
KILLS = 50 if LONG else 1
"""At any moment, beside those at the commit."""
LONGEST_S = 0.12
"""What such a change set takes at most, about."""
COMMIT = "commit of run._do"


@pytest.mark.timeout(0 if LONG else 120)
@pytest.mark.parametrize("kind", DATABASES)
async def test_a_change_set_is_whole_or_nothing_whenever_the_process_dies(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str
) -> None:
    dice = drawn(f"change sets {kind}")
    async with cluster(fresh_database(kind, tmp_path, request), tmp_path) as system:
        await system.here.store.write(lambda tx: access.add_program(tx, "writer", "administrator", TOKEN))

        assert not await _killed_at(system, f"before {COMMIT}")
        assert await _killed_at(system, f"after {COMMIT}")
        for _ in range(KILLS):
            await _killed_after(system, dice.uniform(0, LONGEST_S))


async def _killed_at(system: Cluster, point: str) -> bool:
    """Whether the records are there after a death at a commit."""
    await system.start()
    mail = f"{uuid4()}@example.org"
    system.die_at(point)
    assert not await _sent(system, mail)
    await asyncio.wait_for(commands.ended(system.nodes[-1]), START_S)
    assert not system.alive(), f"{point} is not passed"
    system.die_at("")
    return await _whole(system, mail)


async def _killed_after(system: Cluster, seconds: float) -> None:
    await system.start()
    mail = f"{uuid4()}@example.org"
    sending = asyncio.create_task(_sent(system, mail))
    await asyncio.sleep(seconds)
    await system.kill()
    answered = await sending
    assert await _whole(system, mail) or not answered, "it was answered, and is not there"


async def _whole(system: Cluster, mail: str) -> bool:
    """All are there, or none."""
    found = await _there(system, mail)
    assert found in {0, RECORDS}, f"{found} of {RECORDS}"
    return found == RECORDS


async def _sent(system: Cluster, mail: str) -> bool:
    """Send a change set; whether it was answered, and that well."""
    root = f"{system.here.base_url}/api/data/v9.2/"
    body = json.dumps({"lastname": "L", "emailaddress1": mail})
    batch = sdk_body([[Asked("POST", f"{root}contacts", body, (), str(at)) for at in range(1, RECORDS + 1)]])
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "multipart/mixed; boundary=batch_1"}
    with contextlib.suppress(httpx.HTTPError):
        answer = await system.here.client.post(f"{root}$batch", content=batch, headers=headers)
        assert answer.status_code == 200, answer.text
        return [one.status for one in sdk_read(answer.headers["content-type"], answer.content)] == [204] * RECORDS
    return False


async def _there(system: Cluster, mail: str) -> int:
    contact = DECLARED["contact"]
    wanted = sa.select(sa.func.count()).where(contact.c.emailaddress1 == mail)
    return await system.here.store.read(lambda tx: tx.execute(wanted).scalar_one())
