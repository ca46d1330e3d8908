"""What happens by itself when its time has come: sessions expire, bank debits settle, slow refunds and disputes end."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gatepass.sandbox import disputes, payments, refunds, sessions
from gatepass.sandbox.errors import StripeError
from gatepass.sandbox.store import Row, Store, Tx

_ACTIONS: Mapping[str, Callable[[Tx, str], object]] = MappingProxyType(
    {
        "expire": sessions.expire_if_due,
        "settle": sessions.settle,
        "settle_intent": payments.settle,
        "refund_succeeds": refunds.succeed,
        "refund_fails": refunds.fail,
        "dispute_won": disputes.win,
        "dispute_lost": disputes.lose,
        "dispute_due": disputes.end_unanswered,
    }
)
BATCH = 100


def run_due(store: Store) -> int:
    """Do everything that is due, one transaction each. Returns how many."""
    with store.look() as tx:
        due = tx.rows("select * from timer where due <= ? order by due limit ?", tx.now, BATCH)
    for row in due:
        try:
            with store.change() as tx:
                _drop(tx, row)
                if tx.find(row["object"]):
                    _ACTIONS[row["action"]](tx, row["object"])
        except StripeError:
            # The object was changed by hand so that this cannot be done any more. The next one can.
            with store.change() as tx:
                _drop(tx, row)
    return len(due)


def _drop(tx: Tx, timer: Row) -> None:
    tx.run("delete from timer where id = ?", timer["id"])
