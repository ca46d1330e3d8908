"""Definitions of tables: complete, of one shape per type, filtered as written, and never the way to change a schema."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass import model
from gatepass.domain.errors import Conflict, GatepassError, NotFound, Refused
from gatepass.model.columns import Kind
from gatepass.web.dataverse.metadata.entities import entities
from gatepass.web.dataverse.metadata.option_sets import global_option_sets
from gatepass.web.dataverse.metadata.relationships import relationships
from tests.dataverse.definitions import answered, rows, told
from tests.dataverse.effort import examples

EVENT = "EntityDefinitions(LogicalName='msevtmgt_event')"
CASTS = (
    "String",
    "Memo",
    "Integer",
    "BigInt",
    "Decimal",
    "Money",
    "Boolean",
    "Picklist",
    "State",
    "Status",
    "DateTime",
    "Lookup",
)


def attributes() -> list[Any]:
    return [one for entity in rows("EntityDefinitions", expand="Attributes") for one in entity["Attributes"]]


def test_every_table_and_every_column_is_told() -> None:
    for table in model.TABLES:
        found = told(f"EntityDefinitions(LogicalName='{table.logical}')", expand="Attributes")
        assert found["EntitySetName"] == table.set_name
        assert found["PrimaryIdAttribute"] == table.id_name
        assert [one["LogicalName"] for one in found["Attributes"]] == [one.logical for one in table.shown]
        assert [one["LogicalName"] for one in found["Attributes"] if one["IsPrimaryId"]] == [table.id_name]
        assert table.primary_name in table.by_logical


def test_definitions_of_one_type_have_the_same_members() -> None:
    shapes: dict[str, frozenset[str]] = {}
    for one in [*attributes(), *relationships(), *global_option_sets(), *entities()]:
        assert shapes.setdefault(str(one["@odata.type"]), frozenset(one)) == frozenset(one)


def test_ids_are_unique_and_stay() -> None:
    ids = Counter(
        str(one["MetadataId"]) for one in [*attributes(), *relationships(), *global_option_sets(), *entities()]
    )
    assert ids.most_common(1)[0][1] == 1
    assert told(EVENT, select="MetadataId")["MetadataId"] == "af6e7d35-1326-573b-84a7-2b005579646a"
    names = Counter(one["SchemaName"] for one in relationships())
    assert names.most_common(1)[0][1] == 1


def test_texts_have_lengths_and_lookups_have_targets() -> None:
    for one in attributes():
        kind = one["AttributeType"]
        assert one["AttributeTypeName"] == {"Value": f"{kind}Type"}
        if kind in {"String", "Memo"}:
            assert one["MaxLength"] > 0, one["LogicalName"]
        if kind in {"Lookup", "Owner"}:
            assert one["Targets"]
            assert set(one["Targets"]) <= set(model.BY_LOGICAL)


@pytest.mark.parametrize("cast", CASTS)
def test_a_cast_shows_the_columns_of_one_type_with_its_members(cast: str) -> None:
    path = f"{EVENT}/Attributes/Microsoft.Dynamics.CRM.{cast}AttributeMetadata"
    wanted = {column.logical for column in model.BY_LOGICAL["msevtmgt_event"].shown if column.kind.type_code == cast}
    assert {one["LogicalName"] for one in rows(path)} == wanted
    if cast in {"Boolean", "Picklist", "State", "Status"}:
        assert all(one["OptionSet"]["MetadataId"] for one in rows(path, select="LogicalName", expand="OptionSet"))


def test_a_type_that_no_column_has_is_empty_and_one_that_is_none_is_refused() -> None:
    assert rows(f"{EVENT}/Attributes/Microsoft.Dynamics.CRM.DoubleAttributeMetadata") == []
    with pytest.raises(
        NotFound, match=r"^Resource not found for the segment 'Microsoft\.Dynamics\.CRM\.NoSuchMetadata'\.$"
    ):
        rows(f"{EVENT}/Attributes/Microsoft.Dynamics.CRM.NoSuchMetadata")


def test_who_may_set_a_column_is_told() -> None:
    found = {one["LogicalName"]: one for one in rows("EntityDefinitions(LogicalName='msevtmgt_pass')/Attributes")}
    says = {name: (one["IsValidForCreate"], one["IsValidForUpdate"]) for name, one in found.items()}
    assert says["msevtmgt_passprice"] == (True, True)
    assert says["msevtmgt_eventid"] == (True, False)
    assert says["msevtmgt_noofpassessold"] == (False, False)
    assert found["msevtmgt_name"]["RequiredLevel"]["Value"] == "ApplicationRequired"
    assert found["createdon"]["RequiredLevel"]["Value"] == "SystemRequired"
    assert found["msevtmgt_costperunit"]["RequiredLevel"]["Value"] == "None"


def test_local_times_and_moments_say_what_they_are() -> None:
    says = {
        one["LogicalName"]: one["DateTimeBehavior"]["Value"]
        for one in rows(f"{EVENT}/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata")
    }
    assert says["msevtmgt_eventstartdate"] == "TimeZoneIndependent"
    assert says["createdon"] == "UserLocal"


def test_states_name_their_reasons() -> None:
    [state] = rows(f"{EVENT}/Attributes/Microsoft.Dynamics.CRM.StateAttributeMetadata", expand="OptionSet")
    [status] = rows(f"{EVENT}/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata", expand="OptionSet")
    assert [(one["Value"], one["DefaultStatus"]) for one in state["OptionSet"]["Options"]] == [(0, 1), (1, 2)]
    assert [(one["Value"], one["State"]) for one in status["OptionSet"]["Options"]] == [(1, 0), (2, 1)]


def test_a_choice_has_one_name_and_one_meaning() -> None:
    shown = [column.choice for table in model.TABLES for column in table.shown if column.kind is Kind.CHOICE]
    meanings = {(one.name, tuple((option.value, option.label) for option in one.options)) for one in shown}
    assert len(meanings) == len({name for name, _ in meanings})
    assert {one["Name"] for one in rows("GlobalOptionSetDefinitions", select="Name")} == {name for name, _ in meanings}
    found = told("GlobalOptionSetDefinitions(Name='msevtmgt_language')/Microsoft.Dynamics.CRM.OptionSetMetadata")
    assert found["Options"][0]["Label"]["UserLocalizedLabel"]["Label"] == "English"


def test_relationships_are_seen_from_both_sides() -> None:
    [found] = rows(
        "EntityDefinitions(LogicalName='msevtmgt_pass')/ManyToOneRelationships",
        filter="SchemaName eq 'msevtmgt_event_pass'",
    )
    assert found["ReferencingEntityNavigationPropertyName"] == "msevtmgt_eventid"
    assert found["ReferencedEntityNavigationPropertyName"] == "msevtmgt_event_pass"
    [other] = rows(f"{EVENT}/OneToManyRelationships", filter="SchemaName eq 'msevtmgt_event_pass'")
    assert other == found
    [linked] = rows("EntityDefinitions(LogicalName='msevtmgt_pass')/ManyToManyRelationships")
    assert {linked["Entity1LogicalName"], linked["Entity2LogicalName"]} == {"msevtmgt_pass", "msevtmgt_session"}


def test_any_part_of_a_definition_can_be_asked_for() -> None:
    assert told(f"{EVENT}/EntitySetName")["value"] == "msevtmgt_events"
    assert told(f"{EVENT}/DisplayName")["UserLocalizedLabel"]["Label"] == "Event"
    status = f"{EVENT}/Attributes(LogicalName='msevtmgt_publishstatus')"
    options = told(f"{status}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata/OptionSet", select="Options")["Options"]
    assert [one["Value"] for one in options][:2] == [100000000, 100000001]
    reply = answered("EntityDefinitions/$count")
    assert reply is not None
    assert reply.body == str(len(model.TABLES)).encode()


# The schema is fixed


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "EntityDefinitions", EVENT, f"{EVENT}/Attributes", f"{EVENT}/Keys", "RelationshipDefinitions",
        "GlobalOptionSetDefinitions", "CreateEntities",
    ],
)  # fmt: skip
def test_nobody_changes_the_schema(method: str, path: str) -> None:
    with pytest.raises(Refused, match="the tables of this environment are fixed") as refused:
        answered(path, method=method)
    assert refused.value.code == "PrivilegeMissing"


def test_other_addresses_are_left_to_others() -> None:
    assert answered("msevtmgt_events") is None
    assert answered("WhoAmI") is None
    with pytest.raises(Conflict):
        answered("$metadata", method="POST")


PIECES = (
    "EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions", "$metadata", "RetrieveMetadataChanges",
    "Attributes", "Keys", "OptionSet", "Options", "$count", "/", "/", "(", ")", "'", "LogicalName=", "'contact'", "Query=@p1",
    "Microsoft.Dynamics.CRM.PicklistAttributeMetadata", "%27", "%2F", "%00", " ", "{", "é", "DisplayName", "null",
)  # fmt: skip
OPTIONS = (
    "$select=", "$filter=", "$expand=", "$top=", "$count=", "@p1=", "&", "&", "LogicalName", " eq ", "'x'", "(", ")", ";",
    "$select=MetadataId", "{}", "[", "Attributes", "OptionSet", "-1", "true", ",",
)  # fmt: skip


@examples(250)
@given(
    st.lists(st.sampled_from(PIECES), max_size=9).map("".join),
    st.lists(st.sampled_from(OPTIONS), max_size=9).map("".join),
)
def test_no_address_is_answered_with_anything_but_an_answer_or_a_refusal(path: str, query: str) -> None:
    with suppress(GatepassError):
        answered(path, query)
