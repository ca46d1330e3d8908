"""$metadata is one whole: every name in it leads somewhere, and it says what the service document says."""

import json
from collections import Counter
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

import pytest

from gatepass import model
from gatepass.model.navigation import navigations
from gatepass.model.query import ToOne
from gatepass.web.dataverse.functions import ACTIONS, FUNCTIONS
from gatepass.web.dataverse.metadata.calls import QUERY_FUNCTIONS, Declared
from gatepass.web.dataverse.odata.resolve import query_of
from tests.dataverse.definitions import ROOT, answered

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
EDMX = "{http://docs.oasis-open.org/odata/ns/edmx}"


@pytest.fixture(scope="module")
def schema() -> Element:
    reply = answered("%24metadata")
    assert reply is not None
    assert reply.headers["Content-Type"] == "application/xml"
    root = fromstring(reply.body)
    assert (root.tag, root.get("Version")) == (f"{EDMX}Edmx", "4.0")
    found = root.find(f"{EDMX}DataServices/{EDM}Schema")
    assert found is not None
    return found


def named(schema: Element, tag: str) -> dict[str, Element]:
    return {one.get("Name", ""): one for one in schema.findall(f"{EDM}{tag}")}


def test_every_table_is_an_entity_type_with_its_columns(schema: Element) -> None:
    types = named(schema, "EntityType")
    for table in model.TABLES:
        found = types[table.logical]
        properties = named(found, "Property")
        assert list(properties) == [column.wire for column in table.shown]
        assert [one.get("Name") for one in found.findall(f"{EDM}Key/{EDM}PropertyRef")] == [table.id_name]
        assert properties[table.id_name].get("Nullable") == "false"


def test_no_name_stands_for_two_things(schema: Element) -> None:
    for name, found in named(schema, "EntityType").items():
        names = Counter(
            one.get("Name") for tag in ("Property", "NavigationProperty") for one in found.findall(f"{EDM}{tag}")
        )
        assert not names or names.most_common(1)[0][1] == 1, name


def test_every_type_that_is_named_exists(schema: Element) -> None:
    own = {name for tag in ("EntityType", "ComplexType", "EnumType") for name in named(schema, tag)}
    for element in schema.iter():
        for attribute in ("Type", "BaseType", "EntityType"):
            said = element.get(attribute, "").removeprefix("Collection(").removesuffix(")")
            if said and not said.startswith("Edm."):
                assert said.removeprefix("mscrm.").removeprefix("Microsoft.Dynamics.CRM.") in own, said


def test_navigation_properties_lead_there_and_back(schema: Element) -> None:
    types = named(schema, "EntityType")
    for table in model.TABLES:
        ways = named(types[table.logical], "NavigationProperty")
        assert set(ways) == set(navigations(table))
        for name, way in ways.items():
            target = types[way.get("Type", "").removeprefix("Collection(").removesuffix(")").removeprefix("mscrm.")]
            if partner := way.get("Partner"):
                assert named(target, "NavigationProperty")[partner].get("Partner") == name
            if isinstance(navigations(table)[name], ToOne):
                [constraint] = way.findall(f"{EDM}ReferentialConstraint")
                assert constraint.get("Property") in named(types[table.logical], "Property")
                assert constraint.get("ReferencedProperty") in named(target, "Property")


def test_every_set_is_bound_to_the_sets_its_navigation_leads_to(schema: Element) -> None:
    [container] = schema.findall(f"{EDM}EntityContainer")
    sets = named(container, "EntitySet")
    assert {table.set_name for table in model.TABLES} <= set(sets)
    for table in model.TABLES:
        bindings = {
            one.get("Path"): one.get("Target")
            for one in sets[table.set_name].findall(f"{EDM}NavigationPropertyBinding")
        }
        assert set(bindings) == set(navigations(table))
        assert {target for target in bindings.values() if target} <= set(sets)


def test_functions_and_actions_are_declared(schema: Element) -> None:
    functions, actions = named(schema, "Function"), named(schema, "Action")
    query_functions = {one.name for one in QUERY_FUNCTIONS}
    assert set(FUNCTIONS) | {"RetrieveMetadataChanges"} | query_functions == set(functions)
    assert set(ACTIONS) | {"CreateMultiple", "UpdateMultiple", "UpsertMultiple"} == set(actions)
    finalize = named(actions["msevtmgt_finalizeregistrationpayment"], "Parameter")
    assert {name: one.get("Type") for name, one in finalize.items()} == {
        "msevtmgt_purchaseid": "Edm.String",
        "msevtmgt_paymentstatus": "Edm.Int32",
    }
    assert actions["CreateMultiple"].get("IsBound") == "true"
    [container] = schema.findall(f"{EDM}EntityContainer")
    assert "WhoAmI" in named(container, "FunctionImport")
    assert "msevtmgt_finalizeregistrationpayment" in named(container, "ActionImport")


VALUES = {"PropertyValues": '["2026-01-01","2026-02-01"]', "PropertyValue": "3"}


@pytest.mark.parametrize("declared", QUERY_FUNCTIONS, ids=lambda one: one.name)
def test_every_query_function_that_is_declared_can_be_asked(declared: Declared) -> None:
    column = "ownerid" if declared.name.endswith("Id") else "createdon"
    given = dict(VALUES, PropertyName=f"'{column}'")
    if declared.name.startswith(("On", "NotOn")):
        given["PropertyValue"] = "'2026-01-01'"
    arguments = ",".join(f"{name}={given[name]}" for name, _ in declared.parameters)
    text = f"Microsoft.Dynamics.CRM.{declared.name}({arguments})"
    query = query_of(model.BY_LOGICAL["contact"], {"$filter": text}, caller=UUID(int=1))
    assert query.where is not None


def test_the_service_document_names_the_same_sets(schema: Element) -> None:
    reply = answered("")
    assert reply is not None
    body = json.loads(reply.body)
    assert body["@odata.context"] == f"{ROOT}$metadata"
    [container] = schema.findall(f"{EDM}EntityContainer")
    assert {one["name"] for one in body["value"]} == set(named(container, "EntitySet"))
    assert all(one["url"] == one["name"] and one["kind"] == "EntitySet" for one in body["value"])
