"""Addresses that records lead people to: never a script, and never money over a line that others read."""

from urllib.parse import urlsplit

from gatepass.model.columns import Column
from gatepass.services.records import refusals
from gatepass.services.records.change import Change

_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


def check(change: Change, *names: str) -> None:
    """Raises Refused for a changed column that is neither https (http on this machine) nor a path of this installation."""
    columns = {column.name: column for column in change.table.columns}
    for name in names:
        address = change.after[name]
        if address and change.changes(name) and not _opens(address):
            raise refusals.broken(
                f"{_told(columns[name])} must be an https address, or a path of this installation that begins with /."
            )


def _told(column: Column) -> str:
    return f"'{column.label}' ({column.logical})"


def _opens(address: str) -> bool:
    if address.startswith("/"):
        return not address.startswith("//") and "\\" not in address
    try:
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
        return secure and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
