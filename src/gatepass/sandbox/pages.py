"""The pages a buyer sees: payment, 3-D Secure, and where a payment has ended. They work without any script."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from gatepass.sandbox import buyer, cards, links, money, payments, sessions
from gatepass.sandbox.buyer import Outcome
from gatepass.sandbox.cards import METHODS, Method, method_of
from gatepass.sandbox.config import SandboxConfig
from gatepass.sandbox.errors import StripeError
from gatepass.sandbox.faults import DeliveryFault
from gatepass.sandbox.objects import Obj
from gatepass.sandbox.store import Store

FIELDS = ("email", "cc-number", "cc-exp", "cc-csc", "cc-name", "notify")
COMMON_CARDS = 9
LATE_S = 30
NOTICES: Mapping[str, tuple[str, DeliveryFault | None]] = MappingProxyType(
    {
        "now": ("At once", None),
        "late": ("Late", DeliveryFault(delay_s=LATE_S)),
        "twice": ("Twice", DeliveryFault(times=2)),
        "never": ("Never", DeliveryFault(mode="drop")),
    }
)
# The field that an error of the card belongs to.
_FIELD_OF = MappingProxyType({"incorrect_cvc": "cc-csc", "expired_card": "cc-exp"})
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def render(name: str, status: int = 200, origins: str = "", framed: bool = False, **values: Any) -> HTMLResponse:
    """One page under a strict content policy. `origins`: where a form of it may end, as its redirects count too.

    `framed`: what Stripe.js shows within any merchant's page, with a script that talks to it.
    """
    policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    policy += "script-src 'self'; connect-src 'self'; " if framed else "frame-ancestors 'none'; "
    policy += f"form-action 'self' {origins}".rstrip()
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(_templates.get_template(name).render(values), status, headers)


class Pages:
    def __init__(self, store: Store, config: SandboxConfig) -> None:
        self._store = store
        self._merchant = config.merchant

    def routes(self) -> list[Route]:
        return [
            Route("/c/pay/{id}", self.show, methods=["GET"]),
            Route("/c/pay/{id}", self.submit, methods=["POST"]),
            Route("/c/pay/{id}/3ds", self.show_secure, methods=["GET"]),
            Route("/c/pay/{id}/3ds", self.answer_secure, methods=["POST"]),
            Route("/l/{id}", self.open_link, methods=["GET"]),
            Route("/3ds/{id}", self.intent_secure, methods=["GET", "POST"]),
            Route("/receipts/{id}", self.receipt, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        """GET /c/pay/{session}"""
        session = self._session(request)
        if session is None:
            return _not_found("There is no such payment page.")
        if session["status"] != "open":
            return self._ended(session)
        return self._form(session, {"email": session["customer_email"] or ""}, {})

    async def submit(self, request: Request) -> Response:
        """POST /c/pay/{session}: pay, or fill in a test card."""
        session = self._session(request)
        if session is None:
            return _not_found("There is no such payment page.")
        form = await request.form()
        typed = {name: str(form.get(name, "")).strip() for name in FIELDS}
        if "fill" in form:
            return self._form(session, _filled(typed, str(form["fill"])), {})
        if session["status"] == "open" and (errors := _mistakes(typed, session)):
            return self._form(session, typed | {"cc-csc": ""}, errors, 422)
        notice = typed["notify"] if typed["notify"] in NOTICES else "now"
        return self._pay(session, typed, notice)

    async def show_secure(self, request: Request) -> Response:
        """GET /c/pay/{session}/3ds"""
        session = self._session(request)
        if session is None or session["status"] != "open":
            return RedirectResponse(f"/c/pay/{request.path_params['id']}", 303)
        notify = request.query_params.get("notify", "now")
        action = f"/c/pay/{session['id']}/3ds" + (f"?notify={notify}" if notify in NOTICES else "")
        return render("secure.html", origins=_origins(session), action=action, **self._facts(session))

    async def answer_secure(self, request: Request) -> Response:
        """POST /c/pay/{session}/3ds"""
        session = self._session(request)
        if session is None:
            return _not_found("There is no such payment page.")
        form = await request.form()
        fault = NOTICES.get(request.query_params.get("notify", "now"), NOTICES["now"])[1]
        outcome = buyer.authenticate(self._store, session["id"], form.get("result") == "complete", fault)
        return self._after(outcome, {"email": session["customer_email"] or ""}, "now")

    async def open_link(self, request: Request) -> Response:
        """GET /l/{payment link}: a session of its own for each buyer who opens it."""
        with self._store.change() as tx:
            link = tx.find(request.path_params["id"], "payment_link")
            if link is None:
                return _not_found("There is no such payment link.")
            if not links.usable(tx, link):
                text = link["inactive_message"] or "The link has been switched off, or what it sold has been paid."
                return _message(410, "closed", "Closed", "This link is no longer active", text)
            session = links.open_link(tx, link, request.query_params.get("client_reference_id"))
        return RedirectResponse(f"/c/pay/{session['id']}", 303)

    async def intent_secure(self, request: Request) -> Response:
        """/3ds/{intent}: the bank's step of an intent that was confirmed over the API."""
        form = await request.form()
        with self._store.change() as tx:
            intent = tx.find(request.path_params["id"], "payment_intent")
            if intent is None or intent["status"] != "requires_action" or tx.hidden(intent["id"]).get("session"):
                return _not_found("There is nothing to confirm here.")
            facts: Obj = {"merchant": self._merchant, "amount": money.display(intent["amount"], intent["currency"])}
            if request.method == "GET":
                return render("secure.html", framed=True, action=f"/3ds/{intent['id']}", **facts)
            passed = form.get("result") == "complete"
            method = METHODS[tx.hidden(intent["id"])["card"]]
            error = payments.attempt(tx, intent, method, {}) if passed else payments.refuse_authentication(tx, intent)
        state = "failed" if error else "done"
        told = "The merchant has been told."
        return _message(200, state, "Closed", "You can close this page", told, framed=True, script="/v3/over.js")

    async def receipt(self, request: Request) -> Response:
        """GET /receipts/{charge}"""
        with self._store.look() as tx:
            charge = tx.find(request.path_params["id"], "charge")
        if charge is None:
            return _not_found("There is no such receipt.")
        paid, refunded = (money.display(charge[n], charge["currency"]) for n in ("amount_captured", "amount_refunded"))
        return _message(200, "paid", "Receipt", f"Receipt from {self._merchant}", f"{paid} paid, {refunded} refunded.")

    def _session(self, request: Request) -> Obj | None:
        with self._store.look() as tx:
            found = tx.find(request.path_params["id"], "checkout.session")
        if found and found["status"] == "open" and found["expires_at"] <= self._store.now:
            with self._store.change() as tx:
                return sessions.expire_if_due(tx, found["id"])
        return found

    def _pay(self, session: Obj, typed: dict[str, str], notice: str) -> Response:
        method = method_of(typed["cc-number"])
        billing: Obj = {"email": typed["email"], "name": typed["cc-name"] or None}
        if expiry := _expiry(typed["cc-exp"]):
            billing |= {"exp_year": expiry[0], "exp_month": expiry[1]}
        try:
            outcome = buyer.pay(self._store, session["id"], method, billing, NOTICES[notice][1])
        except StripeError as error:
            return self._form(session, typed | {"cc-csc": ""}, {"cc-number": error.error["message"]}, 422)
        return self._after(outcome, typed, notice)

    def _after(self, outcome: Outcome, typed: dict[str, str], notice: str) -> Response:
        """Where the buyer goes next."""
        session = outcome.session
        if outcome.result == "requires_action":
            return RedirectResponse(f"/c/pay/{session['id']}/3ds?notify={notice}", 303)
        if outcome.result == "declined" and session["status"] == "open":
            error = outcome.error.error if outcome.error else {"message": "Please try again.", "code": ""}
            where = _FIELD_OF.get(error["code"], "cc-number")
            return self._form(session, typed | {"cc-csc": ""}, {where: error["message"]}, 422)
        url = sessions.return_url(session) if outcome.complete else None
        return RedirectResponse(url or f"/c/pay/{session['id']}", 303)

    def _form(self, session: Obj, typed: Mapping[str, str], errors: Mapping[str, str], status: int = 200) -> Response:
        facts = self._facts(session)
        methods = [m for m in METHODS.values() if not m.debit or "sepa_debit" in session["payment_method_types"]]
        return render(
            "pay.html",
            status,
            _origins(session),
            typed=dict.fromkeys(FIELDS, "") | {"notify": "now"} | dict(typed),
            errors=errors,
            notices=[(value, notice[0]) for value, notice in NOTICES.items()],
            common=methods[:COMMON_CARDS],
            rare=methods[COMMON_CARDS:],
            **facts,
        )

    def _facts(self, session: Obj) -> Obj:
        with self._store.look() as tx:
            lines: list[Obj] = tx.hidden(session["id"])["line_items"]
        shown = [line | {"shown": money.display(line["amount_total"], line["currency"])} for line in lines]
        return {
            "session": session,
            "merchant": self._merchant,
            "lines": shown,
            "amount": money.display(session["amount_total"], session["currency"]),
            "until": datetime.fromtimestamp(session["expires_at"], UTC),
        }

    def _ended(self, session: Obj) -> Response:
        """The page of a session that is over."""
        back = {"next": session["cancel_url"], "next_label": f"Back to {self._merchant}"}
        if session["status"] == "expired":
            text = "Nothing was charged. Go back to start again."
            return _message(410, "expired", "Expired", "This payment page has expired", text, **back)
        amount = money.display(session["amount_total"], session["currency"])
        onward = {"next": sessions.return_url(session), "next_label": f"Continue to {self._merchant}"}
        if session["payment_status"] == "unpaid":
            text = "Your bank has been asked for the money. You will hear from us when it has arrived."
            return _message(200, "awaiting", "Processing", f"{amount} is on its way", text, **onward)
        text = self._custom_message(session) or "Thank you. You need not pay again."
        return _message(200, "paid", "Paid", f"{amount} has been paid", text, **onward)

    def _custom_message(self, session: Obj) -> str | None:
        """What the merchant wants to be read after a payment link was paid."""
        if not session["payment_link"]:
            return None
        with self._store.look() as tx:
            after = tx.get("payment_link", session["payment_link"])["after_completion"]
        return after.get("hosted_confirmation", {}).get("custom_message")


