"""The command line, one file per group of commands."""

from gatepass.cli import (
    applications,
    connecting,
    inbox,
    keys,
    money,
    purchases,
    refunds,
    serving,
    setting_up,
    tokens,
    users,
    watching,
    webhooks,
)
from gatepass.cli.common import DEFAULT_PORT, application

__all__ = [
    "DEFAULT_PORT", "application", "applications", "connecting", "inbox", "keys", "main", "money", "purchases", "refunds", "serving",
    "setting_up",
    "tokens", "users", "watching", "webhooks",
]  # fmt: skip


def main() -> None:
    """Entry point of `gatepass`."""
    application()
