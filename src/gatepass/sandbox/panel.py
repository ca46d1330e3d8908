"""The control panel: recent payments and deliveries at a glance, and every fault as a plain form."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gatepass.sandbox import dashboard, lies, money, sessions
from gatepass.sandbox.config import SandboxConfig
from gatepass.sandbox.control import recent_deliveries
from gatepass.sandbox.delivery import Deliverer
from gatepass.sandbox.errors import StripeError, invalid
from gatepass.sandbox.faults import Faults
from gatepass.sandbox.guard import Asked, guarded
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.pages import render
from gatepass.sandbox.store import Store, Tx

SHOWN = 20
_STATES = {"paid": "paid", "no_payment_required": "paid", "unpaid": "awaiting"}
_SENT = {"delivered": "done", "pending": "awaiting", "dropped": "cancelled", "failed": "failed"}


class Panel:
    def __init__(self, store: Store, deliverer: Deliverer, config: SandboxConfig) -> None:
        self._store = store
        self._deliverer = deliverer
        self._config = config

    def routes(self) -> list[Route]:
        change = guarded(self.change, self._config.base_url)
        return [Route("/", self.show, methods=["GET"]), Route("/_sandbox/panel", change, methods=["POST"])]

    async def show(self, _: Request) -> Response:
        with self._store.look() as tx:
            payments = _payments(tx)
            deliveries = [d | {"tone": _SENT[d["state"]]} for d in recent_deliveries(tx, SHOWN)]
        values: dict[str, Any] = {"payments": payments, "deliveries": deliveries, "faults": self._store.faults}
        page = render("panel.html", config=self._config, **values)
        # With no-referrer, a browser would send its forms as from nowhere, and they would be refused.
        page.headers["Referrer-Policy"] = "same-origin"
        return page

    async def change(self, request: Request) -> Response:
        """POST /_sandbox/panel: one form each; `do` says which."""
        form = {name: str(value) for name, value in (await request.form()).items()}
        do = form.get("do", "")
        if do == "flush":
            await self._deliverer.flush(1, shuffled=False, subject=None, again=False)
        elif do == "settle":
            self._settle(form.get("session", ""))
        elif do in _DOES:
            try:
                _DOES[do](self._store, form)
            except StripeError as error:
                return PlainTextResponse(f"{error.error['message']}\n", error.status)
        elif do in {"deliveries", "api", "reset"}:
            try:
                self._set(do, form)
            except ValueError as error:
                return PlainTextResponse(f"This is no such number: {error}\n", 400)
        self._store.on_event()
        return RedirectResponse("/", 303)

    def _settle(self, session: str) -> None:
        try:
            with self._store.change() as tx:
                sessions.settle(tx, session)
        except StripeError:
            return

    def _set(self, do: str, form: dict[str, str]) -> None:
        faults = Faults()
        if do == "reset":
            with self._store.change() as tx:
                lies.end_all(tx)
        if do == "deliveries":
            wanted: Obj = {"mode": form.get("mode", "normal"), "times": int(form.get("times") or 1)}
            wanted |= {"delay_s": float(form.get("delay_s") or 0), "shuffle": "shuffle" in form}
            wanted |= {"bad_signature": "bad_signature" in form, "old_timestamp": "old_timestamp" in form}
            faults = self._store.faults.changed({"deliveries": wanted})
        if do == "api":
            status = form.get("status", "")
            wanted = {"status": int(status) if status else None, "hang_s": float(form.get("hang_s") or 0)}
            wanted |= {"after_effect": "after_effect" in form, "remaining": int(form.get("remaining") or 1)}
            faults = self._store.faults.changed({"api": wanted})
        self._store.set_faults(faults)


def _refund(store: Store, form: dict[str, str]) -> None:
    """Without an amount, in the units that people use, all that is left."""
    session, typed = form.get("session", ""), form.get("amount", "").strip()
    with store.look() as tx:
        currency = tx.get("checkout.session", session, "session")["currency"]
    wanted = {"payment": session, "amount": money.typed(typed, currency) if typed else None}
    dashboard.give_back(store, _as(dashboard.Refund, wanted | {"outcome": form.get("outcome", "card")}))


def _dispute(store: Store, form: dict[str, str]) -> None:
    inquiry = form.get("do") == "inquire"
    reason = "general" if inquiry else "fraudulent"
    dashboard.dispute(store, dashboard.Dispute(form.get("session", ""), reason, inquiry))


def _resolve(store: Store, form: dict[str, str]) -> None:
    dashboard.resolve(store, form.get("dispute", ""), _as(dashboard.DisputeResult, {"result": form.get("do")}))


def _expire(store: Store, form: dict[str, str]) -> None:
    dashboard.expire(store, form.get("session", ""))


def _as(kind: type[Asked], given: Obj) -> Asked:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None


_DOES: Mapping[str, Callable[[Store, dict[str, str]], None]] = MappingProxyType(
    {
        "refund": _refund,
        "dispute": _dispute,
        "inquire": _dispute,
        "won": _resolve,
        "lost": _resolve,
        "expire": _expire,
    }
)


def _payments(tx: Tx) -> list[Obj]:
    """The newest sessions, ready to be shown."""
    sql = """select s.id, s.status, s.payment_status, s.amount, s.currency,
      coalesce(c.amount - c.amount_refunded, 0) left_, d.id dispute, d.status dispute_status
      from (select * from object where kind = 'checkout.session' order by seq desc limit ?) s
      left join object c on +c.kind = 'charge' and c.status = 'succeeded' and c.payment_intent = s.payment_intent
      left join object d on d.kind = 'dispute' and d.charge = c.id and d.status not in ('won', 'lost', 'warning_closed')
      order by s.seq desc"""
    return [_payment(dict(row)) for row in tx.rows(sql, SHOWN)]


def _payment(row: Obj) -> Obj:
    open_ = row["status"] == "open"
    word = row["status"] if row["status"] != "complete" else row["payment_status"].replace("_", " ")
    tone = (
        "draft"
        if open_
        else "expired"
        if row["status"] == "expired"
        else _STATES.get(row["payment_status"], "awaiting")
    )
    waiting = row["status"] == "complete" and row["payment_status"] == "unpaid"
    shown = money.display(row["amount"], row["currency"])
    return row | {"word": word, "tone": tone, "shown": shown, "waiting": waiting, "open": open_}
