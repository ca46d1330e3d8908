"""Each request on metadata that the two clients send, as they send it, and each member that they read of the answer.

Read off powerplatform-dataverse-client 1.1.0 (data/_odata.py, data/_relationships.py, models/) and dynamics-web-api 2.5.0
(dist/esm, requests/metadata).
"""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from gatepass import model
from gatepass.domain.errors import NotFound, Refused
from tests.dataverse.definitions import answered

PICKLISTS = "Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
TYPED = [
    "LogicalName", "SchemaName", "AttributeType", "AttributeTypeName", "MetadataId", "DisplayName", "RequiredLevel",
    "MaxLength", "Format", "FormatName", "MinValue", "MaxValue", "Precision",
]  # fmt: skip
"""_TYPED_COLUMN_PROPERTIES of the SDK."""


def get(path: str, params: dict[str, str] | None = None) -> Any:
    """As `requests` sends it: what stands in `params` is encoded whole, spaces as +; what stands in the path is not."""
    path, _, query = path.partition("?")
    reply = answered(quote(path, safe="()/='$@,;"), quote(query, safe="()/='$@,;&") or urlencode(params or {}))
    assert reply is not None
    return json.loads(reply.body)


def entity_of(table: str) -> Any:
    """_get_entity_by_table_schema_name"""
    select = "MetadataId,LogicalName,SchemaName,EntitySetName,PrimaryNameAttribute,PrimaryIdAttribute"
    found = get("EntityDefinitions", {"$select": select, "$filter": f"LogicalName eq '{table.lower()}'"})["value"]
    return found[0] if found else None


# powerplatform-dataverse-client


def test_sdk_finds_the_entity_set_of_a_table() -> None:
    params = {"$select": "LogicalName,EntitySetName,PrimaryIdAttribute", "$filter": "LogicalName eq 'msevtmgt_pass'"}
    [found] = get("EntityDefinitions", params)["value"]
    assert found["EntitySetName"] == "msevtmgt_passes"
    assert found["PrimaryIdAttribute"] == "msevtmgt_passid"
    assert entity_of("no_such_table") is None


@pytest.mark.parametrize("table", [one.logical for one in model.TABLES])
def test_sdk_reads_the_labels_of_choices_before_each_write(table: str) -> None:
    path = f"EntityDefinitions(LogicalName='{table}')/{PICKLISTS}"
    found = get(f"{path}?$select=LogicalName&$expand=OptionSet($select=Options)")["value"]
    told = {one["LogicalName"]: options(one["OptionSet"]) for one in found}
    shown = model.BY_LOGICAL[table].shown
    assert told == {
        column.logical: {option.label: option.value for option in column.choice.options}
        for column in shown
        if column.kind.type_code == "Picklist"
    }


def options(option_set: Any) -> dict[str, int]:
    """_bulk_fetch_picklists"""
    return {
        label["Label"]: option["Value"]
        for option in option_set["Options"]
        for label in option["Label"]["LocalizedLabels"]
        if isinstance(option["Value"], int)
    }


def test_sdk_retries_a_table_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        get(f"EntityDefinitions(LogicalName='nope')/{PICKLISTS}?$select=LogicalName&$expand=OptionSet($select=Options)")


def test_sdk_lists_tables() -> None:
    found = get(
        "EntityDefinitions?$filter=IsPrivate eq false and (SchemaName eq 'Account')&$select=LogicalName,SchemaName"
    )
    assert [one["SchemaName"] for one in found["value"]] == ["Account"]
    found = get("EntityDefinitions?$filter=IsPrivate eq false")["value"]
    assert len(found) == len(model.TABLES)
    for one in found:
        assert one["DisplayName"]["UserLocalizedLabel"]["Label"]
        assert one["Description"].get("UserLocalizedLabel") is None
        assert {"SchemaName", "LogicalName", "EntitySetName", "MetadataId", "PrimaryNameAttribute"} <= set(one)


def test_sdk_lists_columns_and_reads_one() -> None:
    attributes = f"EntityDefinitions({entity_of('msevtmgt_Event')['MetadataId']})/Attributes"
    assert len(get(attributes)["value"]) == len(model.BY_LOGICAL["msevtmgt_event"].shown)
    params = {"$select": "LogicalName,SchemaName", "$filter": "AttributeType eq 'String'"}
    assert "msevtmgt_name" in [one["LogicalName"] for one in get(attributes, params)["value"]]
    one = get(f"{attributes}(LogicalName='msevtmgt_name')")
    assert one["AttributeTypeName"]["Value"] == "StringType"
    assert (one["IsPrimaryName"], one["MaxLength"], one["RequiredLevel"]["Value"]) == (True, 100, "ApplicationRequired")
    with pytest.raises(NotFound):
        get(f"{attributes}(LogicalName='nope')")


