"""Records over the Web API: made, read, changed and removed, with the statuses and headers that clients take apart."""

import re
from uuid import uuid4

import pytest

from tests.dataverse.calling import WebApi, api, refused
from tests.running import Running

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


async def test_a_record_is_made_and_its_address_told(api: WebApi) -> None:
    answer = await api.post("contacts", {"firstname": "Ada", "lastname": "Byron"})

    assert (answer.status_code, answer.content) == (204, b"")
    address = answer.headers["odata-entityid"]
    assert re.fullmatch(re.escape(f"{api.root}contacts(") + GUID + r"\)", address)
    assert answer.headers["location"] == address
    assert answer.headers["odata-version"] == "4.0"
    found = await api.get(f"{address}?$select=fullname,firstname")
    at = address[-37:-1]
    assert found.json() == {
        "@odata.context": f"{api.root}$metadata#contacts(fullname,firstname)/$entity",
        "@odata.etag": 'W/"1"',
        "fullname": "Ada Byron",
        "firstname": "Ada",
        "contactid": at,
    }


@pytest.mark.parametrize("version", ["v9.0", "v9.1", "v9.2"])
async def test_every_address_has_the_version_of_the_caller(api: WebApi, version: str) -> None:
    by = api.by(version=version)

    made = await by.post("contacts", {"lastname": "Byron"})
    listed = await by.get("contacts?$select=lastname", prefer="odata.maxpagesize=1")

    assert made.headers["odata-entityid"].startswith(f"{by.root}contacts(")
    assert listed.json()["@odata.context"].startswith(f"{by.root}$metadata#")
    if "@odata.nextLink" in listed.json():
        assert listed.json()["@odata.nextLink"].startswith(f"{by.root}contacts?")


async def test_a_caller_may_have_the_record_back(api: WebApi) -> None:
    made = await api.post(
        "contacts?$select=lastname", {"lastname": "Byron"}, prefer="odata.maxpagesize=5,return=representation"
    )
    at = made.json()["contactid"]
    changed = await api.patch(f"contacts({at})?$select=lastname", {"lastname": "King"}, prefer="return=representation")

    assert (made.status_code, made.json()["lastname"]) == (201, "Byron")
    assert made.headers["preference-applied"] == "return=representation"
    assert made.headers["location"] == f"{api.root}contacts({at})"
    assert (changed.status_code, changed.json()["lastname"]) == (200, "King")
    assert changed.json()["@odata.etag"] != made.json()["@odata.etag"]


async def test_a_patch_makes_what_is_not_there(api: WebApi) -> None:
    at = uuid4()

    made = await api.patch(f"contacts({at})", {"lastname": "Byron"})
    changed = await api.patch(f"contacts({at})", {"lastname": "King"})

    assert [made.status_code, changed.status_code] == [204, 204]
    assert made.headers["odata-entityid"] == f"{api.root}contacts({at})"
    assert (await api.get(f"contacts({at})")).json()["lastname"] == "King"


async def test_conditions_leave_only_one_of_the_two(api: WebApi) -> None:
    at, known = uuid4(), await api.make("contacts", lastname="Byron")

    refused(
        await api.patch(f"contacts({at})", {"lastname": "x"}, if_match="*"),
        404,
        "0x80040217",
        f"contact With Id = {at} Does Not Exist",
    )
    refused(
        await api.patch(f"contacts({known})", {"lastname": "x"}, if_none_match="*"),
        412,
        "0x80040237",
        "matching key values already exists",
    )
    assert (await api.patch(f"contacts({known})", {"lastname": "x"}, if_none_match="null")).status_code == 204
    assert (await api.patch(f"contacts({known})", {"lastname": "y"}, if_match="*")).status_code == 204


async def test_a_stale_etag_is_412_for_writes_and_a_known_one_304_for_reads(api: WebApi) -> None:
    at = await api.make("contacts", lastname="Byron")
    etag = (await api.get(f"contacts({at})")).json()["@odata.etag"]

    assert (await api.get(f"contacts({at})", if_none_match=etag)).status_code == 304
    assert (
        await api.get(f"contacts({at})", if_none_match=etag, prefer='odata.include-annotations="*"')
    ).status_code == 200
    assert (await api.patch(f"contacts({at})", {"lastname": "King"}, if_match=etag)).status_code == 204
    stale = await api.patch(f"contacts({at})", {"lastname": "x"}, if_match=etag)
    refused(
        stale, 412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
    )
    refused(await api.delete(f"contacts({at})", if_match=etag), 412, "0x80060882")
    refused(await api.patch(f"contacts({at})", {"lastname": "x"}, if_match="never-given"), 412, "0x80060882")
    assert (await api.get(f"contacts({at})", if_none_match=etag)).json()["lastname"] == "King"


