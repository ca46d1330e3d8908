"""Lookups and N:N links as relationship metadata: each relationship is one definition, seen from both its tables."""

from functools import cache

from gatepass import model
from gatepass.model.columns import Column
from gatepass.model.navigation import relationship_of
from gatepass.model.table import ManyToMany, Table
from gatepass.web.dataverse.metadata.labels import INTRODUCED, NAMESPACE, Node, fixed, label, metadata_id

ONE_TO_MANY, MANY_TO_MANY = "OneToManyRelationshipMetadata", "ManyToManyRelationshipMetadata"


@cache
def relationships() -> tuple[Node, ...]:
    """All of them: every lookup that has a navigation property, then the N:N ones."""
    lookups = [_one_to_many(table, column) for table in model.TABLES for column in table.lookups.values()]
    return (*lookups, *(_many_to_many(link) for link in model.MANY_TO_MANY))


def many_to_one(table: Table) -> list[Node]:
    """Those in which the table has the lookup."""
    return [one for one in relationships() if one.get("ReferencingEntity") == table.logical]


def one_to_many(table: Table) -> list[Node]:
    """Those in which the lookup points to the table."""
    return [one for one in relationships() if one.get("ReferencedEntity") == table.logical]


def many_to_many(table: Table) -> list[Node]:
    """The N:N ones, whichever side the table is."""
    sides = ("Entity1LogicalName", "Entity2LogicalName")
    return [one for one in relationships() if table.logical in [one.get(side) for side in sides]]


def _one_to_many(table: Table, column: Column) -> Node:
    target = model.BY_LOGICAL[column.targets[0]]
    name = relationship_of(table, column)
    return {
        **_head(name, ONE_TO_MANY, "OneToManyRelationship"),
        "ReferencedEntity": target.logical,
        "ReferencedAttribute": target.id_name,
        # What is read from a constant cannot be followed backwards.
        "ReferencedEntityNavigationPropertyName": name if column.stored else "",
        "ReferencingEntity": table.logical,
        "ReferencingAttribute": column.logical,
        "ReferencingEntityNavigationPropertyName": column.navigation,
        "CascadeConfiguration": _cascade(column),
        "AssociatedMenuConfiguration": _menu(),
        "EntityKey": None,
        "IsHierarchical": False,
        "IsRelationshipAttributeDenormalized": False,
        "RelationshipAttributes": [],
        "RelationshipBehavior": 1 if column.cascade else 0,
    }


def _many_to_many(link: ManyToMany) -> Node:
    return {
        **_head(link.schema, MANY_TO_MANY, "ManyToManyRelationship"),
        "Entity1LogicalName": link.first,
        "Entity1IntersectAttribute": link.first_column,
        "Entity1NavigationPropertyName": link.schema,
        "Entity1AssociatedMenuConfiguration": _menu(),
        "Entity2LogicalName": link.second,
        "Entity2IntersectAttribute": link.second_column,
        "Entity2NavigationPropertyName": link.schema,
        "Entity2AssociatedMenuConfiguration": _menu(),
        "IntersectEntityName": link.intersect,
    }


def _head(name: str, metadata_type: str, relationship_type: str) -> Node:
    return {
        "@odata.type": f"#{NAMESPACE}.{metadata_type}",
        "MetadataId": metadata_id("relationship", name),
        "HasChanged": None,
        "SchemaName": name,
        "RelationshipType": relationship_type,
        "SecurityTypes": "Append",
        "IsCustomRelationship": "_" in name,
        "IsCustomizable": fixed(False, "iscustomizable"),
        "IsManaged": True,
        "IsValidForAdvancedFind": True,
        "IntroducedVersion": INTRODUCED,
    }


def _cascade(column: Column) -> Node:
    on_delete = "Cascade" if column.cascade else "RemoveLink" if column.loose else "Restrict"
    others = ("Assign", "Share", "Unshare", "Reparent", "Merge", "RollupView", "Archive")
    return {"Delete": on_delete, **dict.fromkeys(others, "NoCascade")}


def _menu() -> Node:
    return {
        "Behavior": "UseCollectionName", "Group": "Details", "Label": label(""), "Order": None, "IsCustomizable": True,
        "Icon": None, "ViewId": "00000000-0000-0000-0000-000000000000", "AvailableOffline": True, "MenuId": None,
        "QueryApi": None,
    }  # fmt: skip
