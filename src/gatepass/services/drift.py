"""What reconciliation found and mended by itself, and what it newly asks a person, is told by mail: once for each."""

from collections.abc import Sequence
from datetime import datetime

from gatepass.domain.difference import Difference, Remedy
from gatepass.domain.purchase import order_reference
from gatepass.services.books import Books
from gatepass.store import WriteTx, jobs, records

SEND = "send_drift_report"
"""The kind of the job that sends it."""
MOST_LINES = 50
"""Of each sort; the command shows all."""


def report(tx: WriteTx, provider: str, books: Books, began: datetime, to: Sequence[str]) -> None:
    """Leave the mail about one run, which began at `began`, UTC; none when there is nothing new to tell."""
    asked = _newly_asked(tx, books, began)
    if not to or not (asked or books.mended):
        return
    payload = {"to": list(to), "subject": _subject(asked, books.mended), "text": _text(provider, asked, books.mended)}
    jobs.add(tx, SEND, payload, dedupe=f"drift:{provider}:{began.isoformat()}")


def _newly_asked(tx: WriteTx, books: Books, began: datetime) -> list[Difference]:
    """What stood in needs attention before has been told before."""
    left = {key: one for key, one in books.differences.items() if one.remedy is Remedy.ATTENTION}
    new = records.opened_since(tx, left, began)
    return [one for key, one in left.items() if key in new]


def _subject(asked: Sequence[Difference], mended: Sequence[Difference]) -> str:
    return f"Gatepass: {_count(len(asked), 'difference')} for you to decide, {len(mended)} mended"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _text(provider: str, asked: Sequence[Difference], mended: Sequence[Difference]) -> str:
    parts = [f"The records of {provider}, of Gatepass and of the registrations were held against each other."]
    if asked:
        parts.append(f"These need a decision. They stand in needs attention until it is made:\n\n{_lines(asked)}")
    if mended:
        parts.append(f"These were mended, and need nothing:\n\n{_lines(mended)}")
    parts.append("All of them, now: gatepass reconcile")
    return "\n\n".join(parts) + "\n"


def _lines(found: Sequence[Difference]) -> str:
    lines = [
        f"  {order_reference(one.purchase_id)}  {one.kind.value.replace('_', ' ')}: here {one.ours}; there {one.theirs}"
        for one in found[:MOST_LINES]
    ]
    more = len(found) - len(lines)
    return "\n".join([*lines, f"  and {more} more"] if more else lines)
