"""`gatepass doctor`: is everything as it should be? Says so line by line; the exit code tells machines."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import MappingProxyType

from gatepass import app, model
from gatepass.config import Settings
from gatepass.dataverse.check import check
from gatepass.domain.errors import GatepassError
from gatepass.domain.health import Health
from gatepass.domain.purchase import order_reference
from gatepass.providers.base import Check, PaymentProvider
from gatepass.services import connection
from gatepass.store import Store, jobs, migrations, promises, readiness, records, rows

Say = Callable[[str], None]
GIVE_KEY = "Give its key on its page of /staff/providers, or set GATEPASS_STRIPE_SECRET_KEY"
SHORTEST_PAGE_MINUTES = 30
"""docs.stripe.com/api/checkout/sessions/create, expires_at."""
_SHORT_HOLD = (
    f"A page at Stripe lives {SHORTEST_PAGE_MINUTES} at least: it is ended with the hold, but while Stripe or Gatepass is away at "
    "that moment it can still be paid, and that money is late. Set 30 or more"
)
PROMISES_AT_ONCE = 2
"""Whoever sells has the other cores."""
_WORDS = MappingProxyType({Health.FINE: "ok    ", Health.WARNING: "WARN  ", Health.BROKEN: "BROKEN"})


def run(settings: Settings, say: Say) -> int:
    """0: all is well. 1: something is broken or needs a person. 2: the database cannot be asked."""
    store = Store.open(settings.database_url)
    try:
        if not _schema(store, say):
            return 2
        _holds(settings, store, say)
        fine = [
            connections(settings, store, say),
            dataverse(settings, say),
            _promises(store, say),
            _work(store, say),
            _attention(store, say),
        ]
        return 0 if all(fine) else 1
    finally:
        store.close()


def _schema(store: Store, say: Say) -> bool:
    try:
        found = store.read_now(readiness.revision)
    except GatepassError as error:
        return _line(say, False, "database", error.message)
    if found != migrations.head():
        return _line(
            say,
            False,
            "database",
            f"schema is at {found or 'nothing'}, needed is {migrations.head()}: run gatepass migrate",
        )
    return _line(say, True, "database", f"answers, schema {found}")


def connections(settings: Settings, store: Store, say: Say) -> bool:
    """Every payment provider, with the keys that count: asked once, for a few seconds at most. False when one is broken."""
    try:
        found = app.connected(settings, store)
    except GatepassError as error:
        return _line(say, False, "keys", error.message)
    if not found:
        return _line(say, True, "stripe", f"not connected: only free passes can be sold. {GIVE_KEY}")
    return asyncio.run(_ask_all(settings, list(found.values()), say))


def _holds(settings: Settings, store: Store, say: Say) -> None:
    """Holds that end before a page at the provider can end by itself. They work, so nothing is broken by them."""
    for what, minutes in _hold_minutes(settings, store):
        if minutes < SHORTEST_PAGE_MINUTES:
            say(f"{_WORDS[Health.WARNING]} hold: {what} is {minutes} minutes. {_SHORT_HOLD}")


def _hold_minutes(settings: Settings, store: Store) -> Sequence[tuple[str, int]]:
    """What each is called, and how long it is."""
    if settings.remote:
        return [("GATEPASS_DATAVERSE_HOLD_MINUTES", settings.dataverse_hold_minutes)]
    found = store.read_now(lambda tx: rows.matching(tx, model.BY_NAME["payment_provider"], {}))
    return [(f"the payment timeout of '{row['name']}'", row["timeout_minutes"]) for row in found]


async def _ask_all(settings: Settings, found: Sequence[PaymentProvider], say: Say) -> bool:
    fine = True
    for provider in found:
        for one in await connection.check(provider, app.place(settings)):
            fine &= _finding(say, provider.name, one)
        await provider.close()
    return fine


def dataverse(settings: Settings, say: Say) -> bool:
    """The Dataverse where purchases live: is all there that is needed? False when something is broken."""
    remote = app.remote_of(settings)
    return asyncio.run(_ask_dataverse(remote, say)) if remote else True


async def _ask_dataverse(remote: app.Remote, say: Say) -> bool:
    try:
        found = await check(remote.dataverse, remote.terms.rules.calls_per_s)
    finally:
        await remote.dataverse.close()
    for one in found:
        say(f"{_WORDS[one.health]} dataverse {one.what}: {one.says}")
    return all(one.health is not Health.BROKEN for one in found)


def _finding(say: Say, provider: str, one: Check) -> bool:
    say(f"{_WORDS[one.health]} {provider} {one.what.value}: {one.says}")
    return one.health is not Health.BROKEN


def _promises(store: Store, say: Say) -> bool:
    def look(promise: promises.Promise) -> Sequence[str]:
        return store.read_now(lambda tx: promises.broken(tx, promise, datetime.now(UTC)))

    kept = True
    with ThreadPoolExecutor(PROMISES_AT_ONCE) as looks:
        for promise, found in zip(promises.PROMISES, looks.map(look, promises.PROMISES), strict=True):
            kept &= _line(say, not found, f"promise {promise.number}", promise.says)
            for line in found:
                say(f"         {line}")
    return kept


def _work(store: Store, say: Say) -> bool:
    """What was given up, what fails, and whether anybody works at all."""
    found, quarantined = store.read_now(lambda tx: (jobs.backlog(tx), records.open_notifications(tx)))
    late_s = max(0, round((datetime.now(UTC) - found.oldest_due).total_seconds())) if found.oldest_due else 0
    told = f"{found.parked} jobs parked, {found.failing} failing, the oldest due since {late_s} s"
    _line(say, not found.parked, "work", f"{told}; {quarantined} notifications quarantined")
    if found.parked or quarantined:
        say("         See them with gatepass jobs and gatepass attention; try again with gatepass replay --parked")
    return not found.parked


def _attention(store: Store, say: Say) -> bool:
    found = store.read_now(records.needing_attention)
    _line(say, not found, "attention", f"{len(found)} entries need a person" if found else "nothing needs a person")
    for row in found:
        order = f"{order_reference(row['purchase_id'])}: " if row["purchase_id"] else ""
        say(f"         {order}{row['reason']}")
    return not found


def _line(say: Say, fine: bool, what: str, how: str) -> bool:
    say(f"{_WORDS[Health.FINE if fine else Health.BROKEN]} {what}: {how}")
    return fine