def test_sdk_looks_for_a_column_by_a_filter() -> None:
    attributes = f"EntityDefinitions({entity_of('msevtmgt_event')['MetadataId']})/Attributes"
    params = {"$select": "MetadataId,LogicalName,SchemaName", "$filter": "LogicalName eq 'msevtmgt_building'"}
    [found] = get(attributes, params)["value"]
    assert found["@odata.type"] == "#Microsoft.Dynamics.CRM.LookupAttributeMetadata"
    assert found["MetadataId"]


def test_sdk_reads_a_whole_column_before_it_would_change_it() -> None:
    column = f"EntityDefinitions({entity_of('msevtmgt_event')['MetadataId']})/Attributes(LogicalName='msevtmgt_name')"
    existing = get(column, {"$select": "MetadataId,SchemaName"})
    odata_type = existing["@odata.type"].lstrip("#")
    assert odata_type == "Microsoft.Dynamics.CRM.StringAttributeMetadata"
    assert get(f"{column}/{odata_type}")["MaxLength"] == 100
    with pytest.raises(Refused, match="fixed"):
        answered(column, method="PUT")


def test_sdk_reads_typed_columns() -> None:
    criteria = {"Conditions": [condition("LogicalName", "msevtmgt_event")]}
    columns: dict[str, Any] = {"Properties": {"PropertyNames": TYPED}}
    found = changes({"Criteria": criteria, "AttributeQuery": columns})
    by_name = {one["LogicalName"]: one for one in found[0]["Attributes"]}
    assert set(by_name) == set(model.BY_LOGICAL["msevtmgt_event"].by_logical)
    assert by_name["msevtmgt_name"]["MaxLength"] == 100
    assert by_name["msevtmgt_maximumeventcapacity"]["MinValue"] == 0
    assert by_name["msevtmgt_budgetallocated"]["Precision"] == 4
    assert by_name["createdon"]["Format"] == "DateAndTime"
    assert by_name["msevtmgt_name"]["@odata.type"] == "#Microsoft.Dynamics.CRM.ComplexStringAttributeMetadata"
    columns["Criteria"] = {"Conditions": [condition("LogicalName", "msevtmgt_name")]}
    [one] = changes({"Criteria": criteria, "AttributeQuery": columns})[0]["Attributes"]
    assert one["LogicalName"] == "msevtmgt_name"
    assert changes({"Criteria": {"Conditions": [condition("LogicalName", "nope")]}}) == []


def condition(name: str, value: str, operator: str = "Equals") -> dict[str, Any]:
    return {"PropertyName": name, "ConditionOperator": operator, "Value": {"Type": "System.String", "Value": value}}


def changes(query: dict[str, Any]) -> Any:
    """_retrieve_metadata_changes"""
    query = {"Properties": {"PropertyNames": ["LogicalName", "Attributes"]}} | query
    return get("RetrieveMetadataChanges(Query=@p1)", {"@p1": json.dumps(query, ensure_ascii=False)})["EntityMetadata"]


def test_metadata_changes_take_filters_of_every_operator() -> None:
    names = {"Properties": {"PropertyNames": ["LogicalName"]}}
    either = {
        "FilterOperator": "Or",
        "Conditions": [condition("LogicalName", "contact"), condition("ObjectTypeCode", "2", "LessThan")],
    }
    assert [one["LogicalName"] for one in changes(names | {"Criteria": either})] == ["contact", "account"]
    listed = {"Conditions": [condition("LogicalName", "['contact','account']", "In")]}
    assert len(changes(names | {"Criteria": listed})) == 2
    nested = {
        "Filters": [
            listed,
            {"Conditions": [condition("IsCustomizable", "False"), condition("SchemaName", "Contact", "NotEquals")]},
        ]
    }
    assert [one["LogicalName"] for one in changes(names | {"Criteria": nested})] == ["account"]
    everything = {"AllProperties": True}
    [account] = changes({"Properties": everything, "Criteria": nested})
    assert account["Keys"][0]["KeyAttributes"] == ["accountnumber"]
    assert account["ManyToOneRelationships"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"Criteria":{"Conditions":[{}]}}',
        '{"Criteria":' * 5000,
        '{"Criteria":{"Conditions":[{"PropertyName":"x","ConditionOperator":"Like"}]}}',
    ],
)
def test_a_query_for_changes_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        get("RetrieveMetadataChanges(Query=@p1)", {"@p1": text})


