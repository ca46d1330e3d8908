"""The command line, one file per group of commands."""

from gatepass.cli import money, serving, watching
from gatepass.cli.common import DEFAULT_PORT, application

__all__ = ["DEFAULT_PORT", "application", "main", "money", "serving", "watching"]


def main() -> None:
    """Entry point of `gatepass`."""
    application()
