"""What one sandbox is started with."""

from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-10-28.endive"
PUBLISHABLE_KEY = "pk_test_sandbox"


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """`base_url` is the sandbox's public address; `webhook_url` gets events, signed with `webhook_secret`."""

    database: Path
    base_url: str
    secret_key: str
    webhook_secret: str
    webhook_url: str | None = None
    webhook_events: tuple[str, ...] = ("*",)
    webhook_version: str | None = None
    """None: that of the account."""
    merchant: str = "Contoso Events"
    publishable_key: str = PUBLISHABLE_KEY
    """What a page of the merchant's shows: it opens the payment whose client secret is told, and nothing else."""
    async_delay_s: float = 10.0
    """How long a bank debit, or a refund that starts as pending, takes to settle."""
