"""The control API: what a test, or a curious developer, may do to the sandbox. JSON under /_sandbox/, for the loopback only.

What the merchant's staff and the buyer's bank do stands in dashboard.py.
"""

from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from gatepass.sandbox import buyer, events, ledger, lies, payments, sessions, timers
from gatepass.sandbox.delivery import Deliverer
from gatepass.sandbox.errors import StripeError, invalid, missing
from gatepass.sandbox.faults import MOST_TIMES, Faults
from gatepass.sandbox.guard import Run, as_json, body_of, guarded
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Store, Tx

LONGEST_ADVANCE_S = 10 * 366 * 24 * 3600
MOST_ROWS = 10_000
Times = Annotated[int, msgspec.Meta(ge=1, le=MOST_TIMES)]


class Pay(msgspec.Struct, forbid_unknown_fields=True):
    """A buyer at the page of `session` (an id, or the address of a session or of a payment link)."""

    session: str
    card: str = "4242424242424242"
    email: str | None = None
    name: str | None = None
    three_ds: Literal["complete", "fail"] = "complete"


class Flush(msgspec.Struct, forbid_unknown_fields=True):
    times: Times = 1
    shuffled: bool = False
    session: str | None = None
    again: bool = False


class Redeliver(msgspec.Struct, forbid_unknown_fields=True):
    event: str
    times: Times = 1


class OfSession(msgspec.Struct, forbid_unknown_fields=True):
    session: str


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    seconds: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_ADVANCE_S)]


class Emit(msgspec.Struct, forbid_unknown_fields=True):
    type: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z_]+)+$")]
    object: dict[str, Any]


