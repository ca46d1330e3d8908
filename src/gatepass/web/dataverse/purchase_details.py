"""What a payment page needs to know of a purchase: two actions of outbound marketing (event-management.md section 2).

The names in their answers are documented nowhere; these say what Microsoft's text says is in them.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from gatepass import model
from gatepass.domain.errors import NotFound
from gatepass.model.navigation import navigations
from gatepass.model.query import Expand, Query, Record
from gatepass.services.records.privileges import Right, require
from gatepass.store import WriteTx, events, purchases, query
from gatepass.web.dataverse import document
from gatepass.web.dataverse.call import Call, Reply
from gatepass.web.dataverse.errors import JSON

DETAILS, WITH_PEOPLE = "msevtmgt_GetPurchaseDetailsAction", "msevtmgt_ListDetailedPurchaseInfo"
_PURCHASE = model.BY_LOGICAL["msevtmgt_eventpurchase"]
_PERSON = model.BY_LOGICAL["msevtmgt_eventpurchaseattendee"]
_EVENT, _CURRENCY = "msevtmgt_EventId", "transactioncurrencyid"
_json = msgspec.json.Encoder(decimal_format="number")


def show(tx: WriteTx, call: Call) -> Reply:
    """POST msevtmgt_GetPurchaseDetailsAction {"PurchaseId"}: event, amount, currency."""
    return _told(call, DETAILS, _details(tx, call, _purchase_id(call, DETAILS)))


def show_with_people(tx: WriteTx, call: Call) -> Reply:
    """POST msevtmgt_ListDetailedPurchaseInfo {"PurchaseId"}: the same, and who the passes are for."""
    require(call.caller, Right.READ, _PERSON)
    purchase_id = _purchase_id(call, WITH_PEOPLE)
    return _told(call, WITH_PEOPLE, {**_details(tx, call, purchase_id), "Attendees": _people(tx, purchase_id)})


def _details(tx: WriteTx, call: Call, purchase_id: UUID) -> Mapping[str, object]:
    ways = [navigations(_PURCHASE)[name] for name in (_EVENT, _CURRENCY)]
    tables = [model.BY_LOGICAL[name] for name in ("msevtmgt_event", "transactioncurrency")]
    for table in (_PURCHASE, *tables):
        require(call.caller, Right.READ, table)
    expand = [Expand(way, Query(table)) for way, table in zip(ways, tables, strict=True)]
    found = query.find(tx, _PURCHASE, purchase_id, (), expand)
    if found is None:
        raise NotFound("RecordMissing", f"{_PURCHASE.logical} With Id = {purchase_id} Does Not Exist")
    event, currency = found.related[_EVENT], found.related[_CURRENCY]
    assert isinstance(event, Record)
    assert isinstance(currency, Record)
    return {
        "EventName": event.values["msevtmgt_name"],
        "PurchaseAmount": found.values["msevtmgt_totalprice"],
        "CurrencyName": currency.values["currencyname"],
        "ISOCurrencyCode": currency.values["isocurrencycode"],
        "CurrencySymbol": currency.values["currencysymbol"],
    }


def _people(tx: WriteTx, purchase_id: UUID) -> list[Mapping[str, object]]:
    purchase = purchases.get(tx, purchase_id)
    event = events.get(tx, purchase.event_id) if purchase else None
    names = {one.id: one.name for one in event.passes} if event else {}
    return [
        {
            "FirstName": one.first_name,
            "LastName": one.last_name,
            "Email": one.email,
            "PassName": names.get(one.pass_id) if one.pass_id else None,
        }
        for one in purchases.attendees(tx, [purchase_id])
    ]


def _purchase_id(call: Call, action: str) -> UUID:
    said = document.read(call.body, action).get("PurchaseId")
    try:
        return UUID(str(said))
    except ValueError:
        raise document.invalid(action, "PurchaseId has to be a GUID.") from None


def _told(call: Call, action: str, members: Mapping[str, object]) -> Reply:
    context = f"{call.root}$metadata#Microsoft.Dynamics.CRM.{action}Response"
    return Reply(200, {"Content-Type": JSON}, _json.encode({"@odata.context": context, **members}))
