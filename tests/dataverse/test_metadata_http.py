"""Definitions through the real door: who may read them, in which words they are refused, and that addresses echo the caller's."""

from xml.etree.ElementTree import fromstring

import pytest

from gatepass import model
from tests.dataverse.calling import WebApi, api, refused

__all__ = ["api"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("version", ["v9.0", "v9.1", "v9.2"])
async def test_the_service_names_its_sets_at_the_caller_s_version(api: WebApi, version: str) -> None:
    by = api.by(version=version)
    found = (await by.get("")).json()
    assert found["@odata.context"] == f"{by.root}$metadata"
    assert {table.set_name for table in model.TABLES} <= {one["name"] for one in found["value"]}
    definition = (await by.get("EntityDefinitions(LogicalName='contact')?$select=SchemaName")).json()
    assert definition["@odata.context"].startswith(f"{by.root}$metadata#EntityDefinitions")


async def test_the_document_is_xml_and_definitions_are_json(api: WebApi) -> None:
    document = await api.get("$metadata", accept="application/xml")
    assert document.headers["content-type"] == "application/xml"
    assert document.headers["odata-version"] == "4.0"
    assert fromstring(document.content).tag.endswith("Edmx")
    answer = await api.get("EntityDefinitions?%24select=EntitySetName&%24filter=LogicalName+eq+%27msevtmgt_pass%27")
    assert answer.headers["content-type"] == "application/json; odata.metadata=minimal"
    assert [one["EntitySetName"] for one in answer.json()["value"]] == ["msevtmgt_passes"]


async def test_every_set_that_is_told_can_be_read(api: WebApi) -> None:
    definitions = (await api.get("EntityDefinitions?$select=EntitySetName&$expand=Attributes")).json()["value"]
    for one in definitions:
        lookups = {"Lookup", "Owner"}
        names = [
            f"_{name}_value" if column["AttributeType"] in lookups else name
            for column in one["Attributes"]
            if (name := column["LogicalName"]) and column["IsValidForRead"]
        ]
        answer = await api.get(f"{one['EntitySetName']}?$top=1&$select={','.join(names)}")
        assert answer.status_code == 200, answer.text


async def test_a_reader_may_look_but_nobody_changes_the_schema(api: WebApi) -> None:
    reader = api.by(token="token-of-a-reader")
    assert (await reader.get("EntityDefinitions?$select=LogicalName")).status_code == 200
    refused(await api.by(token="").get("$metadata"), 401, "0x80040220")
    for by in (reader, api):
        refused(await by.post("EntityDefinitions", {}), 403, "0x80040220", "fixed")
        refused(await by.delete("EntityDefinitions(LogicalName='contact')"), 403, "0x80040220", "fixed")


async def test_what_is_not_there_is_refused_in_dataverse_s_shape(api: WebApi) -> None:
    missing = await api.get("EntityDefinitions(LogicalName='nope')")
    refused(missing, 404, "0x80040217", "namemapping = 'Logical' was not found in the MetadataCache")
    refused(
        await api.get("EntityDefinitions?$select=Nope"), 400, "0x80060888", "Could not find a property named 'Nope'"
    )
    refused(await api.get("ManagedPropertyDefinitions"), 404, "0x8006088a")


async def test_a_definition_can_stand_in_a_batch(api: WebApi) -> None:
    url = f"{api.root}EntityDefinitions?$filter=IsPrivate eq false&$select=LogicalName"
    part = f"--b\r\nContent-Type: application/http\r\n\r\nGET {url} HTTP/1.1\r\n\r\n--b--\r\n"
    answer = await api.call("POST", "$batch", part.encode(), content_type="multipart/mixed; boundary=b")
    assert answer.status_code == 200
    assert '"LogicalName":"msevtmgt_event"' in answer.text
