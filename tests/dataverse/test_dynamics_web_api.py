"""The npm client dynamics-web-api drives the Web API unchanged. The stories stand in dwa.mjs; each is a row in docs/dataverse.md."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gatepass.services import access
from tests.dataverse.conftest import Environment

VERSION = "2.5.0"
TOKEN = "a-token-for-a-script"


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, fetched from the npm registry."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: the JavaScript client cannot be fetched.")
    directory = tmp_path_factory.mktemp("dwa")
    wanted = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", f"dynamics-web-api@{VERSION}"]
    fetched = subprocess.run(wanted, cwd=directory, capture_output=True, timeout=80, check=False)
    if fetched.returncode:
        if os.environ.get("GATEPASS_REQUIRE_BROWSER"):
            pytest.fail(fetched.stderr.decode()[-500:])
        pytest.skip("The npm registry does not answer.")
    return directory / "node_modules" / "dynamics-web-api" / "dist" / "esm" / "dynamics-web-api.mjs"


async def test_every_story_of_the_javascript_client_ends_well(environment: Environment, package: Path) -> None:
    await environment.here.store.write(lambda tx: access.add_program(tx, "script", "administrator", TOKEN))
    command = ["node", str(Path(__file__).with_name("dwa.mjs")), str(package), environment.url, TOKEN]

    node = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"NODE_EXTRA_CA_CERTS": str(environment.secure.ca)},
    )  # fmt: skip
    said, failed = await asyncio.wait_for(node.communicate(), 60)

    assert node.returncode == 0, failed.decode()
    told = json.loads(said)
    assert {name: why for name, why in told.items() if why != "ok"} == {}