def _filled(typed: dict[str, str], number: str) -> dict[str, str]:
    """What was typed, with a test card in place."""
    method = METHODS.get(number, METHODS["4242424242424242"])
    code = "" if method.debit else "1234" if method.brand == "amex" else "123"
    card = {"cc-number": method.spaced, "cc-exp": "" if method.debit else "12 / 34", "cc-csc": code}
    return typed | card | {"cc-name": typed["cc-name"] or "Test Buyer", "email": typed["email"] or "buyer@example.com"}


def _mistakes(typed: Mapping[str, str], session: Obj) -> dict[str, str]:
    """What is wrong with the form, by field; checked before any bank is asked."""
    errors: dict[str, str] = {}
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", typed["email"]):
        errors["email"] = "Enter your email address, such as name@example.com."
    if session["amount_total"]:
        errors |= _card_mistakes(typed, method_of(typed["cc-number"]))
    return errors


def _card_mistakes(typed: Mapping[str, str], method: Method) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not typed["cc-number"]:
        errors["cc-number"] = "Enter a card number."
    elif method.refuse == "incorrect_number":
        errors["cc-number"] = cards.refusal("incorrect_number").error["message"]
    if not method.debit:
        if problem := _expiry_mistake(typed["cc-exp"]):
            errors["cc-exp"] = problem
        if not re.fullmatch(r"\d{4}" if method.brand == "amex" else r"\d{3}", typed["cc-csc"]):
            errors["cc-csc"] = f"Enter the {4 if method.brand == 'amex' else 3} digits of the security code."
    if not typed["cc-name"]:
        errors["cc-name"] = "Enter the name on the card."
    return errors


