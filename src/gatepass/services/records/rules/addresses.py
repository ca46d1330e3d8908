"""Addresses that records lead people to: never a script, and never money over a line that others read."""

import re
from urllib.parse import urlsplit

from gatepass.model.columns import Column
from gatepass.services.records.change import Change

ORIGIN = re.compile(r"https?://([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}|\*))?")
"""As a browser writes it: a name that is not ASCII by its xn-- form. It stands in headers as it is."""
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


def check(change: Change, *names: str) -> None:
    """Raises Refused for a changed column that is neither https (http on this machine) nor a path of this installation."""
    columns = {column.name: column for column in change.table.columns}
    for name in names:
        address = change.after[name]
        if address and change.changes(name) and not _opens(address):
            raise change.broken(
                name,
                f"{_told(columns[name])} must be an https address, or a path of this installation that begins with /. "
                "A host that is not ASCII is written as a browser sends it, such as xn--bcher-kva.example.",
            )


def _told(column: Column) -> str:
    return f"'{column.label}' ({column.logical})"


def _opens(address: str) -> bool:
    if address.startswith("/"):
        return not address.startswith("//") and "\\" not in address
    try:
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
        named = ORIGIN.fullmatch(f"{parts.scheme}://{parts.netloc}") is not None
        return secure and named and parts.port != 0 and not parts.netloc.endswith("*")
    except ValueError:
        return False