class Control:
    def __init__(self, store: Store, deliverer: Deliverer, base_url: str) -> None:
        self._store = store
        self._deliverer = deliverer
        self._base_url = base_url

    def routes(self) -> list[Route]:
        posts: dict[str, Run] = {
            "faults": self.set_faults,
            "reset_faults": self.reset_faults,
            "flush": self.flush,
            "redeliver": self.redeliver,
            "pay": self.pay,
            "settle_async": self.settle_async,
            "advance": self.advance,
            "events": self.emit,
            "objects/{id}": self.overwrite,
            "tamper/{id}": self.tamper,
        }
        gets: dict[str, Run] = {
            "state": self.state,
            "deliveries": self.deliveries,
            "ledger": self.ledger,
            "faults": self.get_faults,
            "tamper": self.tampered,
        }
        calls = [("POST", path, run) for path, run in posts.items()] + [
            ("GET", path, run) for path, run in gets.items()
        ]
        return [
            Route(f"/_sandbox/{path}", guarded(as_json(run), self._base_url), methods=[method])
            for method, path, run in calls
        ]

    async def state(self, _: Request) -> Obj:
        """How much of everything there is, and the switches."""
        with self._store.look() as tx:
            objects = {row["kind"]: row["n"] for row in tx.rows("select kind, count(*) n from object group by kind")}
            sent = {row["state"]: row["n"] for row in tx.rows("select state, count(*) n from delivery group by state")}
            waiting = tx.row("select count(*) n from timer")
        faults = msgspec.to_builtins(self._store.faults)
        return {
            "now": self._store.now,
            "objects": objects,
            "deliveries": sent,
            "timers": waiting["n"] if waiting else 0,
            "faults": faults,
        }

    async def get_faults(self, _: Request) -> Any:
        return msgspec.to_builtins(self._store.faults)

    async def set_faults(self, request: Request) -> Any:
        """Set some of the switches; those that are not named stay."""
        wanted = msgspec.json.decode(await request.body(), type=dict[str, dict[str, Any]])
        self._store.set_faults(self._store.faults.changed(wanted))
        self._store.on_event()
        return msgspec.to_builtins(self._store.faults)

    async def reset_faults(self, _: Request) -> Any:
        """Everything back to normal, and nothing but the truth."""
        with self._store.change() as tx:
            lies.end_all(tx)
        self._store.set_faults(Faults())
        self._store.on_event()
        return msgspec.to_builtins(self._store.faults)

    async def deliveries(self, request: Request) -> Obj:
        """Newest first; `?session=` or `?event=` narrows it, `?limit=` (100)."""
        subject, limit = request.query_params.get("session"), _limit(request.query_params.get("limit", "100"))
        with self._store.look() as tx:
            return {"data": recent_deliveries(tx, limit, subject, request.query_params.get("event"))}

    async def flush(self, request: Request) -> Obj:
        """Deliver now what is held or waits for its next try; answers after the last attempt."""
        wanted = await body_of(request, Flush)
        done = await self._deliverer.flush(wanted.times, wanted.shuffled, wanted.session, wanted.again)
        return {"attempts": done}

    async def redeliver(self, request: Request) -> Obj:
        """Deliver one event again, even one that was dropped; answers after the last attempt."""
        wanted = await body_of(request, Redeliver)
        with self._store.look() as tx:
            tx.get("event", wanted.event)
            rows = tx.rows("select min(id) id from delivery where event = ? group by endpoint", wanted.event)
        planned = [row["id"] for row in rows for _ in range(wanted.times)]
        return {"attempts": await self._deliverer.redeliver(planned)}

    async def pay(self, request: Request) -> Obj:
        """Pay like a person at the page does. A decline is an answer, not an error."""
        wanted = await body_of(request, Pay)
        session = buyer.session_at(self._store, wanted.session)
        billing = {"email": wanted.email or "buyer@example.com", "name": wanted.name or "Test Buyer"}
        return buyer.pay_headless(self._store, session, wanted.card, billing, wanted.three_ds == "complete")

    async def settle_async(self, request: Request) -> Obj:
        """Let the bank answer a debit now; of a session, or of an intent that is a payment by itself."""
        wanted = await body_of(request, OfSession)
        of_intent = wanted.session.startswith("pi_")
        with self._store.change() as tx:
            settled = payments.settle(tx, wanted.session) if of_intent else sessions.settle(tx, wanted.session)
        if settled is None:
            raise StripeError(409, f"{wanted.session} has no bank debit that waits.")
        return {"session": settled["id"], "payment_status": settled["status" if of_intent else "payment_status"]}

    async def advance(self, request: Request) -> Obj:
        """Move the clock, and do at once what falls due."""
        wanted = await body_of(request, Advance)
        now = self._store.advance(wanted.seconds)
        done = 0
        while count := timers.run_due(self._store):
            done += count
        self._store.on_event()
        return {"now": now, "timers": done}

    async def emit(self, request: Request) -> Obj:
        """Send an event that nothing stands behind."""
        wanted = await body_of(request, Emit)
        for name in ("object", "id"):
            if not wanted.object.get(name) or not isinstance(wanted.object[name], str):
                raise missing(f"object.{name}")
        with self._store.change() as tx:
            return events.emit(tx, wanted.type, wanted.object)

    async def overwrite(self, request: Request) -> Obj:
        """Change members of a stored object behind everybody's back; no event is sent. Plain members and metadata only."""
        members = msgspec.json.decode(await request.body(), type=dict[str, Any])
        with self._store.change() as tx:
            obj = tx.find(request.path_params["id"])
            if obj is None:
                raise StripeError(404, f"There is no object {request.path_params['id']}.")
            for name, value in members.items():
                lies.check_member(tx, obj, name, value)
            if obj["object"] == "checkout.session" and "expires_at" in members:
                tx.later(members["expires_at"] - tx.now, "expire", obj["id"])
            return tx.save(obj | members)

    async def tamper(self, request: Request) -> Obj:
        """Lie about members of one object wherever it is read, the truth staying stored; `{}` takes the lie back."""
        members = msgspec.json.decode(await request.body(), type=dict[str, Any])
        with self._store.change() as tx:
            return lies.tell(tx, request.path_params["id"], members)

    async def tampered(self, _: Request) -> Obj:
        with self._store.look() as tx:
            return lies.all_told(tx)

    async def ledger(self, request: Request) -> list[Obj]:
        """What the provider holds: one row per session, and per intent without one. `?paid=true`: with money only."""
        paid_only = request.query_params.get("paid") == "true"
        with self._store.look() as tx:
            return ledger.rows(tx, paid_only)


def recent_deliveries(tx: Tx, limit: int, subject: str | None = None, event: str | None = None) -> list[Obj]:
    """Deliveries with their event's type, newest first; `subject`: of one session, intent or charge."""
    sql = """select d.id, d.event, e.body ->> '$.type' type, d.endpoint, d.state, d.attempts, d.answer, d.first, d.due,
      e.body ->> '$.data.object.id' object from delivery d join object e on e.id = d.event
      where (?1 is null or e.hidden like '%"' || ?1 || '"%') and (?2 is null or d.event = ?2)
      order by d.id desc limit ?3"""
    return [dict(row) for row in tx.rows(sql, subject, event, limit)]


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MOST_ROWS):
        raise invalid(f"Invalid limit: give a number from 1 to {MOST_ROWS}.", "limit")
    return int(text)
