"""Lists over the Web API: pages, counts, annotations that were asked for, and how each kind of value is told."""

from uuid import uuid4

import pytest

from tests.dataverse.calling import WebApi, api, refused

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


async def _speakers(api: WebApi, count: int) -> str:
    mark = uuid4().hex
    for at in range(count):
        await api.make("msevtmgt_speakers", msevtmgt_name=f"{mark} {at:02}")
    return mark


async def test_a_new_row_before_the_cursor_shifts_nothing(api: WebApi) -> None:
    mark = await _speakers(api, 6)
    path = f"msevtmgt_speakers?$select=msevtmgt_name&$filter=startswith(msevtmgt_name,'{mark}')&$orderby=msevtmgt_name"

    first = (await api.get(path, prefer="odata.maxpagesize=3")).json()
    await api.make("msevtmgt_speakers", msevtmgt_name=f"{mark} 00a")
    second = (await api.get(first["@odata.nextLink"], prefer="odata.maxpagesize=3")).json()

    names = [one["msevtmgt_name"] for one in (*first["value"], *second["value"])]
    assert names == [f"{mark} {at:02}" for at in range(6)]
    assert "@odata.nextLink" not in second


async def test_the_link_repeats_the_options_letter_by_letter(api: WebApi) -> None:
    mark = await _speakers(api, 2)
    options = f"%24select=msevtmgt_name&$filter=startswith(msevtmgt_name,+'{mark}')%20and msevtmgt_name ne null"

    page = (await api.get(f"msevtmgt_speakers?{options}", prefer="odata.maxpagesize=1")).json()

    sent = options.replace(" ", "%20")
    assert page["@odata.nextLink"].startswith(f"{api.root}msevtmgt_speakers?{sent}&$skiptoken=")
    rest = (await api.get(page["@odata.nextLink"], prefer="odata.maxpagesize=1")).json()
    assert len(rest["value"]) == 1


async def test_top_ends_the_pages(api: WebApi) -> None:
    mark = await _speakers(api, 5)
    path = f"msevtmgt_speakers?$select=msevtmgt_name&$filter=startswith(msevtmgt_name,'{mark}')&$top=3"

    page, told = (await api.get(path, prefer="odata.maxpagesize=2")).json(), 0
    while True:
        told += len(page["value"])
        if "@odata.nextLink" not in page:
            break
        page = (await api.get(page["@odata.nextLink"], prefer="odata.maxpagesize=2")).json()

    assert told == 3


async def test_a_count_is_bare(api: WebApi) -> None:
    mark = await _speakers(api, 3)

    answer = await api.get(f"msevtmgt_speakers/$count?$filter=startswith(msevtmgt_name,'{mark}')")

    assert answer.text.lstrip("\ufeff") == "3"
    assert answer.headers["content-type"].startswith("text/plain")


ASKED = {
    "*": {FORMATTED, LOOKUP, NAVIGATION},
    FORMATTED: {FORMATTED},
    f"{FORMATTED},{LOOKUP}": {FORMATTED, LOOKUP},
    "Microsoft.Dynamics.CRM.*": {LOOKUP, NAVIGATION},
    "OData.Community.*": {FORMATTED},
    "other.*": set[str](),
}


@pytest.mark.parametrize("wanted", ASKED)
async def test_annotations_come_as_they_are_asked_for(api: WebApi, wanted: str) -> None:
    path = "msevtmgt_passes?$select=_msevtmgt_eventid_value&$top=1"

    answer = await api.get(path, prefer=f'odata.include-annotations="{wanted}"')

    (row,) = answer.json()["value"]
    assert {name.partition("@")[2] for name in row if name.startswith("_msevtmgt_eventid_value@")} == ASKED[wanted]
    assert answer.headers["preference-applied"] == f'odata.include-annotations="{wanted}"'


