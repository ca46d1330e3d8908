"""Needs attention as an inbox: the oldest first, each with what can be done by one click."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gatepass.domain.errors import GatepassError
from gatepass.services import attention, inbox
from gatepass.services.access import Caller
from gatepass.store import ReadTx
from gatepass.web.pages.common import form_of
from gatepass.web.site import site
from gatepass.web.staff.asking import form_page, id_in
from gatepass.web.staff.door import MOVES_MONEY
from gatepass.web.staff.layout import done
from gatepass.web.staff.overview import SHOWN, entries

ATTENTION = "/staff/attention"


@dataclass(frozen=True, slots=True)
class Way:
    """A page that settles an entry; {purchase} stands for the order's id."""

    label: str
    path: str


_REFUND, _SEAT, _LOOK = (
    Way("Give the money back", "/staff/purchases/{purchase}/refund"),
    Way("Help with it", "/staff/purchases/{purchase}/help"),
    Way("See what happened", "/staff/purchases/{purchase}"),
)
WAYS: Mapping[str, tuple[Way, ...]] = MappingProxyType(
    {
        "paid_late": (_REFUND, _SEAT),
        "settle_refused": (_REFUND, _SEAT),
        "refund_due": (_REFUND,),
        "refund_failed": (_REFUND,),
        "paid_elsewhere": (_REFUND,),
        "purchase_gone": (_REFUND,),
        "underpaid": (_REFUND, _SEAT),
        "overpaid": (_REFUND,),
        "finalize_refused": (_SEAT,),
    }
)
"""By kind of entry; others show what happened."""


async def show(request: Request, caller: Caller) -> Response:
    """GET /staff/attention"""
    return await _page(request, caller)


async def close(request: Request, caller: Caller) -> Response:
    """POST /staff/attention/{entry_id}/close: with how it was dealt with"""
    given, entry_id = await form_of(request), id_in(request, "entry_id")
    try:
        await site(request).store.write(lambda tx: attention.close(tx, entry_id, given.get("reason", ""), caller.name))
    except GatepassError as refusal:
        return await _page(request, caller, refusal)
    return done(request, ATTENTION, "The entry is closed.")


async def again(request: Request, caller: Caller) -> Response:
    """POST /staff/attention/{entry_id}/again: a notification, or work that was given up, is put back to work"""
    entry_id = id_in(request, "entry_id")
    try:
        await site(request).store.write(lambda tx: inbox.again(tx, entry_id, caller.name))
    except GatepassError as refusal:
        return await _page(request, caller, refusal)
    return done(request, ATTENTION, "It is tried again. Should it fail again, it stands here again.")


def line(row: Mapping[str, Any], *, may_move_money: bool) -> dict[str, Any]:
    """An entry with its remedies."""
    at = row["purchase_id"]
    ways = [way for way in (*(WAYS.get(row["kind"], ()) if may_move_money else ()), _LOOK) if row["reference"]]
    return dict(row) | {
        "ways": [(way.label, way.path.format(purchase=at)) for way in ways],
        "again": may_move_money and inbox.may_again(row),
    }


async def _page(request: Request, caller: Caller, wrong: GatepassError | None = None) -> Response:
    here, may = site(request), caller.role in MOVES_MONEY

    def look(tx: ReadTx) -> list[dict[str, Any]]:
        return [line(row, may_move_money=may) for row in entries(tx, here)]

    context = {"rows": await here.store.snapshot(look), "may": may, "most": SHOWN}
    return form_page(request, caller, "attention", context, wrong)
