"""$metadata: the model as CSDL 4.0 (docs.oasis-open.org, OData CSDL XML), in the names that Dataverse's own document has."""

from collections.abc import Iterator
from functools import cache
from xml.etree.ElementTree import Element, SubElement, tostring

from gatepass import model
from gatepass.model.columns import Column, Kind
from gatepass.model.navigation import navigations
from gatepass.model.query import Linked, Navigation, ToMany, ToOne
from gatepass.model.table import Table
from gatepass.web.dataverse.metadata import calls
from gatepass.web.dataverse.metadata.attributes import may_create, may_update, required_level
from gatepass.web.dataverse.metadata.labels import NAMESPACE

EDMX, EDM = "http://docs.oasis-open.org/odata/ns/edmx", "http://docs.oasis-open.org/odata/ns/edm"
ALIAS = "mscrm"
EDM_TYPES = {
    Kind.ID: "Edm.Guid", Kind.LOOKUP: "Edm.Guid", Kind.TEXT: "Edm.String", Kind.MEMO: "Edm.String",
    Kind.LIST: "Edm.String", Kind.INTEGER: "Edm.Int32", Kind.CHOICE: "Edm.Int32", Kind.STATE: "Edm.Int32",
    Kind.STATUS: "Edm.Int32", Kind.BIGINT: "Edm.Int64", Kind.DECIMAL: "Edm.Decimal", Kind.MONEY: "Edm.Decimal",
    Kind.BOOLEAN: "Edm.Boolean", Kind.MOMENT: "Edm.DateTimeOffset", Kind.LOCAL: "Edm.DateTimeOffset",
}  # fmt: skip
DEFINITION_SETS = {
    "EntityDefinitions": "EntityMetadata",
    "RelationshipDefinitions": "RelationshipMetadataBase",
    "GlobalOptionSetDefinitions": "OptionSetMetadataBase",
}
"""The entity sets of the definitions themselves."""


@cache
def document() -> bytes:
    """The whole document. It never changes while we run."""
    root = Element("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": EDMX})
    schema = SubElement(
        SubElement(root, "edmx:DataServices"), "Schema", {"Namespace": NAMESPACE, "Alias": ALIAS, "xmlns": EDM}
    )
    for part in _parts():
        schema.append(part)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="utf-8")


def _parts() -> Iterator[Element]:
    yield Element("EntityType", {"Name": "crmbaseentity", "Abstract": "true"})
    yield from (_entity_type(table) for table in model.TABLES)
    yield from _definition_types()
    yield from (_complex_type(name, members) for name, members in calls.COMPLEX_TYPES)
    yield from (Element("ComplexType", {"Name": name, "OpenType": "true"}) for name in calls.OPEN_TYPES)
    yield from (_enum_type(name, members) for name, members in calls.ENUMS)
    yield from (_call(one) for one in (*calls.CALLS, *calls.QUERY_FUNCTIONS))
    yield _container()


# Tables


def _entity_type(table: Table) -> Element:
    found = Element("EntityType", {"Name": table.logical, "BaseType": f"{ALIAS}.crmbaseentity"})
    SubElement(SubElement(found, "Key"), "PropertyRef", {"Name": table.id_name})
    for column in table.shown:
        found.append(_property(table, column))
    for name, way in navigations(table).items():
        found.append(_navigation(name, way))
    return found


def _property(table: Table, column: Column) -> Element:
    found = Element("Property", {"Name": column.wire, "Type": EDM_TYPES[column.kind]} | _facets(table, column))
    if not (may_create(table, column) or may_update(table, column)):
        SubElement(found, "Annotation", {"Term": "Org.OData.Core.V1.Computed", "Bool": "true"})
    return found


def _facets(table: Table, column: Column) -> dict[str, str]:
    found = dict[str, str]()
    if column is table.primary_key or required_level(table, column) == "ApplicationRequired":
        found["Nullable"] = "false"
    if column.kind in {Kind.TEXT, Kind.MEMO, Kind.LIST}:
        found |= {"MaxLength": str(column.length), "Unicode": "true"}
    if EDM_TYPES[column.kind] == "Edm.Decimal":
        found["Scale"] = "Variable"
    return found


def _navigation(name: str, way: Navigation) -> Element:
    match way:
        case ToOne(lookup=lookup, target=target):
            return _to_one(name, lookup, target)
        case ToMany(lookup=lookup, source=source):
            return _to_many(name, source.logical, lookup.navigation)
        case Linked(target=target):
            return _to_many(name, target.logical, name)


def _to_one(name: str, lookup: Column, target: Table) -> Element:
    found = Element("NavigationProperty", {"Name": name, "Type": f"{ALIAS}.{target.logical}"})
    partner = _partner(lookup, target)
    if partner:
        found.set("Partner", partner)
    SubElement(found, "ReferentialConstraint", {"Property": lookup.wire, "ReferencedProperty": target.id_name})
    return found


def _partner(lookup: Column, target: Table) -> str | None:
    """The collection on the other side, if there is one."""
    ways = navigations(target).items()
    return next((name for name, way in ways if isinstance(way, ToMany) and way.lookup is lookup), None)


def _to_many(name: str, logical: str, partner: str) -> Element:
    return Element("NavigationProperty", {"Name": name, "Type": f"Collection({ALIAS}.{logical})", "Partner": partner})


# What is no table


def _definition_types() -> Iterator[Element]:
    for name in DEFINITION_SETS.values():
        found = Element("EntityType", {"Name": name, "OpenType": "true"})
        SubElement(SubElement(found, "Key"), "PropertyRef", {"Name": "MetadataId"})
        SubElement(found, "Property", {"Name": "MetadataId", "Type": "Edm.Guid", "Nullable": "false"})
        yield found


def _complex_type(name: str, members: calls.Members) -> Element:
    found = Element("ComplexType", {"Name": name})
    for member, member_type in members:
        SubElement(found, "Property", {"Name": member, "Type": member_type})
    return found


def _enum_type(name: str, members: tuple[tuple[str, int], ...]) -> Element:
    found = Element("EnumType", {"Name": name})
    for member, value in members:
        SubElement(found, "Member", {"Name": member, "Value": str(value)})
    return found


def _call(declared: calls.Declared) -> Element:
    found = Element("Function" if declared.is_function else "Action", {"Name": declared.name})
    if declared.bound:
        found.set("IsBound", "true")
    for name, parameter_type in declared.parameters:
        SubElement(found, "Parameter", {"Name": name, "Type": parameter_type, "Nullable": "false"})
    if declared.returns:
        SubElement(found, "ReturnType", {"Type": declared.returns, "Nullable": "false"})
    return found


# What can be addressed


def _container() -> Element:
    found = Element("EntityContainer", {"Name": "System"})
    for table in model.TABLES:
        found.append(_entity_set(table))
    for name, type_name in DEFINITION_SETS.items():
        SubElement(found, "EntitySet", {"Name": name, "EntityType": f"{NAMESPACE}.{type_name}"})
    for declared in calls.CALLS:
        if not declared.bound:
            found.append(_import(declared))
    return found


def _entity_set(table: Table) -> Element:
    found = Element("EntitySet", {"Name": table.set_name, "EntityType": f"{NAMESPACE}.{table.logical}"})
    for name, way in navigations(table).items():
        target = way.source if isinstance(way, ToMany) else way.target
        SubElement(found, "NavigationPropertyBinding", {"Path": name, "Target": target.set_name})
    return found


def _import(declared: calls.Declared) -> Element:
    word = "Function" if declared.is_function else "Action"
    return Element(f"{word}Import", {"Name": declared.name, word: f"{NAMESPACE}.{declared.name}"})
