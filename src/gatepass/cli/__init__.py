"""The command line, one file per group of commands."""

from gatepass.cli import applications, connecting, inbox, money, purchases, refunds, serving, watching, webhooks
from gatepass.cli.common import DEFAULT_PORT, application

__all__ = [
    "DEFAULT_PORT", "application", "applications", "connecting", "inbox", "main", "money", "purchases", "refunds", "serving",
    "watching", "webhooks",
]  # fmt: skip


def main() -> None:
    """Entry point of `gatepass`."""
    application()
