"""What records point to and what points to them: read by navigation, tied and untied by $ref; and single properties."""

from uuid import uuid4

import pytest

from tests.dataverse.calling import WebApi, api, refused

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")
TIES = "msevtmgt_pass_msevtmgt_session"
TO_ONE, TO_MANY = "parentcustomerid_account", "contact_customer_accounts"


async def test_a_lookup_is_read_set_and_cleared_by_its_link(api: WebApi) -> None:
    account, person = await api.make("accounts", name="Contoso"), await api.make("contacts", lastname="Byron")
    link = f"contacts({person})/{TO_ONE}/$ref"

    assert (await api.get(link)).status_code == 204
    assert (await api.get(f"contacts({person})/{TO_ONE}")).status_code == 204
    assert (await api.call("PUT", link, {"@odata.id": f"{api.root}accounts({account})"})).status_code == 204
    assert (await api.get(link)).json() == {
        "@odata.context": f"{api.root}$metadata#$ref",
        "@odata.id": f"{api.root}accounts({account})",
    }
    found = await api.get(f"contacts({person})/{TO_ONE}?$select=name")
    assert found.json()["name"] == "Contoso"
    assert (await api.get(f"contacts({person})/{TO_ONE}/name")).json()["value"] == "Contoso"
    assert (await api.delete(link)).status_code == 204
    assert (await api.get(link)).status_code == 204


async def test_a_collection_is_read_with_all_options(api: WebApi) -> None:
    account = await api.make("accounts", name="Contoso", **{TO_MANY: [{"lastname": f"Person {at}"} for at in range(5)]})
    await api.make("contacts", lastname="Somebody else")
    path = f"accounts({account})/{TO_MANY}"

    assert (await api.get(f"{path}/$count")).text == "5"
    some = await api.get(
        f"{path}?$select=lastname&$filter=lastname gt 'Person 0'&$orderby=lastname desc", prefer="odata.maxpagesize=3"
    )
    assert [one["lastname"] for one in some.json()["value"]] == ["Person 4", "Person 3", "Person 2"]
    rest = await api.get(some.json()["@odata.nextLink"], prefer="odata.maxpagesize=3")
    assert [one["lastname"] for one in rest.json()["value"]] == ["Person 1"]
    ties = (await api.get(f"{path}/$ref")).json()
    assert ties["@odata.context"] == f"{api.root}$metadata#Collection($ref)"
    assert len(ties["value"]) == 5


async def test_a_collection_is_changed_by_links(api: WebApi) -> None:
    account, person = await api.make("accounts", name="Contoso"), await api.make("contacts", lastname="Byron")
    path = f"accounts({account})/{TO_MANY}"

    assert (await api.post(f"{path}/$ref", {"@odata.id": f"{api.root}contacts({person})"})).status_code == 204
    assert (await api.get(f"{path}/$count")).text == "1"
    assert (await api.delete(f"{path}({person})/$ref")).status_code == 204
    assert (await api.get(f"{path}/$count")).text == "0"
    await api.post(f"{path}/$ref", {"@odata.id": f"/contacts({person})"})
    assert (await api.delete(f"{path}/$ref?$id={api.root}contacts({person})")).status_code == 204
    assert (await api.get(f"{path}/$count")).text == "0"
    made = await api.post(path, {"lastname": "King"})
    assert made.headers["odata-entityid"].startswith(f"{api.root}contacts(")
    assert (await api.get(f"{path}?$select=lastname")).json()["value"][0]["lastname"] == "King"


async def test_many_to_many(api: WebApi) -> None:
    event = {"msevtmgt_Event@odata.bind": f"/msevtmgt_events({api.here.event.id})"}
    times = {"msevtmgt_starttime": "2027-06-10T10:00:00Z", "msevtmgt_endtime": "2027-06-10T11:00:00Z"}
    ticket = api.here.pass_id("Full")
    session = await api.make("msevtmgt_sessions", msevtmgt_name="Opening", **times, **event)
    tie = {"@odata.id": f"{api.root}msevtmgt_sessions({session})"}

    for _ in range(2):
        assert (await api.post(f"msevtmgt_passes({ticket})/{TIES}/$ref", tie)).status_code == 204

    assert (await api.get(f"msevtmgt_sessions({session})/{TIES}?$select=msevtmgt_name")).json()["value"][0][
        "msevtmgt_name"
    ] == "Full"
    expanded = await api.get(f"msevtmgt_passes({ticket})?$expand={TIES}($select=msevtmgt_name)")
    assert [one["msevtmgt_name"] for one in expanded.json()[TIES]] == ["Opening"]
    assert (await api.delete(f"msevtmgt_sessions({session})/{TIES}({ticket})/$ref")).status_code == 204
    assert (await api.get(f"msevtmgt_passes({ticket})/{TIES}/$count")).text == "0"


async def test_one_property_is_read_set_and_cleared(api: WebApi) -> None:
    person = await api.make("contacts", lastname="Byron", firstname="Ada")
    path = f"contacts({person})/firstname"

    assert (await api.get(path)).json() == {
        "@odata.context": f"{api.root}$metadata#contacts({person})/firstname",
        "value": "Ada",
    }
    assert (await api.get(f"{path}/$value")).text == "Ada"
    assert (await api.call("PUT", path, {"value": "Augusta"})).status_code == 204
    assert (await api.get(f"{path}/$value")).text == "Augusta"
    assert (await api.delete(path)).status_code == 204
    assert (await api.get(path)).status_code == 204
    refused(await api.call("PUT", path, {"value": 1}), 400, "0x80048d19", "Edm.String")
    refused(await api.call("PUT", path, {"wert": "x"}), 400, "0x80048d19", "'value'")
    refused(await api.call("PUT", f"contacts({uuid4()})/firstname", {"value": "x"}), 404, "0x80040217")
    refused(
        await api.call("PUT", f"contacts({person})/_parentcustomerid_value", {"value": str(person)}),
        400,
        "0x80060888",
        "$ref",
    )


async def test_what_hangs_on_nothing_is_not_found(api: WebApi) -> None:
    nobody = uuid4()
    for answer in (
        await api.get(f"accounts({nobody})/{TO_MANY}"), await api.get(f"accounts({nobody})/{TO_MANY}/$count"),
        await api.get(f"accounts({nobody})/name"), await api.get(f"contacts({nobody})/{TO_ONE}"),
        await api.get(f"contacts({nobody})/{TO_ONE}/$ref"), await api.delete(f"accounts({nobody})/primarycontactid/$ref"),
    ):  # fmt: skip
        refused(answer, 404, "0x80040217", f"With Id = {nobody} Does Not Exist")
    account = await api.make("accounts", name="Contoso")
    refused(await api.get(f"accounts({account})/nothing"), 404, "0x8006088a", "'nothing'")
    refused(await api.get(f"accounts({account})/name/nothing"), 404, "0x8006088a", "'nothing'")
    refused(await api.delete(f"accounts({account})/{TO_MANY}/$ref"), 400, "0x80060888", "Name the record")
    refused(
        await api.post(f"accounts({account})/{TO_MANY}/$ref", {"@odata.id": f"/accounts({account})"}),
        400,
        "0x80048d19",
        "expected type",
    )