def test_sdk_lists_alternate_keys() -> None:
    logical = entity_of("msevtmgt_Event")["LogicalName"]
    [found] = get(f"EntityDefinitions(LogicalName='{logical}')/Keys")["value"]
    assert found["KeyAttributes"] == ["msevtmgt_readableeventid"]
    assert found["EntityKeyIndexStatus"] == "Active"
    assert found["MetadataId"]
    assert found["SchemaName"]


def test_sdk_reads_relationships() -> None:
    found = get("RelationshipDefinitions", {"$filter": "SchemaName eq 'msevtmgt_event_pass'"})["value"]
    assert related(found[0]) == ("msevtmgt_event", "msevtmgt_pass", "msevtmgt_eventid")
    kind = "RelationshipType eq Microsoft.Dynamics.CRM.RelationshipType'ManyToManyRelationship'"
    found = get("RelationshipDefinitions", {"$filter": kind, "$select": "SchemaName,MetadataId"})["value"]
    assert len(found) == len(model.MANY_TO_MANY)
    everything = get("RelationshipDefinitions")["value"]
    assert all(related(one) for one in everything)


def related(row: Any) -> tuple[str, ...]:
    """RelationshipInfo.from_api_response"""
    if "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata" in row["@odata.type"]:
        return row["ReferencedEntity"], row["ReferencingEntity"], row.get("ReferencingEntityNavigationPropertyName", "")
    assert "Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata" in row["@odata.type"]
    return row["Entity1LogicalName"], row["Entity2LogicalName"]


def test_sdk_reads_the_relationships_of_a_table() -> None:
    entity = f"EntityDefinitions({entity_of('msevtmgt_pass')['MetadataId']})"
    select = {"$select": "SchemaName,ReferencedEntity"}
    found = [get(f"{entity}/{name}ToOneRelationships", select)["value"] for name in ("Many",)]
    found += [
        get(f"{entity}/OneToManyRelationships", select)["value"],
        get(f"{entity}/ManyToManyRelationships")["value"],
    ]
    assert all(found)
    assert all(one["SchemaName"] for rows in found for one in rows)


# dynamics-web-api


def test_dwa_learns_the_names_of_all_sets() -> None:
    found = get("EntityDefinitions?$select=EntitySetName,LogicalName")["value"]
    assert {one["LogicalName"]: one["EntitySetName"] for one in found} == {
        table.logical: table.set_name for table in model.TABLES
    }


def test_dwa_reads_a_table_with_some_of_its_columns() -> None:
    expand = "Attributes($select=LogicalName,SchemaName;$filter=AttributeType eq Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist')"
    entity = entity_of("msevtmgt_event")["MetadataId"]
    found = get(f"EntityDefinitions({entity})?$select=LogicalName,EntitySetName&$expand={expand}")
    assert found["@odata.context"].endswith("/$entity")
    assert {one["@odata.type"] for one in found["Attributes"]} == {"#Microsoft.Dynamics.CRM.PicklistAttributeMetadata"}


def test_dwa_reads_columns_by_type() -> None:
    entity = entity_of("msevtmgt_event")["MetadataId"]
    found = get(f"EntityDefinitions({entity})/{PICKLISTS}?$select=LogicalName&$expand=OptionSet,GlobalOptionSet")[
        "value"
    ]
    assert all(one["OptionSet"]["Name"] == one["GlobalOptionSet"]["Name"] for one in found)
    one = f"EntityDefinitions({entity})/Attributes({found[0]['MetadataId']})/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    assert get(f"{one}?$select=SchemaName&$expand=OptionSet")["OptionSet"]["Options"]
    with pytest.raises(NotFound):
        get(one.replace("Picklist", "String"))


def test_dwa_reads_relationships_by_type_and_id() -> None:
    cast = "Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata"
    found = get(
        f"RelationshipDefinitions/{cast}?$select=ReferencingEntity&$filter=ReferencingEntity eq 'msevtmgt_pass'"
    )["value"]
    one = get(f"RelationshipDefinitions({found[0]['MetadataId']})/{cast}?$select=SchemaName")
    assert one["SchemaName"] == "msevtmgt_event_pass"


def test_dwa_reads_global_choices() -> None:
    found = get("GlobalOptionSetDefinitions?$select=Name")["value"]
    assert {one["@odata.type"] for one in found} == {"#Microsoft.Dynamics.CRM.OptionSetMetadata"}
    one = get(
        f"GlobalOptionSetDefinitions({found[0]['MetadataId']})/Microsoft.Dynamics.CRM.OptionSetMetadata?$select=Options"
    )
    assert one["Options"]


def test_dwa_fetches_the_whole_document() -> None:
    reply = answered("$metadata")
    assert reply is not None
    assert reply.body.startswith(b"<?xml")
