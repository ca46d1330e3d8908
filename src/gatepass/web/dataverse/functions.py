"""The functions and actions of the Web API that hang on no record, in one table (dataverse-web-api.md sections 2 and 4).

A function is read by GET: `WhoAmI`, `WhoAmI()`, `RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["contact"]`. An action is
posted: `POST BulkDelete`. Either may have `Microsoft.Dynamics.CRM.` before its name.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit

import msgspec

from gatepass import model
from gatepass.domain.errors import Conflict, Refused
from gatepass.model.build import BUSINESS_UNIT
from gatepass.model.query import Aggregation, Field, Query
from gatepass.model.table import Table
from gatepass.services.records.privileges import Right, require
from gatepass.store import ReadTx, WriteTx, people, query
from gatepass.web.dataverse import bulk_delete, finalize, purchase_details
from gatepass.web.dataverse.call import Call, Operation, Reply
from gatepass.web.dataverse.errors import JSON
from gatepass.web.dataverse.odata.address import Segment, argument, arguments

VERSION = "9.2.0.0"
"""The version of Dataverse whose Web API this one follows."""
MAX_NAMES = 100
"""Tables to count in one call."""

Arguments = Mapping[str, str]
"""By parameter; each as it was written, aliases already replaced."""

_COUNT = "count"
_json = msgspec.json.Encoder()


def find(call: Call, segment: Segment) -> Operation | None:
    """The operation of an unbound call. None when nothing goes by this name; Conflict when it wants another method."""
    function, action = FUNCTIONS.get(segment.bare), ACTIONS.get(segment.bare)
    if function and call.method == "GET":
        return Operation(read=partial(function, arguments(segment, call.options)))
    if action and call.method == "POST":
        return Operation(write=action)
    if function or action:
        raise Conflict(
            "MethodWrong", f"No HTTP resource was found that matches the request URI '{call.root}{call.path[:200]}'."
        )
    return None


# Functions


def who_am_i(_: Arguments, tx: ReadTx, call: Call) -> Reply:
    """The caller's own ids."""
    ids = {"BusinessUnitId": BUSINESS_UNIT, "UserId": call.caller.user_id, "OrganizationId": people.organization_id(tx)}
    return _told(call, "WhoAmI", ids)


def retrieve_version(_: Arguments, _tx: ReadTx, call: Call) -> Reply:
    """Which Dataverse this is like."""
    return _told(call, "RetrieveVersion", {"Version": VERSION})


def retrieve_current_organization(_: Arguments, tx: ReadTx, call: Call) -> Reply:
    """The organization and its addresses. AccessType makes no difference: there is one address for all."""
    at = people.organization_id(tx)
    found = query.find(tx, model.BY_LOGICAL["organization"], at)
    name = str(found.values["name"]) if found else ""
    origin = call.root.partition("/api/")[0]
    host = (urlsplit(origin).hostname or "").partition(".")[0]
    endpoints = {
        "WebApplication": f"{origin}/",
        "OrganizationService": f"{origin}/",
        "OrganizationDataService": call.root,
    }
    detail = {
        "OrganizationId": at, "FriendlyName": name, "OrganizationVersion": VERSION, "EnvironmentId": at,
        "TenantId": at, "UrlName": host, "UniqueName": host, "State": "Enabled", "Endpoints": _dictionary(endpoints),
    }  # fmt: skip
    return _told(call, "RetrieveCurrentOrganization", {"Detail": detail})


def retrieve_total_record_count(given: Arguments, tx: ReadTx, call: Call) -> Reply:
    """How many rows each table has: EntityNames=["contact","msevtmgt_event"]."""
    counts: dict[str, int] = {}
    for name in _names(given.get("EntityNames", "")):
        table = model.BY_LOGICAL.get(name)
        if table is None:
            raise Refused(
                "PayloadInvalid", f"The entity with a name = '{name[:100]}' was not found in the MetadataCache."
            )
        require(call.caller, Right.READ, table)
        counts[name] = _rows(tx, table)
    return _told(call, "RetrieveTotalRecordCount", {"EntityRecordCountCollection": _dictionary(counts)})


def _rows(tx: ReadTx, table: Table) -> int:
    """All of them: what `$count` tells ends at 5,000."""
    (told,) = query.select(tx, Query(table, fields=(Field(_COUNT, None, Aggregation.COUNT),))).records
    found = told.values[_COUNT]
    assert isinstance(found, int)
    return found


def _names(text: str) -> Sequence[str]:
    found = argument(text) if text else ()
    names = [name for name in found if isinstance(name, str)] if isinstance(found, tuple) else []
    if not 0 < len(names) <= MAX_NAMES:
        raise Refused("QuerySyntax", f'EntityNames has to be a list of 1 to {MAX_NAMES} names, such as ["contact"].')
    return names


def _told(call: Call, name: str, members: Mapping[str, object]) -> Reply:
    context = f"{call.root}$metadata#Microsoft.Dynamics.CRM.{name}Response"
    return Reply(200, {"Content-Type": JSON}, _json.encode({"@odata.context": context, **members}))


def _dictionary(items: Mapping[str, object]) -> Mapping[str, object]:
    """As Dataverse writes a dictionary."""
    return {"Count": len(items), "IsReadOnly": False, "Keys": list(items), "Values": list(items.values())}


FUNCTIONS: Mapping[str, Callable[[Arguments, ReadTx, Call], Reply]] = MappingProxyType(
    {
        "WhoAmI": who_am_i,
        "RetrieveVersion": retrieve_version,
        "RetrieveCurrentOrganization": retrieve_current_organization,
        "RetrieveTotalRecordCount": retrieve_total_record_count,
    }
)
ACTIONS: Mapping[str, Callable[[WriteTx, Call], Reply]] = MappingProxyType(
    {
        "BulkDelete": bulk_delete.run,
        "msevtmgt_finalizeregistrationpayment": finalize.run,
        "msevtmgt_GetPurchaseDetailsAction": purchase_details.show,
        "msevtmgt_ListDetailedPurchaseInfo": purchase_details.show_with_people,
    }
)
