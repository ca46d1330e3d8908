"""The wire examples of the contract (dataverse-web-api.md section 4), byte by byte, with ids and addresses of our own."""

import json
from uuid import uuid4

import pytest

from tests.dataverse.calling import WebApi, api
from tests.running import Running

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORMATTED = "OData.Community.Display.V1.FormattedValue"
CRM = "Microsoft.Dynamics.CRM"


async def _order(api: WebApi, price: object = 61.70) -> tuple[str, str]:
    """An order in dollars, and the id of its currency."""
    dollar = (await api.get("transactioncurrencies(isocurrencycode='USD')?$select=isocurrencycode")).json()
    currency = dollar["transactioncurrencyid"]
    event = await api.make(
        "msevtmgt_events", msevtmgt_name="Summit", msevtmgt_readableeventid=f"summit-{uuid4().hex[:8]}",
        msevtmgt_eventstartdate="2027-06-10T09:00:00Z", msevtmgt_eventenddate="2027-06-11T17:00:00Z",
        **{"transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})"},
    )  # fmt: skip
    answer = await api.post(
        "msevtmgt_eventpurchases",
        {
            "msevtmgt_name": "Order 41",
            "msevtmgt_totalprice": price,
            "msevtmgt_EventId@odata.bind": f"/msevtmgt_events({event})",
            "transactioncurrencyid@odata.bind": f"/transactioncurrencies({currency})",
        },
    )
    assert (answer.status_code, answer.content) == (204, b"")
    address = answer.headers["odata-entityid"]
    assert address == answer.headers["location"]
    assert address.startswith(f"{api.root}msevtmgt_eventpurchases(")
    assert address.endswith(")")
    return address[-37:-1], currency


async def test_an_order_is_made_and_read_with_everything_that_annotates_it(api: WebApi) -> None:
    order, currency = await _order(api)

    path = f"msevtmgt_eventpurchases({order})?$select=msevtmgt_totalprice&$expand=transactioncurrencyid($select=isocurrencycode)"
    answer = await api.get(path, prefer='odata.include-annotations="*"')

    assert answer.headers["preference-applied"] == 'odata.include-annotations="*"'
    assert answer.headers["content-type"] == "application/json; odata.metadata=minimal"
    assert answer.text == (
        f'{{"@odata.context":"{api.root}$metadata#msevtmgt_eventpurchases(msevtmgt_totalprice,'
        'transactioncurrencyid(isocurrencycode))/$entity",'
        '"@odata.etag":"W/\\"1\\"",'
        f'"msevtmgt_totalprice@{FORMATTED}":"$61.70","msevtmgt_totalprice":61.7000,'
        f'"_transactioncurrencyid_value@{FORMATTED}":"US Dollar",'
        f'"_transactioncurrencyid_value@{CRM}.associatednavigationproperty":"transactioncurrencyid",'
        f'"_transactioncurrencyid_value@{CRM}.lookuplogicalname":"transactioncurrency",'
        f'"_transactioncurrencyid_value":"{currency}","msevtmgt_eventpurchaseid":"{order}",'
        f'"transactioncurrencyid":{{"isocurrencycode":"USD","transactioncurrencyid":"{currency}"}}}}'
    )


async def test_without_being_asked_nothing_is_annotated(api: WebApi) -> None:
    order, currency = await _order(api)

    answer = await api.get(f"msevtmgt_eventpurchases({order})?$select=msevtmgt_totalprice")

    assert "preference-applied" not in answer.headers
    assert answer.text == (
        f'{{"@odata.context":"{api.root}$metadata#msevtmgt_eventpurchases(msevtmgt_totalprice)/$entity",'
        f'"@odata.etag":"W/\\"1\\"","msevtmgt_totalprice":61.7000,"_transactioncurrencyid_value":"{currency}",'
        f'"msevtmgt_eventpurchaseid":"{order}"}}'
    )


