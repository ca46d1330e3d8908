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
SECURITY = (ROOT / "docs" / "security.md").read_text()


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


ASVS_LEVEL_2 = (
    "1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2 4.4:4 5.1:1 5.2:3 5.3:2 "
    "5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2 8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 "
    "10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 "
    "13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5 16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2"
)
"""Sections of OWASP ASVS 5.0.0, and how many lines of each are of level 1 or 2: they come first (github.com/OWASP/ASVS, 5.0/en)."""


def test_every_line_of_the_asvs_stands_in_the_security_document_once() -> None:
    counts = [part.split(":") for part in ASVS_LEVEL_2.split()]
    demanded = [f"{section}.{number}" for section, count in counts for number in range(1, int(count) + 1)]
    cells = re.findall(r"^\| (\d[\d., -]*) \|", SECURITY, re.M)
    placed = [line for cell in cells for span in cell.split(", ") for line in _lines(span)]
    assert sorted(placed) == sorted(demanded)


def _lines(span: str) -> list[str]:
    """Such as 6.2.8-10."""
    section, _, numbers = span.rpartition(".")
    first, _, last = numbers.partition("-")
    return [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]


def test_every_test_that_a_document_names_is_there() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    known = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    for document in (ROOT / "docs").rglob("*.md"):
        text = document.read_text()
        assert set(re.findall(r"`(test_\w+)`", text)) <= known, document.name
        for path in re.findall(r"`(tests/[\w/]+\.py)`", text):
            assert (ROOT / path).exists(), f"{document.name}: {path}"


def test_no_document_names_a_file_that_is_not_there() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
