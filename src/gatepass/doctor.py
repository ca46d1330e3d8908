"""`gatepass doctor`: is everything as it should be? Says so line by line; the exit code tells machines."""

from collections.abc import Callable
from datetime import UTC, datetime

from gatepass.config import Settings
from gatepass.domain.errors import GatepassError
from gatepass.store import ReadTx, Store, migrations, promises, readiness, records

Say = Callable[[str], None]


def run(settings: Settings, say: Say) -> int:
    """0: all is well. 1: something is broken or needs a person. 2: the database cannot be asked."""
    store = Store.open(settings.database_url)
    try:
        if not _schema(store, say):
            return 2
        fine = [_settings(settings, say), _promises(store, say), _attention(store, say)]
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


def _settings(settings: Settings, say: Say) -> bool:
    if settings.stripe_secret_key is None:
        return _line(say, True, "stripe", "not connected: only free passes can be sold. Set GATEPASS_STRIPE_SECRET_KEY")
    if not settings.stripe_webhook_secret:
        return _line(say, False, "stripe", "GATEPASS_STRIPE_WEBHOOK_SECRET is not set: notifications are refused")
    return _line(say, True, "stripe", f"{settings.mode} mode at {settings.stripe_api_base}")


def _promises(store: Store, say: Say) -> bool:
    kept = True
    for promise in promises.PROMISES:
        found = store.read_now(lambda tx, promise=promise: promises.broken(tx, promise, datetime.now(UTC)))
        kept &= _line(say, not found, f"promise {promise.number}", promise.says)
        for line in found:
            say(f"         {line}")
    return kept


def _attention(store: Store, say: Say) -> bool:
    def look(tx: ReadTx) -> list[str]:
        return [str(row["reason"]) for row in records.needing_attention(tx)]

    found = store.read_now(look)
    _line(say, not found, "attention", f"{len(found)} entries need a person" if found else "nothing needs a person")
    for reason in found:
        say(f"         {reason}")
    return not found


def _line(say: Say, fine: bool, what: str, how: str) -> bool:
    say(f"{'ok    ' if fine else 'BROKEN'} {what}: {how}")
    return fine