async def test_a_page_counts_and_leads_on(api: WebApi) -> None:
    mark = uuid4().hex
    names = [f"{mark} {at:02}" for at in range(25)]
    for name in names:
        await api.make("msevtmgt_speakers", msevtmgt_name=name)

    options = f"$select=msevtmgt_name&$filter=startswith(msevtmgt_name,'{mark}')&$count=true&$orderby=msevtmgt_name"
    page = await api.get(f"msevtmgt_speakers?{options}", prefer="odata.maxpagesize=10")

    assert page.headers["preference-applied"] == "odata.maxpagesize=10"
    start = f'{{"@odata.context":"{api.root}$metadata#msevtmgt_speakers(msevtmgt_name)","@odata.count":25,"value":[{{"@odata.etag":"W/'
    assert page.text.startswith(start)
    link = f'],"@odata.nextLink":"{api.root}msevtmgt_speakers?{options}&$skiptoken='
    assert link in page.text
    told = [one["msevtmgt_name"] for one in page.json()["value"]]
    while "@odata.nextLink" in page.json():
        page = await api.get(page.json()["@odata.nextLink"], prefer="odata.maxpagesize=10")
        told += [one["msevtmgt_name"] for one in page.json()["value"]]
    assert told == names


async def test_a_stale_etag(api: WebApi) -> None:
    at = await api.make("msevtmgt_speakers", msevtmgt_name="Ada")

    answer = await api.patch(f"msevtmgt_speakers({at})", {"msevtmgt_name": "x"}, if_match='W/"20411"')

    assert answer.status_code == 412
    assert answer.text == (
        '{"error":{"code":"0x80060882","message":"The version of the existing record doesn\'t match the RowVersion '
        'property provided."}}'
    )


async def test_a_purchase_is_finalized_with_no_body(api: WebApi, shared: Running) -> None:
    order, _ = await _order(api)
    words = {"msevtmgt_purchaseid": order, "msevtmgt_paymentstatus": 100000001}

    for version in ("v9.1", "v9.2"):
        answer = await api.by(version=version).post("msevtmgt_finalizeregistrationpayment", words)
        assert (answer.status_code, answer.content) == (204, b"")

    told = await api.get(
        f"msevtmgt_eventpurchases({order})?$select=msevtmgt_paymentstatus",
        prefer=f'odata.include-annotations="{FORMATTED}"',
    )
    assert told.json()["msevtmgt_paymentstatus"] == 100000001
    assert told.json()[f"msevtmgt_paymentstatus@{FORMATTED}"] == "Completed"


async def test_who_am_i(api: WebApi) -> None:
    for name in ("WhoAmI", "WhoAmI()", "Microsoft.Dynamics.CRM.WhoAmI()"):
        answer = await api.get(name)
        said = answer.json()
        context = f'{{"@odata.context":"{api.root}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse","BusinessUnitId":"'
        assert answer.text.startswith(context)
        assert list(said) == ["@odata.context", "BusinessUnitId", "UserId", "OrganizationId"]


async def test_the_options_of_a_choice_as_the_sdk_asks_for_them(api: WebApi) -> None:
    path = (
        "EntityDefinitions(LogicalName='msevtmgt_eventpurchase')/Attributes/"
        "Microsoft.Dynamics.CRM.PicklistAttributeMetadata?%24select=LogicalName&%24expand=OptionSet(%24select=Options)"
    )
    found = {one["LogicalName"]: one for one in (await api.get(path)).json()["value"]}

    status = found["msevtmgt_paymentstatus"]
    assert status["MetadataId"]
    assert status["OptionSet"]["Options"][0]["Value"] == 100000000
    assert status["OptionSet"]["Options"][0]["Label"]["UserLocalizedLabel"]["Label"] == "Cancelled"


@pytest.mark.parametrize(
    ("sent", "told"),
    [("61.70", "61.7000"), ("0.29", "0.2900"), ("1e2", "100.0000"), ("922337203685.47", "922337203685.4700")],
)
async def test_money_is_never_a_float(api: WebApi, sent: str, told: str) -> None:
    order, _ = await _order(api)
    event = (await api.get(f"msevtmgt_eventpurchases({order})?$select=_msevtmgt_eventid_value")).json()[
        "_msevtmgt_eventid_value"
    ]

    body = json.dumps({"msevtmgt_budgetallocated": 0}).replace("0}", f"{sent}}}").encode()
    assert (await api.patch(f"msevtmgt_events({event})", body, content_type="application/json")).status_code == 204

    answer = await api.get(f"msevtmgt_events({event})?$select=msevtmgt_budgetallocated")
    assert f'"msevtmgt_budgetallocated":{told},' in answer.text
    assert (
        await api.get(
            f"msevtmgt_events/$count?$filter=msevtmgt_budgetallocated eq {told} and msevtmgt_eventid eq {event}"
        )
    ).text == "1"