async def test_each_kind_of_value_is_told_for_people(api: WebApi) -> None:
    dollar = "/transactioncurrencies(isocurrencycode='USD')"
    yen = "/transactioncurrencies(isocurrencycode='JPY')"
    event = await api.make(
        "msevtmgt_events", msevtmgt_name="Summit", msevtmgt_readableeventid=uuid4().hex, msevtmgt_eventtype=None,
        msevtmgt_eventstartdate="2027-06-10T09:05:00Z", msevtmgt_eventenddate="2027-06-11T17:00:00Z",
        msevtmgt_maximumeventcapacity=12345, msevtmgt_budgetallocated=-1061.7, msevtmgt_enablecaptcha=True,
        msevtmgt_stopwebsiteregistrationson="2027-06-01T00:30:59.1234567+02:00",
        **{"transactioncurrencyid@odata.bind": dollar},
    )  # fmt: skip
    other = await api.make("accounts", name="Contoso", creditlimit=1234567, **{"transactioncurrencyid@odata.bind": yen})

    row = (await api.get(f"msevtmgt_events({event})", prefer='odata.include-annotations="*"')).json()
    texts = {name.partition("@")[0]: text for name, text in row.items() if name.endswith(FORMATTED)}

    assert row["msevtmgt_stopwebsiteregistrationson"] == "2027-05-31T22:30:59Z"
    assert texts["msevtmgt_stopwebsiteregistrationson"] == "5/31/2027 10:30 PM"
    assert row["msevtmgt_eventstartdate"] == "2027-06-10T09:05:00Z"
    assert texts["msevtmgt_eventstartdate"] == "6/10/2027 9:05 AM"
    assert texts["msevtmgt_budgetallocated"] == "-$1,061.70"
    assert texts["msevtmgt_maximumeventcapacity"] == "12,345"
    assert texts["msevtmgt_enablecaptcha"] == "Yes"
    assert texts["statecode"] == "Active"
    assert texts["_transactioncurrencyid_value"] == "US Dollar"
    assert "msevtmgt_name" not in texts
    assert row["msevtmgt_eventtype"] is None
    yens = (
        await api.get(f"accounts({other})?$select=creditlimit", prefer=f'odata.include-annotations="{FORMATTED}"')
    ).json()
    assert yens[f"creditlimit@{FORMATTED}"] == "¥1,234,567"


async def test_related_rows_are_annotated_too(api: WebApi) -> None:
    path = f"msevtmgt_events({api.here.event.id})?$select=msevtmgt_name&$expand=msevtmgt_event_pass($select=msevtmgt_passprice)"

    row = (await api.get(path, prefer='odata.include-annotations="*"')).json()

    assert (
        row["@odata.context"]
        == f"{api.root}$metadata#msevtmgt_events(msevtmgt_name,msevtmgt_event_pass(msevtmgt_passprice))/$entity"
    )
    assert {one[f"msevtmgt_passprice@{FORMATTED}"] for one in row["msevtmgt_event_pass"]} == {
        "€120.50",
        "€249.00",
        "€0.00",
    }
    assert all(one["@odata.etag"].startswith('W/"') for one in row["msevtmgt_event_pass"])


async def test_what_is_grouped_has_no_etag(api: WebApi) -> None:
    apply = "groupby((_transactioncurrencyid_value),aggregate(msevtmgt_passprice with sum as total,$count as passes))"

    answer = await api.get(f"msevtmgt_passes?$apply=filter(_msevtmgt_eventid_value eq {api.here.event.id})/{apply}")

    (row,) = answer.json()["value"]
    assert (row["total"], row["passes"]) == (369.5, 3)
    assert not any(name.startswith("@") for name in row)


async def test_unknown_names_and_many_options(api: WebApi) -> None:
    refused(await api.get("contacts?$expand=nothing"), 400, "0x80060888", "nothing")
    refused(
        await api.get("contacts?$orderby=FirstName"), 400, "0x80060888", "Could not find a property named 'FirstName'"
    )
    many = " or ".join(["lastname eq 'x'"] * 400)
    assert (await api.get(f"contacts?$filter={many}")).status_code == 200
    deep = "not(" * 200 + "lastname eq 'x'" + ")" * 200
    refused(await api.get(f"contacts?$filter={deep}"), 400, "0x80060888")
    refused(
        await api.get(f"contacts?$filter={'a' * 40_000}"), 414, "0x80060888", "An address may have 32768 characters"
    )
