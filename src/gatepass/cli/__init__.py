"""The command line, one file per group of commands."""

from gatepass.cli import refunds, serving, watching, webhooks
from gatepass.cli.common import DEFAULT_PORT, application

__all__ = ["DEFAULT_PORT", "application", "main", "refunds", "serving", "watching", "webhooks"]


def main() -> None:
    """Entry point of `gatepass`."""
    application()
