"""The figures of the torture stand at the end of a run."""

import pytest

from tests.torture.options import FIGURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per test that counts something."""
    for figure in FIGURES:
        terminalreporter.write_line(f"torture: {figure}")
