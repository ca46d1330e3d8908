"""The control API: what a test, or a curious developer, may do to the sandbox. JSON under /_sandbox/, for the loopback only.

A page of somebody else, open in the developer's browser, may do nothing: see `guarded`.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gatepass.sandbox import buyer, events, money, sessions, timers
from gatepass.sandbox.delivery import Deliverer
from gatepass.sandbox.errors import StripeError, invalid, missing
from gatepass.sandbox.faults import MOST_TIMES, Faults
from gatepass.sandbox.objects import EXPANDABLE, Obj, may_be_null
from gatepass.sandbox.store import Store, Tx

LONGEST_ADVANCE_S = 10 * 366 * 24 * 3600
MOST_ROWS = 10_000
LATEST_S = 32_503_680_000
"""The year 3000: no time that an object is given lies later."""
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
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


Times = Annotated[int, msgspec.Meta(ge=1, le=MOST_TIMES)]
# What may be written where null stands: members that are no plain text stay null.
_TEXTS = frozenset(
    (
        "balance_transaction",
        "cancellation_reason",
        "cancel_url",
        "charge",
        "client_reference_id",
        "customer_email",
        "description",
        "failure_balance_transaction",
        "failure_code",
        "failure_message",
        "failure_reason",
        "latest_charge",
        "locale",
        "payment_intent",
        "payment_link",
        "payment_method",
        "reason",
        "receipt_url",
        "success_url",
        "url",
    )
)
_NEVER_NULL = frozenset(("currency", "status", "payment_status"))


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


Asked = TypeVar("Asked", bound=msgspec.Struct)


class Control:
    def __init__(self, store: Store, deliverer: Deliverer, base_url: str) -> None:
        self._store = store
        self._deliverer = deliverer
        self._base_url = base_url

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
        calls = [("POST", path, run) for path, run in posts.items()] + [
            ("GET", path, run) for path, run in gets.items()
        ]
        return [
            Route(f"/_sandbox/{path}", guarded(_json(run), self._base_url), methods=[method])
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
                _check_member(tx, obj, name, value)
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


def guarded(
    handle: Callable[[Request], Awaitable[Response]], base_url: str
) -> Callable[[Request], Awaitable[Response]]:
    """Answers 403 to another host name, which a foreign page can point at this machine, and to that page's own POSTs."""
    base = urlsplit(base_url)

    async def checked(request: Request) -> Response:
        host = request.headers.get("host", "")
        if _host_of(host) not in LOOPBACK | {base.hostname}:
            return _refused(f"The control API answers on the loopback and at {base_url}, not as {host[:100]}.")
        origin = request.headers.get("origin")
        own = {f"http://{host}", f"https://{host}", f"{base.scheme}://{base.netloc}"}
        if request.method != "GET" and origin is not None and origin not in own:
            return _refused(f"A page of {origin[:100]} may not control this sandbox.")
        return await handle(request)

    return checked


def _host_of(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _refused(why: str) -> Response:
    return JSONResponse(StripeError(403, why).body(), 403)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and 1 <= int(text) <= MOST_ROWS):
        raise invalid(f"Invalid limit: give a number from 1 to {MOST_ROWS}.", "limit")
    return int(text)


def _check_member(tx: Tx, obj: Obj, name: str, value: Any) -> None:
    """Raises unless the object stays one that all code of the sandbox can read: a lie, but a well-formed one."""
    if name not in obj or name in {"id", "object"}:
        raise invalid(f"Invalid {name}: {obj['object']} has no such member to change.", name)
    if name == "currency" and isinstance(value, str):
        money.known_currency(value, name)
    if not _fits(obj, name, value):
        raise invalid(f"Invalid {name}: this value cannot stand there.", name)
    kind = EXPANDABLE.get(obj["object"], {}).get(name)
    if kind and value is not None:
        tx.get(kind, value, name, 400)


def _fits(obj: Obj, name: str, value: Any) -> bool:
    current, time = obj[name], name == "created" or name.endswith("_at")
    number = time or "amount" in name or type(current) is int
    match value:
        case None:
            return not number and name not in _NEVER_NULL and may_be_null(obj["object"], name)
        case bool():
            return isinstance(current, bool)
        case int():
            return number and 0 <= value <= (LATEST_S if time else money.MAX_AMOUNT)
        case str():
            return not number and (isinstance(current, str) or (current is None and name in _TEXTS))
        case dict():
            return name == "metadata" and all(isinstance(text, str) for text in cast("Obj", value).values())
        case _:
            return False


async def _body(request: Request, kind: type[Asked]) -> Asked:
    return msgspec.json.decode(await request.body() or b"{}", type=kind)


def _json(run: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            return JSONResponse(await run(request))
        except msgspec.DecodeError as error:
            return JSONResponse(invalid(str(error), _member(str(error))).body(), 400)
        except (UnicodeError, RecursionError, OverflowError) as error:
            return JSONResponse(invalid(f"The body cannot be kept as JSON: {error}").body(), 400)
        except StripeError as error:
            return JSONResponse(error.body(), error.status)

    return handle


def _member(message: str) -> str | None:
    """The member that msgspec's words name."""
    found = re.search(r"`\$\.([^`]+)`", message) or re.search(r"field `([^`]+)`", message)
    return found[1] if found else None