def _expiry_mistake(text: str) -> str | None:
    expiry = _expiry(text)
    if expiry is None:
        return "Enter the date as on the card, such as 12 / 34."
    today = datetime.now(UTC)
    return "Your card has expired." if expiry < (today.year, today.month) else None


def _expiry(text: str) -> tuple[int, int] | None:
    """(year, month) of "12 / 34", "12/2034" or "1234"."""
    found = re.fullmatch(r"(0?[1-9]|1[0-2])\s*[/-]?\s*(\d\d|20\d\d)", text)
    return (2000 + int(found[2]) % 100, int(found[1])) if found else None


def _origins(session: Obj) -> str:
    """Where the form may lead: the merchant's origins, and anything on this machine."""
    urls = [urlsplit(str(session[name])) for name in ("success_url", "cancel_url") if session[name]]
    safe = {f"{u.scheme}://{u.netloc}" for u in urls if re.fullmatch(r"[\w.:\[\]-]+", u.netloc)}
    return " ".join(sorted(safe | {"http://127.0.0.1:*", "http://localhost:*"}))


def _message(status: int, state: str, badge: str, title: str, text: str, **values: Any) -> Response:
    return render("message.html", status, state=state, badge=badge, title=title, text=text, **values)


def _not_found(text: str) -> Response:
    return _message(404, "closed", "Not found", text, "Check the address, or go back to where you came from.")
