"""Tables as EntityMetadata, with their columns, keys and relationships (learn.microsoft.com, EntityMetadata EntityType)."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from gatepass import model
from gatepass.model.table import Access, Key, Table
from gatepass.web.dataverse.metadata import relationships
from gatepass.web.dataverse.metadata.attributes import attribute
from gatepass.web.dataverse.metadata.labels import INTRODUCED, NAMESPACE, Json, Node, fixed, label, metadata_id

COLLECTIONS = ("Attributes", "Keys", "ManyToOneRelationships", "OneToManyRelationships", "ManyToManyRelationships")


@cache
def entities() -> tuple[Node, ...]:
    """Every table, with all that hangs on it."""
    return tuple(_entity(table) for table in model.TABLES)


def entity_id(table: Table) -> str:
    """Its MetadataId."""
    return metadata_id("entity", table.logical)


def _entity(table: Table) -> Node:
    return {
        **_names(table),
        **_flags(table),
        **_CONSTANT,
        "Attributes": [attribute(table, column, at) for at, column in enumerate(table.shown, 1)],
        "Keys": [_key(table, one) for one in table.keys],
        "ManyToOneRelationships": relationships.many_to_one(table),
        "OneToManyRelationships": relationships.one_to_many(table),
        "ManyToManyRelationships": relationships.many_to_many(table),
    }


def _names(table: Table) -> Node:
    return {
        "@odata.type": f"#{NAMESPACE}.EntityMetadata",
        "MetadataId": entity_id(table),
        "HasChanged": None,
        "LogicalName": table.logical,
        "SchemaName": table.schema,
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "CollectionSchemaName": table.schema + table.set_name.removeprefix(table.logical),
        "DisplayName": label(table.label),
        "DisplayCollectionName": label(table.labels),
        "Description": label(table.description),
        "ObjectTypeCode": table.code,
        "OwnershipType": table.ownership.value,
        "PrimaryIdAttribute": table.id_name,
        "PrimaryNameAttribute": table.primary_name,
        "PrimaryImageAttribute": None,
    }


def _flags(table: Table) -> Node:
    writable = table.access is not Access.READ
    return {
        "IsCustomEntity": "_" in table.logical,
        "IsBusinessProcessEnabled": False,
        "IsReadOnlyInMobileClient": fixed(not writable, "canmodifymobileclientreadonly"),
        "IsImportable": writable,
        "IsQuickCreateEnabled": writable,
    }


def _key(table: Table, key: Key) -> Node:
    name = f"{table.logical}.{key.name}"
    return {
        "@odata.type": f"#{NAMESPACE}.EntityKeyMetadata",
        "MetadataId": metadata_id("key", name),
        "HasChanged": None,
        "LogicalName": key.name.lower(),
        "SchemaName": key.name,
        "EntityLogicalName": table.logical,
        "DisplayName": label(key.name),
        "KeyAttributes": list(key.columns),
        "EntityKeyIndexStatus": "Active",
        "IsManaged": True,
        "IsCustomizable": fixed(False, "iscustomizable"),
        "IsExportKey": False,
        "IsSecondaryKey": False,
        "IsSynchronous": True,
        "IntroducedVersion": INTRODUCED,
        "AsyncJob": None,
    }


_CONSTANT: Mapping[str, Json] = MappingProxyType(
    {
        "ActivityTypeMask": 0,
        "AutoRouteToOwnerQueue": False,
        "CanBeInManyToMany": fixed(False, "canbeinmanytomany"),
        "CanBePrimaryEntityInRelationship": fixed(False, "canbeprimaryentityinrelationship"),
        "CanBeRelatedEntityInRelationship": fixed(False, "canberelatedentityinrelationship"),
        "CanChangeHierarchicalRelationship": fixed(False, "canchangehierarchicalrelationship"),
        "CanChangeTrackingBeEnabled": fixed(False, "canchangetrackingbeenabled"),
        "CanCreateAttributes": fixed(False, "cancreateattributes"),
        "CanCreateCharts": fixed(False, "cancreatecharts"),
        "CanCreateForms": fixed(False, "cancreateforms"),
        "CanCreateViews": fixed(False, "cancreateviews"),
        "CanModifyAdditionalSettings": fixed(False, "canmodifyadditionalsettings"),
        "CanTriggerWorkflow": False,
        "ChangeTrackingEnabled": False,
        "CreatedOn": None,
        "DataProviderId": None,
        "DataSourceId": None,
        "EnforceStateTransitions": False,
        "EntityColor": None,
        "EntityHelpUrl": None,
        "EntityHelpUrlEnabled": False,
        "ExternalCollectionName": None,
        "ExternalName": None,
        "HasActivities": False,
        "HasEmailAddresses": False,
        "HasFeedback": False,
        "HasNotes": False,
        "IntroducedVersion": INTRODUCED,
        "IsActivity": False,
        "IsActivityParty": False,
        "IsAIRUpdated": False,
        "IsArchivalEnabled": False,
        "IsAuditEnabled": fixed(True, "canmodifyauditsettings"),
        "IsAvailableOffline": False,
        "IsBPFEntity": False,
        "IsChildEntity": False,
        "IsConnectionsEnabled": fixed(False, "canmodifyconnectionsettings"),
        "IsCustomizable": fixed(False, "iscustomizable"),
        "IsDocumentManagementEnabled": False,
        "IsDuplicateDetectionEnabled": fixed(False, "canmodifyduplicatedetectionsettings"),
        "IsEnabledForCharts": False,
        "IsEnabledForTrace": False,
        "IsIntersect": False,
        "IsLogicalEntity": False,
        "IsMailMergeEnabled": fixed(False, "canmodifymailmergesettings"),
        "IsManaged": True,
        "IsMappable": fixed(False, "ismappable"),
        "IsOptimisticConcurrencyEnabled": True,
        "IsPrivate": False,
        "IsRenameable": fixed(False, "isrenameable"),
        "IsRetentionEnabled": False,
        "IsSLAEnabled": False,
        "IsStateModelAware": False,
        "IsValidForAdvancedFind": True,
        "IsValidForQueue": fixed(False, "canmodifyqueuesettings"),
        "IsVisibleInMobile": fixed(False, "canmodifymobilevisibility"),
        "ModifiedOn": None,
        "Privileges": [],
        "RecurrenceBaseEntityLogicalName": None,
        "ReportViewName": None,
        "Settings": [],
        "SyncToExternalSearchIndex": False,
        "TableType": "Standard",
        "UsesBusinessDataLabelTable": False,
    }
)
