"""Functions and actions that hang on no record, and writes to many records at once."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from gatepass import model
from gatepass.services import access
from tests.dataverse.calling import WebApi, api, refused
from tests.dataverse.clients import Asked, sdk_body, sdk_read

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
CONTACT = "Microsoft.Dynamics.CRM.contact"


# Functions


@pytest.mark.parametrize("call", ["WhoAmI", "WhoAmI()", "Microsoft.Dynamics.CRM.WhoAmI()"])
async def test_who_am_i(api: WebApi, call: str) -> None:
    said = (await api.get(call)).json()

    assert said.pop("@odata.context") == f"{api.root}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse"
    assert set(said) == {"BusinessUnitId", "UserId", "OrganizationId"}
    assert said["OrganizationId"] == str(api.here.organization)
    assert (await api.get(f"systemusers({said['UserId']})?$select=fullname")).status_code == 200
    assert (await api.get(f"businessunits({said['BusinessUnitId']})?$select=name")).status_code == 200


async def test_the_organization_tells_its_addresses(api: WebApi) -> None:
    access = "Microsoft.Dynamics.CRM.EndpointAccessType'Default'"
    for call in (
        f"RetrieveCurrentOrganization(AccessType={access})",
        f"RetrieveCurrentOrganization(AccessType=@p1)?@p1={access}",
    ):
        detail = (await api.get(call)).json()["Detail"]
        assert detail["OrganizationId"] == str(api.here.organization)
        assert detail["State"] == "Enabled"
        assert detail["Endpoints"]["Keys"] == ["WebApplication", "OrganizationService", "OrganizationDataService"]
        assert detail["Endpoints"]["Values"][2] == api.root
    assert (await api.get("RetrieveVersion()")).json()["Version"].startswith("9.2.")


async def test_rows_are_counted(api: WebApi) -> None:
    for call in ('RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["msevtmgt_pass","msevtmgt_event"]',
                 'RetrieveTotalRecordCount(EntityNames=["msevtmgt_pass","msevtmgt_event"])',
                 "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=['msevtmgt_pass','msevtmgt_event']"):  # fmt: skip
        said = (await api.get(call)).json()["EntityRecordCountCollection"]
        assert said["Keys"] == ["msevtmgt_pass", "msevtmgt_event"]
        assert (said["Count"], said["IsReadOnly"]) == (2, False)
        assert said["Values"][0] >= 3 * said["Values"][1]


BAD_CALLS = {
    "RetrieveTotalRecordCount": (400, "0x80060888"),
    "RetrieveTotalRecordCount(EntityNames=@p1)": (400, "0x80060888"),
    "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=[]": (400, "0x80060888"),
    "RetrieveTotalRecordCount(EntityNames=@p1)?@p1={}": (400, "0x80060888"),
    "RetrieveTotalRecordCount(EntityNames=@p1)?@p1=[1]": (400, "0x80060888"),
    'RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["nothing"]': (400, "0x80048d19"),
    "RetrieveTotalRecordCount(EntityNames": (404, "0x8006088a"),
    "RetrieveTotalRecordCount(what)": (400, "0x80060888"),
    "WhoIsThat()": (404, "0x8006088a"),
    "WhoAmI()/more": (404, "0x8006088a"),
    "BulkDelete": (405, "0x80060888"),
    "msevtmgt_finalizeregistrationpayment": (405, "0x80060888"),
}


@pytest.mark.parametrize("call", BAD_CALLS)
async def test_a_call_that_is_none_is_refused(api: WebApi, call: str) -> None:
    refused(await api.get(call), *BAD_CALLS[call])


async def test_counting_needs_the_right_to_read(api: WebApi) -> None:
    finalizer = api.by(token="secret-token-of-a-program")
    refused(await finalizer.get('RetrieveTotalRecordCount(EntityNames=@p1)?@p1=["contact"]'), 403, "0x80040220")
    refused(await api.post("WhoAmI", {}), 405, "0x80060888")


# Many records at once


async def test_many_are_made_in_order(api: WebApi) -> None:
    targets = [{"@odata.type": CONTACT, "lastname": f"L{at}"} for at in range(5)]
    answer = await api.post("contacts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": targets})

    assert answer.status_code == 200
    ids = answer.json()["Ids"]
    found = [(await api.get(f"contacts({at})?$select=lastname")).json()["lastname"] for at in ids]
    assert found == ["L0", "L1", "L2", "L3", "L4"]


async def test_many_are_made_or_none(api: WebApi) -> None:
    mail = f"{uuid4()}@example.org"
    targets = [{"lastname": "L", "emailaddress1": mail}, {"lastname": "L", "nothing": 1}]
    refused(await _multiple(api, "contacts", "CreateMultiple", targets), 400, "0x80048d19", "nothing")
    found = await api.get(f"contacts?$select=lastname&$filter=emailaddress1 eq '{mail}'")
    assert found.json()["value"] == []


async def test_many_are_changed_or_none(api: WebApi) -> None:
    ids = [await api.make("contacts", lastname="L") for _ in range(3)]
    targets = [{"@odata.type": CONTACT, "contactid": at, "jobtitle": f"T{at}"} for at in ids]
    assert (await _multiple(api, "contacts", "UpdateMultiple", targets)).status_code == 204
    assert await _titles(api, ids) == [f"T{at}" for at in ids]

    gone = [{"contactid": ids[0], "jobtitle": "X"}, {"contactid": str(uuid4()), "jobtitle": "X"}]
    refused(await _multiple(api, "contacts", "UpdateMultiple", gone), 404, "0x80040217")
    assert await _titles(api, ids) == [f"T{at}" for at in ids]


async def test_many_are_changed_or_made_by_their_key(api: WebApi) -> None:
    number = uuid4().hex[:18]
    known = await api.make("accounts", name="Old", accountnumber=f"{number}1")
    targets = [
        {
            "@odata.type": "Microsoft.Dynamics.CRM.account",
            "@odata.id": f"accounts(accountnumber='{number}1')",
            "name": "A",
        },
        {"@odata.id": f"{api.root}accounts(accountnumber='{number}2')", "name": "B"},
        {"accountnumber": f"{number}3", "name": "C"},
    ]
    for _ in range(2):
        assert (await _multiple(api, "accounts", "UpsertMultiple", targets)).status_code == 204

    found = await api.get(f"accounts?$select=name&$filter=startswith(accountnumber,'{number}')&$orderby=accountnumber")
    assert [row["name"] for row in found.json()["value"]] == ["A", "B", "C"]
    assert found.json()["value"][0]["accountid"] == known


async def test_many_are_removed_or_none(api: WebApi) -> None:
    ids = [await api.make("contacts", lastname="L") for _ in range(3)]
    wrong = [{"contactid": ids[0]}, {"contactid": str(uuid4())}]
    refused(await _multiple(api, "contacts", "DeleteMultiple", wrong), 404, "0x80040217")
    assert len(await _titles(api, ids)) == 3

    assert (await _multiple(api, "contacts", "DeleteMultiple", [{"contactid": at} for at in ids])).status_code == 204
    assert await _titles(api, ids) == []


BAD_TARGETS: dict[str, Any] = {
    "nothing": {},
    "no list": {"Targets": {}},
    "empty": {"Targets": []},
    "no objects": {"Targets": [1]},
    "another table": {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.account", "lastname": "L"}]},
    "no word for a table": {"Targets": [{"@odata.type": 1, "lastname": "L"}]},
    "too many": {"Targets": [{"lastname": "L"}] * 1001},
}


@pytest.mark.parametrize("what", BAD_TARGETS)
@pytest.mark.parametrize("action", ["CreateMultiple", "UpdateMultiple", "UpsertMultiple", "DeleteMultiple"])
async def test_targets_that_are_none_are_refused(api: WebApi, action: str, what: str) -> None:
    answer = await api.post(f"contacts/Microsoft.Dynamics.CRM.{action}", BAD_TARGETS[what])
    refused(answer, 400, "0x80048d19", "contacts")


async def test_a_target_without_a_key_is_refused(api: WebApi) -> None:
    refused(await _multiple(api, "contacts", "UpdateMultiple", [{"lastname": "L"}]), 400, "0x80048d19", "contactid")
    refused(await api.get("contacts/Microsoft.Dynamics.CRM.CreateMultiple"), 405, "0x80060888")
    refused(await _multiple(api, "contacts", "ArchiveMultiple", [{"lastname": "L"}]), 404, "0x8006088a")


async def test_many_may_be_made_inside_a_batch(api: WebApi) -> None:
    body = json.dumps({"Targets": [{"lastname": "L"}, {"lastname": "M"}]})
    request = Asked("POST", f"{api.root}contacts/Microsoft.Dynamics.CRM.CreateMultiple", body)
    answer = await api.call(
        "POST", "$batch", sdk_body([request]), **{"Content-Type": "multipart/mixed; boundary=batch_1"}
    )

    (read,) = sdk_read(answer.headers["content-type"], answer.content)
    assert len(read.data["Ids"]) == 2


# BulkDelete


async def test_a_list_of_ids_is_deleted_as_the_sdk_asks_it(api: WebApi) -> None:
    ids = [await api.make("contacts", lastname="L") for _ in range(3)]
    values = [{"Value": at, "Type": "System.Guid"} for at in [*ids[:2], str(uuid4())]]
    answer = await api.post("BulkDelete", _sdk_query("contact", "contactid", "In", values))

    assert answer.status_code == 200
    assert UUID(answer.json()["JobId"])
    assert [(await api.get(f"contacts({at})")).status_code for at in ids] == [404, 404, 200]


async def test_bulk_delete_by_conditions(api: WebApi) -> None:
    job = uuid4().hex
    ids = [await api.make("contacts", lastname=f"L{at}", jobtitle=job) for at in range(4)]
    criteria = {
        "FilterOperator": "And",
        "Conditions": [{"AttributeName": "jobtitle", "Operator": "Equal", "Values": [{"Value": job}]}],
        "Filters": [{"FilterOperator": "Or", "Conditions": [
            {"AttributeName": "lastname", "Operator": "Equal", "Values": ["L1"]},
            {"AttributeName": "lastname", "Operator": "EndsWith", "Values": ["3"]},
        ]}],
    }  # fmt: skip
    answer = await api.post("BulkDelete", {"QuerySet": [{"EntityName": "contact", "Criteria": criteria}]})

    assert answer.status_code == 200, answer.text
    assert [(await api.get(f"contacts({at})")).status_code for at in ids] == [200, 404, 200, 404]


async def test_a_row_in_use_keeps_all_of_them(api: WebApi) -> None:
    free, used = [await api.make("accounts", name="Contoso") for _ in range(2)]
    await api.make("contacts", lastname="L", **{"parentcustomerid_account@odata.bind": f"/accounts({used})"})

    answer = await api.post("BulkDelete", _sdk_query("account", "accountid", "In", [free, used]))

    refused(answer, 405, "0x80040227")
    assert [(await api.get(f"accounts({at})")).status_code for at in (free, used)] == [200, 200]


BAD_QUERIES: dict[str, tuple[Any, int]] = {
    "no conditions": ({"EntityName": "contact", "Criteria": {"Conditions": []}}, 400),
    "no criteria": ({"EntityName": "contact"}, 400),
    "no table": ({"Criteria": {}}, 501),
    "an unknown table": ({"EntityName": "nothing", "Criteria": {}}, 400),
    "an unknown column": ({"EntityName": "contact", "Criteria": {"Conditions": [{"AttributeName": "nothing"}]}}, 400),
    "an unknown operator": (
        {"EntityName": "contact", "Criteria": {"Conditions": [{"AttributeName": "lastname", "Operator": "Near"}]}}, 501
    ),
    "no value": (
        {"EntityName": "contact", "Criteria": {"Conditions": [{"AttributeName": "lastname", "Operator": "Equal"}]}}, 400
    ),
    "joins": ({"EntityName": "contact", "Criteria": {}, "LinkEntities": [{}]}, 501),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_QUERIES)
async def test_a_query_that_would_delete_something_else_is_refused(api: WebApi, what: str) -> None:
    query, status = BAD_QUERIES[what]
    answer = await api.post("BulkDelete", {"QuerySet": [query]})
    assert (answer.status_code, set(answer.json()["error"])) == (status, {"code", "message"}), answer.text


async def test_a_bulk_delete_of_nothing_is_a_mistake(api: WebApi) -> None:
    for said in ({}, {"QuerySet": []}):
        refused(await api.post("BulkDelete", said), 400, "0x80048d19")


ANY_VALUE: list[Any] = [
    None, True, 1, -1.5, 10**30, "", "a%_", "2027-06-10T09:00:00Z", "5b0c6c1e-7b51-4d0e-9f30-0a6f7d9b1c01", [1], {"a": 1}
]  # fmt: skip
OPERATORS = [
    "Equal", "NotEqual", "GreaterThan", "GreaterEqual", "LessThan", "LessEqual", "Like", "NotLike", "BeginsWith",
    "EndsWith", "Contains", "In", "NotIn", "Null", "NotNull",
]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
async def test_no_condition_ends_in_an_error_of_ours(api: WebApi, operator: str) -> None:
    """Every kind of column with every kind of value. The role may read, and delete nothing."""
    token = f"token of a planner: {operator}"
    await api.here.store.write(lambda tx: access.add_program(tx, operator, "planner", token))
    table = model.BY_LOGICAL["msevtmgt_event"]
    kinds = {column.kind: column.logical or "" for column in table.shown}
    queries = [_sdk_query(table.logical, name, operator, [value]) for name in kinds.values() for value in ANY_VALUE]

    batch = sdk_body([Asked("POST", f"{api.root}BulkDelete", json.dumps(query)) for query in queries])
    headers = {"Content-Type": "multipart/mixed; boundary=batch_1", "Prefer": "odata.continue-on-error"}
    answer = await api.by(token=token).call("POST", "$batch", batch, **headers)

    found = sdk_read(answer.headers["content-type"], answer.content)
    assert len(found) == len(queries)
    wrong = [(query, one) for query, one in zip(queries, found, strict=True) if one.status not in {200, 400, 403}]
    assert not wrong
    assert 400 in {one.status for one in found}


async def test_bulk_delete_needs_the_right_to_delete(api: WebApi) -> None:
    contact = await api.make("contacts", lastname="L")
    finalizer = api.by(token="secret-token-of-a-program")
    refused(await finalizer.post("BulkDelete", _sdk_query("contact", "contactid", "In", [contact])), 403, "0x80040220")


# Purchases


async def test_a_payment_page_may_ask_what_a_purchase_is(api: WebApi) -> None:
    order = await api.here.register(seats=2)
    wanted = {"PurchaseId": str(order.id)}

    said = (await api.post("msevtmgt_GetPurchaseDetailsAction", wanted)).json()
    assert said.pop("@odata.context").endswith("#Microsoft.Dynamics.CRM.msevtmgt_GetPurchaseDetailsActionResponse")
    assert said == {
        "EventName": "Contoso Summit", "PurchaseAmount": 241.0, "CurrencyName": "Euro", "ISOCurrencyCode": "EUR",
        "CurrencySymbol": "€",
    }  # fmt: skip
    more = (await api.post("msevtmgt_ListDetailedPurchaseInfo", wanted)).json()
    assert [one["Email"] for one in more["Attendees"]] == [order.email, "guest1@example.org"]
    assert {one["PassName"] for one in more["Attendees"]} == {"Full"}


async def test_who_may_not_see_people_sees_the_purchase_only(api: WebApi) -> None:
    order = await api.here.register()
    finalizer, wanted = api.by(token="secret-token-of-a-program"), {"PurchaseId": str(order.id)}

    assert (await finalizer.post("msevtmgt_GetPurchaseDetailsAction", wanted)).status_code == 200
    refused(await finalizer.post("msevtmgt_ListDetailedPurchaseInfo", wanted), 403, "0x80040220")
    refused(await api.post("msevtmgt_GetPurchaseDetailsAction", {"PurchaseId": str(uuid4())}), 404, "0x80040217")
    refused(await api.post("msevtmgt_GetPurchaseDetailsAction", {}), 400, "0x80048d19")


def _sdk_query(table: str, column: str, operator: str, values: list[Any]) -> dict[str, Any]:
    """As powerplatform-dataverse-client 1.1.0 writes it."""
    kind = "Microsoft.Dynamics.CRM."
    condition = {
        "@odata.type": f"{kind}ConditionExpression", "AttributeName": column, "Operator": operator, "Values": values
    }  # fmt: skip
    criteria = {"@odata.type": f"{kind}FilterExpression", "FilterOperator": "And", "Conditions": [condition]}
    columns: dict[str, Any] = {"@odata.type": f"{kind}ColumnSet", "AllColumns": False, "Columns": []}
    query = {"@odata.type": f"{kind}QueryExpression", "EntityName": table, "ColumnSet": columns, "Criteria": criteria}
    return {
        "JobName": "Bulk delete", "SendEmailNotification": False, "ToRecipients": [], "CCRecipients": [],
        "RecurrencePattern": "", "StartDateTime": "2026-11-21T12:00:00Z", "QuerySet": [query],
    }  # fmt: skip


async def _multiple(api: WebApi, set_name: str, action: str, targets: list[dict[str, Any]]) -> Any:
    return await api.post(f"{set_name}/Microsoft.Dynamics.CRM.{action}", {"Targets": targets})


async def _titles(api: WebApi, ids: list[str]) -> list[str]:
    found = [await api.get(f"contacts({at})?$select=jobtitle") for at in ids]
    return [one.json()["jobtitle"] for one in found if one.status_code == 200]
