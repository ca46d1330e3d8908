"""The OpenAPI document is true, has the seed's part, and no input that it allows, or forbids, ends in a 5xx."""

import asyncio
import sys
from pathlib import Path

import pytest

from gatepass.services import access
from tests.running import TOKEN, Running

ADMINISTRATOR = "token-of-an-administrator"


async def test_the_seeds_document_is_part_of_ours(gatepass: Running) -> None:
    document = (await gatepass.client.get(f"{gatepass.base_url}/openapi.json")).json()

    operation = document["paths"]["/GatewayRedirect/PayWithStripe"]["get"]
    assert operation["tags"] == ["GatewayRedirect"]
    assert operation["parameters"][:2] == [
        {"name": "purchaseId", "in": "query", "schema": {"type": "string", "format": "uuid"}},
        {"name": "returnUrl", "in": "query", "schema": {"type": "string"}},
    ]
    assert operation["responses"]["302"] == {"description": "Redirect"}


@pytest.mark.timeout(240)
async def test_generated_input_never_ends_in_a_server_error(gatepass: Running, tmp_path: Path) -> None:
    await gatepass.store.write(lambda tx: access.add_program(tx, "schemathesis", "administrator", ADMINISTRATOR))
    organization, event = gatepass.organization, gatepass.event.readable_id
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\nemApplicationtoken = "{TOKEN}"\norganization = "{organization}"\nreadableEventId = "{event}"\n'
        f'Authorization = "Bearer {ADMINISTRATOR}"\n'
    )
    command = (
        "-m", "schemathesis.cli", "run", f"{gatepass.base_url}/openapi.json", "--checks", "not_a_server_error",
        "--max-examples", "25", "--phases", "coverage,fuzzing", "--no-color", "--suppress-health-check", "all",
    )  # fmt: skip

    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()

    assert process.returncode == 0, said.decode()[-3000:]
    assert "Tested: 34" in said.decode()
