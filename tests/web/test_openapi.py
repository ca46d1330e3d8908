"""The OpenAPI document is true, has the seed's part, and no input that it allows, or forbids, ends in a 5xx."""

import asyncio
import sys
from pathlib import Path

import pytest

from gatepass.services import access, tokens
from gatepass.services.tokens import Scope
from gatepass.web.staff.api.operations import OPERATIONS
from tests.running import TOKEN, Running
from tests.torture.options import LONG

ADMINISTRATOR = "token-of-an-administrator"
EXAMPLES = 500 if LONG else 20
LONG_S = 3000 if LONG else 180
OURS = (("--exclude-path-regex", "^/api/data/v9.2|^/staff/api"), 18, "coverage,fuzzing")
WEB_API = (("--include-path-regex", "^/api/data/v9.2"), 17, "fuzzing")
STAFF_API = (("--include-path-regex", "^/staff/api"), len(OPERATIONS), "coverage,fuzzing")
"""Which paths, how many operations there are, and how input is made up: what the Web API takes has far too many kinds."""


async def test_the_seeds_document_is_part_of_ours(gatepass: Running) -> None:
    document = (await gatepass.client.get(f"{gatepass.base_url}/openapi.json")).json()

    operation = document["paths"]["/GatewayRedirect/PayWithStripe"]["get"]
    assert operation["tags"] == ["GatewayRedirect"]
    assert operation["parameters"][:2] == [
        {"name": "purchaseId", "in": "query", "schema": {"type": "string", "format": "uuid"}},
        {"name": "returnUrl", "in": "query", "schema": {"type": "string"}},
    ]
    assert operation["responses"]["302"] == {"description": "Redirect"}


@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize(
    ("paths", "tested", "phases"), [OURS, WEB_API, STAFF_API], ids=["ours", "the Web API", "the staff API"]
)
async def test_generated_input_never_ends_in_a_server_error(
    gatepass: Running, tmp_path: Path, paths: tuple[str, str], tested: int, phases: str
) -> None:
    await gatepass.store.write(lambda tx: access.add_program(tx, "schemathesis", "administrator", ADMINISTRATOR))
    _, token = await gatepass.store.write(lambda tx: tokens.add(tx, "schemathesis", list(Scope), 1, "test"))
    authorized = ("--header", f"Authorization: Bearer {token}") if "staff" in paths[1] and "include" in paths[0] else ()
    organization, event = gatepass.organization, gatepass.event.readable_id
    (tmp_path / "schemathesis.toml").write_text(
        f'[parameters]\nemApplicationtoken = "{TOKEN}"\norganization = "{organization}"\nreadableEventId = "{event}"\n'
        f'Authorization = "Bearer {ADMINISTRATOR}"\n'
    )
    command = (
        "-m", "schemathesis.cli", "run", f"{gatepass.base_url}/openapi.json", "--checks", "not_a_server_error",
        "--max-examples", str(EXAMPLES), "--phases", phases, "--no-color", "--suppress-health-check", "all", *paths, *authorized,
    )  # fmt: skip

    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()

    assert process.returncode == 0, said.decode()[-3000:]
    assert f"Tested: {tested}" in said.decode()
