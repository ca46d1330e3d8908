"""docs/dataverse-tables.md is what the model says."""

from pathlib import Path

from gatepass.web.dataverse.metadata import document

TABLES = Path(__file__).resolve().parents[2] / "docs" / "dataverse-tables.md"


def test_the_tables_are_documented_as_they_are() -> None:
    assert TABLES.read_text() == document.text(), "python -m gatepass.web.dataverse.metadata.document writes it anew"
