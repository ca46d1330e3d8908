"""Where staff gives money back: everything, what some people paid, or an amount; after a look at what that means, and never twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.domain.money import Money
from gatepass.services import refunds
from gatepass.services.access import Caller
from gatepass.services.refunds import Preview, Wish
from gatepass.services.views import Views
from gatepass.store import ReadTx, payments, purchases
from gatepass.store.purchases import AttendeeRow
from gatepass.web.errors import status_of
from gatepass.web.pages.common import form_of
from gatepass.web.pages.timeline import purchase_id_of
from gatepass.web.site import site
from gatepass.web.staff.layout import done, page

ALL, PEOPLE, AMOUNT = "all", "people", "amount"
_CHOICES = frozenset({"what", "amount", "keep", "reason", "left"})


@dataclass(frozen=True, slots=True)
class Refundable:
    """What of a purchase could go back."""

    purchase_id: UUID
    reference: str
    """A name for people."""
    buyer: str
    """Empty where nobody knows here."""
    left: Money
    people: Sequence[AttendeeRow]
    """Who holds a registration."""


async def form(request: Request, caller: Caller) -> Response:
    """GET /staff/purchases/{purchase_id}/refund"""
    found = await _refundable(request)
    return _page(request, caller, found, {"what": ALL})


async def submit(request: Request, caller: Caller) -> Response:
    """POST /staff/purchases/{purchase_id}/refund: first what it would do, then, `sure`, done"""
    given, found = await form_of(request), await _refundable(request)
    here = site(request)
    try:
        wish = _wish(given, found, caller)
        if "sure" not in given:
            return _page(
                request, caller, found, given, shown=await here.store.snapshot(lambda tx: refunds.preview(tx, wish))
            )
        await refunds.refund(here.store, here.desk.management, wish)
    except (Refused, Conflict, NotFound) as refusal:
        return _page(request, caller, await _refundable(request), given, refusal)
    return done(request, f"/staff/purchases/{found.purchase_id}", "The refund is on its way.")


def _wish(given: Mapping[str, str], found: Refundable, caller: Caller) -> Wish:
    people = [person.id for person in found.people if f"who_{person.id}" in given]
    what = given.get("what", "")
    if what not in {ALL, PEOPLE, AMOUNT}:
        raise Refused(
            "RefundChoiceMissing", "Choose how much: everything, what some people paid, or an amount.", field="what"
        )
    if what == PEOPLE and not people:
        raise Refused("AttendeesMissing", "Choose at least one person.", field="people")
    return Wish(
        purchase_id=found.purchase_id,
        reason=given.get("reason", ""),
        actor=caller.name,
        attendees=people if what == PEOPLE else (),
        amount=_amount(given, found) if what == AMOUNT else None,
        keep_seats="keep" in given,
        expected_left=_seen(given),
    )


def _amount(given: Mapping[str, str], found: Refundable) -> Money:
    try:
        return Money.parse(given.get("amount", "").strip(), found.left.currency)
    except Refused as refusal:
        raise Refused(refusal.code, refusal.message, field="amount") from None


def _seen(given: Mapping[str, str]) -> int:
    """What the page showed: pressing twice, or a colleague who was faster, must not give back twice."""
    text = given.get("left", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


async def _refundable(request: Request) -> Refundable:
    purchase_id = purchase_id_of(request)
    here = site(request)
    found = await here.store.snapshot(lambda tx: _look(tx, here.desk.management.views, purchase_id))
    if found is None:
        raise NotFound("PurchaseUnknown", "There is no purchase with this id.")
    return found


def _look(tx: ReadTx, views: Views, purchase_id: UUID) -> Refundable | None:
    line = views.line(tx, purchase_id)
    if line is None:
        return None
    paid = refunds.succeeded(payments.of_purchase(tx, purchase_id))
    left = refunds.left_of_all(paid, refunds.gone(tx, [purchase_id]))
    people = purchases.registered(tx, [purchase_id])
    return Refundable(purchase_id, line.reference, line.buyer, Money(left, line.total.currency), people)


def _page(
    request: Request, caller: Caller, found: Refundable, given: Mapping[str, str], wrong: GatepassError | None = None,
    shown: Preview | None = None,
) -> Response:  # fmt: skip
    context: dict[str, Any] = {
        "found": found,
        "given": given,
        "wrong": wrong,
        "shown": shown,
        "chosen": {name: value for name, value in given.items() if name in _CHOICES or name.startswith("who_")},
        "remote": site(request).remote,
        "prices": {person.id: Money(person.price_minor, found.left.currency) for person in found.people},
    }
    return page(request, caller, "refund", context, status_of(wrong) if wrong else 200)
