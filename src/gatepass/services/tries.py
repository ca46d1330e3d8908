"""Slows down whoever guesses: per account and address, per address, and per account. Nobody can lock somebody else out.

Counted in the database, so that every process knows, and before the password is looked at, so that a hundred at once count as
a hundred. An account that is attacked from everywhere is closed to strangers only: a browser that has signed in to it before
shows so by a signed cookie (OWASP's device cookies), and counts alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from gatepass.store import WriteTx, staff

WINDOW = timedelta(minutes=15)
PER_PAIR, PER_ADDRESS, PER_ACCOUNT = 10, 100, 100
"""Tries that did not work, within the window. An office shares one address."""
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who tries: the network address, and the account that this browser has signed in to before."""

    address: str
    known: UUID | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """One try that is counted. `wait_s`: seconds to wait first; 0: go on."""

    wait_s: int
    pair: str = ""
    ids: Sequence[UUID] = ()


def begin(tx: WriteTx, what: str, account: str, visitor: Visitor, *, known: bool) -> Try:
    """Count a try of `what` at an account, unless there were too many. `known`: from a browser that has been there before."""
    source = f"browser {visitor.known}" if known else f"address {visitor.address}"
    pair = _key(what, account, source)
    limits = {pair: PER_PAIR}
    if not known:
        limits |= {_key(what, "address", visitor.address): PER_ADDRESS, _key(what, "account", account): PER_ACCOUNT}
    staff.queue_for(tx, limits)
    wait_s = _wait_s(tx, limits)
    if wait_s:
        return Try(wait_s)
    staff.forget_tries(tx, before=tx.now - KEPT)
    return Try(0, pair, staff.add_tries(tx, list(limits)))


def worked(tx: WriteTx, one: Try) -> None:
    """It was right: it does not count, and who mistyped before starts anew."""
    staff.forget_tries(tx, one.ids, one.pair)


def _wait_s(tx: WriteTx, limits: Mapping[str, int]) -> int:
    """Until so many of the newest tries are out of the window that one more may be."""
    waits = [0]
    for key, times in staff.tries(tx, limits, tx.now - WINDOW).items():
        if len(times) >= limits[key]:
            waits.append(int((times[limits[key] - 1] + WINDOW - tx.now).total_seconds()) + 1)
    return max(waits)


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