async def test_what_was_removed_is_gone(api: WebApi) -> None:
    at = await api.make("contacts", lastname="Byron")

    assert (await api.delete(f"contacts({at})", if_match="*")).status_code == 204

    for answer in (await api.get(f"contacts({at})"), await api.delete(f"contacts({at})")):
        refused(answer, 404, "0x80040217", f"contact With Id = {at} Does Not Exist")


async def test_alternate_keys_name_records(api: WebApi) -> None:
    await api.make("accounts", name="Contoso", accountnumber="A'1")

    assert (await api.get("accounts(accountnumber='A''1')?$select=name")).json()["name"] == "Contoso"
    assert (await api.patch("accounts(accountnumber='A%27%271')", {"name": "Contoso Ltd"})).status_code == 204
    assert (await api.patch("accounts(accountnumber='new')", {"name": "Fabrikam"})).status_code == 204
    refused(
        await api.get("accounts(accountnumber='none')"),
        404,
        "0x80060891",
        "specified key values does not exist in account entity",
    )
    refused(await api.get("accounts(name='Contoso')"), 400, "0x80060888", "The key in the request URI is not valid")
    refused(await api.get("accounts(17)"), 400, "0x80060888")


BINDINGS = {
    "rooted": "/accounts({at})",
    "bare": "accounts({at})",
    "absolute": "{root}accounts({at})",
    "another host": "https://ev.example/api/data/v9.1/accounts({at})",
    "by key": "accounts(accountnumber='{number}')",
    "by its id's name": "/accounts(accountid={at})",
}


@pytest.mark.parametrize("form", BINDINGS)
async def test_lookups_are_bound_in_all_forms(api: WebApi, form: str) -> None:
    number = uuid4().hex[:12]
    at = await api.make("accounts", name="Contoso", accountnumber=number)
    address = BINDINGS[form].format(at=at, root=api.root, number=number)

    person = await api.make("contacts", lastname="Byron", **{"parentcustomerid_account@odata.bind": address})

    path = f"contacts({person})?$select=_parentcustomerid_value"
    assert (await api.get(path)).json()["_parentcustomerid_value"] == at
    cleared = await api.patch(f"contacts({person})", {"parentcustomerid_account@odata.bind": None})
    assert cleared.status_code == 204
    assert (await api.get(path)).json()["_parentcustomerid_value"] is None


async def test_a_bind_to_nothing_is_refused(api: WebApi) -> None:
    bind = "parentcustomerid_account@odata.bind"
    nobody = uuid4()

    refused(
        await api.post("contacts", {"lastname": "x", bind: f"/contacts({nobody})"}), 400, "0x80048d19", "expected type"
    )
    refused(await api.post("contacts", {"lastname": "x", bind: "nonsense"}), 400, "0x80048d19", "not the address")
    refused(
        await api.post("contacts", {"lastname": "x", bind: f"/accounts({nobody})"}),
        404,
        "0x80040217",
        f"account With Id = {nobody} Does Not Exist",
    )
    refused(await api.post("contacts", {"lastname": "x", bind: "/accounts(accountnumber='none')"}), 404, "0x80060891")
    refused(
        await api.post("contacts", {"lastname": "x", bind: "$7"}),
        400,
        "0x80060888",
        "Content-ID Reference: '$7' does not exist",
    )
    wrong = await api.post("contacts", {"lastname": "x", "parentcustomerid@odata.bind": f"/accounts({nobody})"})
    refused(wrong, 400, "0x80048d19", "An undeclared property 'parentcustomerid' which only has property annotations")


async def test_records_inside_a_record_are_made_with_it(api: WebApi, shared: Running) -> None:
    account = await api.make(
        "accounts",
        name="Contoso",
        primarycontactid={"lastname": "Byron"},
        contact_customer_accounts=[{"lastname": "One"}, {"lastname": "Two"}],
    )

    found = await api.get(
        f"accounts({account})?$expand=primarycontactid($select=lastname),contact_customer_accounts($select=lastname)"
    )
    assert found.json()["primarycontactid"]["lastname"] == "Byron"
    assert {one["lastname"] for one in found.json()["contact_customer_accounts"]} == {"One", "Two"}

    before = (await api.get("accounts/$count")).text
    half = await api.post("accounts", {"name": "Fabrikam", "contact_customer_accounts": [{"lastname": "x" * 51}]})
    refused(
        half,
        400,
        "0x80044331",
        "The length of the 'lastname' attribute of the 'contact' entity exceeded the maximum allowed length of '50'.",
    )
    assert (await api.get("accounts/$count")).text == before
    deep = await api.patch(f"accounts({account})", {"contact_customer_accounts": [{"lastname": "x"}]})
    refused(deep, 400, "0x80060888", "Deep update")
