"""The control API: what a test, or a curious developer, may do to the sandbox. JSON under /_sandbox/, for the loopback only."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatepass.sandbox import buyer, events, sessions, timers
from gatepass.sandbox.delivery import Deliverer
from gatepass.sandbox.errors import StripeError, invalid
from gatepass.sandbox.faults import Faults
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Store, Tx

LEDGER = """
select s.id session, i.id intent, coalesce(s.metadata, i.metadata) metadata, coalesce(s.status, i.status) status,
  i.status intent_status, s.payment_status, coalesce(s.currency, i.currency) currency,
  coalesce(s.amount, i.amount) amount, coalesce(i.amount_received, 0) amount_received,
  coalesce((select sum(c.amount_refunded) from object c where c.kind = 'charge' and c.payment_intent = i.id), 0) amount_refunded
from object s left join object i on i.id = s.payment_intent where s.kind = 'checkout.session'
union all
select null, i.id, i.metadata, i.status, i.status, null, i.currency, i.amount, i.amount_received,
  coalesce((select sum(c.amount_refunded) from object c where c.kind = 'charge' and c.payment_intent = i.id), 0)
from object i where i.kind = 'payment_intent'
  and not exists (select 1 from object s where s.payment_intent = i.id and s.kind = 'checkout.session')
"""


class Pay(msgspec.Struct, forbid_unknown_fields=True):
    """A buyer at the page of `session` (an id, or the address of a session or of a payment link)."""

    session: str
    card: str = "4242424242424242"
    email: str | None = None
    name: str | None = None
    three_ds: Literal["complete", "fail"] = "complete"


class Flush(msgspec.Struct, forbid_unknown_fields=True):
    times: int = 1
    shuffled: bool = False
    session: str | None = None
    again: bool = False


class Redeliver(msgspec.Struct, forbid_unknown_fields=True):
    event: str
    times: int = 1


class OfSession(msgspec.Struct, forbid_unknown_fields=True):
    session: str


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    seconds: float


class Emit(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    object: dict[str, Any]


Asked = TypeVar("Asked", bound=msgspec.Struct)


class Control:
    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self._store = store
        self._deliverer = deliverer

    def routes(self) -> list[Route]:
        posts: dict[str, Callable[[Request], Awaitable[Any]]] = {
            "faults": self.set_faults,
            "reset_faults": self.reset_faults,
            "flush": self.flush,
            "redeliver": self.redeliver,
            "pay": self.pay,
            "settle_async": self.settle_async,
            "advance": self.advance,
            "events": self.emit,
            "objects/{id}": self.overwrite,
        }
        gets: dict[str, Callable[[Request], Awaitable[Any]]] = {
            "state": self.state,
            "deliveries": self.deliveries,
            "ledger": self.ledger,
            "faults": self.get_faults,
        }
        routes = [Route(f"/_sandbox/{path}", _json(run), methods=["POST"]) for path, run in posts.items()]
        return routes + [Route(f"/_sandbox/{path}", _json(run), methods=["GET"]) for path, run in gets.items()]

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
        self._store.set_faults(Faults())
        self._store.on_event()
        return msgspec.to_builtins(self._store.faults)

    async def deliveries(self, request: Request) -> Obj:
        """Newest first; `?session=` or `?event=` narrows it, `?limit=` (100)."""
        subject, limit = request.query_params.get("session"), int(request.query_params.get("limit", "100"))
        with self._store.look() as tx:
            return {"data": recent_deliveries(tx, limit, subject, request.query_params.get("event"))}

    async def flush(self, request: Request) -> Obj:
        """Deliver now what is held or waits for its next try; answers after the last attempt."""
        wanted = await _body(request, Flush)
        done = await self._deliverer.flush(wanted.times, wanted.shuffled, wanted.session, wanted.again)
        return {"attempts": done}

    async def redeliver(self, request: Request) -> Obj:
        """Deliver one event again, even one that was dropped; answers after the last attempt."""
        wanted = await _body(request, Redeliver)
        with self._store.look() as tx:
            tx.get("event", wanted.event)
            rows = tx.rows("select min(id) id from delivery where event = ? group by endpoint", wanted.event)
        planned = [row["id"] for row in rows for _ in range(wanted.times)]
        return {"attempts": await self._deliverer.redeliver(planned)}

    async def pay(self, request: Request) -> Obj:
        """Pay like a person at the page does. A decline is an answer, not an error."""
        wanted = await _body(request, Pay)
        session = buyer.session_at(self._store, wanted.session)
        billing = {"email": wanted.email or "buyer@example.com", "name": wanted.name or "Test Buyer"}
        return buyer.pay_headless(self._store, session, wanted.card, billing, wanted.three_ds == "complete")

    async def settle_async(self, request: Request) -> Obj:
        """Let the bank answer a debit now."""
        wanted = await _body(request, OfSession)
        with self._store.change() as tx:
            session = sessions.settle(tx, wanted.session)
        if session is None:
            raise StripeError(409, f"{wanted.session} has no bank debit that waits.")
        return {"session": session["id"], "payment_status": session["payment_status"]}

    async def advance(self, request: Request) -> Obj:
        """Move the clock, and do at once what falls due."""
        wanted = await _body(request, Advance)
        now = self._store.advance(wanted.seconds)
        done = 0
        while count := timers.run_due(self._store):
            done += count
        self._store.on_event()
        return {"now": now, "timers": done}

    async def emit(self, request: Request) -> Obj:
        """Send an event that nothing stands behind."""
        wanted = await _body(request, Emit)
        with self._store.change() as tx:
            return events.emit(tx, wanted.type, wanted.object)

    async def overwrite(self, request: Request) -> Obj:
        """Change members of a stored object behind everybody's back; no event is sent."""
        members = msgspec.json.decode(await request.body(), type=dict[str, Any])
        with self._store.change() as tx:
            obj = tx.find(request.path_params["id"])
            if obj is None:
                raise StripeError(404, f"There is no object {request.path_params['id']}.")
            if obj["object"] == "checkout.session" and "expires_at" in members:
                tx.later(members["expires_at"] - tx.now, "expire", obj["id"])
            return tx.save(obj | members)

    async def ledger(self, request: Request) -> list[Obj]:
        """What the provider holds: one row per session, and per intent without one. `?paid=true`: with money only."""
        where = " where amount_received > 0" if request.query_params.get("paid") == "true" else ""
        with self._store.look() as tx:
            rows = tx.rows(f"select * from ({LEDGER}){where}")
        return [dict(row) | {"metadata": msgspec.json.decode(row["metadata"] or "{}")} for row in rows]


def recent_deliveries(tx: Tx, limit: int, subject: str | None = None, event: str | None = None) -> list[Obj]:
    """Deliveries with their event's type, newest first; `subject`: of one session, intent or charge."""
    sql = """select d.id, d.event, e.body ->> '$.type' type, d.endpoint, d.state, d.attempts, d.answer, d.first, d.due,
      e.body ->> '$.data.object.id' object from delivery d join object e on e.id = d.event
      where (?1 is null or e.hidden like '%"' || ?1 || '"%') and (?2 is null or d.event = ?2)
      order by d.id desc limit ?3"""
    return [dict(row) for row in tx.rows(sql, subject, event, limit)]


async def _body(request: Request, kind: type[Asked]) -> Asked:
    return msgspec.json.decode(await request.body() or b"{}", type=kind)


def _json(run: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(await run(request))
        except msgspec.DecodeError as error:
            return JSONResponse(invalid(str(error)).body(), 400)
        except StripeError as error:
            return JSONResponse(error.body(), error.status)

    return handle
