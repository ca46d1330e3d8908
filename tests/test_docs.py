"""The documents are true: every setting, command, route and refusal stands in them."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from gatepass.cli import application
from gatepass.config import VARIABLES
from gatepass.web.dataverse.errors import CODES as DATAVERSE_CODES
from gatepass.web.errors import STATUS
from gatepass.web.routes import DATAVERSE, EVENTS_API, routes
from gatepass.web.staff.api.door import API as STAFF_API
from gatepass.web.staff.api.operations import OPERATIONS

ROOT = Path(__file__).resolve().parents[1]
OPERATING = (ROOT / "docs" / "operating.md").read_text()
CODES = (ROOT / "docs" / "status-codes.md").read_text()


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_setting_is_documented(variable: str) -> None:
    assert f"| `{variable}` |" in OPERATING


def test_no_setting_is_documented_that_does_not_exist() -> None:
    assert set(re.findall(r"^\| `(GATEPASS_\w+)` \|", OPERATING, re.M)) == set(VARIABLES)


def test_every_command_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in get_command(application).commands:  # type: ignore[attr-defined]
        assert f"`gatepass {name}`" in readme, name


def test_every_route_is_documented() -> None:
    elsewhere = ("/api/v1.0", "/EvtMgmt", STAFF_API)
    own = {route.path for route in routes() if not route.path.startswith(elsewhere)}  # type: ignore[attr-defined]
    for path in sorted(own):
        assert f"`{path.replace(DATAVERSE, '/api/data/v9.x').replace(':path', '')}`" in CODES, path
    for _, path, _ in EVENTS_API:
        assert f"`{path.removeprefix('/').replace('readable_id', 'readableEventId')}`" in CODES, path


def test_every_operation_of_the_staff_api_is_documented_with_its_scope() -> None:
    listed = re.findall(r"^\| `(\w+) (/\S*)` \| (\w+) \|", (ROOT / "docs" / "staff-api.md").read_text(), re.M)
    assert listed == [(one.method, one.path, one.scope.value) for one in OPERATIONS]


def test_every_refusal_is_documented_with_its_status() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", CODES, re.M))
    raised = re.compile(r'(?:NotFound|Refused|Conflict|Unavailable|AnswerKept)\(\s*"(\w+)"')
    found = {code for path in (ROOT / "src").rglob("*.py") for code in raised.findall(path.read_text())}
    assert found - set(listed) - set(DATAVERSE_CODES) == set(), "not documented"
    assert {code: str(status) for code, status in STATUS.items() if code in listed} == {
        code: listed[code] for code in STATUS if code in listed
    }


def test_every_refusal_of_the_web_api_is_documented_with_both_codes() -> None:
    for code, (status, theirs) in DATAVERSE_CODES.items():
        assert f"| `{code}` | {status} | `{theirs}` |" in CODES, code


def test_no_document_names_a_file_that_is_not_there() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
