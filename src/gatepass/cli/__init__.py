"""The command line, one file per group of commands."""

from gatepass.cli import connecting, inbox, refunds, serving, watching, webhooks
from gatepass.cli.common import DEFAULT_PORT, application

__all__ = ["DEFAULT_PORT", "application", "connecting", "inbox", "main", "refunds", "serving", "watching", "webhooks"]


def main() -> None:
    """Entry point of `gatepass`."""
    application()
